"""Newcomers: how many never come back after the first purchase, and how many become regulars."""

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np

from regulars.analytics.estimate import Estimate
from regulars.analytics.intervals import wilson
from regulars.analytics.readable import Readable
from regulars.analytics.rollup import Rollup

REGULAR_VISITS = 3
REGULAR_WINDOWS = 2
FEWEST_FOR_TREND = 20  # newcomers in a month
FEWEST_MONTHS = 4


@dataclass(frozen=True, repr=False)
class Newcomers(Readable):
    """Newcomers: first seen after the first window of the history and at least one window before `as_of`.

    Customers of the first window are left out: most of them had bought before the history began.

    - `months`: one row per month of the first visit: `month`, `customers`, `never_returned`,
      `returned_in_window` (second visit within the window), `share` that did not return in the window.
    - `people`: those who never returned: `customer_id`, `first_on`, `amount` (minor units).
    """

    customers: int
    never_returned: int  # no second visit up to as_of
    share: Estimate | None  # never_returned / customers, Wilson interval; None without newcomers
    first_amount: int  # minor units that those who never returned have brought
    returned_in_window: int
    observed_two_windows: int  # newcomers whose first visit is two windows ago or more
    became_regular: int  # of these: three visits within two windows
    regular_share: Estimate | None  # became_regular / observed_two_windows
    months: ir.Table
    trend_per_month: Estimate | None  # change of the share that did not return in the window, per month
    people: ir.Table


def newcomers(rollup: Rollup, *, window_days: int) -> Newcomers:
    """Count the newcomers, those who never returned, and those who became regulars.

    A newcomer with visits on one day only counts as never returned, whatever was bought that day. Shares
    by month look at one window after each first visit, so that older months have no advantage.
    """
    people = first_visits(rollup, window_days).cache()
    totals = people.aggregate(
        customers=people.count(),
        never=(people.visits == 1).sum(),
        first_amount=people.amount.sum(where=people.visits == 1),
        in_window=people.in_window.sum(),
        observed=people.observed.sum(),
        regular=(people.regular & people.observed).sum(),
    )
    row = {name: int(value or 0) for name, value in totals.to_pyarrow().to_pylist()[0].items()}
    months = _months(people).cache()
    never = people.filter(people.visits == 1)
    return Newcomers(
        customers=row["customers"],
        never_returned=row["never"],
        share=wilson(row["never"], row["customers"]),
        first_amount=row["first_amount"],
        returned_in_window=row["in_window"],
        observed_two_windows=row["observed"],
        became_regular=row["regular"],
        regular_share=wilson(row["regular"], row["observed"]),
        months=months,
        trend_per_month=_trend(months),
        people=never.select("customer_id", "first_on", "amount"),
    )


def first_visits(rollup: Rollup, window_days: int) -> ir.Table:
    """One row per newcomer: `customer_id`, `first_on`, its `month`, `in_window` (came again in time), and more."""
    customers, visits = rollup.customers, rollup.visits
    seen_after = rollup.first_day + dt.timedelta(days=window_days)
    found = customers.filter((customers.first_on >= ibis.literal(seen_after)) & (customers.age_days >= window_days))
    found = found.select("customer_id", "first_on", "age_days", "visits", "amount")
    early = visits.filter((visits.visit_no > 1) & (visits.visit_no <= REGULAR_VISITS)).semi_join(found, "customer_id")
    early = early.group_by("customer_id").aggregate(
        second_gap=early.gap_days.max(where=early.visit_no == 2),
        third_on=early.purchased_on.max(where=early.visit_no == REGULAR_VISITS),
    )
    found = found.left_join(early, "customer_id").drop("customer_id_right")
    days_to_third = found.third_on.delta(found.first_on, unit="day")
    return found.mutate(
        month=ibis.date(found.first_on.year(), found.first_on.month(), 1),  # what Spark truncates becomes a moment
        in_window=(found.second_gap <= window_days).fill_null(False),
        regular=(days_to_third <= REGULAR_WINDOWS * window_days).fill_null(False),
        observed=found.age_days >= REGULAR_WINDOWS * window_days,
    )


def _months(people: ir.Table) -> ir.Table:
    months = people.group_by("month").aggregate(
        customers=people.count(),
        never_returned=(people.visits == 1).sum(),
        returned_in_window=people.in_window.sum(),
    )
    missing = 1.0 - months.returned_in_window.cast("float64") / months.customers.cast("float64")
    return months.mutate(share=missing).order_by("month")


def _trend(months: ir.Table) -> Estimate | None:
    """Slope of the monthly share, least squares weighted by the number of newcomers; None if too few months."""
    rows = months.filter(months.customers >= FEWEST_FOR_TREND).order_by("month").to_pyarrow().to_pylist()
    if len(rows) < FEWEST_MONTHS:
        return None
    number = np.array([row["month"].year * 12 + row["month"].month for row in rows], dtype=np.float64)
    share = np.array([row["share"] for row in rows])
    weight = np.array([row["customers"] for row in rows], dtype=np.float64)
    centred = number - np.average(number, weights=weight)
    spread = float((weight * centred**2).sum())
    slope = float((weight * centred * share).sum()) / spread
    residual = share - np.average(share, weights=weight) - slope * centred
    variance = float((weight * residual**2).sum()) / (len(rows) - 2) / spread
    half = 1.96 * float(np.sqrt(variance))
    return Estimate(slope, slope - half, slope + half)
