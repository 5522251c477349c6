"""What tells members with a rule from members whom the lot left without it: a difference of means, at any look."""

from dataclasses import dataclass

import scipy

from regulars.analytics.anytime import anytime_interval, anytime_p_value, width
from regulars.analytics.estimate import Estimate
from regulars.analytics.trial_size import ERROR, POWER

REPORTED_BELOW = 0.05  # false discovery rate over all comparisons that are shown (Benjamini & Hochberg 1995)


@dataclass(frozen=True)
class Gain:
    """The difference that the rule made: for one member who has it, and for all of them together.

    Intervals and `p_value` hold at all looks together; `q_value` is corrected for all comparisons that are shown.
    """

    each: Estimate
    total: Estimate
    p_value: float
    q_value: float = 1.0

    @property
    def stands_out_alone(self) -> bool:
        """Whether it would be shown if nothing else were compared."""
        return self.each.low > 0 or self.each.high < 0

    @property
    def is_shown(self) -> bool:
        """Whether chance alone would hardly do it, however many were compared and however often somebody looked."""
        return self.stands_out_alone and self.q_value < REPORTED_BELOW


def time_of(counts: tuple[int, int], spreads: tuple[float, float]) -> float:
    """The variance of the sum of differences, by which time is told: it grows with members and with what they buy."""
    if min(counts) < 1:
        return 0.0
    return sum(counts) ** 2 * sum(spread / count for count, spread in zip(counts, spreads, strict=True))


@dataclass(frozen=True)
class Difference:
    """Means and variances of both groups, and the time of the first look, for which the interval is narrowest.

    When nobody had bought by the first look it is narrowest now.
    """

    treated: tuple[float, float]
    held: tuple[float, float]
    counts: tuple[int, int]
    planned: float

    @property
    def gain(self) -> Gain:
        value = self.treated[0] - self.held[0]
        variance = self.treated[1] / self.counts[0] + self.held[1] / self.counts[1]
        each = anytime_interval(value, variance, time=self.now, planned=self.planned)
        total = Estimate(*(one * self.counts[0] for one in (each.value, each.low, each.high)))
        return Gain(each, total, anytime_p_value(value, variance, time=self.now, planned=self.planned))

    @property
    def now(self) -> float:
        """The time of this look."""
        return time_of(self.counts, (self.treated[1], self.held[1]))

    def wider(self, *variances: float) -> tuple[float, float]:
        """Variances that ask as many members of a trial for one look as this one needs for any number of looks."""
        power = float(scipy.stats.norm.ppf(POWER))
        once = float(scipy.stats.norm.ppf(1 - ERROR / 2))
        factor = ((width(time=self.now, planned=self.planned) + power) / (once + power)) ** 2
        return variances[0] * factor, variances[1] * factor
