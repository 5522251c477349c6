"""Customers as they looked at the end of a past day, and what they did in the window after it."""

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

# odd, near 2^32 divided by the golden ratio: multiplying by it spreads consecutive numbers evenly
SPREAD = 2_654_435_761

TUPLE = ("frequency", "last_purchase_age_days", "age_days")


def snapshot(visits: ir.Table, *, at: dt.date, window_days: int = 0) -> ir.Table:
    """One row per customer who had bought by the end of the day `at`.

    `frequency` counts repeat visits, `last_purchase_age_days` and `age_days` run from the first visit to
    the last one and to `at`. `amount` is what the visits up to `at` brought. With `window_days`,
    `visits_after` and `amount_after` cover the days after `at`, up to `at` + `window_days`.
    """
    day = visits.purchased_on
    known = day <= ibis.literal(at)
    after = (day > ibis.literal(at)) & (day <= ibis.literal(at + dt.timedelta(days=window_days)))
    table = visits.group_by("customer_id").aggregate(
        first_on=day.min(),
        last_on=day.max(where=known),
        visits=known.sum(),
        amount=visits.amount.sum(where=known).fill_null(0),
        sum_log_gaps=visits.gap_days.cast("float64").ln().sum(where=known).fill_null(0.0),
        visits_after=after.sum(),
        amount_after=visits.amount.sum(where=after).fill_null(0),
    )
    table = table.filter(table.visits > 0)
    return table.mutate(
        frequency=table.visits - 1,
        last_purchase_age_days=table.last_on.delta(table.first_on, unit="day"),
        age_days=ibis.literal(at).delta(table.first_on, unit="day"),
    )


@dataclass(frozen=True)
class Past:
    """A snapshot in memory: arrays of equal length, one element per customer. Times in days."""

    at: dt.date
    frequency: NDArray[np.float64]
    last_purchase_age: NDArray[np.float64]
    age: NDArray[np.float64]
    sum_log_gaps: NDArray[np.float64]
    visits_after: NDArray[np.float64]  # in the window that follows
    amount_after: NDArray[np.float64]
    fold: NDArray[np.int64]  # 0 or 1, fixed for a customer: what is tuned on one half is judged on the other

    @property
    def came_back(self) -> NDArray[np.bool_]:
        """Who visited in the window that follows."""
        return self.visits_after > 0

    @property
    def recency(self) -> NDArray[np.float64]:
        """Days since the last visit."""
        return self.age - self.last_purchase_age


def sample_customers(customers: ir.Table, *, at_most: int) -> ir.Table:
    """`customer_id` and `fold` of about `at_most` customers, the same ones whatever the row order."""
    count = int(customers.count().to_pyarrow().as_py())
    spread = (customers.customer_no * SPREAD) % 2**32
    chosen = customers if count <= at_most else customers.filter(spread < int(2**32 * at_most / count))
    return chosen.select("customer_id", fold=(chosen.customer_no * SPREAD // 2**16) % 2)


def past_of(visits: ir.Table, sample: ir.Table, *, at: dt.date, window_days: int) -> Past:
    """The snapshot of the sampled customers, fetched: the sample bounds the memory."""
    table = snapshot(visits, at=at, window_days=window_days).inner_join(sample, "customer_id").order_by("customer_id")
    rows = table.to_pyarrow()

    def numbers(name: str) -> NDArray[np.float64]:
        return np.asarray(rows[name].to_numpy(), dtype=np.float64)

    return Past(
        at=at,
        frequency=numbers("frequency"),
        last_purchase_age=numbers("last_purchase_age_days"),
        age=numbers("age_days"),
        sum_log_gaps=numbers("sum_log_gaps"),
        visits_after=numbers("visits_after"),
        amount_after=numbers("amount_after"),
        fold=rows["fold"].to_numpy().astype(np.int64),
    )
