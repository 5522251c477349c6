"""An estimate and its interval: no number that was inferred is shown without one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval. Money is in minor units."""

    value: float
    low: float
    high: float
