"""Cohorts by hand, and a survival curve whose truth is known."""

import datetime as dt
import random

import ibis
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.analytics.cohorts import cohorts
from regulars.analytics.rollup import Rollup
from tests.analytics.histories import Line, day, lines_of, rolled, rows


def table_of(lines: list[Line], as_of: dt.date | None = None) -> dict[tuple[int, int], tuple[int, int, int]]:
    """(month of the cohort, months since) -> customers, active, revenue."""
    found = cohorts(rolled(lines, as_of=as_of), None).table
    return {
        (row["cohort"].month, row["month_no"]): (row["customers"], row["active"], row["revenue"]) for row in rows(found)
    }


def test_cohorts_counted_by_hand() -> None:
    found = table_of(
        [
            Line("ann", dt.date(2024, 1, 31), 100),
            Line("ann", dt.date(2024, 2, 1), 50),  # the next calendar month, a day later
            Line("ann", dt.date(2024, 2, 20), 70),
            Line("bob", dt.date(2024, 1, 5), 30),
            Line("eve", dt.date(2024, 2, 2), 80),
            Line("bob", dt.date(2024, 3, 3), -10),
            Line("ann", dt.date(2024, 3, 9), 20),
            Line(None, dt.date(2024, 3, 9), 999),
        ]
    )
    assert found == {
        (1, 0): (2, 2, 130),
        (1, 1): (2, 1, 120),
        (1, 2): (2, 1, 10),
        (2, 0): (1, 1, 80),
        (2, 1): (1, 0, 0),
    }


def test_months_after_the_last_purchase_are_shown_up_to_as_of() -> None:
    found = table_of([Line("ann", day(0), 100)], as_of=dt.date(2024, 3, 15))
    assert found == {(1, 0): (1, 1, 100), (1, 1): (1, 0, 0), (1, 2): (1, 0, 0)}


def test_a_return_before_the_first_visit_belongs_to_its_first_month() -> None:
    found = table_of([Line("ann", dt.date(2024, 1, 10), -5), Line("ann", dt.date(2024, 2, 10), 100)])
    assert found == {(2, 0): (1, 1, 95)}


def test_shares_are_of_the_cohort() -> None:
    lines = [Line("ann", day(0), 1), Line("bob", day(1), 1), Line("ann", day(40), 1)]
    assert [row["active_share"] for row in rows(cohorts(rolled(lines), None).table)] == [1.0, 0.5]


def test_without_states_there_is_no_survival_and_the_reason_is_told() -> None:
    found = cohorts(rolled([Line("ann", day(0), 1)]), None)
    assert found.survival is None
    assert found.survival_reason


def stayers(*, alpha: float, beta: float, customers: int, months: int, silence: int = 30) -> tuple[Rollup, ibis.Table]:
    """Customers who come every ten days until they leave, sBG(alpha, beta) in months; joining at any time."""
    generator = np.random.default_rng(8)
    chances = generator.beta(alpha, beta, customers)
    periods = generator.geometric(chances)
    joined = generator.integers(0, months * 30, customers)
    lines = []
    for i in range(customers):
        # leaves during month `periods`, at any of its days
        stay = (periods[i] - 1) * 30.4375 + generator.uniform(0, 30.4375)
        last = min(joined[i] + stay, months * 30)
        lines += [Line(f"c{i}", day(int(at)), 100) for at in np.arange(joined[i], last + 0.001, 10)]
    rollup = rolled(lines, as_of=day(months * 30))
    states = rollup.customers.select(
        "customer_id", state=ibis.cases((rollup.customers.recency_days > silence, "lost"), else_="regular")
    )
    return rollup, states


def test_survival_finds_how_long_customers_really_stay() -> None:
    rollup, states = stayers(alpha=1.2, beta=6.0, customers=1_500, months=24)
    found = cohorts(rollup, states)
    assert found.survival_reason is None
    assert found.survival is not None
    curve = sorted(rows(found.survival.curve), key=lambda row: row["month"])
    assert [row["month"] for row in curve] == list(range(37))
    truth = 1.0
    for t, row in enumerate(curve):
        if t:
            truth *= (6.0 + t - 1) / (1.2 + 6.0 + t - 1)
        assert row["projected"] == pytest.approx(truth, abs=0.05)
        if row["observed"] is not None and t <= 15:
            assert row["observed"] == pytest.approx(truth, abs=0.05)
    assert curve[0]["observed"] == 1.0
    assert curve[36]["observed"] is None
    observed = [row["observed"] for row in curve if row["observed"] is not None]
    assert observed == sorted(observed, reverse=True)


def test_a_loss_that_shows_late_does_not_flatter_the_curve() -> None:
    # a third of the year is too recent for anybody to be called lost in it
    rollup, states = stayers(alpha=1.2, beta=6.0, customers=4_000, months=12, silence=120)
    found = cohorts(rollup, states).survival
    assert found is not None
    observed = {row["month"]: row["observed"] for row in rows(found.curve)}
    # B(1.2, 6 + t) / B(1.2, 6)
    assert (observed[1], observed[3], observed[6]) == pytest.approx((0.833, 0.619, 0.439), abs=0.04)


def test_survival_needs_three_hundred_customers() -> None:
    rollup, states = stayers(alpha=1.0, beta=3.0, customers=200, months=12)
    found = cohorts(rollup, states)
    assert found.survival is None
    assert "300" in str(found.survival_reason)


def test_survival_needs_somebody_who_is_lost() -> None:
    rollup = rolled([Line(f"c{i}", day(i % 200), 1) for i in range(400)])
    found = cohorts(rollup, rollup.customers.select("customer_id", state=ibis.literal("regular")))
    assert found.survival is None
    assert "Nobody" in str(found.survival_reason)


@settings(max_examples=6)
@given(lines_of(most_days=150), st.integers(0, 99))
def test_cohorts_add_up_and_row_order_does_not_matter(lines: list[Line], seed: int) -> None:
    shuffled = list(lines)
    random.Random(seed).shuffle(shuffled)
    found = table_of(lines)
    assert found == table_of(shuffled)
    buyers = {line.customer_id for line in lines if line.customer_id and line.amount > 0}
    assert sum(customers for (_, month_no), (customers, _, _) in found.items() if month_no == 0) == len(buyers)
    assert all(active == customers for (_, month_no), (customers, active, _) in found.items() if month_no == 0)
    assert sum(revenue for _, _, revenue in found.values()) == sum(
        line.amount for line in lines if line.customer_id in buyers
    )
