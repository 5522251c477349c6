"""Anybody can say a phone: it earns points, and burns none. The card and the code of his own page do."""

from typing import Any

import pytest
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.customers.models import Contact, Customer, Merge
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.duplicates import find_duplicates, switch_rule
from regulars.loyalty import members
from regulars.loyalty.asking import Answers
from regulars.loyalty.batches import commit_all
from regulars.loyalty.cards import block, cards_of, give_virtual, replace
from regulars.loyalty.gifts import GiftData, add_gift
from regulars.loyalty.members import welcome
from regulars.loyalty.models import Gift, Reward, Sale
from regulars.loyalty.page_links import open_page
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import Order, Paid, quote
from regulars.loyalty.setting_aside import set_aside
from regulars.loyalty.telling import NotNow
from regulars.loyalty.verifying import faults
from tests.loyalty.selling_cases import CARD, enrolled, no_segments, open_shop, order, sell
from tests.loyalty.test_gifts import give
from tests.loyalty.test_till_codes import Till, basket
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db
PHONE = "+79161234567"


@pytest.fixture
def anna() -> Customer:
    open_shop()
    anna = enrolled()
    add_contact(anna, kind="phone", written=PHONE, by=None)
    give(anna, 100)
    return anna


def by_phone(**more: Any) -> Order:
    return order(("tea", 1, 10_000), card="", phone=PHONE, **more)


def has(customer: Customer) -> int:
    return members.points_of(customer).available


def test_by_the_phone_he_earns_and_is_told_what_spending_needs(anna: Customer) -> None:
    found = quote(by_phone(), segments=no_segments)
    assert (found.most_points, found.balance and found.balance.available) == (0, 100)
    assert found.why[-1] == members.proof_wanted()
    assert quote(order(("tea", 1, 10_000)), segments=no_segments).most_points == 28
    assert sell(by_phone()).points_earned == 9
    assert has(anna) == 109


def test_without_points_nothing_is_said_of_them(anna: Customer) -> None:
    vera = enrolled("1000000022", "Vera")
    add_contact(vera, kind="phone", written="+79161234568", by=None)
    found = quote(order(("tea", 1, 10_000), card="", phone="+79161234568"), segments=no_segments)
    assert members.proof_wanted() not in found.why


def test_points_by_the_phone_are_refused_by_quote_receipt_and_batch(anna: Customer) -> None:
    with pytest.raises(NotNow, match="with the card, or with the code"):
        quote(by_phone(points=1), segments=no_segments)
    paid = [Paid(by_phone(points=10), "1", 8_500), Paid(order(("cup", 1, 10_000), card=""), "2", 10_000)]
    with pytest.raises(NotNow, match="with the card, or with the code"):
        sell(paid[0].order, to_pay=8_500)
    refused, written = commit_all(paid, segments=no_segments)
    assert isinstance(refused, NotNow)
    assert isinstance(written, Sale)
    assert (has(anna), faults()) == (100, [])


def test_the_interface_answers_409_with_the_cure_and_a_repetition_by_the_card_goes(anna: Customer) -> None:
    till = Till()
    asked = basket("", phone=PHONE, points=10) | {"number": "1", "to_pay": 8_500}
    assert till("receipts", **asked) == (409, {"detail": members.proof_wanted()})
    assert till("receipts", **(asked | {"phone": "", "card": CARD}))[1]["points_spent"] == 10


def test_what_was_bought_by_the_phone_comes_back_as_ever(anna: Customer) -> None:
    sell(by_phone())
    bring_back(Coming("till:1", "2", "till:1", "1"))
    assert (has(anna), faults()) == (100, [])


def test_a_gift_is_not_taken_by_the_phone(anna: Customer) -> None:
    mug, till = add_gift(GiftData("Mug", 50, 0), stock=3, by=None), Till()
    wish = {"number": "G-1", "gift": mug.pk, "points": 50}
    assert till("gifts/take", phone=PHONE, **wish)[0] == 409
    assert (Reward.objects.count(), Gift.objects.get().stock, has(anna)) == (0, 3, 100)
    status, taken = till("gifts/take", card=CARD, **wish)
    assert (status, taken["state"]) == (200, "handed_out")


def test_the_code_of_a_gift_that_waits_is_not_told_by_the_phone(anna: Customer) -> None:
    mug, page = add_gift(GiftData("Mug", 50, 0), stock=3, by=None), open_page(anna, by=None, at=timezone.now())
    code, till = set_aside(anna, page, number="a", gift=mug.pk, points=50).code, Till()
    assert [one["code"] for one in till("gifts", phone=PHONE)[1]["waiting"]] == [None]
    assert [one["code"] for one in till("gifts", card=CARD)[1]["waiting"]] == [code]
    assert till("gifts/hand-out", code=code, number="H-1")[1]["state"] == "handed_out", "the code itself is the proof"


