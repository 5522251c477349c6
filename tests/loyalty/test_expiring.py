"""What time ends, whoever is at work meanwhile."""

import datetime as dt

import pytest
from django.utils import timezone

from regulars.customers.models import Customer
from regulars.loyalty import expiring
from regulars.loyalty.balances import Balance, balance_of, position, to_spend
from regulars.loyalty.ledger import Document, Kind, Refused, capture, grant, hold, open_account, spend, write, write_one
from regulars.loyalty.models import Hold, Lot, Transaction, Unit
from regulars.loyalty.verifying import faults
from tests.loyalty.at_once import together

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def unit() -> Unit:
    return Unit.objects.create(slug="points", title="Points")


def people(unit: Unit, count: int, *, points: int = 10) -> list[int]:
    """So many members with points for a day."""
    made = Customer.objects.bulk_create([Customer(name=f"Member {n}") for n in range(count)])
    for one in made:
        open_account(one.pk, unit, at=NOW)
    write([
        Document(unit, Kind.GIFT, "test", str(one.pk), "test", (grant(one.pk, points, expires_at=NOW + DAY),))
        for one in made
    ], at=NOW)  # fmt: skip
    return [one.pk for one in made]


@pytest.mark.django_db
def test_expired_points_are_written_down_once(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiring, "_AT_ONCE", 3)
    members = people(unit, 8)
    assert expiring.expire_points(NOW) == 0
    assert expiring.expire_points(NOW + DAY) == 8
    assert expiring.expire_points(NOW + DAY) == 0
    found = position(unit, at=NOW + DAY)
    assert (found.expired, found.outstanding, found.is_balanced) == (80, Balance(0, 0, 0, 0), True)
    assert balance_of(members[0], unit, at=NOW).available == 10, "the past stays as it was"
    assert faults() == []


@pytest.mark.django_db
def test_held_points_wait_for_the_word_on_them(unit: Unit) -> None:
    (anna,) = people(unit, 1)
    hold(anna, unit, 4, key="basket", at=NOW, until=NOW + 2 * DAY)
    assert expiring.expire_points(NOW + DAY) == 1
    assert position(unit, at=NOW + DAY).expired == 6
    assert expiring.release_holds(NOW + DAY) == 0, "it waits until tomorrow"
    assert expiring.release_holds(NOW + 2 * DAY) == 1
    assert expiring.release_holds(NOW + 2 * DAY) == 0
    assert expiring.expire_points(NOW + 2 * DAY) == 1
    assert position(unit, at=NOW + 2 * DAY).expired == 10


@pytest.mark.django_db
def test_a_paid_hold_is_not_let_go(unit: Unit) -> None:
    (anna,) = people(unit, 1)
    hold(anna, unit, 4, key="basket", at=NOW, until=NOW)
    write_one(Document(unit, Kind.CAPTURE, "test", "c", "test", (capture("basket"),)), at=NOW)
    assert expiring.release_holds(NOW) == 0
    assert Hold.objects.get().state == "spent"


@pytest.mark.django_db
def test_a_part_of_a_hold_is_paid_and_the_rest_is_free(unit: Unit) -> None:
    (anna,) = people(unit, 1)
    late = Document(unit, Kind.GIFT, "test", "late", "test", (grant(anna, 10, expires_at=NOW + 2 * DAY),))
    write_one(late, at=NOW)
    hold(anna, unit, 15, key="basket", at=NOW, until=NOW + DAY)
    for number, wrong in enumerate((16, 0, -1)):
        tried = Document(unit, Kind.CAPTURE, "test", f"w{number}", "test", (capture("basket", wrong),))
        with pytest.raises(Refused, match="16 were asked for" if wrong > 0 else "greater than zero"):
            write_one(tried, at=NOW)
    assert Hold.objects.get().state == "open"
    write_one(Document(unit, Kind.CAPTURE, "test", "c", "test", (capture("basket", 12),)), at=NOW)
    assert list(Lot.objects.order_by("expires_at").values_list("remaining", "held")) == [(0, 0), (8, 0)]
    assert to_spend(anna, unit, at=NOW) == Balance(8, 0, 0, 0)
    with pytest.raises(Refused, match="not held any more"):
        write_one(Document(unit, Kind.CAPTURE, "test", "again", "test", (capture("basket", 3),)), at=NOW)
    assert faults() == []


@pytest.mark.django_db(transaction=True)
def test_points_at_their_last_moment_are_spent_or_expire_and_never_both(unit: Unit) -> None:
    members = people(unit, 30)

    def work(place: int) -> int:
        if place == 0:
            return expiring.expire_points(NOW + DAY)
        at = NOW + DAY - dt.timedelta(seconds=1)
        sales = [Document(unit, Kind.SALE, f"till:{place}", str(one), "till", (spend(one, 10),)) for one in members]
        return sum(not isinstance(one, Refused) for one in write(sales, at=at))

    expired, *spent = together(4, work)
    found = position(unit, at=timezone.now())
    assert sum(spent) + expired == 30
    assert (found.redeemed, found.expired) == (10 * sum(spent), 10 * expired)
    assert Transaction.objects.filter(kind=Kind.EXPIRY).count() == expired
    assert faults() == []
