"""Which share of points that never expire is spent in the end: planted curves are found, and little data says so."""

import datetime as dt
import math
import random
from collections.abc import Callable

import pytest
from django.utils import timezone

from regulars.analytics.kaplan_meier import waiting_curve
from regulars.core.i18n import use_language
from regulars.customers.models import Customer
from regulars.loyalty.breakage import FEWEST_DECIDED, UNKNOWN, spent_share
from regulars.loyalty.deferring import revenue_at
from regulars.loyalty.economics import economics
from regulars.loyalty.expected import keep_shares
from regulars.loyalty.lasting import lasting_share
from regulars.loyalty.ledger import Document, Kind, give_back, grant, spend, take, write, write_one
from regulars.loyalty.liability import Worth, worth_at
from regulars.loyalty.liability_words import worth_sentences
from regulars.loyalty.members import points_unit
from regulars.loyalty.models import Account, SpentShare, Transaction
from regulars.loyalty.results_words import cost_sentences
from regulars.report.words import Purse
from tests.loyalty.selling_cases import enrolled, open_shop, order, sell

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)
Spendings = Callable[[random.Random], float | None]  # at which age, in days; None: never


def planted(members: int, age_of: Spendings, *, oldest: float, seed: int = 7, points: int = 10) -> dt.datetime:
    """Members with points whose ages are spread up to `oldest`, each spent as drawn; the moment at which it is now."""
    now, unit, chance = timezone.now(), points_unit(), random.Random(seed)
    people = Customer.objects.bulk_create(Customer(name=f"M{n}") for n in range(members))
    began = now - dt.timedelta(days=oldest + 1)
    Account.objects.bulk_create(Account(customer=one, unit=unit, opened_at=began) for one in people)
    given = [now - dt.timedelta(days=oldest * (n + 0.5) / members) for n in range(members)]
    lots = [
        Document(unit, Kind.GIFT, "g", str(one.pk), "t", (grant(one.pk, points, available_at=at),), happened_at=at)
        for one, at in zip(people, given, strict=True)
    ]
    write(lots, at=began)
    spent: dict[dt.datetime, list[Document]] = {}
    for one, at in zip(people, given, strict=True):
        age = age_of(chance)
        if age is not None and at + dt.timedelta(days=age) < now:
            used = Document(unit, Kind.SALE, "u", str(one.pk), "t", (spend(one.pk, points),))
            # some hours of exactness make the test no better, and thousands of calls slower
            slot = at + dt.timedelta(days=age)
            spent.setdefault(slot, []).append(used)
    for at, documents in sorted(spent.items()):
        write(documents, at=at)
    return now


def cured(share: float, mean: float) -> Spendings:
    """So many are spent at all, after days that are exponential."""
    return lambda chance: chance.expovariate(1 / mean) if chance.random() < share else None


@pytest.mark.parametrize(("share", "seed"), [(0.7, 1), (0.35, 2)])
def test_a_planted_share_is_found_once_the_curve_has_come_to_rest(share: float, seed: int) -> None:
    open_shop(life={"days": None})
    now = planted(240, cured(share, 40), oldest=800, seed=seed)
    found = lasting_share(now)
    assert found.value is not None and found.high == 1.0
    # those who are alive and young are not counted as never spent: the plain share would be lower
    assert found.low < share and abs(found.value - share) < 0.1
    half = 1.96 * math.sqrt(share * (1 - share) / 240)
    assert 0.5 * half < found.value - found.low < 2 * half, "as wide as chance is"
    assert found.days > 600 and found.points == 2_400 and found.members == 240


def test_without_ties_it_is_the_curve_of_kaplan_and_meier() -> None:
    open_shop(life={"days": None})
    chance = random.Random(3)
    ages = [chance.uniform(0, 300) if n % 3 else None for n in range(90)]
    left = iter(ages)
    now = planted(90, lambda _chance: next(left), oldest=900)
    found = lasting_share(now)
    given = [900 * (n + 0.5) / 90 for n in range(90)]
    rows = [
        (min(math.floor(age), found.days), age < found.days + 1, 1)
        if age is not None and age < watched else (min(math.floor(watched), found.days), False, 1)
        for age, watched in zip(ages, given, strict=True)
    ]  # fmt: skip
    curve = waiting_curve(rows)
    assert found.value == pytest.approx(1 - curve[-1].share)


def test_points_of_one_member_are_no_independent_witnesses() -> None:
    """The same points in the hands of fewer people tell less: the interval grows with the square root."""
    open_shop(life={"days": None})
    now = planted(60, cured(0.5, 20), oldest=900, points=1_000, seed=4)
    many = lasting_share(now)
    assert many.value is not None
    assert many.value - many.low > 0.5 * 1.96 * math.sqrt(0.25 / 60), "not that of 60,000 points"


def test_young_points_tell_only_the_least_that_is_spent() -> None:
    open_shop(life={"days": None})
    now = planted(100, cured(0.9, 60), oldest=120)
    found = lasting_share(now)
    assert found.value is None and 0.3 < found.low < 0.9 and found.high == 1.0
    assert found.estimate is None and keep_shares(now) == 0, "no share to split prices by"


