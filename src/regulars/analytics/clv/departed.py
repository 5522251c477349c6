"""The hard part of the Pareto/NBD likelihood: purchases up to an age, and departure at any time after it.

With rank R = r + x, the likelihood of a history adds up the ages y in (t_x, T] at which the customer may
have left: s * integral of (alpha+y)**-R (beta+y)**-(s+1) dy. The published form is a difference of two Gauss
hypergeometric functions, with separate branches for alpha above and below beta, and it cancels. Divided by
(alpha+y)**-R (beta+y)**-s, the integral from y to infinity becomes

    M(R, s, q) = s * integral over w > 0 of (1 + w/q)**-R (1 + w)**-(s+1) dw,    q = (alpha+y) / (beta+y),

a number between 0 and 1 that depends on R and a single smooth variable: one formula, no branches, no
cancellation, and cheap to tabulate.
"""

from dataclasses import dataclass

import numpy as np

from regulars.analytics.clv.counted import Floats
from regulars.analytics.clv.tables import Table, log_sum

# Nodes of the exp-sinh rule; its error falls exponentially in their number.
_NODES = 96

# Weights below e**-40 of the peak vanish in float64.
_VANISHED = 40.0


@dataclass(frozen=True, eq=False)
class Departed:
    """M and its derivatives by R, by s and by log q: four functions of log q per rank."""

    value: Table
    by_rank: Table
    by_s: Table
    by_log_q: Table


def departed(rank: Floats, s: float, low: float, high: float) -> Departed:
    """Tables of M and its derivatives for each rank, for log q between `low` and `high`."""
    nodes = 8 + int(3 * (high - low))
    lows, highs = np.full(rank.size, low), np.full(rank.size, high)
    log_q = Table.nodes(np.array([low]), np.array([high]), nodes)[0]
    # All four functions share their nodes, so they are integrated together, once.
    return Departed(*(Table.through(values, lows, highs) for values in departed_integrals(rank, s, log_q)))


def departed_integrals(rank: Floats, s: float, log_q: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """M and its derivatives by R, s and log q, [rank, log q], by quadrature.

    w = w_0 exp(pi/2 sinh v): the double exponential rule takes in its stride both the algebraic tail
    w**-(R+s) and its start at w of the order of q / R.
    """
    weight, log_w = _exp_sinh(rank, s, log_q)
    ratio = log_w[:, None, :] - log_q[None, :, None]
    log_purchases, share = log_sum(ratio, 0.0)
    log_stay = log_sum(log_w, 0.0)[0]
    common = np.log(weight * s) + log_w - (s + 1) * log_stay
    density = np.exp(common[:, None, :] - rank[:, None, None] * log_purchases)
    value = density.sum(axis=-1)
    by_rank = -(density * log_purchases).sum(axis=-1)
    by_s = value / s - (density * log_stay[:, None, :]).sum(axis=-1)
    by_log_q = rank[:, None] * (density * share).sum(axis=-1)
    return value, by_rank, by_s, by_log_q


def _exp_sinh(rank: Floats, s: float, log_q: Floats) -> tuple[Floats, Floats]:
    """Weights (by d log w) and log w, [rank, node]: one set of nodes serves all q of a rank."""
    # Where the integrand is largest, for whichever of the two factors falls first.
    start = -np.log(1 + s + rank * np.exp(-log_q.mean()))
    tail = _VANISHED / (rank + s) + max(log_q.max(), 0.0) - start
    low, high = -np.arcsinh(_VANISHED * 2 / np.pi), np.arcsinh(tail * 2 / np.pi)
    v = low + (high - low)[:, None] * np.linspace(0, 1, _NODES)
    step = (high - low)[:, None] / (_NODES - 1)
    return step * np.pi / 2 * np.cosh(v), start[:, None] + np.pi / 2 * np.sinh(v)
