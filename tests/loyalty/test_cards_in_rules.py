"""Rules look at the kind of the card that is shown."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.customers.models import Contact, Customer
from regulars.customers.services.contacts import add_contact
from regulars.loyalty.batches import commit_all
from regulars.loyalty.cards import Paid as PaidFor
from regulars.loyalty.cards import give_virtual, make_cards, numbers_of, replace
from regulars.loyalty.facts import facts_of
from regulars.loyalty.models import Sale
from regulars.loyalty.page_links import open_page
from regulars.loyalty.paid_cards import CardWish, cancel_card_sale, sell_card
from regulars.loyalty.programme.rules import parse
from regulars.loyalty.selling import Paid, asked_of, quote
from regulars.loyalty.till_codes import make_till_code
from tests.loyalty.selling_cases import CARD, RULES, enrolled, no_segments, open_shop, order
from tests.web.people import make_user

pytestmark = pytest.mark.django_db
KINDS = {"plastic": 1, "virtual": 2, "paid": 4, "corporate": 8}


@pytest.fixture
def anna(db: None) -> Customer:
    rules = [
        {"id": kind, "gives": {"kind": "percent_off", "percent": percent}, "when": {"is": "card", "any_of": [kind]}}
        for kind, percent in KINDS.items()
    ]
    open_shop(rules=rules)
    return enrolled()


def off(**shown: Any) -> int:
    """How many per cent."""
    asked = order(("cup", 1, 10_000), **({"card": ""} | shown))
    return quote(asked, segments=no_segments).judged.discount // 100


def test_each_kind_has_its_rules(anna: Customer) -> None:
    paid = next(numbers_of(make_cards("Club", count=1, paid=PaidFor(99_000, "club", 365))))
    plain = next(numbers_of(make_cards("Spring", count=1)))
    for number in (paid, plain):
        add_contact(anna, kind="card", written=number, by=None)
    sell_card(CardWish("till:1", "K-1", paid, 99_000))
    virtual = give_virtual(anna, by=None).value
    assert [off(card=one) for one in (CARD, plain, virtual, paid)] == [1, 1, 2, 5]
    Customer.objects.filter(pk=anna.pk).update(kind="company")
    assert [off(card=one) for one in (CARD, virtual, paid)] == [9, 10, 13]


def test_paid_is_what_somebody_paid_for_and_whose_days_last(anna: Customer) -> None:
    first, other = numbers_of(make_cards("Club", count=2, paid=PaidFor(99_000, "club", 30)))
    add_contact(anna, kind="card", written=first, by=None)
    now = timezone.now()

    def is_paid(days: int = 0, card: str = first) -> bool:
        asked = asked_of(order(("cup", 1, 10_000), card=card), "")
        (facts,) = facts_of([asked], at=now + dt.timedelta(days=days, minutes=1), hold=False)
        return bool(facts.card and facts.card[1])

    assert (is_paid(), off(card=first)) == (False, 1), "nobody paid"
    sell_card(CardWish("till:1", "K-1", first, 99_000))
    assert (off(card=first), is_paid(card=other)) == (5, False)
    assert [is_paid(days) for days in (-1, 0, 30, 31)] == [False, True, True, False]
    sell_card(CardWish("till:1", "K-2", first, 99_000))
    assert [is_paid(days) for days in (31, 60, 61)] == [True, True, False]
    cancel_card_sale("till:1", "K-1")
    assert [is_paid(days) for days in (0, 30, 31)] == [True, True, False], "the days that were taken back are gone"
    cancel_card_sale("till:1", "K-2")
    assert (is_paid(), off(card=first)) == (False, 1), "all is taken back"
    sell_card(CardWish("till:1", "K-3", first, 99_000))
    replace(Contact.objects.get(value=first), other, by=make_user("owner"))
    assert (is_paid(card=other), off(card=other)) == (True, 5), "what was paid goes on with the new one"


def test_by_the_phone_or_a_code_no_card_is_shown(anna: Customer) -> None:
    add_contact(anna, kind="phone", written="+79161234567", by=None)
    now = timezone.now()
    assert off(phone="+79161234567") == 0
    assert off(code=make_till_code(open_page(anna, by=None, at=now), at=now)) == 0
    assert off() == 0


def test_a_batch_judges_as_one_receipt_does(anna: Customer) -> None:
    vera = enrolled("1000000022", "Vera")
    virtual = give_virtual(vera, by=None).value
    paid = [
        Paid(order(("cup", 1, 10_000), card=card), card, 10_000 - cost) for card, cost in ((CARD, 100), (virtual, 200))
    ]
    assert all(isinstance(one, Sale) for one in commit_all(paid, segments=no_segments))


def test_a_kind_that_there_is_not_is_told() -> None:
    rule = {
        "id": "r",
        "gives": {"kind": "percent_off", "percent": 5},
        "when": {"is": "card", "any_of": ["plastic", "gold"]},
    }
    with pytest.raises(InputError, match=r"any_of.*'gold'.*one of plastic, virtual, paid, corporate"):
        parse(RULES | {"rules": [rule]})