def test_points_that_are_still_being_spent_after_a_year_are_not_told_as_decided() -> None:
    open_shop(life={"days": None})
    found = lasting_share(planted(100, cured(0.95, 400), oldest=500))
    assert found.value is None and found.days >= 300


def test_few_members_are_not_enough_and_one_more_is() -> None:
    open_shop(life={"days": None})
    now = planted(FEWEST_DECIDED - 1, cured(0.5, 20), oldest=500)
    assert lasting_share(now) == UNKNOWN
    unit, extra = points_unit(), Customer.objects.create(name="One more")
    Account.objects.create(customer=extra, unit=unit, opened_at=now - 500 * DAY)
    write_one(Document(unit, Kind.GIFT, "g", "x", "t", (grant(extra.pk, 10),)), at=now - 500 * DAY)
    assert lasting_share(now).members == FEWEST_DECIDED


def test_nothing_is_told_of_a_shop_without_points() -> None:
    open_shop(life={"days": None})
    assert lasting_share(timezone.now()) == UNKNOWN


def test_points_that_expire_are_no_part_of_it_and_the_past_stays_as_it_was() -> None:
    open_shop(life={"days": None})
    now = planted(60, cured(0.6, 20), oldest=700)
    before = lasting_share(now)
    unit = points_unit()
    ending = {"available_at": now - 2 * DAY, "expires_at": now + DAY}
    for one in Customer.objects.all():
        write_one(Document(unit, Kind.GIFT, "e", str(one.pk), "t", (grant(one.pk, 5, **ending),)), at=now - 2 * DAY)
    assert lasting_share(now) == before
    for one in Customer.objects.all()[:20]:
        write_one(Document(unit, Kind.GIFT, "f", str(one.pk), "t", (grant(one.pk, 500),)), at=now + DAY)
        write_one(Document(unit, Kind.SALE, "f", str(one.pk), "t", (spend(one.pk, 500),)), at=now + 2 * DAY)
    assert lasting_share(now) == before and lasting_share(now + 3 * DAY) != before


def test_what_was_given_back_was_not_spent_and_what_was_taken_is_watched_no_more() -> None:
    open_shop(life={"days": None})
    now = planted(60, lambda _chance: 5.0, oldest=800)
    whole = lasting_share(now)
    assert whole.value == 1.0
    unit = points_unit()
    sales = list(Transaction.objects.filter(kind="sale").order_by("pk")[:30])
    for sale in sales:
        back = Document(unit, Kind.RETURN, "r", str(sale.pk), "t", (give_back(10),), reverses=sale.pk)
        write_one(back, at=now)
    later = lasting_share(now + DAY)
    assert later.value is not None and 0.4 < later.value < 0.6, "half of them was spent"
    for sale in sales:
        owner = sale.postings.get(account__isnull=False).account
        assert owner is not None
        taken = Document(unit, Kind.CORRECTION, "c", str(sale.pk), "t", (take(owner.customer_id, 10),))
        write_one(taken, at=now + DAY)
    # alive until the day on which they were taken: they still say that nobody spent them by then
    assert lasting_share(now + 2 * DAY).value == pytest.approx(later.value, abs=0.05)


def test_results_and_liability_count_points_that_never_expire_at_their_share() -> None:
    open_shop(life={"days": None})
    now = planted(120, cured(0.6, 20), oldest=900)
    share = lasting_share(now).value
    assert share is not None
    enrolled()
    sell(order(("tea", 2, 20_000)), "1")
    found = economics(now - DAY, timezone.now() + DAY, worth=100)
    assert found.spent_share is None and found.promised.value == pytest.approx(
        found.whole.earned * 100 * share, rel=0.02
    )
    with use_language("en"):
        assert any("Points never expire" in one for one in cost_sentences(found, Purse("RUB")))
        worth = worth_at(timezone.now())
        said = " ".join(worth_sentences(worth, Purse("RUB")))
    assert worth is not None and worth.share is not None and worth.lasting == worth.points > 0
    assert "hardly any in the second half" in said and "At this share members will spend" in said
    revenue = revenue_at(timezone.now())
    assert revenue is not None and revenue.likely is not None
    assert revenue.low.left <= revenue.likely.left <= revenue.high.left


def test_what_young_points_tell_narrows_what_they_can_cost() -> None:
    open_shop(life={"days": None})
    planted(100, cured(0.9, 60), oldest=120)
    worth = worth_at(timezone.now())
    assert worth is not None and worth.share is None and worth.least > 0.3
    with use_language("en"):
        said = " ".join(worth_sentences(worth, Purse("RUB")))
        few = " ".join(worth_sentences(Worth(10, 100, None, 0.0, 10, {False: UNKNOWN, True: UNKNOWN}), Purse("RUB")))
    assert "from nothing more to all" in said and "lies between" in said
    assert "fewer than 30 members" in few and "is the most" in few


def test_a_known_share_is_kept_for_points_that_never_expire_alone() -> None:
    open_shop(life={"days": None})
    now = planted(60, cured(0.6, 20), oldest=900)
    assert spent_share(now) is None and keep_shares(now) == 1
    kept = SpentShare.objects.get()
    assert kept.lasts and kept.high == 1 and kept.low < kept.share and kept.days > 300
