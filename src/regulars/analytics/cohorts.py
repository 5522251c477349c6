"""Cohorts by month of the first visit: who is still buying, what they bring, and how long they will stay."""

from dataclasses import dataclass

import ibis.expr.types as ir


@dataclass(frozen=True)
class Survival:
    """sBG (Fader & Hardie 2007) fitted to the months after which customers stopped coming."""

    alpha: float
    beta: float
    customers: int
    curve: ir.Table  # month 0..36: observed (null where not observed), projected


@dataclass(frozen=True)
class Cohorts:
    table: ir.Table  # cohort (month date), month_no (0..), customers (of the cohort), active, revenue, active_share
    survival: Survival | None
    survival_reason: str | None  # why there is no projection
