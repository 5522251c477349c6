"""Goods that come back at the cashier's page: what is shown is what is done, once, and by whom it may be done."""

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from regulars.accounts.models import LogEntry, Role, User
from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.loyalty import members
from regulars.loyalty.balances import balance_of
from regulars.loyalty.certificate_deals import Deal, sell_certificates
from regulars.loyalty.certificates import find as certificate_of
from regulars.loyalty.certificates import make_certificates
from regulars.loyalty.ledger import Document, Kind, spend, write_one
from regulars.loyalty.models import Sale, SaleReturn
from regulars.loyalty.taking_back import Going, Wanted, take_back
from regulars.loyalty.telling import NotNow
from regulars.purchases.models import Receipt
from tests.loyalty.at_once import together
from tests.loyalty.coalition_cases import partner
from tests.loyalty.selling_cases import CARD, RULES, enrolled, open_shop, order, publish_in_the_past, sell
from tests.web.people import logged_in, make_user
from tests.web.test_till import hidden, paid, text_of

pytestmark = pytest.mark.django_db
_TOLD = ("what", "number", "refund", "to_certificates", "points_back", "points_taken", "points_forgiven")


@pytest.fixture
def user() -> User:
    open_shop()
    return make_user("cashier")


@pytest.fixture
def cashier(user: User) -> Client:
    return logged_in(user)


def address(sale: Sale) -> str:
    return f"/till/receipts/{sale.pk}/back/"


def look(client: Client, sale: Sale, **asked: str) -> dict[str, str]:
    """What the page shows of it, as its second form sends it."""
    page = text_of(client.post(address(sale), {"what": "all", "number": "a-0"} | asked))
    going = page.partition('id="going"')[2]
    assert going, page[:3000]
    back = dict(re.findall(r'name="(back-\d+)" value="([^"]*)"', going))
    return {name: hidden(going, name) for name in _TOLD} | back | {"reason": "does not fit", "done": "yes"}


def sold(*items: tuple[str, int, int], **more: Any) -> Sale:
    """At a till of the shop."""
    return sell(order(*items, **more), more.pop("number", "1"))


def points_of(customer: Customer) -> int:
    return members.points_of(customer).available


def test_what_was_sold_here_is_taken_back_here_and_once(cashier: Client, user: User) -> None:
    anna = enrolled()
    paid(cashier)
    sale = Sale.objects.get()
    assert address(sale) in text_of(cashier.get("/till/receipts/"))
    assert address(sale) in text_of(cashier.post("/till/", {"who": CARD}))
    told = look(cashier, sale)
    assert (told["refund"], told["points_back"], told["points_taken"]) == ("118797", "0", "118")
    assert not SaleReturn.objects.exists(), "a look writes nothing"
    assert points_of(anna) == 118
    for _press in range(3):
        done = cashier.post(address(sale), told, follow=True)
        assert "Give back ₽1,187.97" in text_of(done).replace("\xa0", "")
    made = SaleReturn.objects.get()
    assert (made.till, made.refund, made.is_void, points_of(anna)) == (f"user:{user.pk}", 118_797, False, 0)
    assert Receipt.objects.filter(amount=-118_797, seller__name="Cashier").count() == 1
    kept = LogEntry.objects.get(event="goods_taken_back")
    assert (kept.user, kept.about, kept.details["why"], kept.details["refund"]) == (
        user, sale.number, "does not fit", 118_797,
    )  # fmt: skip
    assert "Everything of this receipt came back already." in text_of(cashier.get(address(sale)))
    assert "came back" in text_of(cashier.get("/till/receipts/"))


