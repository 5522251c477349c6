"""The average check and the pillars, against numpy, scipy and sums by hand."""

import datetime as dt
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from regulars.analytics.check import Check, check, pillars
from regulars.analytics.periods import comparison_periods, full_months
from regulars.core.errors import NotEnoughData
from tests.analytics.histories import Line, day, lines_of, rolled, rows


def receipts(amounts: list[int]) -> list[Line]:
    """One receipt for each amount, all of one customer, ten a day."""
    return [Line("ann", day(i // 10), amount, str(i)) for i, amount in enumerate(amounts)]


def numbers(found: Check) -> list[float]:
    """All numbers of the estimates in one list."""
    return [
        number
        for estimate in (found.mean, found.median, found.trimmed)
        for number in (estimate.value, estimate.low, estimate.high)
    ]


def test_median_of_twenty_receipts_lies_between_the_sixth_and_the_fifteenth() -> None:
    found = check(rolled(receipts([100 * i for i in range(1, 21)])))
    assert (found.receipts, found.median.value) == (20, 1_050)
    assert (found.median.low, found.median.high) == (600, 1_500)


def test_mean_has_students_interval() -> None:
    amounts = [100, 300, 200, 900, 400, 500, 100, 700, 800, 600]
    low, high = stats.t.interval(0.95, 9, loc=np.mean(amounts), scale=stats.sem(amounts))
    found = check(rolled(receipts(amounts))).mean
    assert (found.value, found.low, found.high) == pytest.approx((460, low, high))


def test_trimmed_mean_matches_scipy_and_yuen() -> None:
    amounts = [int(x) for x in np.random.default_rng(4).lognormal(7, 1, 203)]
    found = check(rolled(receipts(amounts))).trimmed
    winsorised = np.asarray(stats.mstats.winsorize(np.array(amounts), limits=(0.1, 0.1)))
    kept = 203 - 2 * 20
    error = np.sqrt(((winsorised - winsorised.mean()) ** 2).sum() / (kept * (kept - 1)))
    half = stats.t.ppf(0.975, kept - 1) * error
    assert found.value == pytest.approx(stats.trim_mean(amounts, 0.1))
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))


def test_trimming_takes_equal_receipts_one_by_one() -> None:
    # a tenth of twenty is two: of three nines and four ones two each go
    amounts = [1] * 4 + [5] * 13 + [9] * 3
    assert check(rolled(receipts(amounts))).trimmed.value == pytest.approx((2 + 65 + 9) / 16)


def test_one_huge_receipt_moves_the_mean_and_not_the_median() -> None:
    quiet = check(rolled(receipts([100] * 10 + [200] * 9)))
    loud = check(rolled(receipts([100] * 10 + [200] * 8 + [10**9])))
    assert loud.median == quiet.median
    assert loud.mean.value > 50_000_000
    assert loud.trimmed.value == pytest.approx(quiet.trimmed.value)


def test_receipts_that_brought_nothing_are_left_out() -> None:
    lines = [
        *receipts([100] * 10),
        Line("ann", day(3), -100, "back"),
        Line("ann", day(4), 50, "x"),
        Line("ann", day(4), -80, "x"),
    ]
    found = check(rolled(lines))
    assert (found.receipts, found.mean.value, found.median.value) == (10, 100, 100)


def test_unknown_buyers_have_checks_too() -> None:
    found = check(rolled([*receipts([100] * 9), Line(None, day(1), 1_100, "u")]))
    assert (found.receipts, found.mean.value) == (10, 200)


def test_nine_receipts_are_not_enough() -> None:
    with pytest.raises(NotEnoughData, match="there are 9"):
        check(rolled(receipts([100] * 9)))


def test_equal_receipts_have_no_spread() -> None:
    found = check(rolled(receipts([250] * 30)))
    assert numbers(found) == pytest.approx([250.0] * 9)


def test_months_without_receipts_are_shown_empty() -> None:
    found = check(rolled([*receipts([100] * 10), Line("ann", day(65), 300)]))
    assert rows(found.months) == [
        {"month": dt.date(2024, 1, 1), "receipts": 10, "mean": 100.0, "median": 100.0},
        {"month": dt.date(2024, 2, 1), "receipts": 0, "mean": None, "median": None},
        {"month": dt.date(2024, 3, 1), "receipts": 1, "mean": 300.0, "median": 300.0},
    ]


def test_the_histogram_has_equal_bins_and_keeps_the_tail_in_the_last_one() -> None:
    amounts = [*range(1, 1_000), 50_000]
    bins = sorted(rows(check(rolled(receipts(amounts))).histogram), key=lambda row: row["low"])
    assert sum(row["receipts"] for row in bins) == 1_000
    assert {row["high"] - row["low"] for row in bins[:-1]} == {50}
    assert bins[-1]["high"] >= 50_000
    assert bins[0] == {"low": 0, "high": 50, "receipts": 49}
    assert [row["high"] for row in bins[:-1]] == [row["low"] for row in bins[1:]]
    assert len(bins) <= 41


@settings(max_examples=6)
@given(st.lists(st.integers(1, 10**7), min_size=10, max_size=60), st.integers(0, 99))
def test_row_order_does_not_matter_and_money_scales(amounts: list[int], seed: int) -> None:
    lines = receipts(amounts)
    shuffled = list(lines)
    random.Random(seed).shuffle(shuffled)
    found, again = check(rolled(lines)), check(rolled(shuffled))
    assert numbers(found) == pytest.approx(numbers(again), rel=1e-12, abs=1e-6)
    assert rows(found.histogram) == rows(again.histogram)
    scaled = check(rolled([line._replace(amount=line.amount * 100) for line in lines]))
    assert numbers(scaled) == pytest.approx([100 * number for number in numbers(found)], rel=1e-9, abs=1e-3)
    assert sum(row["receipts"] for row in rows(found.histogram)) == len(amounts)
    assert sum(row["receipts"] for row in rows(found.months)) == len(amounts)


def test_two_years_are_compared_year_with_year() -> None:
    previous, last = comparison_periods(rolled([Line("ann", day(0), 100), Line("ann", day(800), 100)]))
    assert last == (day(436), day(800))
    assert previous == (day(71), day(435))


def test_a_shorter_history_is_cut_into_halves_of_whole_weeks() -> None:
    previous, last = comparison_periods(rolled([Line("ann", day(0), 100), Line("ann", day(99), 100)]))
    assert previous == (day(2), day(50))
    assert last == (day(51), day(99))


def test_less_than_eight_weeks_cannot_be_compared() -> None:
    with pytest.raises(NotEnoughData, match="there are 55"):
        comparison_periods(rolled([Line("ann", day(0), 100), Line("ann", day(54), 100)]))
    assert comparison_periods(rolled([Line("ann", day(0), 100), Line("ann", day(55), 100)]))


def test_full_months_lie_in_the_history_from_first_day_to_last() -> None:
    assert len(full_months(dt.date(2024, 1, 1), dt.date(2024, 2, 29))) == 2
    assert len(full_months(dt.date(2024, 1, 2), dt.date(2024, 2, 28))) == 0
    assert len(full_months(dt.date(2024, 1, 2), dt.date(2025, 1, 1))) == 11


def test_pillars_counted_by_hand() -> None:
    lines = [
        # previous four weeks: two customers, three visits, three receipts, four positions
        Line("ann", day(0), 100),
        Line("ann", day(0), 200),
        Line("ann", day(10), 300),
        Line("bob", day(27), 600),
        # last four weeks: one customer, one visit with two receipts; a return; an unknown buyer
        Line("ann", day(28), 500, "1"),
        Line("ann", day(28), 700, "2"),
        Line("bob", day(30), -150),
        Line(None, day(55), 9_999),
    ]
    found = {row["period"]: row for row in rows(pillars(rolled(lines)).table)}
    assert found["previous"] == {
        "period": "previous",
        "starts_on": day(0),
        "ends_on": day(27),
        "customers": 2,
        "visits_per_customer": 1.5,
        "receipts": 3,
        "lines_per_receipt": pytest.approx(4 / 3),
        "amount_per_line": 300.0,
        "check": 400.0,
        "revenue": 1_200,
    }
    assert found["last"]["customers"] == 1
    assert found["last"]["visits_per_customer"] == 1.0
    assert (found["last"]["receipts"], found["last"]["revenue"], found["last"]["check"]) == (2, 1_050, 525.0)


def test_a_period_without_visits_has_no_ratios() -> None:
    found = {
        row["period"]: row for row in rows(pillars(rolled([Line("ann", day(0), 5), Line(None, day(60), 5)])).table)
    }
    assert (found["last"]["customers"], found["last"]["check"], found["last"]["revenue"]) == (0, None, 0)


@settings(max_examples=6)
@given(lines_of(most_days=90))
def test_pillars_multiply_to_revenue_and_count_each_customer_once(lines: list[Line]) -> None:
    lines = [*lines, Line("c0", day(90), 100)]
    rollup = rolled([Line("c0", day(0), 1), *lines])
    for row in rows(pillars(rollup).table):
        inside = [line for line in lines if row["starts_on"] <= line.on <= row["ends_on"] and line.customer_id]
        assert row["revenue"] == sum(line.amount for line in inside)
        assert row["customers"] == len({line.customer_id for line in inside if line.amount > 0})
        if row["receipts"]:
            assert row["receipts"] * row["lines_per_receipt"] * row["amount_per_line"] == pytest.approx(row["revenue"])
