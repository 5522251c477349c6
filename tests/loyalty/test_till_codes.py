"""A code of his own page names a member at a till: once, for minutes, at one till, and nobody finds it by trying."""

import datetime as dt
import json
import re
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from regulars.api.limits import A_WRONG_CODE, BURST
from regulars.api.models import Scope
from regulars.api.services import make_key
from regulars.customers.models import Contact, Customer
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.erasing import ask_erasure, erase
from regulars.customers.services.merging import merge
from regulars.foundation.models import Business
from regulars.loyalty import members, till_codes
from regulars.loyalty.gifts import GiftData, add_gift
from regulars.loyalty.members import NoTillCode
from regulars.loyalty.models import CustomerPage, Reward, Sale
from regulars.loyalty.page_links import link_to, open_page, revoke_links
from regulars.loyalty.till_codes import make_till_code
from regulars.loyalty.verifying import faults
from tests.loyalty.at_once import together
from tests.loyalty.selling_cases import CARD, enrolled, open_shop, order, sell
from tests.loyalty.test_gifts import give
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def counted(db: None) -> Any:
    call_command("createcachetable", verbosity=0)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def anna() -> Customer:
    open_shop()
    return enrolled()


def code_of(customer: Customer, *, ago: float = 0) -> str:
    """A code that he was shown so many minutes ago."""
    at = timezone.now()
    return make_till_code(open_page(customer, by=None, at=at), at=at - dt.timedelta(minutes=ago))


