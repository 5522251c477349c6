"""Visit period: how many days pass between visits, for each customer, for segments, and over time."""

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from regulars.analytics.estimate import Estimate
from regulars.analytics.intervals import median_quantiles
from regulars.analytics.periods import month_number, month_of, months_between
from regulars.analytics.readable import Readable
from regulars.analytics.rollup import YEAR_DAYS, Rollup
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

# The longest gap that quarters are compared on covers this share of all gaps seen, and is no shorter than this.
_COVERED = 0.95
_SHORTEST_LIMIT_DAYS = 28

# A quarter that has only begun says little.
_QUARTER_FROM_DAYS = 30

# The last gaps are compared with the earlier ones when there are at least as many earlier ones.
_LAST_GAPS = 3

Ints = NDArray[np.int64]


@dataclass(frozen=True, repr=False)
class VisitPeriod(Readable):
    customers: int  # with at least two visits
    median: Estimate  # days; median over customers of their mean gap
    segments: ir.Table  # rfm_segment, customers, median_days, p25_days, p75_days
    quarters: ir.Table  # quarter (first day), visits, median_days (gaps that end in the quarter, up to a year long)
    frequent_potential: ir.Table  # customers with a high check who come more rarely than most: customer_id, mean_check,
    # visit_period_days, amount
    customers_table: (
        ir.Table
    )  # customer_id, visit_period_days (mean gap), median_gap_days, last_gaps_ratio (mean of the
    # last three gaps over the mean of the earlier ones; null with fewer than six gaps)


def visit_period(rollup: Rollup, segments: ir.Table) -> VisitPeriod:
    """Gaps between visits (customer-days on which something was bought) of customers with two or more.

    `segments` has `customer_id` and `rfm_segment`. A customer's visit period is the mean gap between first
    and last visit; the silence since the last visit is no gap.

    - `quarters`: a history sees short gaps first and long ones late, so its first quarters look frequent
      whatever happens. Therefore only gaps up to a limit count, and only quarters that begin at least that
      limit after the first day, where every such gap would have been seen. The limit covers 95 % of all
      gaps; it is at least 28 days, at most half of the history, and at most a year. The quarter of `as_of`
      may be incomplete, and is left out in its first 29 days.
    - `frequent_potential`: mean check (net amount / receipts) in the top quarter of repeat customers, visit
      period longer than their median. Whoever is on the border of the top quarter is in it. Recency is not
      looked at: the lifecycle tells who of them is already lost.

    `NotEnoughData` when nobody came twice.
    """
    repeaters = _repeaters(rollup)
    n = int(repeaters.count().to_pyarrow().as_py())
    if n == 0:
        raise NotEnoughData(_("Nobody came twice: there is no time between visits to measure."))
    days = repeaters.visit_period_days.quantile(median_quantiles(n))
    found = repeaters.aggregate(days=days, high_check=repeaters.mean_check.quantile(0.75)).to_pyarrow().to_pylist()[0]
    median = Estimate(*found["days"])
    potential = (repeaters.mean_check >= found["high_check"]) & (repeaters.visit_period_days > median.value)
    return VisitPeriod(
        customers=n,
        median=median,
        segments=_segments(repeaters.inner_join(segments, "customer_id")),
        quarters=_quarters(rollup),
        frequent_potential=repeaters.filter(potential).select(
            "customer_id", "mean_check", "visit_period_days", "amount"
        ),
        customers_table=_customers_table(rollup, repeaters),
    )


def _repeaters(rollup: Rollup) -> ir.Table:
    customers = rollup.customers.filter(rollup.customers.visits > 1)
    return customers.mutate(
        visit_period_days=customers.last_purchase_age_days.cast("float64") / (customers.visits - 1).cast("float64"),
        mean_check=customers.amount.cast("float64") / customers.receipts.cast("float64"),
    )


def _segments(repeaters: ir.Table) -> ir.Table:
    table = repeaters.group_by("rfm_segment").aggregate(
        customers=repeaters.count(), days=repeaters.visit_period_days.quantile([0.25, 0.5, 0.75])
    )
    return table.select(
        "rfm_segment", "customers", median_days=table.days[1], p25_days=table.days[0], p75_days=table.days[2]
    ).cache()


