"""Gifts that suit a member: by what he buys, never what he cannot afford soon."""

import datetime as dt

import pytest
from django.utils import timezone

from regulars.customers.models import Customer
from regulars.loyalty.gifts import GiftData, add_gift, cancel, offers_for, take
from regulars.loyalty.measuring import measure
from regulars.loyalty.models import Gift, Taste
from regulars.loyalty.pace import pace_of
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.tastes import fitting
from regulars.purchases.models import Line, Product, Receipt
from tests.loyalty.selling_cases import enrolled, open_shop, order, sell
from tests.loyalty.test_gifts import DAY, give, rich, wish

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop() -> None:
    open_shop()
    Product.objects.create(code="bun", name="Bun", category="Bakery")


def gift(product: str = "", points: int = 100, **more: object) -> Gift:
    return add_gift(GiftData(product or "Thing", points, 1_000, product=product), stock=9, by=None)


def buy(customer: Customer, product: str, times: int = 1, ago: dt.timedelta = DAY) -> None:
    for _time in range(times):
        key = str(Receipt.objects.count()).zfill(32).encode()
        receipt = Receipt.objects.create(customer=customer, purchased_at=timezone.now() - ago, amount=100, key=key)
        Line.objects.create(receipt=receipt, position=1, product=Product.objects.get(code=product), amount=100)


def reasons(customer: Customer) -> list[tuple[str, str]]:
    return [(one.offer.gift.name, one.reason) for one in fitting(customer, offers_for(customer), most=9)]


def test_the_closest_to_his_taste_comes_first_with_its_reason() -> None:
    anna, vera = rich(1_000), rich(1_000, "1000000022")
    Product.objects.create(code="raf", name="Raf", category="Cups")
    own, category, alike, popular = gift("tea"), gift("raf"), gift("bun"), gift()
    buy(anna, "tea", 5)
    buy(anna, "cup", 2)
    take(vera, wish(popular))
    assert popular.name not in [name for name, _why in reasons(anna)], "what others take is counted at night"
    measure(timezone.now())
    Taste.objects.create(gift=alike, value="Cups", buyers=50, likers=19)
    Taste.objects.create(gift=alike, value="Drinks", buyers=100, likers=20)
    gift()  # says nothing to anybody
    assert reasons(anna) == [
        (own.name, "He bought it 5 times in a year."),
        (category.name, "He bought from “Cups” 2 times in a year."),
        (alike.name, "Of members who buy from “Cups” as he does, 38% buy or take it."),
        (popular.name, "It was taken 1 time in a year."),
    ]
    assert [one.why.told_to_him for one in fitting(anna, offers_for(anna))] == [
        "You bought it 5 times in a year.",
        "You bought from “Cups” 2 times in a year.",
        "Of those who buy from “Cups” as you do, 38% buy or take it.",
    ], "three at most"


def test_what_he_took_is_near_and_what_he_let_go_is_not() -> None:
    anna, thing = rich(1_000), gift()
    reward = take(anna, wish(thing))
    assert reasons(anna) == [("Thing", "He has taken it before.")]
    cancel(reward, who="user:1")
    measure(timezone.now())
    assert reasons(anna) == []


def test_tastes_of_before_last_year_do_not_count() -> None:
    anna = rich(1_000)
    gift("tea")
    buy(anna, "tea", ago=400 * DAY)
    assert reasons(anna) == []


def test_nothing_that_he_cannot_afford_soon() -> None:
    anna = rich(80)
    near, far = gift("tea"), gift("tea", 1_000)
    buy(anna, "tea", 9)
    assert [(one.offer.gift, one.offer.why_not) for one in fitting(anna, offers_for(anna))] == [
        (near, "20 points missing")
    ]
    # 60 days of his pace bring the rest
    for number in range(3):
        sell(order(("tea", 1, 400_000)), f"s{number}")
    pace = pace_of(anna, at=timezone.now())
    assert pace is not None
    # of three equal purchases in a day the relative error is 1 / sqrt(3)
    assert (pace.value, pace.low, pace.high) == pytest.approx((1140, 1140 / 3.1003, 1140 * 3.1003), rel=1e-3)
    assert far in [one.offer.gift for one in fitting(anna, offers_for(anna))]


def test_a_pace_needs_three_purchases_that_he_kept() -> None:
    anna = enrolled()
    give(anna, 500)
    for number in range(3):
        last = sell(order(("tea", 1, 400_000)), str(number))
    assert pace_of(anna, at=timezone.now()) is not None
    bring_back(Coming(last.till, "r", last.till, last.number))
    assert pace_of(anna, at=timezone.now()) is None, "points as a gift and two purchases are no pace"


def test_what_he_cannot_have_does_not_suit_him() -> None:
    anna = rich(1_000)
    add_gift(GiftData("Tea", 100, 1_000, product="tea"), stock=0, by=None)
    buy(anna, "tea")
    assert reasons(anna) == []
