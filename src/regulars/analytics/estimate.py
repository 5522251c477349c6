"""An estimate and its interval: no number that was inferred is shown without one."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval. Money is in minor units."""

    value: float
    low: float
    high: float


def times(one: Estimate, other: Estimate, factor: float) -> Estimate:
    """The product of two independent estimates and a number, never below zero (variance of Goodman 1960)."""
    a, b = one.value, other.value
    va, vb = (((each.high - each.low) / 3.92) ** 2 for each in (one, other))
    half = 1.96 * math.sqrt(a * a * vb + b * b * va + va * vb)
    return Estimate(max(a * b, 0.0) * factor, max(a * b - half, 0.0) * factor, max(a * b + half, 0.0) * factor)
