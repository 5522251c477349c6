"""From lines straight to one row per customer: what customer models are fitted to, and nothing else."""

import datetime as dt

import ibis
import ibis.expr.types as ir

from regulars.analytics.purchases import History
from regulars.analytics.rollup import known_until


@ibis.udf.agg.builtin  # type: ignore[untyped-decorator]
def min_by(value: int, key: dt.date) -> int:
    """The value at the smallest key. Every engine has it; Ibis on its own would sort each group."""
    raise NotImplementedError("the engine computes it")


def summary(history: History, *, as_of: dt.date) -> ir.Table:
    """One row per known customer with a visit on or before `as_of`; lazy, one pass over the lines.

    A visit is a day on which the customer bought something (Fader & Hardie's "purchases collapsed by day").

    - `frequency`: repeat visits; `last_purchase_age_days`: from the first visit to the last; `age_days`: from
      the first visit to `as_of`. The x, t_x and T of Fader, Hardie & Lee (2005), in days;
    - `amount`: all money, net of returns, minor units; `repeat_amount`: that of repeat visits alone, where days
      of returns alone do not count.

    Lines without a customer are left out; no customer at all is a table without rows.
    """
    lines = known_until(history, as_of)
    lines = lines.filter(lines.customer_id.notnull())
    # an engine sums whole numbers in sixteen bytes: money fits into eight, which are quicker to sum again
    days = lines.group_by(["customer_id", "purchased_on"]).aggregate(
        amount=lines.amount.sum().cast("!int64"), is_visit=(lines.amount >= 0).any()
    )
    day, visit = days.purchased_on, days.is_visit
    table = days.group_by("customer_id").aggregate(
        visits=visit.sum(),
        last_on=day.max(where=visit),
        amount=days.amount.sum(),
        visits_amount=days.amount.sum(where=visit),
        first_on=day.min(where=visit),
        first_amount=min_by(days.amount, ibis.ifelse(visit, day, ibis.null("date"))),
    )
    table = table.filter(table.visits > 0)
    return table.select(
        "customer_id",
        frequency=table.visits - 1,
        last_purchase_age_days=table.last_on.delta(table.first_on, unit="day"),
        age_days=ibis.literal(as_of).delta(table.first_on, unit="day"),
        amount=table.amount,
        repeat_amount=table.visits_amount - table.first_amount,
    )
