"""A cashier who shows a card of his own for others is found; shops in which chance alone deals cards are clean."""

import datetime as dt
import hashlib
import random
from collections.abc import Iterable
from itertools import product

import pytest
from django.db import connection
from django.utils import timezone

from regulars.accounts.models import User
from regulars.customers.models import Customer
from regulars.loyalty.concentration import FEWEST, Concentration, tail
from regulars.loyalty.concentration import concentration as found_or_none
from regulars.loyalty.models import Sale
from regulars.purchases.models import Receipt, Store
from tests.planting import plant
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db

AS_OF = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
Told = tuple[int, int, str, int]  # day, hour, cashier, card


@pytest.fixture
def owner() -> User:
    return make_user("owner")


def concentration(user: User, *, as_of: dt.datetime) -> Concentration:
    found = found_or_none(user, as_of=as_of)
    assert found is not None
    return found


def cards_of(count: int) -> list[int]:
    made = plant(Customer(name=f"Card {number}") for number in range(count))
    return [one.pk for one in made]


def record(told: Iterable[Told], *, until: dt.datetime = AS_OF) -> None:
    """Receipts of one store, each with ten points."""
    store, rows = Store.objects.get_or_create(name="Arbat")[0], list(told)
    moments = [until - dt.timedelta(days=day, hours=-hour) for day, hour, _cashier, _card in rows]
    receipts = plant(
        Receipt(customer_id=row[3], purchased_at=at, amount=100, key=hashlib.sha256(str(place).encode()).digest())
        for place, (row, at) in enumerate(zip(rows, moments, strict=True))
    )
    plant(
        Sale(till="till:1", number=str(place), digest=b"", customer_id=row[3], receipt=receipt, store=store,
             cashier=row[2], purchased_at=at, recorded_at=at, price=100, discount=0, by_points=0, points_spent=0,
             points_earned=10, points_as="discount")
        for place, (row, at, receipt) in enumerate(zip(rows, moments, receipts, strict=True))
    )  # fmt: skip


def by_chance(cards: list[int], lot: random.Random, cashiers: str = "ABCD") -> list[Told]:
    """Sixty days of eight hours, six receipts an hour."""
    return [
        (day, hour, lot.choice(cashiers), lot.choice(cards))
        for day, hour, _place in product(range(1, 61), range(9, 17), range(6))
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_shop_in_which_chance_deals_the_cards_is_clean(owner: User, seed: int) -> None:
    record(by_chance(cards_of(120), random.Random(seed)))
    found = concentration(owner, as_of=AS_OF)
    assert found.meetings == ()
    assert found.compared > 400


def test_a_card_that_one_cashier_shows_for_others_is_found_with_its_figures(owner: User) -> None:
    lot, cards = random.Random(5), cards_of(120)
    own = cards.pop()
    theft = [(lot.randint(1, 60), lot.randint(9, 16), "B", own) for _time in range(25)]
    elsewhere = [(lot.randint(1, 60), lot.randint(9, 16), one, own) for one in "ACD"]
    record([*by_chance(cards, lot), *theft, *elsewhere])
    (found,) = concentration(owner, as_of=AS_OF).meetings
    assert (found.cashier, found.customer.pk, found.times) == ("B", own, 25)
    assert found.shown in (26, 27, 28), "of hours in which B was there"
    assert 6 < found.expected < 10, "a quarter of 28, and a little more for his own receipts"
    assert found.q < 1e-4
    assert (round(found.of_card, 3), round(found.of_points, 3)) == (0.893, 0.893)
    assert 0.02 < found.of_cashier < 0.05


def test_who_comes_at_the_hours_of_one_cashier_is_no_suspect(owner: User) -> None:
    """Two mornings cashiers, two in the evening, and everybody keeps to one half of the day."""
    lot, cards = random.Random(7), cards_of(120)
    told = []
    for day, hour, _place in product(range(1, 61), range(9, 17), range(6)):
        half = hour < 13
        told.append((day, hour, lot.choice("AB" if half else "CD"), lot.choice(cards[:60] if half else cards[60:])))
    record(told)
    assert concentration(owner, as_of=AS_OF).meetings == ()


def test_hours_of_one_cashier_alone_say_nothing(owner: User) -> None:
    lot, cards = random.Random(8), cards_of(40)
    record((day, hour, "A" if hour < 13 else "B", lot.choice(cards)) for day in range(1, 61) for hour in range(9, 17))
    found = concentration(owner, as_of=AS_OF)
    assert (found.compared, found.meetings) == (0, ())


def test_a_card_with_few_receipts_is_not_compared(owner: User) -> None:
    cards = cards_of(3)
    record((day, 10, "AB"[place], cards[place]) for day in range(1, FEWEST) for place in range(2))
    assert concentration(owner, as_of=AS_OF).compared == 0


def test_other_times_and_other_peoples_customers_are_left_out(owner: User) -> None:
    lot, cards = random.Random(5), cards_of(120)
    own = cards.pop()
    theft = [(lot.randint(1, 60), lot.randint(9, 16), "B", own) for _time in range(25)]
    record([*by_chance(cards, lot), *theft])
    assert concentration(owner, as_of=AS_OF - dt.timedelta(days=100)).compared == 0
    assert len(concentration(owner, as_of=AS_OF).meetings) == 1
    Customer.objects.filter(pk=own).update(owner=owner)
    assert concentration(make_user("manager"), as_of=AS_OF).meetings == ()


def test_nobody_waits_for_too_many_receipts(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    record(by_chance(cards_of(20), random.Random(3)), until=now)
    monkeypatch.setattr("regulars.loyalty.concentration._PATIENCE_MS", 1)
    assert found_or_none(owner, as_of=now) is None
    page = logged_in(owner).get("/programme/review/meetings/").content.decode()
    assert "too many receipts to compare" in page
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",), "the next question has its time again"


def test_the_chance_is_that_of_the_strata_together() -> None:
    # one draw of 3 out of 10 with 4 good: P(2 or 3) = (6 * 6 + 4) / 120
    assert tail([(3, 4, 10)], 2) == pytest.approx(40 / 120)
    # and an hour in which he served everybody adds a meeting that is certain
    assert tail([(3, 4, 10), (2, 5, 5)], 4) == pytest.approx(40 / 120)
    assert tail([], 0) == 1.0


def test_a_single_comparison_of_honest_people_tells_at_most_one_in_twenty() -> None:
    lot, told = random.Random(11), 0
    for _pair in range(200):
        strata = [(1, lot.randint(1, 5), 6) for _hour in range(20)]
        met = sum(lot.random() < served / 6 for _shown, served, _all in strata)
        told += tail(strata, met) <= 0.05
    assert 0 < told <= 18, "ten of 200 and what chance adds; fewer, because counts are whole"
