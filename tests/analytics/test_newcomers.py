"""Newcomers by hand: the window is 28 days, the history begins on day 0."""

import datetime as dt

import numpy as np
import pytest

from regulars.analytics.intervals import wilson
from regulars.analytics.newcomers import Newcomers, newcomers
from tests.analytics.purchase_rows import Row, bought, by_customer, day, records, rolled, visits

FIRST = bought("first of all", 0)


def found(rows: list[Row], *, as_of: int, window_days: int = 28) -> Newcomers:
    return newcomers(rolled(rows, as_of=as_of), window_days=window_days)


def test_a_newcomer_is_first_seen_after_the_first_window_and_a_window_before_as_of() -> None:
    rows = [FIRST, bought("too early", 27), bought("first", 28), bought("last", 72), bought("too late", 73)]
    result = found(rows, as_of=100)
    assert result.customers == 2
    assert set(by_customer(result.people)) == {"first", "last"}


def test_who_bought_on_one_day_only_never_returned_whatever_was_bought_or_brought_back() -> None:
    rows = [FIRST, bought("once", 30, 200), bought("once", 30, 50), bought("once", 40, -70), *visits("twice", 30, 90)]
    result = found(rows, as_of=100)
    assert (result.customers, result.never_returned, result.first_amount) == (2, 1, 180)
    assert result.share == wilson(1, 2)
    assert by_customer(result.people) == {"once": {"first_on": day(30), "amount": 180}}


def test_coming_back_in_time_means_within_the_window_after_the_first_visit() -> None:
    rows = [FIRST, *visits("in time", 30, 58, 99), *visits("late", 30, 59), *visits("never", 30)]
    result = found(rows, as_of=100)
    assert (result.returned_in_window, result.never_returned) == (1, 1)


def test_a_regular_has_three_visits_within_two_windows() -> None:
    rows = [
        FIRST,
        *visits("regular", 30, 31, 86),
        *visits("too slow", 30, 31, 87),
        *visits("two", 30, 31),
        # not observed for two windows yet, so not judged
        *visits("young", 45, 46, 47),
    ]
    result = found(rows, as_of=100)
    assert (result.customers, result.observed_two_windows, result.became_regular) == (4, 3, 1)
    assert result.regular_share == wilson(1, 3)


def test_without_newcomers_there_is_nobody_to_take_a_share_of() -> None:
    result = found([FIRST, bought("too late", 99)], as_of=100)
    assert (result.customers, result.share, result.regular_share, result.trend_per_month) == (0, None, None, None)
    assert records(result.months) == records(result.people) == []


def test_a_history_of_one_day_has_no_newcomers() -> None:
    assert found([FIRST], as_of=0, window_days=14).customers == 0


def month_of_newcomers(month: int, came_back: int, all_of_them: int) -> list[Row]:
    """Newcomers on the tenth of a month of 2024, some of whom come again the next day."""
    first = (dt.date(2024, month, 10) - day(0)).days
    return [
        row
        for i in range(all_of_them)
        for row in visits(f"{month}-{i}", first, *([first + 1] if i < came_back else []))
    ]


def test_each_month_shows_the_share_that_did_not_come_back_in_the_window() -> None:
    rows = [FIRST, *month_of_newcomers(3, 6, 8), *month_of_newcomers(4, 1, 4), *visits("late", 71, 150)]
    assert records(found(rows, as_of=200).months) == [
        {
            "month": dt.date(2024, 3, 1),
            "customers": 9,
            # the late one did return, but not in the window
            "never_returned": 2,
            "returned_in_window": 6,
            "share": pytest.approx(1 - 6 / 9),
        },
        {
            "month": dt.date(2024, 4, 1),
            "customers": 4,
            "never_returned": 3,
            "returned_in_window": 1,
            "share": 0.75,
        },
    ]


def test_the_trend_is_the_weighted_least_squares_slope_with_its_interval() -> None:
    months = {3: (18, 20), 4: (30, 40), 5: (16, 20), 7: (20, 40)}
    rows = [FIRST, *(row for month, counts in months.items() for row in month_of_newcomers(month, *counts))]
    trend = found(rows, as_of=300).trend_per_month
    x, y = np.array(list(months)), np.array([1 - back / n for back, n in months.values()])
    weight = np.array([n for _back, n in months.values()])
    design = np.column_stack([np.ones(4), x])
    slope = np.linalg.solve(design.T * weight @ design, design.T * weight @ y)
    residual = y - design @ slope
    error = np.sqrt((weight * residual**2).sum() / 2 * np.linalg.inv(design.T * weight @ design)[1, 1])
    assert trend.value == pytest.approx(slope[1])
    assert (trend.low, trend.high) == pytest.approx((slope[1] - 1.96 * error, slope[1] + 1.96 * error))


def test_months_of_fewer_than_twenty_newcomers_make_no_trend() -> None:
    rows = [FIRST, *(row for month in (3, 4, 5) for row in month_of_newcomers(month, 10, 20))]
    assert found([*rows, *month_of_newcomers(6, 1, 19)], as_of=300).trend_per_month is None
    assert found([*rows, *month_of_newcomers(6, 1, 20)], as_of=300).trend_per_month is not None


def test_a_trend_goes_on_over_the_turn_of_the_year() -> None:
    first = bought("first of all", -200)
    rows = [first]
    for step, month_start in enumerate(
        (dt.date(2023, 11, 1), dt.date(2023, 12, 1), dt.date(2024, 1, 1), dt.date(2024, 2, 1))
    ):
        number = (month_start - day(0)).days
        rows += [
            row for i in range(20) for row in visits(f"{step}-{i}", number, *([number + 1] if i < 4 + 4 * step else []))
        ]
    assert found(rows, as_of=200).trend_per_month.value == pytest.approx(-0.2)
