"""Visit periods: known rhythms come back, censoring does not fake a trend."""

import random

import ibis
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.analytics.rfm import rfm
from regulars.analytics.visit_period import VisitPeriod, visit_period
from regulars.core.errors import NotEnoughData
from tests.analytics.histories import Line, day, lines_of, rolled, rows


def analysed(lines: list[Line]) -> VisitPeriod:
    """The visit periods with the shop's own RFM segments."""
    rollup = rolled(lines)
    return visit_period(rollup, rfm(rollup).customers)


def visits(customer: str, days: list[int], amount: int = 100) -> list[Line]:
    """One line on each of the days."""
    return [Line(customer, day(number), amount) for number in days]


def test_gaps_of_one_customer_counted_by_hand() -> None:
    found = analysed(visits("ann", [0, 10, 12, 20]) + visits("once", [3]))
    assert (found.customers, found.median.value) == (1, pytest.approx(20 / 3))
    assert rows(found.customers_table) == [
        {
            "customer_id": "ann",
            "visit_period_days": pytest.approx(20 / 3),
            "median_gap_days": 8.0,
            "last_gaps_ratio": None,
        }
    ]


def test_two_receipts_on_one_day_are_one_visit() -> None:
    lines = [*visits("ann", [0, 10]), Line("ann", day(10), 50, "2")]
    assert analysed(lines).median.value == 10


def test_a_return_is_no_visit() -> None:
    found = analysed([*visits("ann", [0, 10]), Line("ann", day(15), -50)])
    assert found.median.value == 10


def test_the_last_three_gaps_are_compared_with_the_earlier_ones() -> None:
    # gaps 5, 5, 5 and then 10, 20, 30
    found = rows(analysed(visits("ann", [0, 5, 10, 15, 25, 45, 75])).customers_table)
    assert found[0]["last_gaps_ratio"] == pytest.approx(20 / 5)


def test_five_gaps_are_too_few_for_a_trend() -> None:
    found = rows(analysed(visits("ann", [0, 5, 10, 15, 25, 45])).customers_table)
    assert found[0]["last_gaps_ratio"] is None


def test_nobody_came_twice() -> None:
    with pytest.raises(NotEnoughData):
        analysed(visits("ann", [0]) + visits("bob", [3]))


def test_the_median_has_its_order_statistics_around_it() -> None:
    lines = [line for i in range(20) for line in visits(f"c{i:02}", [0, i + 1])]
    found = analysed(lines).median
    assert (found.value, found.low, found.high) == pytest.approx((10.5, 6, 15))


def test_segments_have_quartiles() -> None:
    rollup = rolled([line for i in range(4) for line in visits(f"c{i}", [0, 10 * (i + 1)])])
    segments = rollup.customers.select("customer_id").mutate(rfm_segment=ibis.literal("loyal"))
    assert rows(visit_period(rollup, segments).segments) == [
        {"rfm_segment": "loyal", "customers": 4, "median_days": 25.0, "p25_days": 17.5, "p75_days": 32.5}
    ]


def test_potential_is_a_high_check_and_a_rare_visit() -> None:
    lines = [
        *visits("rare_rich", [0, 60], 900),
        *visits("often_rich", [0, 5], 900),
        *visits("rare_poor", [0, 60], 100),
        *visits("often_poor", [0, 5], 100),
        *visits("typical_1", [0, 30], 100),
        *visits("typical_2", [0, 30], 100),
        *visits("typical_3", [0, 30], 100),
        *visits("once", [2], 5_000),
    ]
    found = rows(analysed(lines).frequent_potential)
    assert [(row["customer_id"], row["mean_check"], row["amount"]) for row in found] == [("rare_rich", 900.0, 1_800)]


def rhythmic(*, gap: int, days: int, customers: int = 60, seed: int = 1) -> list[Line]:
    """Customers who come with exponential gaps of this mean, from long before the history to its end."""
    generator = np.random.default_rng(seed)
    lines = []
    for i in range(customers):
        steps = 1 + generator.exponential(gap, 40 + 4 * days // gap)
        at = np.cumsum(steps) - 200
        lines += visits(f"c{i}", sorted({int(x) for x in at if 0 <= x < days}))
    return lines


def test_an_unchanging_shop_shows_no_trend_at_its_start() -> None:
    quarters = sorted(
        rows(analysed(rhythmic(gap=25, days=730, customers=200)).quarters), key=lambda row: row["quarter"]
    )
    medians = [row["median_days"] for row in quarters]
    assert len(medians) >= 5
    assert max(medians) - min(medians) <= 4
    # the first quarter of the history would have seen short gaps only
    assert quarters[0]["quarter"] > day(28)


def test_quarters_see_customers_come_more_rarely() -> None:
    early = rhythmic(gap=6, days=365)
    late = [line._replace(on=line.on + (day(366) - day(0))) for line in rhythmic(gap=14, days=365, seed=2)]
    quarters = sorted(rows(analysed(early + late).quarters), key=lambda row: row["quarter"])
    assert quarters[-1]["median_days"] > 1.5 * quarters[0]["median_days"]


def test_a_quarter_that_has_just_begun_is_left_out() -> None:
    quarters = rows(analysed([line for line in rhythmic(gap=5, days=190) if line.on <= day(185)]).quarters)
    assert [row["quarter"] for row in quarters] == [day(91)]  # July has only begun


def test_a_short_history_has_no_quarter_to_show() -> None:
    assert rows(analysed(visits("ann", [0, 3, 9])).quarters) == []


@settings(max_examples=6)
@given(lines_of(most_days=120), st.integers(0, 99))
def test_row_order_does_not_matter_and_segments_add_up(lines: list[Line], seed: int) -> None:
    lines = [*visits("c0", [0, 7]), *lines]
    shuffled = list(lines)
    random.Random(seed).shuffle(shuffled)
    found, again = analysed(lines), analysed(shuffled)
    assert found.median == again.median
    for name in ("segments", "quarters", "frequent_potential", "customers_table"):
        assert rows(getattr(found, name)) == rows(getattr(again, name))
    assert found.customers == sum(row["customers"] for row in rows(found.segments))
    by_hand: dict[str, set[object]] = {}
    for line in lines:
        sums = sum(other.amount for other in lines if other[:2] == line[:2] and other.amount > 0)
        if line.customer_id and sums:
            by_hand.setdefault(line.customer_id, set()).add(line.on)
    periods = {
        name: (max(days) - min(days)).days / (len(days) - 1)  # type: ignore[operator,type-var]
        for name, days in by_hand.items()
        if len(days) > 1
    }
    assert {row["customer_id"]: row["visit_period_days"] for row in rows(found.customers_table)} == pytest.approx(
        periods
    )
