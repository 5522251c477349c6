"""Expected purchases of a customer who is still here, when leaving happens at purchases.

The customer buys at a rate with a gamma posterior (shape `rank`, unit rate) for `u` units of time, and after
each purchase leaves with a chance that has a beta(a, b) posterior. These integrals replace the Gauss
hypergeometric function of the papers: everything under them is positive and bounded, so they stay accurate
where the function's series do not converge or cancel (a near 1, ranks in the hundreds, u far above 1).
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from regulars.analytics.clv.counted import Floats

# Steps of the trapezoid rule on the logit of the chance; the error falls as exp(-pi**2 / step).
_STEPS = 256

# Weights below e**-38 of the peak vanish in float64.
_VANISHED = 38.0

# Standard deviations of a bell after which its weight has vanished.
_WIDE = 9.0

# Elements of the largest temporary array: 32 MiB.
_ELEMENTS = 4_000_000


@dataclass(frozen=True, eq=False)
class Beliefs:
    """What is known about customers: their rate is gamma(rank), their chance to leave beta(a, b).

    `rank` and `b` are columns, [row, 1]; rates are per unit of time.
    """

    rank: Floats
    a: float
    b: Floats

    def __getitem__(self, rows: slice) -> "Beliefs":
        return Beliefs(self.rank[rows], self.a, self.b[rows])


def purchases_while_staying(beliefs: Beliefs, u: Floats) -> Floats:
    """E over p ~ beta(a, b) of (1 - (1 + p u)**-rank) / p: expected purchases of Poisson buyers in time u.

    Equals (a+b-1)/(a-1) [1 - (1+u)**-rank 2F1(rank, b; a+b-1; u/(1+u))], the bracket of eq. 10 in Fader,
    Hardie & Lee 2005, and is finite at a = 1, where that form is 0/0. `u` and the result are [row, column].
    """
    rows = max(1, _ELEMENTS // (_STEPS * max(u.shape[1], 1)))
    parts = [slice(start, start + rows) for start in range(0, u.shape[0], rows)]
    return np.concatenate([_poisson_part(beliefs[part], u[part]) for part in parts]) if parts else np.zeros(u.shape)


def _poisson_part(beliefs: Beliefs, u: Floats) -> Floats:
    """The integral over the logit of p, less a straight line between the ends of the integrand.

    The line's expectation is known; without it a small `a` or `b` would leave mass at p = 0 or p = 1, beyond
    the reach of any finite window of logits.
    """
    rank, a, b = beliefs.rank, beliefs.a, beliefs.b
    p, q, weight = (column[:, None, :] for column in _beta_weights(a, b))
    at_none = rank * u
    at_sure = -np.expm1(-rank * np.log1p(u))
    inside = -np.expm1(-rank[..., None] * np.log1p(p * u[..., None])) / p
    rest = (weight * (inside - at_none[..., None] * q - at_sure[..., None] * p)).sum(axis=-1)
    result: Floats = (at_none * b + at_sure * a) / (a + b) + rest
    return result


def _beta_weights(a: float, b: Floats) -> tuple[Floats, Floats, Floats]:
    """Nodes p, 1 - p and trapezoid weights of beta(a, b) for integrands that vanish at both ends."""
    spread = _WIDE * np.sqrt(1 / (a + 1) + 1 / (b + 1))
    centre = np.log((a + 1) / (b + 1))
    low = centre - spread - _VANISHED / (a + 1)
    high = centre + spread + _VANISHED / (b + 1)
    logit = low + (high - low) * np.linspace(0, 1, _STEPS)
    log_p, log_q = -np.logaddexp(0, -logit), -np.logaddexp(0, logit)
    step = (high - low) / (_STEPS - 1)
    weight = step * np.exp(a * log_p + b * log_q - special.betaln(a, b))
    return np.exp(log_p), np.exp(log_q), weight


def stages_while_staying(k: int, done: int, beliefs: Beliefs, u: Floats) -> Floats:
    """Expected purchases when each takes `k` stages of a Poisson process and `done` of the first are behind.

    The number of stages in u is negative binomial (rank, u / (1 + u)); after the n-th purchase the customer
    is still here with probability E(1-p)**n. So the result is an exact sum over the number of stages. Shapes
    as in `purchases_while_staying`.
    """
    rows = [_stages_row(k, done, beliefs[row : row + 1], u[row]) for row in range(u.shape[0])]
    return np.array(rows).reshape(u.shape)


def _stages_row(k: int, done: int, beliefs: Beliefs, u: Floats) -> Floats:
    rank = float(beliefs.rank[0, 0])
    stages = np.arange(_most_stages(rank, float(u.max(initial=0.0))))
    log_ways = special.gammaln(rank + stages) - special.gammaln(rank) - special.gammaln(stages + 1)
    purchases = (stages + done) // k
    expected = _purchases_kept(beliefs, int(purchases[-1]))[purchases]
    result = np.empty(u.shape)
    columns = max(1, _ELEMENTS // stages.size)
    for start in range(0, u.size, columns):
        time = u[start : start + columns, None]
        log_chance = log_ways + special.xlogy(stages, time) - (rank + stages) * np.log1p(time)
        result[start : start + columns] = np.exp(log_chance) @ expected
    return result


def _most_stages(rank: float, u: float) -> int:
    """More stages than this have a probability below e**-38."""
    mean, deviation = rank * u, np.sqrt(rank * u * (1 + u))
    return int(mean + _WIDE * deviation + _VANISHED * (1 + u)) + 2


def _purchases_kept(beliefs: Beliefs, most: int) -> Floats:
    """Expected purchases made when `m` would have been, m = 0 .. most: the sum of E(1-p)**n for n < m."""
    a, b, n = beliefs.a, float(beliefs.b[0, 0]), np.arange(most)
    still_here = np.exp(special.betaln(a, b + n) - special.betaln(a, b))
    return np.concatenate([[0.0], np.cumsum(still_here)])
