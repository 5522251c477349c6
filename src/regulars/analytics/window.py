"""The business's own window: the time within which a customer who is still there comes back."""

import math

from regulars.analytics.rollup import Rollup

SHORTEST_DAYS = 14
LONGEST_DAYS = 365
COVERED = 0.9


def business_window(rollup: Rollup) -> int:
    """Days within which nearly every repeat customer shows up; whole weeks.

    Twice the mean gap that nine of ten repeat customers do not exceed: a coffee bar gets weeks, a
    furniture shop a year. Never above a third of the history, so that a back-test has a past and a
    future; 14 days at least, 365 at most. Without repeat customers it is a third of the history.
    """
    customers = rollup.customers
    repeaters = customers.filter(customers.visits > 1)
    mean_gap = repeaters.last_purchase_age_days.cast("float64") / (repeaters.visits - 1).cast("float64")
    typical = repeaters.aggregate(gap=mean_gap.quantile(COVERED)).gap.to_pyarrow()[0].as_py()
    third = max(rollup.span_days // 3, SHORTEST_DAYS)
    days = third if typical is None else 2 * typical
    weeks = math.ceil(days / 7)
    return max(SHORTEST_DAYS, min(weeks * 7, third - third % 7, LONGEST_DAYS - LONGEST_DAYS % 7))