def _quarters(rollup: Rollup) -> ir.Table:
    counts = _gaps_by_quarter(rollup)
    gaps, visits = counts["gap_days"].to_numpy(), counts["visits"].to_numpy()
    starts = np.array([month_of(3 * quarter) for quarter in counts["quarter"].to_pylist()], dtype="datetime64[D]")
    limit = _longest_gap(rollup, gaps, visits)
    rows = []
    for quarter in _quarters_from(rollup, limit):
        chosen = (starts == np.datetime64(quarter)) & (gaps <= limit)
        rows.append(
            {
                "quarter": quarter,
                "visits": int(visits[chosen].sum()),
                "median_days": _median_of_counts(gaps[chosen], visits[chosen]),
            }
        )
    schema = pa.schema([("quarter", pa.date32()), ("visits", pa.int64()), ("median_days", pa.float64())])
    return ibis.memtable(pa.Table.from_pylist(rows, schema))


def _gaps_by_quarter(rollup: Rollup) -> pa.Table:
    """How many gaps of each length ended in each quarter: the calendar bounds the number of rows."""
    visits = rollup.visits.filter(rollup.visits.gap_days.notnull())
    month = month_number(visits.purchased_on)
    table = visits.group_by(quarter=((month - month % 3) // 3).cast("int64"), gap_days=visits.gap_days)
    return table.aggregate(visits=visits.count()).to_pyarrow()


def _longest_gap(rollup: Rollup, gaps: Ints, visits: Ints) -> int:
    order = np.argsort(gaps, kind="stable")
    covered = np.searchsorted(np.cumsum(visits[order]), _COVERED * visits.sum())
    typical = max(int(gaps[order][covered]), _SHORTEST_LIMIT_DAYS)
    return min(typical, rollup.span_days // 2, YEAR_DAYS)


def _quarters_from(rollup: Rollup, limit: int) -> list[dt.date]:
    known_from = rollup.first_day + dt.timedelta(days=limit)
    begun_by = rollup.as_of - dt.timedelta(days=_QUARTER_FROM_DAYS - 1)
    months = months_between(rollup.first_day, rollup.as_of)
    return [month_of(month) for month in months if month % 3 == 0 and known_from <= month_of(month) <= begun_by]


def _median_of_counts(values: Ints, counts: Ints) -> float | None:
    total = int(counts.sum())
    if total == 0:
        return None
    order = np.argsort(values, kind="stable")
    ranks = np.searchsorted(np.cumsum(counts[order]), [(total - 1) // 2, total // 2], side="right")
    return float(values[order][ranks].mean())


def _customers_table(rollup: Rollup, repeaters: ir.Table) -> ir.Table:
    visits = rollup.visits
    medians = visits.group_by("customer_id").aggregate(median_gap_days=visits.gap_days.cast("float64").median())
    turns = _last_gaps(rollup, repeaters)
    table = (
        repeaters.select("customer_id", "visit_period_days").left_join(medians, "customer_id").drop("customer_id_right")
    )
    table = table.left_join(turns, "customer_id")
    return table.select("customer_id", "visit_period_days", "median_gap_days", "last_gaps_ratio").cache()


def _last_gaps(rollup: Rollup, repeaters: ir.Table) -> ir.Table:
    """The visit before the last three gaps splits a customer's time in two, so two means need no more."""
    enough = repeaters.filter(repeaters.visits > 2 * _LAST_GAPS)
    enough = enough.select("customer_id", "first_on", "last_on", "visits", visit_no=enough.visits - _LAST_GAPS)
    turn = rollup.visits.select("customer_id", "visit_no", turned_on="purchased_on")
    both = enough.inner_join(turn, ["customer_id", "visit_no"])
    last = both.last_on.delta(both.turned_on, unit="day").cast("float64") / _LAST_GAPS
    earlier = both.turned_on.delta(both.first_on, unit="day").cast("float64") / (both.visits - 1 - _LAST_GAPS).cast(
        "float64"
    )
    return both.select("customer_id", last_gaps_ratio=last / earlier)
