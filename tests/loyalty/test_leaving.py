"""Signs before leaving: planted ones are found, and none where there are none."""

import datetime as dt
import random

import pytest
from django.utils import timezone

from regulars.analytics.estimate import Estimate
from regulars.core.i18n import use_language
from regulars.customers.models import Consent, Customer
from regulars.loyalty import leaving
from regulars.loyalty.leaving import Leaving, Sign, why_they_leave
from regulars.loyalty.leaving_words import rows, sentences
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


@pytest.mark.django_db
def test_a_withdrawn_consent_counts_and_a_refusal_at_the_beginning_does_not() -> None:
    open_store()
    people, last = enrol_many(300, dt.timedelta(days=300)), timezone.now() - dt.timedelta(days=GONE)
    buy({one.pk: 500 for one in people}, ago=GONE)
    buy({one.pk: 500 for one in people[100:]}, ago=2)

    def said(customer: Customer, given: bool, ago: int, channel: str = "email") -> Consent:
        at = last - dt.timedelta(days=ago)
        return Consent(customer=customer, purpose="news", channel=channel, is_given=given, source="form", at=at)

    agreed = [said(one, True, 100) for one in people]
    withdrawn = [said(one, False, 10) for one in people[:40]]
    refused = [said(one, False, 10, "phone") for one in people[40:]]
    later = [said(one, False, -5) for one in people[40:100]]
    Consent.objects.bulk_create([*agreed, *withdrawn, *refused, *later])
    keys = [one.pk for one in people]
    found = why_they_leave(keys[:100], keys[100:], at=timezone.now())
    (sign,) = (one for one in found.signs if one.id == "consent_withdrawn")
    assert sign.is_shown and sign.left is not None and sign.stayed is not None
    assert (sign.left.value, sign.stayed.value) == (0.4, 0.0), "what came after the last purchase does not count"


def share(value: float) -> Estimate:
    return Estimate(value, value - 0.1, value + 0.1)


def test_each_sign_is_said_with_its_shares_and_what_follows() -> None:
    signs = (
        Sign("no_reward", share(0.8), share(0.5), share(0.3), 0.001),
        Sign("rules_changed", share(0.2), share(0.6), share(-0.4), 0.01),
        Sign("tier_lost", None, None, None, None),
        Sign("points_expired", share(0.4), share(0.3), share(0.1), 0.6),
        Sign("brought_back", share(0.3), share(0.31), share(-0.01), 0.9),
        Sign("consent_withdrawn", share(0.3), share(0.31), share(-0.01), 0.95),
    )
    assert {one.id for one in signs} == {*leaving._SIGNS}
    found = Leaving(1_500, 20_000, signs)
    assert rows(found) == [
        ("Three months in the programme without spending a point", "80% (70%–90%)", "50% (40%–60%)",
         "More often before leaving", True),
        ("The rules changed within a month", "20% (10%–30%)", "60% (50%–70%)", "Rarer before leaving", False),
        ("Points expired within two months", "40% (30%–50%)", "30% (20%–40%)", "No difference is shown", False),
        ("Goods were brought back within two months", "30% (20%–40%)", "31% (21%–41%)", "No difference is shown",
         False),
        ("Consent to messages was withdrawn within two months", "30% (20%–40%)", "31% (21%–41%)",
         "No difference is shown", False),
        ("The tier was lost within three months", "–", "–", "Too few to tell: at least 50 of both are needed.", False),
    ]  # fmt: skip
    compared, warned, waiting = sentences(found)
    assert compared.startswith("1,500 members who left, at their last purchase, beside 20,000 who went on buying")
    assert "need not be its reason" in warned
    assert all(one in waiting for one in ("Two signs wait for data", "Complaints", "Too many messages"))


def test_each_sign_is_said_in_russian_too() -> None:
    ids = ("no_reward", "rules_changed", "tier_lost", "points_expired", "brought_back", "consent_withdrawn")
    found = Leaving(60, 70, tuple(Sign(one, share(0.8), share(0.7), share(0.1), 0.2) for one in ids))
    with use_language("ru"):
        told, said = rows(found), sentences(found)
    assert {title for title, *_more in told} == {
        "Три месяца в программе, и ни одного потраченного балла", "В пределах месяца изменились правила",
        "За три месяца понизился уровень", "За два месяца сгорели баллы", "За два месяца был возврат товара",
        "За два месяца отозвано согласие на сообщения",
    }  # fmt: skip
    percents = "80\N{NO-BREAK SPACE}% (70\N{NO-BREAK SPACE}%–90\N{NO-BREAK SPACE}%)"
    assert {(left, verdict, proven) for _title, left, _stayed, verdict, proven in told} == {
        (percents, "Разницы не видно", False)
    }
    assert "ушли (60)" in said[0] and "продолжил покупать (70)" in said[0]
    assert said[1] == "Среди признаков (6) ничего надёжного не нашлось."
    assert "Два признака ждут данных" in said[3]
    assert len(said) == 4