def test_a_part_of_a_bare_sum_comes_back_to_the_minor_unit(cashier: Client) -> None:
    enrolled()
    paid(cashier, sum="1000")
    sale = Sale.objects.get()
    told = look(cashier, sale, **{"what": "some", "back-1": "333,33"})
    assert told["refund"] == str(33_333 * 95 // 100)
    assert cashier.post(address(sale), told).status_code == 302
    assert "of ₽666.67, before discounts" in text_of(cashier.get(address(sale)))
    rest = look(cashier, sale, **{"what": "some", "back-1": "666.67"})
    assert cashier.post(address(sale), rest).status_code == 302
    line = sale.lines.get()
    assert line.returned == line.quantity
    assert sum(one.refund for one in SaleReturn.objects.all()) == sale.to_pay, "after all of it nothing is left over"


def test_goods_come_back_by_line_and_quantity_from_any_till_of_the_shop(user: User) -> None:
    anna = enrolled()
    sale = sold(("tea", 3, 30_000), ("cup", 1, 20_000))
    owner = logged_in(make_user("owner"))
    assert "Coffee" in text_of(owner.get(address(sale)))
    told = look(owner, sale, **{"what": "some", "back-1": "2"})
    assert told["refund"] == "19000"
    assert "Tea" in text_of(owner.post(address(sale), told, follow=True))
    assert [line.returned for line in sale.lines.order_by("position")] == [Decimal(2), Decimal(0)]
    assert points_of(anna) == sale.points_earned - SaleReturn.objects.get().points_taken
    page = text_of(owner.get(f"/receipts/{sale.receipt_id}/"))
    assert address(sale) in page
    assert "Came back" in page
    rest = look(owner, sale)
    assert rest["refund"] == str(sale.to_pay - 19_000)


def test_points_that_were_spent_come_back_and_certificates_get_their_money(cashier: Client) -> None:
    anna = enrolled()
    paid(cashier)
    batch = make_certificates("Spring", count=1, amount=30_000, days=365, by=None)
    number = batch.certificates.get().number
    sell_certificates(Deal("till:1", "C", (number,), 30_000))
    page = text_of(cashier.post("/till/sell/", {"who": CARD, "store": "Arbat", "sum": "1000", "points": "100",
                                                "certificates": number}))  # fmt: skip
    more = {name: hidden(page, name) for name in ("number", "to_pay", "in_money")}
    asked = {"who": CARD, "store": "Arbat", "sum": "1000", "points": "100", "certificates": number, "paid": "yes"}
    assert cashier.post("/till/sell/", asked | more).status_code == 302
    sale, before = Sale.objects.order_by("-pk")[0], points_of(anna)
    told = look(cashier, sale)
    assert (told["to_certificates"], told["points_back"]) == ("30000", "100")
    assert int(told["refund"]) == sale.in_money
    assert cashier.post(address(sale), told).status_code == 302
    assert points_of(anna) == before + 100 - int(told["points_taken"])
    assert certificate_of(number).balance == 30_000


def test_a_mistake_is_cancelled_whole_and_only_while_nothing_came_back(cashier: Client, user: User) -> None:
    anna = enrolled()
    paid(cashier)
    sale = Sale.objects.get()
    told = look(cashier, sale, what="void")
    assert cashier.post(address(sale), told).status_code == 302
    assert SaleReturn.objects.get().is_void
    assert points_of(anna) == 0
    assert LogEntry.objects.get(event="sale_cancelled").user == user
    paid(cashier)
    other = Sale.objects.order_by("-pk")[0]
    part = look(cashier, other, **{"what": "some", "back-1": "10"})
    assert cashier.post(address(other), part).status_code == 302
    wrong = cashier.post(address(other), {"what": "void", "number": "a-9"})
    assert "return the rest instead of cancelling" in text_of(wrong, 422)


def test_what_came_back_meanwhile_is_shown_anew(cashier: Client, user: User) -> None:
    enrolled()
    paid(cashier)
    sale = Sale.objects.get()
    told = look(cashier, sale)
    part = look(cashier, sale, **{"what": "some", "back-1": "250.50"})
    assert cashier.post(address(sale), part).status_code == 302
    page = text_of(cashier.post(address(sale), told), 422)
    assert "came back meanwhile" in page
    assert SaleReturn.objects.count() == 1
    again = {name: hidden(page.partition('id="going"')[2], name) for name in _TOLD} | {"reason": "x", "done": "yes"}
    assert cashier.post(address(sale), again).status_code == 302
    assert sum(one.refund for one in SaleReturn.objects.all()) == sale.to_pay


def test_no_more_goes_back_than_the_form_told(cashier: Client, user: User) -> None:
    enrolled()
    paid(cashier)
    sale = Sale.objects.get()
    told = look(cashier, sale)
    assert "came back meanwhile" in text_of(cashier.post(address(sale), told | {"refund": "999999"}), 422)
    assert not SaleReturn.objects.exists()
    assert not LogEntry.objects.filter(event="goods_taken_back").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"what": "some"}, "Write how much"),
        ({"what": "some", "back-1": "., "}, "Write how much"),
        ({"what": "some", "back-1": "0"}, "Write how much"),
        ({"what": "some", "back-1": "-1"}, "is no sum"),
        ({"what": "some", "back-1": "1250.51"}, "no more can come back"),
        ({"what": "some", "back-1": "1e3"}, "is no sum"),
        ({"what": "everything"}, "begin anew"),
        ({"number": "<b>"}, "begin anew"),
        ({"done": "yes", "reason": " ", "refund": "118797", "points_taken": "118"}, "Say why"),
        ({"done": "yes", "reason": "x" * 301, "refund": "118797", "points_taken": "118"}, "Say why"),
        ({"done": "yes", "reason": "x", "refund": "x"}, "no whole number"),
    ],
)
def test_what_cannot_come_back_is_told(cashier: Client, wrong: dict[str, str], said: str) -> None:
    enrolled()
    paid(cashier)
    sale = Sale.objects.get()
    assert said in text_of(cashier.post(address(sale), {"what": "all", "number": "a-1"} | wrong), 422)
    assert not SaleReturn.objects.exists()


