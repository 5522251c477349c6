"""Signs before leaving: planted ones are found, and none where there are none."""

import datetime as dt
import random

import pytest
from django.utils import timezone

from regulars.loyalty.leaving import Leaving, why_they_leave
from regulars.loyalty.ledger import Document, Kind, grant, spend, write
from regulars.loyalty.members import points_unit
from regulars.loyalty.models import TierChange
from tests.loyalty.selling_cases import RULES, open_store, publish_in_the_past
from tests.loyalty.test_trials import buy, enrol_many

TIERS = {"levels": [{"id": "silver", "title": "Silver", "from": 1000}, {"id": "gold", "title": "Gold", "from": 2000}]}
GONE = 100  # days since the last purchase of those who left


def found_among(people: int, spent: set[int], *, left: int) -> Leaving:
    """Members of two hundred days, the first of whom left; `spent` are the places of those who used points."""
    open_store()
    publish_in_the_past(RULES | {"tiers": TIERS}, dt.timedelta(days=400))
    found, now, unit = enrol_many(people, dt.timedelta(days=300)), timezone.now(), points_unit()
    buy({one.pk: 500 for one in found}, ago=GONE)
    buy({one.pk: 500 for one in found[left:]}, ago=2)
    at = now - dt.timedelta(days=250)
    write([Document(unit, Kind.GIFT, "t", str(one.pk), "t", (grant(one.pk, 10),)) for one in found], at=at)
    write(
        [Document(unit, Kind.SALE, "t", str(found[n].pk), "t", (spend(found[n].pk, 5),)) for n in sorted(spent)],
        at=at + dt.timedelta(days=20),
    )
    keys = [one.pk for one in found]
    return why_they_leave(keys[:left], keys[left:], at=now)


@pytest.mark.django_db
def test_members_who_never_reached_a_reward_leave_and_it_is_seen() -> None:
    chance = random.Random(3)
    spent = {n for n in range(400) if chance.random() < (0.2 if n < 150 else 0.6)}
    found = found_among(400, spent, left=150)
    signs = {one.id: one for one in found.signs}
    assert (found.left, found.stayed) == (150, 250)
    assert [one.id for one in found.signs if one.is_shown] == ["no_reward"]
    shown = signs["no_reward"]
    assert shown.more is not None and shown.left is not None
    assert shown.more.low < 0.4 < shown.more.high
    # nobody had a tier, so nobody could lose one: too few to tell
    assert signs["tier_lost"].left is None and signs["tier_lost"].q_value is None
    assert signs["points_expired"].left is not None and signs["points_expired"].left.value == 0


@pytest.mark.django_db
def test_nothing_is_claimed_where_there_is_nothing() -> None:
    chance = random.Random(4)
    found = found_among(400, {n for n in range(400) if chance.random() < 0.5}, left=150)
    assert not any(one.is_shown for one in found.signs)


@pytest.mark.django_db
def test_a_lost_tier_counts_and_a_won_one_does_not() -> None:
    open_store()
    publish_in_the_past(RULES | {"tiers": TIERS}, dt.timedelta(days=400))
    people, now = enrol_many(300, dt.timedelta(days=300)), timezone.now()
    buy({one.pk: 500 for one in people}, ago=GONE)
    buy({one.pk: 500 for one in people[100:]}, ago=2)
    last = now - dt.timedelta(days=GONE)
    moves = [
        TierChange(customer=one, tier=tier, since=last - dt.timedelta(days=ago), turnover=0)
        for n, one in enumerate(people)
        for tier, ago in ((("gold", 200), ("silver", 10)) if n < 60 else (("silver", 200), ("gold", 10)))
    ]
    TierChange.objects.bulk_create(moves)
    keys = [one.pk for one in people]
    found = why_they_leave(keys[:100], keys[100:], at=now)
    (sign,) = (one for one in found.signs if one.id == "tier_lost")
    assert sign.is_shown and sign.left is not None and sign.stayed is not None
    assert (sign.left.value, sign.stayed.value) == (0.6, 0.0)


@pytest.mark.django_db
def test_nobody_who_left_is_no_error() -> None:
    open_store()
    assert why_they_leave([], [1, 2], at=timezone.now()).left == 0
