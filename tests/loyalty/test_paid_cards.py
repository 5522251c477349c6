"""Cards that are paid for: the privilege begins with the payment, and lasts as long as was paid."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.customers.models import Customer
from regulars.customers.services.contacts import add_contact
from regulars.foundation.models import Business
from regulars.loyalty.cards import Paid, make_cards, numbers_of
from regulars.loyalty.economics import economics
from regulars.loyalty.members import NoMember
from regulars.loyalty.models import CardSale, Privilege
from regulars.loyalty.paid_cards import (
    CardWish,
    cancel_card_sale,
    offer_for,
    offers_of,
    sell_card,
)
from regulars.loyalty.partners import bind_till
from regulars.loyalty.privileges import give_privilege, privileges_at, prolong_privilege
from regulars.loyalty.telling import NotNow
from regulars.purchases.models import Receipt
from tests.loyalty.at_once import together
from tests.loyalty.coalition_cases import billed_partner
from tests.loyalty.selling_cases import enrolled, open_shop, order, sell
from tests.web.people import make_user

pytestmark = pytest.mark.django_db
CLUB = {
    "id": "club", "gives": {"kind": "percent_off", "percent": 20}, "when": {"is": "privilege", "any_of": ["club"]},
}  # fmt: skip


@pytest.fixture
def card(db: None) -> str:
    open_shop(rules=[CLUB])
    batch = make_cards("Club", count=2, paid=Paid(99_000, "club", 365))
    anna = enrolled()
    number = next(numbers_of(batch))
    add_contact(anna, kind="card", written=number, by=None)
    return number


def wish(card: str, number: str = "K-1", **more: Any) -> CardWish:
    return CardWish(**{"till": "till:1", "number": number, "card": card, "paid": 99_000} | more)


def day(days: int) -> dt.date:
    return timezone.now().astimezone(Business.current().zone).date() + dt.timedelta(days=days)


def has(name: str = "club") -> dt.date | None:
    return privileges_at(Customer.objects.get().pk, timezone.now()).get(name)


def test_the_privilege_begins_with_the_payment_and_rules_see_it(card: str) -> None:
    assert sell(order(("tea", 1, 10_000), card=card), "1").to_pay == 10_000
    made = sell_card(wish(card, cashier="Irina"))
    assert sell_card(wish(card, cashier="Irina")) == made, "told again, written once"
    assert (made.until, made.price, has()) == (day(365), 99_000, day(365))
    assert sell(order(("tea", 1, 10_000), card=card), "2").to_pay == 8_000
    assert (Receipt.objects.count(), CardSale.objects.count()) == (2, 1)


def test_paid_again_it_lasts_so_many_days_longer(card: str) -> None:
    sell_card(wish(card))
    assert offer_for(card).until_then == day(730)
    assert sell_card(wish(card, "K-2")).until == day(730)
    assert Privilege.objects.filter(ended_at=None).count() == 1
    Privilege.objects.filter(ended_at=None).update(until=day(-10))
    assert sell_card(wish(card, "K-3")).until == day(365), "from today when it has run out"


def test_a_payment_that_is_taken_back_takes_its_days(card: str) -> None:
    sell_card(wish(card))
    sell_card(wish(card, "K-2"))
    for _time in range(2):
        assert cancel_card_sale("till:1", "K-1", cashier="Irina").cancelled_by == "till:1 Irina"
        assert has() == day(365)
    cancel_card_sale("till:1", "K-2")
    assert has() is None
    with pytest.raises(NotNow, match="sold no card"):
        cancel_card_sale("till:2", "K-1")
    with pytest.raises(NotNow, match="has another receipt"):
        sell_card(wish(card, paid=1))


def test_what_does_not_go_is_told_and_changes_nothing(card: str) -> None:
    plain = next(numbers_of(make_cards("Plain", count=1)))
    add_contact(Customer.objects.get(), kind="card", written=plain, by=None)
    bind_till(billed_partner(), "till:900")
    for wrong, kind, said in (
        (wish(card, paid=98_999), NotNow, "costs 99000 minor units, not 98999"),
        (wish(plain), NotNow, "not one that is paid for"),
        (wish("2900000000009"), NoMember, "check digit is wrong"),
        (wish(card, till="till:900"), NotNow, "not by partners"),
    ):
        with pytest.raises(kind, match=said):
            sell_card(wrong)
    assert (CardSale.objects.count(), has()) == (0, None)


def test_who_has_it_for_good_pays_nothing_more(card: str) -> None:
    anna = Customer.objects.get()
    give_privilege(anna, name="club", proof="founder", until=None, by=make_user("owner"))
    assert [one.is_for_good for one in offers_of(anna)] == [True]
    with pytest.raises(InputError, match="for good"):
        sell_card(wish(card))


def test_nobody_prolongs_it_without_an_end(card: str) -> None:
    anna = Customer.objects.get()
    prolong_privilege(anna, name="club", days=7_000, proof="", source="test")
    with pytest.raises(InputError, match="too far away"):
        sell_card(wish(card))


def test_income_is_what_was_paid_less_what_went_back(card: str) -> None:
    begin = timezone.now()
    sell_card(wish(card))
    sell_card(wish(card, "K-2"))
    middle = timezone.now()
    cancel_card_sale("till:1", "K-2")
    end = timezone.now()
    spans = ((begin, end), (middle, end), (end, end + dt.timedelta(days=1)))
    found = [economics(*span, worth=100) for span in spans]
    assert [one.whole.fees for one in found] == [99_000, -99_000, 0]
    assert [one.cost.value for one in found] == [-99_000, 99_000, 0]


@pytest.mark.parametrize(
    ("paid", "said"),
    [
        (Paid(0, "club", 365), "what the card costs"),
        (Paid(10**15, "club", 365), "what the card costs"),
        (Paid(1, "", 365), "which privilege"),
        (Paid(1, "a\nb", 365), "which privilege"),
        (Paid(1, "club", 0), "lasts 1 to 3660 days"),
        (Paid(1, "club", 10**9), "lasts 1 to 3660 days"),
    ],
)
def test_a_batch_that_cannot_be_is_told(card: str, paid: Paid, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make_cards("Other", count=1, paid=paid)


def test_a_payment_stands(card: str) -> None:
    made = sell_card(wish(card))
    with pytest.raises(IntegrityError), transaction.atomic():
        CardSale.objects.filter(pk=made.pk).update(price=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        made.delete()


@pytest.mark.django_db(transaction=True)
def test_two_tills_that_are_paid_at_one_moment_prolong_twice(card: str) -> None:
    together(3, lambda place: sell_card(wish(card, till=f"till:{place}")))
    assert (has(), CardSale.objects.count()) == (day(3 * 365), 3)
