"""Whether a rule pays: what it brought against what it cost, members with it beside those whom the lot left without it.

Each thing counts once. What a rule brought is the margin (where no cost of goods is known, the money) *before* anything
was taken off: what members paid and what discounts and points took off it. Its cost is the discounts, the points that
receipts promised, and what gifts cost beyond their points. So a discount that lowered the margin is put back first and
then taken off as cost; and a point costs when it is promised, at what it is worth times the share of points that is
spent in the end, and not once more when it pays. Cost is not what the rule names in receipts but by how much more was
given to members who have it: what they were led to buy has its own discounts, and other rules may give less for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from regulars.analytics.estimate import Estimate
from regulars.loyalty.breakage import Outlook
from regulars.loyalty.differences import Difference, Gain

_BROUGHT = (1.0, 0.0, 0.0)


@dataclass(frozen=True)
class Price:
    """What a promised point costs: its worth in minor units, and which share of them is spent in the end."""

    worth: int
    share: Outlook

    @property
    def likely(self) -> float:
        """Of one point. While nobody knows the share all are taken to be spent: better too dear than too cheap."""
        return self.worth * (self.share.high if self.share.value is None else self.share.value)

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the most it can cost."""
        return self.worth * self.share.low, self.worth * self.share.high


@dataclass(frozen=True)
class Payoff:
    """What a rule brought, what that cost and what is left, for one member and for all who have it.

    `is_margin`: in margin, of receipts for which any cost of goods is known; else in money, which is no profit. The
    intervals hold at all looks together; those of `cost` and `net` hold for every share of points that may be spent.
    `net` has an interval of its own: what somebody brings and what he costs go together.
    """

    is_margin: bool
    brought: Gain
    cost: Gain
    net: Gain
    price: Price


def payoff(
    treated: Sequence[Any], held: Sequence[Any], counts: tuple[int, int], price: Price, *, like: Difference
) -> Payoff:
    """From sums of both groups: is it margin, three means, three variances and three covariances.

    They are of what a member brought, of discounts and gifts, and of points. Time is told as in the comparison `like`.
    """
    groups = (treated[1:], held[1:])

    def gain(weights: tuple[float, float, float]) -> Gain:
        with_it, without = (_weighed(one, weights) for one in groups)
        found = Difference(with_it, without, counts, 0.0)
        planned = found.now * like.planned / like.now if like.now else 0.0
        return Difference(with_it, without, counts, planned).gain

    def over_shares(sign: float, brought: float) -> Gain:
        return _widest(*(gain((brought, sign, sign * one)) for one in (price.likely, *price.ends)))

    return Payoff(bool(treated[0]), gain(_BROUGHT), over_shares(1, 0), over_shares(-1, 1), price)


def _weighed(sums: Sequence[float], weights: tuple[float, float, float]) -> tuple[float, float]:
    """Mean and variance of the weighted sum of three outcomes."""
    first, second, third, a_b, a_c, b_c = sums[3:]
    spread = np.array([[first, a_b, a_c], [a_b, second, b_c], [a_c, b_c, third]])
    weight = np.array(weights)
    return float(weight @ np.array(sums[:3])), max(0.0, float(weight @ spread @ weight))


def _widest(likely: Gain, *others: Gain) -> Gain:
    """The likely one with an interval that holds whichever of them is true."""
    every = (likely, *others)
    each, total = (_hull([getattr(one, name) for one in every]) for name in ("each", "total"))
    return Gain(each, total, max(one.p_value for one in every))


def _hull(estimates: Sequence[Estimate]) -> Estimate:
    low, high = min(one.low for one in estimates), max(one.high for one in estimates)
    return Estimate(estimates[0].value, low, high)
