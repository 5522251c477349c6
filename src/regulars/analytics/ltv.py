"""LTV: what customers have brought, what they will bring, and what a new one may cost."""

from dataclasses import dataclass

import ibis.expr.types as ir

from regulars.analytics.estimate import Estimate

HORIZONS_MONTHS = (12, 24, 36)


@dataclass(frozen=True)
class Holdout:
    """Predicted against actual visits in the last window, by the model fitted before it."""

    customers: int
    predicted: float
    actual: int


@dataclass(frozen=True)
class Ltv:
    discount_rate: float  # a year
    basis: str  # "margin" (cost or share known) or "revenue"
    historic_mean: Estimate  # minor units per customer so far
    expected: dict[int, Estimate] | None  # horizon in months -> mean discounted value of an existing customer
    expected_total: dict[int, float] | None
    newcomer: dict[int, Estimate] | None  # horizon -> what a new customer brings, first purchase included
    payback: ir.Table | None  # month 0..36: cumulative discounted value per newcomer (minor units): observed, modelled
    segments: ir.Table | None  # dimension (store, channel, first_product, first_category, rfm_segment, state), segment,
    # customers, historic_mean, expected_12, value_12 (of a newcomer in the first 12 months, discounted), low, high
    holdout: Holdout | None
    reason: str | None  # why there is no forecast
    customers: ir.Table  # customer_id, expected_visits_12, expected_value_12/24/36 (minor units, discounted), p_alive
