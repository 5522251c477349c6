"""Floating points: from purchases, less what idle days take, by the days of the shop."""

import datetime as dt

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from regulars.loyalty.programme.floating import Terms
from regulars.loyalty.programmes import rules_of
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import quote
from regulars.loyalty.simulating import simulate
from tests.loyalty.selling_cases import RULES, enrolled, no_segments, open_shop, order, publish_in_the_past, sell

FIRST = dt.date(2026, 1, 1)
FLOATING = {
    "id": "floating",
    "gives": {
        "kind": "percent_by_points", "per": 10_000, "falls": 2, "idle_days": 10,
        "steps": [{"from": 2, "percent": 10}, {"from": 4, "percent": 20}],
    },
}  # fmt: skip


def day_by_day(terms: Terms, paid: dict[int, int], last: int) -> int:
    """The same by a clock that goes through every day: slow, and easily seen to be right."""
    points, idle = 0, 0
    for day in range(last + 1):
        if day and idle and idle % terms.idle_days == 0:
            points = max(0, points - terms.falls)
        if day in paid:
            points, idle = points + paid[day] // terms.per, 0
        idle += 1
    return points


@given(
    st.builds(Terms, st.integers(1, 50), st.integers(1, 12), st.integers(1, 9)),
    st.dictionaries(st.integers(0, 60), st.integers(1, 400), max_size=12), st.integers(0, 90),
)  # fmt: skip
def test_points_are_what_a_clock_that_goes_day_by_day_says(terms: Terms, paid: dict[int, int], last: int) -> None:
    known = {day: amount for day, amount in paid.items() if day <= last}
    days = [(FIRST + dt.timedelta(days=day), known[day]) for day in sorted(known)]
    assert terms.standing(days, FIRST + dt.timedelta(days=last)) == day_by_day(terms, known, last)


def test_whoever_bought_nothing_has_none() -> None:
    assert Terms(100, 30, 1).standing([], FIRST) == 0


@pytest.mark.django_db
def test_a_till_gives_the_discount_and_an_idle_member_loses_it() -> None:
    open_shop(rules=[FLOATING])
    enrolled()
    now = timezone.now()
    sell(order(("tea", 4, 40_000), purchased_at=now - dt.timedelta(days=25)), "1")
    discounts = {
        days: quote(
            order(("tea", 1, 10_000), purchased_at=now - dt.timedelta(days=25 - days)), segments=no_segments
        ).judged.discount
        for days in (1, 9, 10, 19, 20, 25)
    }  # fmt: skip
    assert discounts == {1: 2_000, 9: 2_000, 10: 1_000, 19: 1_000, 20: 0, 25: 0}


@pytest.mark.django_db
def test_what_came_back_was_never_bought() -> None:
    open_shop(rules=[FLOATING])
    enrolled()
    sell(order(("tea", 2, 20_000)), "1")
    assert quote(order(("tea", 1, 10_000)), segments=no_segments).judged.discount == 1_000
    bring_back(Coming("till:1", "2", "till:1", "1"))
    assert quote(order(("tea", 1, 10_000)), segments=no_segments).judged.discount == 0


@pytest.mark.django_db
def test_a_simulation_gives_what_the_till_gave() -> None:
    programme = open_shop(rules=[FLOATING])
    now, given = timezone.now(), 0
    for person in range(40):
        card = str(1_000_000_000 + person)
        enrolled(card)
        for visit, days in enumerate((24, 23, 12, 1)):
            asked = order(("tea", 2, 20_000), card=card, purchased_at=now - dt.timedelta(days=days))
            given += sell(asked, f"{person} {visit}").discount
    draft = RULES | {"rules": [FLOATING]}
    publish_in_the_past(draft, dt.timedelta(seconds=1))
    found = simulate(rules_of(programme), days=30, segments=no_segments)
    assert found.draft.discount is not None
    assert given > 0
    assert round(found.draft.discount.value) == given
