"""Calendar helpers: the two equal periods that are compared, and months as whole numbers."""

import datetime as dt

import ibis.expr.types as ir

from regulars.analytics.rollup import YEAR_DAYS, Rollup
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

Period = tuple[dt.date, dt.date]  # first and last day, both included

SHORTEST_DAYS = 56


def comparison_periods(rollup: Rollup) -> tuple[Period, Period]:
    """The previous and the last period: equal in days, one right after the other, ending with `as_of`.

    The last 365 days against the 365 before them. A history shorter than two years is cut into halves of
    whole weeks, so that both have the same weekdays; seasons then differ between them. `NotEnoughData`
    below eight weeks.
    """
    if rollup.span_days < SHORTEST_DAYS:
        raise NotEnoughData(
            _("Two periods can be compared from {need} days of history on; there are {days}.").format(
                need=SHORTEST_DAYS, days=rollup.span_days
            )
        )
    length = YEAR_DAYS if rollup.span_days >= 2 * YEAR_DAYS else rollup.span_days // 14 * 7
    middle = rollup.as_of - dt.timedelta(days=length)
    start = middle - dt.timedelta(days=length - 1)
    return (start, middle), (middle + dt.timedelta(days=1), rollup.as_of)


def within(day: ir.Column, period: Period) -> ir.BooleanValue:
    """Whether `day` lies in `period`."""
    inside: ir.BooleanValue = day.between(*period)
    return inside


def month_number(day: ir.DateValue | ir.TimestampValue) -> ir.IntegerValue:
    """Months since year 0, so that differences count calendar months; several times faster than `truncate`."""
    number: ir.IntegerValue = day.year().cast("int64") * 12 + day.month().cast("int64") - 1
    return number


def number_of(day: dt.date) -> int:
    """`month_number` of a day."""
    return day.year * 12 + day.month - 1


def month_of(number: int) -> dt.date:
    """The first day of the month with this number."""
    return dt.date(number // 12, number % 12 + 1, 1)


def months_between(first: dt.date, last: dt.date) -> range:
    """Numbers of all months that `first` to `last` touch."""
    return range(number_of(first), number_of(last) + 1)


def full_months(first: dt.date, last: dt.date) -> range:
    """Numbers of the months that lie in `first` to `last` from their first day to their last."""
    start = number_of(first) + (first.day > 1)
    end = number_of(last + dt.timedelta(days=1))
    return range(start, max(start, end))