def test_points_that_he_has_spent_and_may_not_owe_are_forgiven_and_told(cashier: Client) -> None:
    anna = enrolled()
    paid(cashier)
    publish_in_the_past(RULES | {"life": {"days": 365, "most_debt": 0}}, dt.timedelta(minutes=1))
    sale = Sale.objects.get()
    spent = Document(members.points_unit(), Kind.SALE, "till:9", "9", "till:9", (spend(anna.pk, 100),))
    write_one(spent, at=timezone.now())
    told = look(cashier, sale)
    assert (told["points_taken"], told["points_forgiven"]) == ("18", "100")
    page = text_of(cashier.post(address(sale), told, follow=True))
    assert "Points forgiven: 100" in page
    made = SaleReturn.objects.get()
    assert "Points forgiven: 100" in text_of(logged_in(make_user("owner")).get(f"/receipts/{made.receipt_id}/"))
    assert (points_of(anna), members.points_of(anna).debt) == (0, 0)


def test_of_goods_no_more_comes_back_than_was_sold(user: User) -> None:
    enrolled()
    sale = sold(("tea", 3, 30_000))
    owner = logged_in(make_user("owner"))
    for wrong, said in (("4", "3 can come back, not 4"), ("x", "is no quantity"), ("1,2,3", "is no quantity")):
        asked = {"what": "some", "number": "a-1", "back-1": wrong}
        assert said in text_of(owner.post(address(sale), asked), 422)
    assert not SaleReturn.objects.exists()


def test_a_cashier_takes_back_his_own_sales_and_nobody_elses(cashier: Client, user: User) -> None:
    enrolled()
    api = sold(("tea", 1, 10_000))
    role = Role.objects.get(slug="cashier")
    other = User.objects.create(email="b@example.com", name="Boris", language="en", role=role)
    boris = logged_in(other)
    paid(boris, sum="700")
    his = Sale.objects.get(till=f"user:{other.pk}")
    for sale in (api, his):
        told = {"what": "all", "number": "a-1", "done": "yes", "reason": "x", "refund": str(sale.in_money),
                "to_certificates": "0", "points_back": "0", "points_taken": str(sale.points_earned)}  # fmt: skip
        assert cashier.get(address(sale)).status_code == 404
        assert cashier.post(address(sale), told).status_code == 404
        for page in ("/till/receipts/", f"/till/receipts/?number={sale.number}", "/till/receipts/?store=Arbat"):
            assert address(sale) not in text_of(cashier.get(page)), page
        assert address(sale) not in text_of(cashier.post("/till/", {"who": CARD}))
    assert not SaleReturn.objects.exists()
    # with the right to see purchases every sale of the shop is his to take back
    role.rights = [*role.rights, Right.SEE_PURCHASES]
    role.save()
    for page in (f"/till/receipts/?number={his.number}", "/till/receipts/?store=Arbat"):
        assert address(his) in text_of(cashier.get(page)), page
    assert cashier.post(address(his), look(cashier, his)).status_code == 302


