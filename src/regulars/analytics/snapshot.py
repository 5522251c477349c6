"""Customers as they looked at the end of a past day, and what they did in the window after it."""

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

from regulars.analytics.rollup import exact_sum_of_logs

# odd, near 2^32 divided by the golden ratio: multiplying by it spreads consecutive numbers evenly
SPREAD = 2_654_435_761

# ten, so that a rule tuned without one fold is nearly the rule that is used: halves of a small base are not
FOLDS = 10

TUPLE = ("frequency", "last_purchase_age_days", "age_days")


def snapshot(days: ir.Table, *, at: dt.date, window_days: int = 0) -> ir.Table:
    """One row per customer who had bought by the end of the day `at`, from the customer-days of a rollup.

    `frequency` counts repeat visits, `last_purchase_age_days` and `age_days` run from the first visit to
    the last one and to `at`. `amount` is what the customer brought up to `at`, net of returns. With
    `window_days`, `visits_after` and `amount_after` cover the days after `at`, up to `at` + `window_days`.
    """
    day, visit = days.purchased_on, days.is_visit
    known = day <= ibis.literal(at)
    after = (day > ibis.literal(at)) & (day <= ibis.literal(at + dt.timedelta(days=window_days)))
    table = days.group_by("customer_id").aggregate(
        first_on=day.min(where=visit),
        last_on=day.max(where=known & visit),
        visits=(known & visit).sum(),
        amount=days.amount.sum(where=known).fill_null(0),
        sum_log_gaps=exact_sum_of_logs(days.gap_days, where=known),
        visits_after=(after & visit).sum(),
        amount_after=days.amount.sum(where=after).fill_null(0),
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
    fold: NDArray[np.int64]  # 0 .. FOLDS - 1, fixed for a customer: what is tuned on the rest is judged on one fold

    @property
    def came_back(self) -> NDArray[np.bool_]:
        """Who visited in the window that follows."""
        return self.visits_after > 0

    @property
    def recency(self) -> NDArray[np.float64]:
        """Days since the last visit."""
        return self.age - self.last_purchase_age


def sample_customers(customers: ir.Table, *, at_most: int) -> ir.Table:
    """`customer_id` and `fold` of about `at_most` customers, the same ones whatever the row order.

    The fold is drawn by what a customer did, not by the id: renaming customers changes no answer, unless
    there are more than `at_most` of them.
    """
    count = int(customers.count().to_pyarrow().as_py())
    spread = (customers.customer_no * SPREAD) % 2**32
    chosen = customers if count <= at_most else customers.filter(spread < int(2**32 * at_most / count))
    deeds = (chosen.visits * 1_000_003 + chosen.last_purchase_age_days * 10_007 + chosen.age_days) % 2**31
    return chosen.select("customer_id", fold=(deeds * SPREAD // 2**31) % FOLDS)


def past_of(days: ir.Table, sample: ir.Table, *, at: dt.date, window_days: int) -> Past:
    """The snapshot of the sampled customers, fetched: the sample bounds the memory."""
    table = snapshot(days, at=at, window_days=window_days).inner_join(sample, "customer_id").order_by("customer_id")
    rows = table.select(*TUPLE, "sum_log_gaps", "visits_after", "amount_after", "fold").to_pyarrow()

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
