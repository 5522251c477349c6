"""Figures of the owner's periods: each beside the one before it, counted once by the audit."""

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from regulars.analytics.rollup import Rollup

Range = tuple[dt.date, dt.date]  # first and last day, both included

_ROLLING = {"week": 7, "month": 30, "quarter": 91, "year": 365}
CALENDAR = ("this_week", "last_week", "this_month", "last_month", "last_quarter", "last_year")
PERIODS = (*_ROLLING, *CALENDAR)
USUAL = "month"


@dataclass(frozen=True)
class Figures:
    """What happened in one range of days. Money is in minor units; `customers` are those who are known."""

    revenue: int
    receipts: int
    known_revenue: int
    known_receipts: int
    items: int  # positions in the receipts of known customers
    customers: int
    new: int  # whose first purchase it was


@dataclass(frozen=True)
class Days:
    """Sales by day and customer, as `days_of` counts them; between the two days the history knows everything."""

    table: ir.Table
    first_day: dt.date
    as_of: dt.date


def days_of(rollup: Rollup) -> ir.Table:
    """One row per day and customer with what was bought, one per day for all who are not known."""
    receipts = rollup.receipts
    rows = receipts.group_by(["purchased_on", "customer_id"]).aggregate(
        amount=receipts.amount.sum(), receipts=(receipts.lines > 0).sum(), lines=receipts.lines.sum()
    )
    rows = rows.left_join(rollup.customers.select("customer_id", "first_on"), "customer_id").drop("customer_id_right")
    return rows.order_by("purchased_on", "customer_id")


def ranges_of(period: str, as_of: dt.date, *, week_starts: int = 0) -> tuple[Range, Range]:
    """The period and the one that it is compared with. `week_starts` is 0 for Monday, 6 for Sunday.

    >>> ranges_of("last_month", dt.date(2026, 3, 10))[0]
    (datetime.date(2026, 2, 1), datetime.date(2026, 2, 28))
    """
    day = dt.timedelta(days=1)
    if period in _ROLLING:
        length = dt.timedelta(days=_ROLLING[period])
        return (as_of - length + day, as_of), (as_of - 2 * length + day, as_of - length)
    if period in ("this_week", "last_week"):
        start = as_of - dt.timedelta(days=(as_of.weekday() - week_starts) % 7)
        return _week(start, as_of) if period == "this_week" else _week(start - 7 * day, start - day)
    months = {"this_month": 1, "last_month": 1, "last_quarter": 3, "last_year": 12}[period]
    end = _start_of(as_of, months)  # the current month, quarter or year begins here
    if period == "this_month":
        before = _months_back(end, 1)
        return (end, as_of), (before, min(before + (as_of - end), end - day))
    start, before = _months_back(end, months), _months_back(end, 2 * months)
    return (start, end - day), (before, start - day)


def _week(start: dt.date, end: dt.date) -> tuple[Range, Range]:
    """The same days of the week before: a week that is not over is compared with as much of that one."""
    week = dt.timedelta(days=7)
    return (start, end), (start - week, end - week)


def before_of(days: Range) -> Range:
    """As many days right before."""
    length = days[1] - days[0] + dt.timedelta(days=1)
    return days[0] - length, days[0] - dt.timedelta(days=1)


def _start_of(day: dt.date, months: int) -> dt.date:
    return dt.date(day.year, (day.month - 1) // months * months + 1, 1)


def _months_back(day: dt.date, months: int) -> dt.date:
    number = day.year * 12 + day.month - 1 - months
    return dt.date(number // 12, number % 12 + 1, 1)


def period_figures(days: Days, *, week_starts: int = 0) -> dict[str, Any]:
    """Of each period that the history covers: its days, its figures, those before, and who came, returned, stopped."""
    found = {}
    for period in PERIODS:
        now, before = ranges_of(period, days.as_of, week_starts=week_starts)
        if now[1] >= days.first_day:
            found[period] = figures_of(days, now, before)
    return found


def figures_of(days: Days, now: Range, before: Range) -> dict[str, Any]:
    """The same for one period and the one that it is compared with."""
    return {
        "days": [day.isoformat() for day in now],
        "days_before": [day.isoformat() for day in before],
        "now": asdict(_figures(days, now)),
        # half a period before the first purchase would look like growth
        "before": asdict(_figures(days, before)) if before[0] >= days.first_day else None,
        "movement": _movement(days, now, before),
    }


def _figures(days: Days, inside: Range) -> Figures:
    rows = days.table.filter(days.table.purchased_on.between(*inside))
    known = rows.customer_id.notnull()
    sums = rows.aggregate(
        revenue=rows.amount.sum(),
        receipts=rows.receipts.sum(),
        known_revenue=rows.amount.sum(where=known),
        known_receipts=rows.receipts.sum(where=known),
        items=rows.lines.sum(where=known),
        customers=rows.customer_id.nunique(where=known & (rows.receipts > 0)),
        new=(rows.purchased_on == rows.first_on).sum(),
    )
    return Figures(**_row(sums))


def _movement(days: Days, now: Range, before: Range) -> dict[str, int]:
    """How many returned after a pause of the whole period before, and how many bought then and not now."""
    rows = days.table.filter(days.table.customer_id.notnull() & (days.table.receipts > 0))
    rows = rows.filter(rows.purchased_on.between(before[0], now[1]))
    start = ibis.literal(now[0])
    each = rows.group_by("customer_id").aggregate(
        here=(rows.purchased_on >= start).any(),
        then=(rows.purchased_on < start).any(),
        is_old=(rows.first_on < ibis.literal(before[0])).any(),
    )
    counts = each.aggregate(
        returned=(each.here & ~each.then & each.is_old).sum(), stopped=(each.then & ~each.here).sum()
    )
    return _row(counts)


def _row(table: ir.Table) -> dict[str, int]:
    found = table.to_pyarrow().to_pylist()[0]
    return {name: int(value or 0) for name, value in found.items()}