def test_a_manager_takes_back_what_his_customers_and_nobody_bought(user: User) -> None:
    anna = enrolled()
    sale, nobodys = sold(("tea", 1, 10_000)), sell(order(("tea", 1, 10_000), card=""), "2")
    manager = logged_in(make_user("manager"))
    assert manager.get(address(sale)).status_code == 200
    Customer.objects.filter(pk=anna.pk).update(owner=user)
    assert manager.get(address(sale)).status_code == 404
    assert address(sale) not in text_of(manager.get("/till/receipts/?number=1"))
    assert manager.post(address(nobodys), look(manager, nobodys)).status_code == 302


def test_whoever_does_not_serve_takes_nothing_back(user: User) -> None:
    enrolled()
    sale = sold(("tea", 1, 10_000))
    analyst = logged_in(make_user("analyst"))
    assert analyst.get(address(sale)).status_code == 403
    assert address(sale) not in text_of(analyst.get(f"/receipts/{sale.receipt_id}/"))


def test_what_a_partner_sold_comes_back_to_the_partner(user: User) -> None:
    partner("books", "till:9")
    sale = sold(("tea", 1, 10_000), card="", till="till:9", store="Book Yard")
    owner = logged_in(make_user("owner"))
    assert owner.get(address(sale)).status_code == 404
    assert address(sale) not in text_of(owner.get("/till/receipts/?number=1"))
    assert address(sale) not in text_of(owner.get(f"/receipts/{sale.receipt_id}/"))


def test_a_receipt_is_found_by_its_day_and_number(cashier: Client) -> None:
    enrolled()
    paid(cashier)
    sale = Sale.objects.get()
    day = sale.purchased_at.astimezone(Business.current().zone).date().isoformat()
    assert address(sale) in text_of(cashier.get(f"/till/receipts/?number={sale.number}"))
    assert address(sale) in text_of(cashier.get(f"/till/receipts/?day={day}"))
    assert address(sale) not in text_of(cashier.get("/till/receipts/?day=2020-01-01"))
    assert "is no date" in text_of(cashier.get("/till/receipts/?day=tomorrow"), 422)
    assert "No such receipt" in text_of(cashier.get("/till/receipts/", {"number": "' OR 1=1 --"}))


def test_many_tills_are_searched_for_a_number(user: User) -> None:
    for till in ("till:1", "till:2", "till:3"):
        sell(order(("tea", 1, 10_000), card="", till=till), "17")
    sell(order(("tea", 1, 10_000), card="", till="till:3"), "18")
    page = text_of(logged_in(make_user("owner")).get("/till/receipts/?number=17"))
    assert page.count('class="row-title"') == 3


def test_stamps_of_what_comes_back_are_taken() -> None:
    cups = {"kind": "nth_free", "n": 6, "counter": "Cups"}
    open_shop(rules=[{"id": "sixth", "gives": cups, "on": {"categories": ["Cups"]}}])
    anna, owner = enrolled(), make_user("owner")
    sale = sold(("cup", 5, 100_000))
    told = Going(60_000, 0, 0, 0)
    made = take_back(sale, Wanted("n-1", ((1, Decimal(3)),)), told, reason="cold", by=owner)
    assert balance_of(anna.pk, members.stamps_unit("Cups"), at=timezone.now()).available == 2
    again = take_back(sale, Wanted("n-1", ((1, Decimal(3)),)), told, reason="cold", by=owner)
    assert again == made
    with pytest.raises(NotNow):
        take_back(sale, Wanted("n-1", ((1, Decimal(2)),)), told, reason="cold", by=owner)


@pytest.mark.django_db(transaction=True)
def test_two_who_take_the_same_back_at_once_give_the_money_once() -> None:
    open_shop()
    enrolled()
    sale, owner = sold(("tea", 2, 20_000)), make_user("owner")
    told = Going(sale.to_pay, 0, 0, sale.points_earned)

    def press(place: int) -> SaleReturn | InputError:
        # the last three press one form, the others have forms of their own
        try:
            return take_back(sale, Wanted(f"n-{min(place, 2)}"), told, reason="x", by=owner)
        except InputError as refused:
            return refused

    done = together(5, press)
    written = [one for one in done if isinstance(one, SaleReturn)]
    assert {one.pk for one in written} == set(SaleReturn.objects.values_list("pk", flat=True))
    assert SaleReturn.objects.get().refund == sale.to_pay
    assert LogEntry.objects.filter(event="goods_taken_back").count() == 1
