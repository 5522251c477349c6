"""Intervals and p-values that hold however often, and whenever, somebody looks: a trial that is watched day by day.

An ordinary interval leaves out the truth once in twenty times at one look; whoever looks every day and stops when he
likes what he sees finds a difference sooner or later. These hold at all looks together, and are wider for it.
"""

import math

from regulars.analytics.estimate import Estimate

ERROR = 0.05  # over all looks together


def anytime_interval(value: float, variance: float, *, time: float, planned: float) -> Estimate:
    """An estimate with an interval that covers the truth at all looks together in 95 % of all trials.

    The Gaussian mixture boundary of Robbins (1970) as an asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha,
    Kennedy & Ramdas 2021, arXiv 2103.06476, theorem 2.2): with mean m and spread s of t values

        m ± s sqrt(2 (t rho^2 + 1) / (t^2 rho^2) log(sqrt(t rho^2 + 1) / error)).

    Here `time` is t s^2, the variance of the sum whose mean is `value`, and `variance` that of `value`. rho is chosen
    once, so that the interval is narrowest at the time `planned` (their appendix on tuning: rho^2 planned =
    l + log(l + 1) with l = -2 log error), which must not depend on what is seen later.

    Sums of the same people over growing spans keep their differences, so they stray less than the independent steps
    for which the boundary is exact: by Slepian (1962) it is then wider than it need be, never too narrow.

    >>> found = anytime_interval(0, 1, time=1, planned=1)
    >>> round(found.high, 3)  # 1.96 at one look
    3.035
    """
    half = width(time=time, planned=planned) * math.sqrt(variance)
    return Estimate(value, value - half, value + half)


def width(*, time: float, planned: float) -> float:
    """Half of the interval in standard errors: about three where an interval for one look has 1.96."""
    ratio = _ratio(time, planned)
    return math.sqrt(2 * (1 + 1 / ratio) * math.log(math.sqrt(ratio + 1) / ERROR))


def anytime_p_value(value: float, variance: float, *, time: float, planned: float) -> float:
    """The least error at which the interval would leave out zero: valid at any look.

    One over the mixture of likelihood ratios (Johari, Koomen, Pekelis & Walsh 2017: always valid p-values), with the
    same rho as the interval. Without a variance there is nothing to tell from chance.
    """
    if variance <= 0:
        return 1.0
    ratio = _ratio(time, planned)
    return min(1.0, math.sqrt(ratio + 1) * math.exp(-(value**2) / variance * ratio / (2 * (ratio + 1))))


def _ratio(time: float, planned: float) -> float:
    log = -2 * math.log(ERROR)
    return (log + math.log(log + 1)) * (time / planned if planned > 0 and time > 0 else 1.0)
