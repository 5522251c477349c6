"""Cohorts by month of the first visit: who is still buying, what they bring, and how long they will stay."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from regulars.analytics.clv import fit_sbg
from regulars.analytics.periods import month_number, month_of, number_of
from regulars.analytics.readable import Readable
from regulars.analytics.rollup import Rollup
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

FEWEST_CUSTOMERS = 300
PROJECTED_MONTHS = 36

_MONTH_DAYS = 365.25 / 12

# A share of fewer customers than this is noise: the observed curve ends there.
_FEWEST_AT_RISK = 30

Ints = NDArray[np.int64]


@dataclass(frozen=True, repr=False)
class Survival(Readable):
    """sBG (Fader & Hardie 2007) fitted to the months after which customers stopped coming."""

    alpha: float
    beta: float
    customers: int
    curve: ir.Table  # month 0..36: observed (null where not observed), projected


@dataclass(frozen=True, repr=False)
class Cohorts(Readable):
    table: ir.Table  # cohort (month date), month_no (0..), customers (of the cohort), active, revenue, active_share
    survival: Survival | None
    survival_reason: str | None  # why there is no projection


def cohorts(rollup: Rollup, lifecycle_customers: ir.Table | None) -> Cohorts:
    """One row per month of first visits and calendar month elapsed since; rows without a buyer included.

    `active` are customers of the cohort with a visit in that month, `revenue` is their net money in it; a
    return before the first visit counts in month 0. The last month of each cohort is the month of `as_of`
    and may be incomplete. The cohorts of the first months of a history hold old customers whom it had not
    seen yet: they look more loyal than newcomers are.

    `survival` needs `lifecycle_customers` (`customer_id`, `state`): a customer whose state is "lost" was
    gone after the last visit. A loss shows only after some silence, the shortest one among the lost; so the
    curve is told as of that many days before `as_of`, when everybody's later fate is known, and customers
    who were there then are censored. Months are full months since the first visit; a customer who leaves
    during month t + 1 survives t. `observed` is the product-limit estimate (Kaplan & Meier 1958) while at
    least 30 customers are at risk, `projected` the shifted beta-geometric (Fader & Hardie 2007).
    """
    table = _table(rollup)
    try:
        return Cohorts(table, _survival(rollup, lifecycle_customers), None)
    except NotEnoughData as error:
        return Cohorts(table, None, str(error))


def _table(rollup: Rollup) -> ir.Table:
    sizes, cells = _sizes(rollup), _cells(rollup)
    last = number_of(rollup.as_of)
    rows = [
        {
            "cohort": month_of(cohort),
            "month_no": month_no,
            "customers": size,
            "active": active,
            "revenue": revenue,
            "active_share": active / size,
        }
        for cohort, size in sorted(sizes.items())
        for month_no in range(last - cohort + 1)
        for active, revenue in [cells.get((cohort, month_no), (0, 0))]
    ]
    return ibis.memtable(pa.Table.from_pylist(rows, _TABLE))


_TABLE = pa.schema(
    [
        ("cohort", pa.date32()),
        ("month_no", pa.int64()),
        ("customers", pa.int64()),
        ("active", pa.int64()),
        ("revenue", pa.int64()),
        ("active_share", pa.float64()),
    ]
)


def _sizes(rollup: Rollup) -> dict[int, int]:
    customers = rollup.customers
    sizes = customers.group_by(cohort=month_number(customers.first_on)).aggregate(customers=customers.count())
    return {row["cohort"]: row["customers"] for row in sizes.to_pyarrow().to_pylist()}


def _cells(rollup: Rollup) -> dict[tuple[int, int], tuple[int, int]]:
    """Active customers and revenue by cohort and month since; the calendar bounds the number of cells."""
    days = rollup.days.inner_join(rollup.customers.select("customer_id", "first_on"), "customer_id")
    # the previous visit was in an earlier month: counts customers without a COUNT DISTINCT
    first_of_month = days.is_visit & (days.gap_days.isnull() | (days.gap_days >= days.purchased_on.day()))
    cohort = month_number(days.first_on)
    month_no = ibis.greatest(month_number(days.purchased_on) - cohort, 0)
    cells = days.group_by(cohort=cohort, month_no=month_no).aggregate(
        active=first_of_month.sum(), revenue=days.amount.sum()
    )
    return {(row["cohort"], row["month_no"]): (row["active"], row["revenue"]) for row in cells.to_pyarrow().to_pylist()}


def _survival(rollup: Rollup, states: ir.Table | None) -> Survival:
    if states is None:
        raise NotEnoughData(_("Without lifecycle states it is not known who is lost."))
    alive = _alive_by_month(_ages(rollup, states))
    customers = int(sum(cohort[0] for cohort in alive))
    if customers < FEWEST_CUSTOMERS:
        raise NotEnoughData(
            _("A survival curve needs at least {need} customers watched for a month or more; there are {n}.").format(
                need=FEWEST_CUSTOMERS, n=customers
            )
        )
    fit = fit_sbg(alive, minimum_customers=FEWEST_CUSTOMERS, period_days=_MONTH_DAYS)
    months = np.arange(PROJECTED_MONTHS + 1)
    curve = pa.table({"month": months, "observed": _product_limit(alive), "projected": fit.survival(months)})
    return Survival(fit.parameters["alpha"], fit.parameters["beta"], customers, ibis.memtable(curve))


def _ages(rollup: Rollup, states: ir.Table) -> dict[str, Ints]:
    """Counted unique tuples: age now, age at the last visit, silence, whether lost; and how many customers."""
    customers = rollup.customers.inner_join(states.select("customer_id", "state"), "customer_id")
    tuples = customers.group_by(
        age=customers.age_days, last=customers.last_purchase_age_days, lost=(customers.state == "lost").cast("int64")
    ).aggregate(customers=customers.count())
    rows = tuples.to_pyarrow()
    return {name: rows[name].to_numpy().astype(np.int64) for name in rows.column_names}


def _alive_by_month(ages: dict[str, Ints]) -> list[list[float]]:
    """For customers watched 1, 2, ... full months: how many were still there after 0, 1, 2, ... of them."""
    lost = ages["lost"] > 0
    if not lost.any():
        raise NotEnoughData(_("Nobody is lost yet, so there is nothing to learn about leaving."))
    silence = (ages["age"] - ages["last"])[lost].min()
    watched = np.floor((ages["age"] - silence) / _MONTH_DAYS).astype(np.int64)
    stayed = np.where(lost, np.floor(ages["last"] / _MONTH_DAYS), np.inf)
    cohorts = []
    for months in range(1, int(watched.max(initial=0)) + 1):
        mine = watched == months
        if mine.any():
            customers, until = ages["customers"][mine], stayed[mine]
            cohorts.append([float(customers[until >= t].sum()) for t in range(months + 1)])
    return cohorts


def _product_limit(cohorts: list[list[float]]) -> list[float | None]:
    """Survival after month 0, 1, ...: the product of the shares of those at risk who stayed."""
    curve: list[float | None] = [1.0]
    share = 1.0
    for month in range(1, PROJECTED_MONTHS + 1):
        watched = [cohort for cohort in cohorts if len(cohort) > month]
        at_risk = sum(cohort[month - 1] for cohort in watched)
        if at_risk < _FEWEST_AT_RISK:
            break
        share *= sum(cohort[month] for cohort in watched) / at_risk
        curve.append(share)
    return curve + [None] * (PROJECTED_MONTHS + 1 - len(curve))
