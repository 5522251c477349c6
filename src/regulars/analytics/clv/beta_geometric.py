"""The family behind BG/NBD, MBG/NBD and MBG/CNBD-k: leaving happens at purchases, with a beta-distributed chance.

Two switches tell the three apart: `k`, the stages of the Erlang gap between purchases (1 is a Poisson
process), and whether a customer can leave right at the first purchase. Everything else is one piece of
mathematics, written once here.

Notation: x, t_x, T as in `Counted`; R = r + kx; j = how often the customer could have left and was seen to
stay or go (x for BG/NBD, x + 1 for the others); rho = (T - t_x) / (alpha + T).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from regulars.analytics.clv.counted import Counted, Floats
from regulars.analytics.clv.fit import PurchaseFit, checked_horizon, fit_leaving, flat_history, time_scale
from regulars.analytics.clv.optimum import Objective, Optimum
from regulars.analytics.clv.stay import Beliefs, purchases_while_staying, stages_while_staying
from regulars.analytics.clv.tables import BLOCK, Table, distinct, in_blocks, log_sum, ranges, sums

NAMES = ("r", "alpha", "a", "b")


@dataclass(frozen=True)
class Shape:
    """Which member of the family: stages per gap, and whether the first purchase can be the last."""

    k: int
    leaves_at_first: bool

    def chances(self, x: Floats) -> Floats:
        """How many occasions to leave came before or at the last purchase."""
        return x + 1 if self.leaves_at_first else x


@dataclass(frozen=True, eq=False)
class _ByFrequency:
    """Sums over customers per distinct frequency, for the terms that depend on nothing else."""

    x: Floats
    place: NDArray[np.intp]
    customers: Floats

    @classmethod
    def of(cls, counted: Counted) -> "_ByFrequency":
        x, place = distinct(counted.frequency)
        return cls(x, place, sums(place, counted.customers, x.size))


def likelihood(counted: Counted, shape: Shape) -> Objective:
    """Total log-likelihood and its gradient by the logarithms of r, alpha, a, b.

    Fader, Hardie & Lee 2005 eq. 6 (BG/NBD), Batislam, Denizel & Filiztekin 2007 (MBG/NBD), Platzer &
    Reutterer 2016 (MBG/CNBD-k), without the terms that hold no parameter.
    """
    by_x = _ByFrequency.of(counted)

    def objective(theta: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = np.exp(theta)
        value, gradient, gone = _history_terms(counted, by_x, shape, (r, alpha, a, b))
        extra, by_shape = _frequency_terms(by_x, gone, shape, (r, alpha, a, b))
        return value + extra, (gradient + by_shape) * np.array([r, alpha, a, b])

    return objective


def _frequency_terms(
    by_x: _ByFrequency, gone: Floats, shape: Shape, parameters: tuple[float, float, float, float]
) -> tuple[float, Floats]:
    """The part of the likelihood that depends on the frequency alone."""
    r, alpha, a, b = parameters
    x, n = by_x.x, by_x.customers
    j, rank = shape.chances(x), r + shape.k * x
    value = special.gammaln(rank) - special.gammaln(r) + r * np.log(alpha) + special.betaln(a, b + j)
    all_leave = special.psi(a + b) - special.psi(a + b + j)
    # Only those who had a chance to leave can be gone; j = 0 has gone = 0.
    stayed = np.maximum(b + j - 1, np.finfo(float).tiny)
    gradient = [
        n @ (special.psi(rank) - special.psi(r) + np.log(alpha)),
        n.sum() * r / alpha,
        n @ all_leave + gone.sum() / a,
        n @ (all_leave + special.psi(b + j) - special.psi(b)) - gone @ np.where(j > 0, 1 / stayed, 0.0),
    ]
    return float(n @ (value - special.betaln(a, b))), np.array(gradient)


def _history_terms(
    counted: Counted, by_x: _ByFrequency, shape: Shape, parameters: tuple[float, float, float, float]
) -> tuple[float, Floats, Floats]:
    """The part that depends on the ages: value, gradient, and the expected number gone per frequency."""
    value, gradient, gone = 0.0, np.zeros(4), np.zeros(by_x.x.size)
    log_odds = _log_gone_odds(by_x.x, shape, parameters)
    for start in range(0, counted.age.size, BLOCK):
        part = slice(start, start + BLOCK)
        columns = counted.frequency[part], counted.last_purchase_age[part], counted.age[part]
        place, n = by_x.place[part], counted.customers[part]
        terms = _alive_or_gone(columns, log_odds[place], shape.k, parameters)
        alive, left = n * terms.alive, n * (1 - terms.alive)
        # Sums, not dot products: BLAS wakes its threads for these and loses more than it wins.
        value += float((n * terms.log_total).sum())
        gradient[0] += (alive * terms.by_r - left * terms.log_last).sum()
        gradient[1] += (alive * terms.by_alpha - left * terms.gone_by_alpha).sum()
        gone += sums(place, left, by_x.x.size)
    return value, gradient, gone


@dataclass(frozen=True, eq=False)
class _Terms:
    log_total: Floats
    alive: Floats
    by_r: Floats
    by_alpha: Floats
    log_last: Floats
    gone_by_alpha: Floats


def _alive_or_gone(
    columns: tuple[Floats, ...], log_odds: Floats, k: int, parameters: tuple[float, float, float, float]
) -> _Terms:
    """log of [alive at T] + [left at t_x], the probability of the former, and the derivatives of both."""
    x, t_x, t = columns
    r, alpha, _a, _b = parameters
    rank, at_last, at_age = r + k * x, alpha + t_x, alpha + t
    log_last, log_age = np.log(at_last), np.log(at_age)
    log_alive, by_r, by_alpha = -rank * log_age, -log_age, -rank / at_age
    if k > 1:
        stages, stages_by_r, stages_by_alpha = _unfinished_gap(rank, (t - t_x) / at_age, k)
        log_alive += np.log(stages)
        by_r += stages_by_r / stages
        by_alpha -= stages_by_alpha / (stages * at_age)
    total, alive = log_sum(log_alive, log_odds - rank * log_last)
    return _Terms(total, alive, by_r, by_alpha, log_last, rank / at_last)


def _log_gone_odds(x: Floats, shape: Shape, parameters: tuple[float, float, float, float]) -> Floats:
    """log of B(a+1, b+j-1) / B(a, b+j) = a / (b+j-1): left at the last occasion against stayed.

    Minus infinity without an occasion.
    """
    _r, _alpha, a, b = parameters
    j = shape.chances(x)
    log_odds = np.full(x.shape, -np.inf)
    log_odds[j > 0] = np.log(a / (b + j[j > 0] - 1))
    return log_odds


def _unfinished_gap(rank: Floats, rho: Floats, k: int) -> tuple[Floats, Floats, Floats]:
    """The chance that the gap since t_x is unfinished, sum of G(R+j)/(G(R) j!) rho^j for j < k.

    With it, its derivative by R and -(alpha + T) times its derivative by alpha. All terms are positive.
    """
    term = total = np.ones(rank.shape)
    slope = by_rank = by_alpha = np.zeros(rank.shape)
    for j in range(1, k):
        slope = slope + 1 / (rank + j - 1)
        term = term * rho * (rank + j - 1) / j
        total, by_rank, by_alpha = total + term, by_rank + term * slope, by_alpha + j * term
    return total, by_rank, by_alpha


class BetaGeometricFit(PurchaseFit):
    """What the fitted members of the family have in common; times in units of `unit_days` days."""

    _leaves_at_first = True

    @property
    def _shape(self) -> Shape:
        return Shape(int(self.parameters.get("k", 1)), self._leaves_at_first)

    @property
    def _values(self) -> tuple[float, float, float, float]:
        r, alpha, a, b = (self.parameters[name] for name in NAMES)
        return r, alpha, a, b

    def p_alive(self, frequency: ArrayLike, last_purchase_age: ArrayLike, age: ArrayLike) -> Floats:
        """Probability that the customer has not left by `age`, between 0 and 1.

        Raises `ValueError` for histories that contradict themselves (t_x > T, and the like).
        """
        x, t_x, t, _horizon, shape = flat_history(frequency, last_purchase_age, age)
        return self._alive(x, t_x, t).reshape(shape)

    def _alive(self, x: Floats, t_x: Floats, t: Floats) -> Floats:
        frequencies, place = distinct(x)
        log_odds = _log_gone_odds(frequencies, self._shape, self._values)[place]

        def alive(*columns: Floats) -> Floats:
            return _alive_or_gone(columns[:3], columns[3], self._shape.k, self._values).alive

        return in_blocks(alive, x, t_x, t, log_odds)

    def rate_given_alive(self, frequency: ArrayLike, last_purchase_age: ArrayLike, age: ArrayLike) -> Floats:
        """Expected purchases per unit of time while the customer stays, given that they are here at `age`.

        (r + x) / (alpha + T) when gaps are exponential; for Erlang-k gaps the stages that may already be
        behind since the last purchase are averaged over.
        """
        x, t_x, t, _horizon, shape = flat_history(frequency, last_purchase_age, age)
        r, alpha, _a, _b = self._values
        k = self._shape.k
        rank = r + k * x
        stages, _by_rank, done = _unfinished_gap(rank, (t - t_x) / (alpha + t), k)
        return ((rank + done / stages) / (k * (alpha + t))).reshape(shape)

    def expected_purchases(self, t: ArrayLike) -> Floats:
        """Expected repeat purchases of a random new customer in (0, t], for each `t`."""
        horizon = checked_horizon(t)
        r, alpha, a, b = self._values
        b_left = np.array([[b + 1 if self._leaves_at_first else b]])
        u = horizon.ravel()[None, :] / alpha
        while_staying = _staying(self._shape.k, 0, Beliefs(np.array([[r]]), a, b_left), u)[0]
        # Where the first purchase can be the last, only E(1-p) = b / (a + b) of the newcomers stay at all.
        share = b / (a + b) if self._leaves_at_first else 1.0
        expected: Floats = share * while_staying
        return expected.reshape(horizon.shape)

    def expected_purchases_given(
        self, frequency: ArrayLike, last_purchase_age: ArrayLike, age: ArrayLike, t: ArrayLike
    ) -> Floats:
        """Expected purchases in (age, age + t] of customers with these histories.

        0 for t = 0. Memory stays within a few columns of the input's length. Raises `ValueError` for
        histories that contradict themselves and for a negative or missing `t`.
        """
        x, t_x, whole, horizon, shape = flat_history(frequency, last_purchase_age, age, t)
        frequencies, place = distinct(x)
        alpha = self.parameters["alpha"]
        u, rho = horizon / (alpha + whole), (whole - t_x) / (alpha + whole)
        stay = _Staying(self, frequencies, place, u)
        return (self._alive(x, t_x, whole) * in_blocks(stay, place, u, rho)).reshape(shape)


def _staying(k: int, done: int, beliefs: Beliefs, u: Floats) -> Floats:
    if k == 1:
        return purchases_while_staying(beliefs, u)
    return stages_while_staying(k, done, beliefs, u)


class _Staying:
    """Expected purchases of customers who are here, tabulated by frequency over log u.

    Each table holds the ratio to R u / (1 + R u a / (a + b)), which has the right value for small u and
    nearly the right growth: what is left is so smooth that fourteen digits need few nodes.
    """

    def __init__(self, model: BetaGeometricFit, frequencies: Floats, place: NDArray[np.intp], u: Floats) -> None:
        r, _alpha, self._a, b = model._values
        shape = model._shape
        self._k = shape.k
        self._rank = r + shape.k * frequencies
        self._b = b + shape.chances(frequencies)
        low, high = ranges(place[u > 0], np.log(u[u > 0]), frequencies.size)
        # Erlang gaps make a damped staircase of the expectation: ten more nodes per stage keep six digits of it.
        nodes = 12 + int(3 * (high - low).max(initial=0.0)) + 10 * (shape.k - 1)
        grid = np.exp(Table.nodes(low, high, nodes))
        self._tables = [Table.through(self._ratio(done, grid), low, high) for done in range(shape.k)]

    def _scale(self, rank: Floats, b: Floats, u: Floats) -> Floats:
        paced = rank * u / self._k
        return paced / (1 + paced * self._a / (self._a + b))

    def _ratio(self, done: int, u: Floats) -> Floats:
        rank, b = self._rank[:, None] + done, self._b[:, None]
        return _staying(self._k, done, Beliefs(rank, self._a, b), u) / self._scale(rank, b, u)

    def __call__(self, place: NDArray[np.intp], u: Floats, rho: Floats) -> Floats:
        """Average over the stages already behind since the last purchase; a Poisson buyer has none."""
        log_u = np.log(u, where=u > 0, out=np.zeros(u.shape))
        rank, b = self._rank[place], self._b[place]
        weight = total = np.ones(u.shape)
        expected = np.zeros(u.shape)
        for done, table in enumerate(self._tables):
            if done:
                weight = weight * rho * (rank + done - 1) / done
                total = total + weight
            expected += weight * table(place, log_u) * self._scale(rank + done, b, u)
        return np.where(u > 0, expected / total, 0.0)


def fit_family(counted: Counted, shape: Shape) -> tuple[Optimum, float]:
    """The optimum for a base measured in its average age, and that age; refusals as in `fit_leaving`."""
    scale = time_scale(counted)
    return fit_leaving(lambda base: likelihood(base, shape), counted.in_units(scale)), scale
