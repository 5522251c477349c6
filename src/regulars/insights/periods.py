"""Figures of the owner's periods: each beside the one before it, counted once by the audit."""

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from regulars.analytics.rollup import Rollup

Range = tuple[dt.date, dt.date]  # first and last day, both included

_ROLLING = {"week": 7, "month": 30, "quarter": 91, "year": 365}
CALENDAR = ("this_month", "last_month", "last_quarter", "last_year")
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


def ranges_of(period: str, as_of: dt.date) -> tuple[Range, Range]:
    """The period and the one that it is compared with.

    >>> ranges_of("last_month", dt.date(2026, 3, 10))[0]
    (datetime.date(2026, 2, 1), datetime.date(2026, 2, 28))
    """
    day = dt.timedelta(days=1)
    if period in _ROLLING:
        length = dt.timedelta(days=_ROLLING[period])
        return (as_of - length + day, as_of), (as_of - 2 * length + day, as_of - length)
    months = {"this_month": 1, "last_month": 1, "last_quarter": 3, "last_year": 12}[period]
    end = _start_of(as_of, months)  # the current month, quarter or year begins here
    if period == "this_month":
        before = _months_back(end, 1)
        return (end, as_of), (before, min(before + (as_of - end), end - day))
    start, before = _months_back(end, months), _months_back(end, 2 * months)
    return (start, end - day), (before, start - day)


def _start_of(day: dt.date, months: int) -> dt.date:
    return dt.date(day.year, (day.month - 1) // months * months + 1, 1)


def _months_back(day: dt.date, months: int) -> dt.date:
    number = day.year * 12 + day.month - 1 - months
    return dt.date(number // 12, number % 12 + 1, 1)


def period_figures(rollup: Rollup) -> dict[str, Any]:
    """Of each period that the history covers: its days, its figures, those before, and who came, returned, stopped."""
    found = {}
    for period in PERIODS:
        now, before = ranges_of(period, rollup.as_of)
        if now[1] < rollup.first_day:
            continue
        found[period] = {
            "days": [day.isoformat() for day in now],
            "days_before": [day.isoformat() for day in before],
            "now": asdict(_figures(rollup, now)),
            # half a period before the first purchase would look like growth
            "before": asdict(_figures(rollup, before)) if before[0] >= rollup.first_day else None,
            "movement": _movement(rollup, now, before),
        }
    return found


def _figures(rollup: Rollup, days: Range) -> Figures:
    inside = rollup.receipts.filter(rollup.receipts.purchased_on.between(*days))
    known = inside.customer_id.notnull()
    bought = inside.lines > 0
    sums = inside.aggregate(
        revenue=inside.amount.sum(),
        receipts=bought.sum(),
        known_revenue=inside.amount.sum(where=known),
        known_receipts=(known & bought).sum(),
        items=inside.lines.sum(where=known),
        customers=inside.customer_id.nunique(where=known & bought),
    )
    fresh = rollup.customers.filter(rollup.customers.first_on.between(*days)).count()
    row = {name: int(value or 0) for name, value in _row(sums).items()}
    return Figures(**row, new=int(fresh.to_pyarrow().as_py()))


def _movement(rollup: Rollup, now: Range, before: Range) -> dict[str, int]:
    """How many returned after a pause of the whole period before, and how many bought then and not now."""
    visits = rollup.visits.filter(rollup.visits.purchased_on.between(before[0], now[1]))
    each = visits.group_by("customer_id").aggregate(first=visits.purchased_on.min(), last=visits.purchased_on.max())
    people = each.inner_join(rollup.customers.select("customer_id", "first_on"), "customer_id")
    old = people.first_on < ibis.literal(before[0])
    counts = people.aggregate(
        returned=((people["first"] >= ibis.literal(now[0])) & old).sum(),
        stopped=(people["last"] < ibis.literal(now[0])).sum(),
    )
    return {name: int(value or 0) for name, value in _row(counts).items()}


def _row(table: ir.Table) -> dict[str, Any]:
    found: dict[str, Any] = table.to_pyarrow().to_pylist()[0]
    return found