class Till:
    """A program with a key for tills."""

    def __init__(self) -> None:
        self.key = make_key(name="Till", scopes=[Scope.TILL], by=None)

    def __call__(self, path: str, **body: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = Client().post(f"/api/v1/till/{path}", body, content_type="application/json", headers=headers)
        return answer.status_code, answer.json()


def basket(code: str, **more: Any) -> dict[str, Any]:
    return {"store": "Arbat", "code": code, "lines": [{"product_id": "tea", "quantity": "1", "price": 10_000}]} | more


# --- what it is for ---


def test_whoever_has_shown_that_it_is_he_gets_a_code_and_others_do_not(anna: Customer) -> None:
    now, browser = timezone.now(), Client()
    assert browser.post("/my/till-code/")["Location"] == "/my/", "without a page there is none"
    browser.post(f"/c/{link_to(open_page(anna, by=None, at=now), at=now).token}/")
    assert browser.post("/my/till-code/").status_code == 403
    assert CustomerPage.objects.get().till_digest is None
    browser.post("/my/prove/", {"proof": CARD})
    assert "Code for the till" in browser.get("/my/").content.decode()
    page = browser.post("/my/till-code/").content.decode()
    found = re.search(r"<strong>(\d{4} \d{4})</strong>", page)
    assert found is not None
    assert members.find(code=found[1], till="till:1") == anna
    assert found[1] not in json.dumps(list(CustomerPage.objects.values()), default=str)


def test_a_till_finds_quotes_and_sells_by_the_code_once_and_answers_a_repetition_alike(anna: Customer) -> None:
    give(anna, 100)
    code, till = code_of(anna), Till()
    assert till("member", code=f"{code[:4]}-{code[4:]}")[1]["balance"]["available"] == 100
    status, quoted = till("quote", **basket(code, points=20))
    assert (status, quoted["points_spent"], quoted["to_pay"]) == (200, 20, 7_500)
    told = basket(code, points=20, number="1", to_pay=7_500)
    status, sale = till("receipts", **told)
    assert (status, sale["points_spent"], Sale.objects.get().customer) == (200, 20, anna)
    assert till("receipts", **told) == (200, sale), "told again, answered alike"
    status, answer = till("receipts", **(told | {"number": "2"}))
    assert (status, answer["detail"]) == (404, str(members.code_is_over()))
    assert faults() == []


def test_the_page_of_the_till_takes_it_where_it_takes_a_card(anna: Customer) -> None:
    give(anna, 100)
    code, cashier = code_of(anna), logged_in(make_user("cashier"))
    asked = {"who": f"{code[:4]} {code[4:]}", "store": "Arbat", "sum": "100", "points": "10"}
    assert b"Anna" in cashier.post("/till/", {"who": code}).content
    page = cashier.post("/till/sell/", asked).content.decode()
    hidden = dict(re.findall(r'name="(number|to_pay)" value="([^"]*)"', page))
    for _press in range(2):
        assert cashier.post("/till/sell/", asked | hidden | {"paid": "yes"})["Location"] == "/till/"
    assert Sale.objects.get().points_spent == 10
    assert cashier.post("/till/", {"who": code}).status_code == 404


def test_where_phones_are_as_long_as_codes_paid_is_pressed_twice_too(
    anna: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Business.objects.update(region="SG")
    give(anna, 100)
    add_contact(anna, kind="phone", written="81234567", by=None)
    monkeypatch.setattr(till_codes, "_drawn", lambda: "91234567")
    cashier = logged_in(make_user("cashier"))
    for who, points in ((code_of(anna), "10"), ("8123 4567", "0")):
        asked = {"who": who, "store": "Arbat", "sum": "100", "points": points}
        page = cashier.post("/till/sell/", asked).content.decode()
        paid = asked | dict(re.findall(r'name="(number|to_pay)" value="([^"]*)"', page)) | {"paid": "yes"}
        for _press in range(2):
            assert cashier.post("/till/sell/", paid).headers.get("Location") == "/till/", who
    assert list(Sale.objects.order_by("id").values_list("points_spent", flat=True)) == [10, 0]
    # another code for a number that is sold is another receipt, whether anybody has the code or not
    assert cashier.post("/till/sell/", paid | {"who": "91234568"}).status_code == 422


def test_where_phones_are_as_long_as_codes_trying_codes_costs_as_much(anna: Customer) -> None:
    Business.objects.update(region="SG")
    cashier = logged_in(make_user("cashier"))
    answers = [cashier.post("/till/", {"who": f"9123 {number:04}"}).status_code for number in range(6)]
    assert answers.count(404) <= BURST // A_WRONG_CODE + 1
    assert answers[-1] == 429


def test_a_gift_is_taken_by_the_code_once(anna: Customer) -> None:
    give(anna, 300)
    mug, code, till = add_gift(GiftData("Mug", 100, 0), stock=3, by=None), code_of(anna), Till()
    wish = {"gift": mug.pk, "points": 100, "code": code}
    status, taken = till("gifts/take", number="G-1", **wish)
    assert (status, taken["state"]) == (200, "handed_out")
    assert till("gifts/take", number="G-1", **wish) == (200, taken)
    assert till("gifts/take", number="G-2", **wish)[0] == 404
    assert Reward.objects.count() == 1


# --- attacks ---


def test_it_ends_and_a_new_one_makes_the_former_void(anna: Customer) -> None:
    former, revoked = code_of(anna), code_of(anna)
    with pytest.raises(NoTillCode):
        members.find(code=former, till="till:1")
    revoke_links(anna, by=make_user("owner"))
    with pytest.raises(NoTillCode):
        members.find(code=revoked, till="till:1")
    over = code_of(anna, ago=till_codes.MINUTES + 0.01)
    with pytest.raises(NoTillCode):
        members.find(code=over, till="till:1")


def test_the_first_till_has_it_alone_and_for_as_long_as_a_basket_takes(anna: Customer) -> None:
    code = code_of(anna, ago=till_codes.MINUTES - 0.1)
    members.find(code=code, till="till:1")
    with pytest.raises(NoTillCode):
        members.find(code=code, till="till:2")
    with pytest.raises(NoTillCode):
        sell(order(("tea", 1, 10_000), card="", code=code, till="till:2"), to_pay=9_500)
    left = CustomerPage.objects.get().till_until
    assert left is not None
    assert left > timezone.now() + dt.timedelta(minutes=14)
    members.find(code=code, till="till:1")
    assert CustomerPage.objects.get().till_until == left, "asked again and again it lives no longer"
    CustomerPage.objects.update(till_until=timezone.now())
    with pytest.raises(NoTillCode):
        sell(order(("tea", 1, 10_000), card="", code=code), to_pay=9_500)
    assert not Sale.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_receipts_at_once_one_has_the_code(anna: Customer) -> None:
    code = code_of(anna)

    def pay(place: int) -> str:
        try:
            sell(order(("tea", 1, 10_000), card="", code=code), str(place), to_pay=9_500)
        except NoTillCode:
            return "refused"
        return "sold"

    members.find(code=code, till="till:1")
    assert sorted(together(4, pay)) == ["refused"] * 3 + ["sold"]


def test_whoever_tries_codes_has_to_wait_before_he_has_tried_many(anna: Customer) -> None:
    code_of(anna)
    till = Till()
    tried = [till("member", code=f"{number:08}")[0] for number in range(BURST // A_WRONG_CODE + 2)]
    assert tried.count(404) <= BURST // A_WRONG_CODE + 1
    assert tried[-1] == 429
    cashier = logged_in(make_user("cashier"))
    answers = [cashier.post("/till/", {"who": f"{number:08}"}).status_code for number in range(6)]
    assert answers[-1] == 429


@pytest.mark.parametrize("code", ["1234567", "123456789", "1234567x", "١٢٣٤٥٦٧٨", "' OR 1=1"])
def test_what_is_no_code_is_told_so(anna: Customer, code: str) -> None:
    status, answer = Till()("member", code=code)
    assert (status, answer["detail"]) == (400, "A code of the customer's own page has 8 digits.")


def test_two_names_at_once_are_refused(anna: Customer) -> None:
    status, answer = Till()("member", code=code_of(anna), card=CARD)
    assert (status, "Give either" in answer["detail"]) == (400, True)


def test_a_code_is_never_the_number_of_a_card(anna: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    add_contact(anna, kind=Contact.Kind.CARD, written="10000009", by=None)
    drawn = iter(["10000009", "20000009"])
    monkeypatch.setattr(till_codes, "_drawn", lambda: next(drawn))
    assert code_of(anna) == "20000009"


def test_who_was_merged_is_the_one_that_was_kept_and_who_was_erased_is_nobody(anna: Customer) -> None:
    owner, part = make_user("owner"), enrolled("1000000022", "Anna too")
    code = code_of(part)
    merge(anna, part, by=owner, reasons=[])
    assert members.find(code=code, till="till:1") == anna
    erase(ask_erasure(anna, asked_on=timezone.now().date(), due_on=None, asked_by="letter", by=owner), by=owner)
    assert not CustomerPage.objects.exists()
    with pytest.raises(NoTillCode):
        members.find(code=code, till="till:1")


def test_the_database_keeps_no_code_without_an_end(anna: Customer) -> None:
    code_of(anna)
    with pytest.raises(IntegrityError), transaction.atomic():
        CustomerPage.objects.update(till_until=None)


def test_a_till_without_a_line_is_told_that_nobody_can_check_it(anna: Customer) -> None:
    till, now = Till(), timezone.now()
    key = {"Authorization": f"Bearer {till.key}"}
    snapshot = json.loads(Client().get("/api/v1/till/snapshot?store=Arbat", headers=key).json()["snapshot"])
    receipt = basket(code_of(anna), number="1", snapshot=snapshot["id"], purchased_at=now.isoformat(), paid=9_500)
    answer = till("offline", clock=now.isoformat(), receipts=[receipt])[1]["receipts"][0]
    assert (answer["state"], "whether a code is good" in answer["detail"]) == ("refused", True)
