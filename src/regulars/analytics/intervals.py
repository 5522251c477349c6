"""Intervals: 95 % of everything, from counts and numbers that an engine has already summed up.

Nothing here looks at row order, the clock or an unseeded generator: equal data give equal intervals.
"""

from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from regulars.analytics.estimate import Estimate
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

CONFIDENCE = 0.95
_TAIL = (1 - CONFIDENCE) / 2

# More groups than this make the bootstrap slower and its interval no better.
_GROUPS = 1_000
_RESAMPLES = 1_000


def wilson(successes: int, n: int) -> Estimate | None:
    """A share with its score interval (Wilson 1927); None when there is nobody to take the share of.

    >>> wilson(0, 10)  # doctest: +ELLIPSIS
    Estimate(value=0.0, low=0.0, high=0.277...)
    """
    if n <= 0:
        return None
    share, z = successes / n, float(scipy.stats.norm.ppf(1 - _TAIL))
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    return Estimate(share, min(max(centre - half, 0.0), share), max(min(centre + half, 1.0), share))


def mean_interval(mean: float, variance: float, n: int, *, degrees: int | None = None) -> Estimate:
    """A mean of `n` values with this sample variance (divided by n - 1), with its Student interval.

    `degrees` of freedom are n - 1 unless given. `NotEnoughData` below two values: one has no spread.
    """
    freedom = n - 1 if degrees is None else degrees
    if n < 2 or freedom < 1:
        raise NotEnoughData(_("One value has no spread: an interval of a mean needs at least two."))
    half = float(scipy.stats.t.ppf(1 - _TAIL, freedom)) * float(np.sqrt(max(variance, 0.0) / n))
    return Estimate(mean, mean - half, mean + half)


def median_ranks(n: int) -> tuple[int, int]:
    """Ranks (1 .. n) of the values between which the true median lies with at least 95 %.

    By order statistics (David & Nagaraja 2003, section 7.1): the number of values below the median is
    binomial, whatever the distribution. With fewer than six values the whole range covers less than 95 %;
    the whole range is then the answer.

    >>> median_ranks(20)
    (6, 15)
    """
    low = max(int(scipy.stats.binom.ppf(_TAIL, n, 0.5)), 1)
    return low, n + 1 - low


def median_quantiles(n: int) -> list[float]:
    """What to ask one `quantile([...])` for: the median and both ends of its interval, in this order.

    An interpolated quantile at (rank - 1) / (n - 1) is the value of that rank itself.
    """
    low, high = median_ranks(n)
    return [0.5, (low - 1) / max(n - 1, 1), (high - 1) / max(n - 1, 1)]


def bootstrap_sum(contributions: NDArray[Any], *, seed: int = 0) -> Estimate:
    """A sum over customers with its percentile bootstrap interval; zeros when there is nobody.

    The contributions are sorted first, so row order cannot matter, and then summed into at most 1,000
    random groups, which are resampled 1,000 times (bag of little sums: the cost does not grow with the
    base). Group sums are taken of deviations from the mean, so groups of unequal size widen nothing. Two
    or three customers resample into themselves: the interval of a handful is too narrow, and of one has
    no width.
    """
    if contributions.size == 0:
        return Estimate(0.0, 0.0, 0.0)
    generator = np.random.default_rng(seed)
    ordered = np.sort(contributions)
    total = float(ordered.sum())
    deviations = ordered - ordered.mean()
    generator.shuffle(deviations)
    groups = min(deviations.size, _GROUPS)
    sums = np.add.reduceat(deviations, np.arange(groups) * deviations.size // groups)
    resampled = sums[generator.integers(0, groups, (_RESAMPLES, groups))].sum(axis=1)
    low, high = np.quantile(resampled, [_TAIL, 1 - _TAIL])
    # the sum itself is always inside its interval
    return Estimate(total, total + min(float(low), 0.0), total + max(float(high), 0.0))
