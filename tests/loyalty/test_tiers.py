"""Tiers: up at once, down after the grace that was told, for one member and for all of them at night."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from regulars.core.errors import InputError
from regulars.customers.models import Customer
from regulars.customers.services.merging import merge
from regulars.foundation.models import Happening
from regulars.loyalty.models import TierChange, TierEnding
from regulars.loyalty.periods import windows
from regulars.loyalty.programme.rules import as_json, parse
from regulars.loyalty.programme.tiers import Place, Tier, Tiers
from regulars.loyalty.programme.words import Words
from regulars.loyalty.programmes import publish
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.tiers import review, review_all, tier_at, tier_of
from regulars.purchases.models import Receipt
from tests.loyalty.selling_cases import RULES, enrolled, open_shop, order, publish_in_the_past, sell
from tests.web.people import make_user

MOSCOW = ZoneInfo("Europe/Moscow")

LEVELS = {
    "period": "days:365", "grace_days": 30,
    "levels": [
        {"id": "silver", "title": "Silver", "from": 100_000},
        {"id": "gold", "title": "Gold", "from": 500_000, "keep": 300_000},
    ],
}  # fmt: skip
FOR_GOLD = {"id": "gold", "when": {"is": "tier", "any_of": ["gold"]}, "gives": {"kind": "percent_off", "percent": 20}}
WITH_TIERS = RULES | {"tiers": LEVELS, "rules": [*RULES["rules"], FOR_GOLD]}
TIERS = parse(WITH_TIERS).tiers or pytest.fail("no tiers")
DAY = dt.date(2026, 3, 1)

turnovers = st.integers(0, 1_000_000)


class TestOneStep:
    @pytest.mark.parametrize(
        ("was", "turnover", "will"),
        [
            (Place(), 99_999, Place()),
            (Place(), 100_000, Place("silver")),
            (Place(), 500_000, Place("gold")),
            (Place("gold"), 300_000, Place("gold")),
            (Place("gold"), 299_999, Place("gold", dt.date(2026, 3, 31))),
            (Place("gold", dt.date(2026, 3, 2)), 0, Place("gold", dt.date(2026, 3, 2))),
            (Place("gold", dt.date(2026, 3, 1)), 100_000, Place("silver")),
            (Place("gold", dt.date(2026, 3, 1)), 99_999, Place()),
            (Place("gold", dt.date(2026, 3, 1)), 300_000, Place("gold")),
            (Place("bronze of old rules"), 0, Place()),
            (Place("bronze of old rules"), 150_000, Place("silver")),
        ],
    )
    def test_where_he_stands_afterwards(self, was: Place, turnover: int, will: Place) -> None:
        assert TIERS.after(was, turnover, DAY) == will

    @given(turnover=turnovers, tier=st.sampled_from(["", "silver", "gold"]), ends=st.none() | st.dates())
    def test_looking_twice_on_a_day_changes_nothing_more(self, turnover: int, tier: str, ends: dt.date | None) -> None:
        once = TIERS.after(Place(tier, ends if tier else None), turnover, DAY)
        assert TIERS.after(once, turnover, DAY) == once

    @given(less=turnovers, more=turnovers, tier=st.sampled_from(["", "silver", "gold"]))
    def test_who_buys_more_never_stands_lower(self, less: int, more: int, tier: str) -> None:
        rank = ["", "silver", "gold"].index
        low, high = (TIERS.after(Place(tier, DAY), one, DAY) for one in sorted((less, more)))
        assert rank(low.tier) <= rank(high.tier)

    def test_what_he_brings_back_has_no_grace(self) -> None:
        assert TIERS.after(Place("gold"), 120_000, DAY, is_return=True) == Place("silver")
        in_grace = Place("gold", DAY + dt.timedelta(days=9))
        assert TIERS.after(in_grace, 120_000, DAY, is_return=True) == in_grace

    def test_without_a_grace_it_ends_at_once(self) -> None:
        assert Tiers(TIERS.levels, grace_days=0).after(Place("gold"), 0, DAY) == Place()


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ([], "1 to 20 tiers"),
        ([{"id": "a", "from": 2}, {"id": "b", "from": 2}], "upwards"),
        ([{"id": "a", "from": 2, "keep": 2}, {"id": "b", "from": 3, "keep": 1}], "upwards"),
        ([{"id": "a", "from": 2, "keep": 3}], "more to be kept"),
        ([{"id": "a", "from": 2}, {"id": "a", "from": 3}], "its own id"),
        ([{"id": "a", "from": 0}], "from 1 to"),
        ([{"id": "a", "from": 1, "for": 2}], "there is no 'for'"),
    ],
)
def test_tiers_that_cannot_be_are_refused(levels: list[Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(RULES | {"tiers": {"levels": levels}})


def test_tiers_are_written_as_they_were_read_and_said_in_words() -> None:
    rules = parse(WITH_TIERS)
    assert as_json(rules)["tiers"]["levels"][1] == {"id": "gold", "title": "Gold", "from": 500_000, "keep": 300_000}
    said = Words(rules).whole_set()
    assert "Tiers by purchases of the last 365 days: “Silver” from RUB 1,000, “Gold” from RUB 5,000" in " ".join(
        said
    ).replace("₽", "RUB ").replace("RUB\xa0", "RUB ").replace("RUB  ", "RUB ")
    assert "Who buys too little for his tier is told, and keeps it 30 days more." in said
    assert Words(rules).rule(rules.rules[-1]) == "20% off for members, if the tier is “Gold”."


@pytest.mark.parametrize(
    ("period", "begin", "before"),
    [
        ("year", dt.datetime(2026, 1, 1), dt.datetime(2025, 1, 1)),
        ("quarter", dt.datetime(2026, 1, 1), dt.datetime(2025, 10, 1)),
        ("month", dt.datetime(2026, 3, 1), dt.datetime(2026, 2, 1)),
        ("days:10", dt.datetime(2026, 2, 19), dt.datetime(2026, 2, 19)),
    ],
)
def test_windows(period: str, begin: dt.datetime, before: dt.datetime) -> None:
    assert windows(period, dt.datetime(2026, 3, 1, 13)) == (begin, before)


def bought(customer: Customer, amount: int, days_ago: int) -> None:
    moment = timezone.now() - dt.timedelta(days=days_ago)
    Receipt.objects.create(
        customer=customer, purchased_at=moment, amount=amount, key=f"{customer.pk}/{amount}/{days_ago}".encode()
    )


@pytest.mark.django_db
class TestMembers:
    def test_a_purchase_lifts_him_for_the_next_one(self) -> None:
        open_shop(tiers=LEVELS, rules=WITH_TIERS["rules"])
        anna = enrolled()
        assert sell(order(("tea", 1, 600_000))).to_pay == 570_000
        assert tier_at(anna.pk, timezone.now()) == "gold"
        assert sell(order(("tea", 1, 10_000)), "2").to_pay == 7_500
        standing = tier_of(anna.pk)
        assert standing is not None
        assert (standing.title, standing.ends_on, standing.missing) == ("Gold", None, 0)
        assert list(Happening.objects.filter(event="member.tier_changed").values_list("content", flat=True)) == [
            {"id": anna.pk, "tier": "gold", "was": ""}
        ]

    def test_a_receipt_of_yesterday_is_judged_by_the_tier_of_yesterday(self) -> None:
        open_shop(tiers=LEVELS, rules=WITH_TIERS["rules"])
        enrolled()
        sell(order(("tea", 1, 600_000)))
        yesterday = timezone.now() - dt.timedelta(days=1)
        assert sell(order(("tea", 1, 10_000), purchased_at=yesterday), "2").to_pay == 9_500

    def test_bringing_it_back_lowers_him_at_once(self) -> None:
        open_shop(tiers=LEVELS, rules=WITH_TIERS["rules"])
        anna = enrolled()
        sale = sell(order(("tea", 1, 600_000)))
        bring_back(Coming(sale.till, "back", sale.till, sale.number))
        assert tier_at(anna.pk, timezone.now()) == ""
        assert sell(order(("tea", 1, 10_000)), "2").to_pay == 9_500

    def test_at_night_everybody_is_looked_at_and_told_before_he_falls(self) -> None:
        open_shop(tiers=LEVELS, rules=WITH_TIERS["rules"])
        anna, vera, stranger = enrolled(), enrolled("1000000025", "Vera"), Customer.objects.create(name="Stranger")
        bought(anna, 500_000, 300)
        bought(vera, 120_000, 10)
        bought(stranger, 900_000, 10)
        now = timezone.now()
        assert review_all(now) == 2
        assert dict(TierChange.objects.values_list("customer", "tier")) == {anna.pk: "gold", vera.pk: "silver"}
        assert review_all(now) == 0
        later = now + dt.timedelta(days=70)
        assert review_all(later) == 1
        (ending,) = TierEnding.objects.all()
        assert (ending.customer, ending.ends_on) == (anna, later.astimezone(MOSCOW).date() + dt.timedelta(days=30))
        told = Happening.objects.get(event="member.tier_ending").content
        assert (told["id"], told["tier"], told["missing"]) == (anna.pk, "gold", 300_000)
        # he buys enough within the grace: nothing happens to him
        with transaction.atomic():
            bought(anna, 300_000, -80)
            assert review_all(later + dt.timedelta(days=29)) == 1
            assert not TierEnding.objects.exists()
            transaction.set_rollback(True)
        assert review_all(later + dt.timedelta(days=29)) == 0
        assert review_all(later + dt.timedelta(days=30)) == 1
        assert tier_at(anna.pk, later + dt.timedelta(days=30)) == ""
        assert tier_at(anna.pk, later) == "gold"
        assert not TierEnding.objects.exists()

    def test_of_a_year_the_last_one_keeps_but_only_this_one_can_be_added_to(self) -> None:
        open_shop(tiers=LEVELS | {"period": "year"})
        anna = enrolled()
        now = timezone.now()
        last = now.replace(year=now.year - 1, month=6, day=1)
        days = (now - last).days
        bought(anna, 500_000, days)
        assert review_all(now) == 1
        assert review_all(now.replace(month=12, day=30)) == 0
        # two years later neither this one nor the last has anything; then he buys half of what keeps it
        bought(anna, 250_000, (now - now.replace(year=now.year + 1, month=3, day=1)).days)
        assert review_all(now.replace(year=now.year + 2, month=2, day=1)) == 1
        told = Happening.objects.get(event="member.tier_ending").content
        assert told["missing"] == 300_000, "what he bought last year cannot be added to"

    def test_what_came_back_counts_on_the_day_on_which_it_was_bought(self) -> None:
        open_shop(tiers=LEVELS | {"period": "days:10"}, rules=WITH_TIERS["rules"])
        anna = enrolled()
        month_ago = timezone.now() - dt.timedelta(days=20)
        old = sell(order(("tea", 1, 600_000), purchased_at=month_ago))
        assert tier_at(anna.pk, timezone.now()) == "", "it is no part of the last ten days"
        bought(anna, 500_000, 3)
        assert review_all(timezone.now()) == 1
        bring_back(Coming(old.till, "back", old.till, old.number))
        assert tier_at(anna.pk, timezone.now()) == "gold", "it did not count, so it takes nothing away"

    def test_a_sale_that_came_after_the_review_began_is_seen(self) -> None:
        open_shop(tiers=LEVELS, rules=WITH_TIERS["rules"])
        anna = enrolled()
        began = timezone.now()
        sell(order(("tea", 1, 600_000)))
        assert review_all(began) == 0
        assert tier_at(anna.pk, timezone.now()) == "gold"
        assert not TierEnding.objects.exists()

    def test_a_history_that_did_not_happen_cannot_be_written(self) -> None:
        open_shop(tiers=LEVELS)
        anna = enrolled()
        bought(anna, 500_000, 3)
        review([anna.pk], at=timezone.now())
        for change in (TierChange.objects.all().delete, lambda: TierChange.objects.update(tier="silver")):
            with pytest.raises(IntegrityError, match="keeps what it has"), transaction.atomic():
                change()

    def test_two_who_become_one_count_as_one(self) -> None:
        open_shop(tiers=LEVELS)
        owner = make_user("owner")
        anna, twin = enrolled(), enrolled("1000000025", "Anna again")
        bought(anna, 60_000, 3)
        bought(twin, 60_000, 3)
        review_all(timezone.now())
        assert not TierChange.objects.exists()
        merge(anna, twin, by=owner, reasons=[])
        review_all(timezone.now())
        assert list(TierChange.objects.values_list("customer", "tier")) == [(anna.pk, "silver")]

    def test_rules_may_name_only_tiers_that_there_are(self) -> None:
        open_shop()
        with pytest.raises(InputError, match=r"the tier 'gold', which there is not\. Known: -"):
            publish(RULES | {"rules": [FOR_GOLD]}, by=None)
        times = {"id": "x", "gives": {"kind": "points_by_tier", "times": {"platinum": 2}}}
        with pytest.raises(InputError, match=r"the tier 'platinum', which there is not\. Known: gold, silver"):
            publish(WITH_TIERS | {"rules": [times]}, by=None)
        publish(WITH_TIERS, by=None)

    def test_without_a_programme_or_without_tiers_nobody_has_one(self) -> None:
        assert review_all(timezone.now()) == 0
        open_shop()
        anna = enrolled()
        bought(anna, 500_000, 3)
        assert review_all(timezone.now()) == 0
        publish_in_the_past(WITH_TIERS, dt.timedelta(minutes=1))
        assert review_all(timezone.now()) == 1
        assert tier_of(anna.pk) is not None
        publish_in_the_past(RULES, dt.timedelta(seconds=1))
        assert tier_of(anna.pk) is None


def test_what_is_missing() -> None:
    tiers = Tiers((Tier("a", 10, 5),))
    assert (tiers.missing("a", 3), tiers.missing("a", 7), tiers.missing("b", 0)) == (2, 0, 0)
