"""Why revenue changed between two equal periods: an exact decomposition that adds up to the difference."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class RevenueChange:
    previous: tuple[dt.date, dt.date]  # first and last day, both included
    last: tuple[dt.date, dt.date]
    previous_revenue: int  # minor units, all buyers
    last_revenue: int
    # minor units; sums exactly to last_revenue - previous_revenue:
    # "won" (first ever purchase in the last period), "returned" (bought before the previous period, not in it),
    # "lost" (bought in the previous period only), for those who bought in both: "frequency", "breadth", "check"
    # (price of a position), and "without_customer", "returns_only" where not zero
    effects: dict[str, int]
    customers: dict[str, int]  # won, returned, lost, kept