def test_the_page_of_the_till_offers_by_the_phone_nothing_that_burns(anna: Customer) -> None:
    mug, cashier = add_gift(GiftData("Mug", 50, 0), stock=3, by=None), logged_in(make_user("cashier"))
    set_aside(anna, open_page(anna, by=None, at=timezone.now()), number="a", gift=mug.pk, points=50)
    page = cashier.post("/till/", {"who": PHONE}).content.decode()
    assert 'id="proof"' in page
    assert 'name="points"' not in page
    assert "Hand out" not in page
    page = cashier.post("/till/", {"who": CARD}).content.decode()
    assert 'id="proof"' not in page
    assert 'name="points"' in page
    assert "Hand out" in page
    asked = {"who": PHONE, "store": "Arbat", "sum": "100", "points": "10"}
    answer = cashier.post("/till/sell/", asked)
    assert (answer.status_code, members.proof_wanted() in answer.content.decode()) == (422, True)
    wish = {"who": PHONE, "gift": mug.pk, "points": 50, "number": "1-2"}
    assert cashier.post("/till/gifts/take/", wish).status_code == 422
    assert Reward.objects.count() == 1


# --- ways round ---


def test_a_new_card_for_a_known_phone_is_no_way_to_its_points(anna: Customer) -> None:
    till = Till()
    status, answer = till("members", phone=PHONE, card="1000000022")
    assert (status, "ask for it" in answer["detail"]) == (409, True)
    assert till("members", phone=PHONE, card=CARD)[0] == 200, "his own card again is no new one"
    cashier = logged_in(make_user("cashier"))
    assert cashier.post("/till/member/", {"phone": PHONE, "card": "1000000022"}).status_code == 422
    page = cashier.post("/till/member/", {"phone": PHONE}).content.decode()
    assert CARD not in page
    assert 'id="proof"' in page
    assert [one.contact.value for one in cards_of([anna.pk])] == [CARD]


def test_a_stolen_card_opens_no_way_by_the_phone(anna: Customer) -> None:
    owner, till, cashier = make_user("owner"), Till(), logged_in(make_user("cashier"))
    block(Contact.objects.get(value=CARD), reason="stolen", by=owner)
    status, answer = till("members", phone=PHONE, card="1000000022")
    assert (status, "replaced on the customer's page" in answer["detail"]) == (409, True)
    assert cashier.post("/till/member/", {"phone": PHONE, "card": "1000000022"}).status_code == 422
    page = cashier.post("/till/member/", {"phone": PHONE}).content.decode()
    assert 'id="proof"' in page
    assert [one.contact.value for one in cards_of([anna.pk])] == [CARD]
    new = replace(Contact.objects.get(value=CARD), "1000000022", by=owner).value
    assert sell(order(("tea", 1, 10_000), card=new, points=10)).points_spent == 10


def test_whoever_has_no_card_is_given_one(anna: Customer) -> None:
    vera = welcome(phone="+79161234568", source="till:1")
    assert welcome(phone="+79161234568", card="1000000033", source="till:1") == vera
    with pytest.raises(InputError):
        welcome(phone="+79161234568", card="1000000044", source="till:1")


def test_a_name_and_an_email_lead_to_nobodys_points(anna: Customer) -> None:
    vera = welcome(phone="+79161234568", name="Vera", source="till:1", told=Answers(email="vera@example.com"))
    add_contact(anna, kind="email", written="anna@example.com", by=None)
    Customer.objects.filter(pk=anna.pk).update(given_name="Anna", family_name="")
    give(vera, 50)
    till = Till()
    for number, name in (("1000000033", "Anna"), ("1000000044", "Vera")):
        assert till("members", card=number, name=name, email=f"{name.lower()}@example.com")[0] == 200
    switch_rule("same_email_and_name", is_on=True)
    assert find_duplicates() == 2, "both wait for a person, hers too who has no card yet"
    assert not Merge.objects.exists()
    for number in ("1000000033", "1000000044"):
        assert quote(order(("tea", 1, 10_000), card=number), segments=no_segments).balance.available == 0


def test_who_has_neither_card_nor_points_is_merged_as_the_rule_says(anna: Customer) -> None:
    add_contact(anna, kind="email", written="anna@example.com", by=None)
    Customer.objects.filter(pk=anna.pk).update(given_name="Anna", family_name="")
    of_the_shop = Customer.objects.create(name="Anna", given_name="Anna")
    add_contact(of_the_shop, kind="email", written="anna@example.com", by=None)
    switch_rule("same_email_and_name", is_on=True)
    find_duplicates()
    assert Merge.objects.get().gone == of_the_shop


def test_a_card_without_plastic_is_a_card(anna: Customer) -> None:
    vera = welcome(phone="+79161234568", name="Vera", source="till:1")
    give(vera, 50)
    number = give_virtual(vera, by=None).value
    assert sell(order(("tea", 1, 10_000), card=number, points=10)).points_spent == 10
