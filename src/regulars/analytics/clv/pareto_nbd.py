"""Pareto/NBD: leaving at any time, at a rate that differs between customers (Schmittlein, Morrison & Colombo 1987)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from regulars.analytics.clv.counted import Counted, Floats
from regulars.analytics.clv.departed import Departed, departed
from regulars.analytics.clv.fit import (
    MINIMUM_CUSTOMERS,
    PurchaseFit,
    checked_horizon,
    fit_leaving,
    flat_history,
    in_own_units,
    require_history,
    time_scale,
)
from regulars.analytics.clv.optimum import Objective
from regulars.analytics.clv.tables import distinct, in_blocks, log_sum, sums

_NAMES = ("r", "alpha", "s", "beta")

# A chance of zero has no logarithm.
_NEVER = 1e-300


@dataclass(frozen=True)
class ParetoNbd(PurchaseFit):
    """A fitted Pareto/NBD: parameters r, alpha (purchases), s, beta (leaving); alpha and beta in units of time."""

    @property
    def _values(self) -> tuple[float, float, float, float]:
        r, alpha, s, beta = (self.parameters[name] for name in _NAMES)
        return r, alpha, s, beta

    def p_alive(self, frequency: ArrayLike, last_purchase_age: ArrayLike, age: ArrayLike) -> Floats:
        """Probability that the customer has not left by `age` (Fader & Hardie 2005, section 5).

        Raises `ValueError` for histories that contradict themselves (t_x > T, and the like).
        """
        x, t_x, t, _horizon, shape = flat_history(frequency, last_purchase_age, age)
        return self._alive(x, t_x, t).reshape(shape)

    def _alive(self, x: Floats, t_x: Floats, t: Floats) -> Floats:
        frequencies, place = distinct(x)
        parts = _Parts.of(self._values, frequencies, t)

        def alive(place: NDArray[np.intp], t_x: Floats, t: Floats) -> Floats:
            at_last, at_age = parts.at(place, t_x), parts.at(place, t)
            total, _share = log_sum(at_age.log_kept + at_age.log_stay, at_last.log_kept + at_last.log_gone)
            # Who bought today is here: rounding must not say 1.0000000000000002.
            return np.minimum(np.exp(at_age.log_kept - total), 1.0)

        return in_blocks(alive, place, t_x, t)

    def rate_given_alive(self, frequency: ArrayLike, last_purchase_age: ArrayLike, age: ArrayLike) -> Floats:
        """Expected purchases per unit of time while here: (r + x) / (alpha + T)."""
        x, _t_x, t, _horizon, shape = flat_history(frequency, last_purchase_age, age)
        r, alpha, _s, _beta = self._values
        return ((r + x) / (alpha + t)).reshape(shape)

    def expected_purchases(self, t: ArrayLike) -> Floats:
        """Expected repeat purchases of a random new customer in (0, t], for each `t`.

        r beta / (alpha (s - 1)) [1 - (beta / (beta + t))**(s - 1)], continued to s = 1.
        """
        r, alpha, s, beta = self._values
        return r / alpha * _expected_stay(s, beta, checked_horizon(t))

    def expected_purchases_given(
        self, frequency: ArrayLike, last_purchase_age: ArrayLike, age: ArrayLike, t: ArrayLike
    ) -> Floats:
        """Expected purchases in (age, age + t] of customers with these histories; 0 for t = 0.

        Fader & Hardie 2005, "A note on deriving the Pareto/NBD model", section 6, continued to s = 1. Raises
        `ValueError` for histories that contradict themselves and for a negative or missing `t`.
        """
        x, t_x, whole, horizon, shape = flat_history(frequency, last_purchase_age, age, t)
        r, alpha, s, beta = self._values
        stay = _expected_stay(s, beta + whole, horizon)
        return ((r + x) / (alpha + whole) * stay * self._alive(x, t_x, whole)).reshape(shape)


def _expected_stay(s: float, beta: Floats | float, t: Floats) -> Floats:
    """Expected time in (0, t] before a Pareto(s, beta) departure; exprel is finite at s = 1."""
    log_growth = np.log1p(t / beta)
    stay: Floats = beta * log_growth * special.exprel(-(s - 1) * log_growth)
    return stay


@dataclass(frozen=True, eq=False)
class _At:
    """For pairs (frequency, age y): log of (alpha+y)**-R (beta+y)**-s, and of the chances around it."""

    log_kept: Floats
    log_stay: Floats
    log_gone: Floats
    stay: Floats
    gone: Floats
    log_q: Floats


@dataclass(frozen=True, eq=False)
class _Parts:
    """The two terms of the likelihood, for any frequency and age, under given parameters."""

    values: tuple[float, float, float, float]
    frequencies: Floats
    departed: Departed

    @classmethod
    def of(cls, values: tuple[float, float, float, float], frequencies: Floats, ages: Floats) -> "_Parts":
        r, alpha, s, beta = values
        oldest = float(ages.max(initial=0.0))
        ends = np.log(alpha / beta), np.log((alpha + oldest) / (beta + oldest))
        return cls(values, frequencies, departed(r + frequencies, s, min(ends), max(ends)))

    def at(self, place: NDArray[np.intp], y: Floats) -> _At:
        r, alpha, s, beta = self.values
        log_purchases, log_stay = np.log(alpha + y), np.log(beta + y)
        log_q = log_purchases - log_stay
        gone = np.clip(self.departed.value(place, log_q), _NEVER, 1.0)
        stay = np.maximum(1 - gone, np.finfo(float).eps)
        log_kept = -(r + self.frequencies[place]) * log_purchases - s * log_stay
        return _At(log_kept, np.log(stay), np.log(gone), stay, gone, log_q)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Distinct (frequency, age) pairs: days repeat, so there are far fewer of them than of tuples."""

    place: NDArray[np.intp]
    age: Floats
    index: NDArray[np.intp]

    @classmethod
    def of(cls, place: NDArray[np.intp], age: Floats) -> "_Pairs":
        ages, code = np.unique(age, return_inverse=True)
        keys, index = np.unique(place * ages.size + code, return_inverse=True)
        return cls(keys // ages.size, ages[keys % ages.size], index)

    def totals(self, values: Floats) -> Floats:
        return sums(self.index, values, self.age.size)


def likelihood(counted: Counted) -> Objective:
    """Total log-likelihood and its gradient by the logarithms of r, alpha, s, beta.

    Fader & Hardie 2005, "A note on deriving the Pareto/NBD model", section 3, with its integral kept as one
    positive integral (see `departed`) instead of a difference of hypergeometric functions.
    """
    frequencies, place = distinct(counted.frequency)
    customers = sums(place, counted.customers, frequencies.size)
    at_age, at_last = _Pairs.of(place, counted.age), _Pairs.of(place, counted.last_purchase_age)

    def objective(theta: Floats) -> tuple[float, Floats]:
        values = tuple(np.exp(theta).tolist())
        parts = _Parts.of(values, frequencies, counted.age)
        here, last = parts.at(at_age.place, at_age.age), parts.at(at_last.place, at_last.age)
        log_here = (here.log_kept + here.log_stay)[at_age.index]
        total, share = log_sum(log_here, (last.log_kept + last.log_gone)[at_last.index])
        value, gradient = _frequency_terms(frequencies, customers, values)
        value += float((counted.customers * total).sum())
        gradient += _slopes(parts, at_age, here, at_age.totals(counted.customers * share), -1 / here.stay)
        gradient += _slopes(parts, at_last, last, at_last.totals(counted.customers * (1 - share)), 1 / last.gone)
        return value, gradient * np.exp(theta)

    return objective


def _frequency_terms(x: Floats, n: Floats, values: tuple[float, float, float, float]) -> tuple[float, Floats]:
    """G(r+x) / G(r) alpha**r beta**s: the part that depends on the frequency alone."""
    r, alpha, s, beta = values
    value = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    by_r = special.psi(r + x) - special.psi(r) + np.log(alpha)
    gradient = np.array([n @ by_r, n.sum() * r / alpha, n.sum() * np.log(beta), n.sum() * s / beta])
    return float(n @ value), gradient


def _slopes(parts: _Parts, pairs: _Pairs, at: _At, weight: Floats, by_gone: Floats) -> Floats:
    """Weighted derivatives of log_kept plus the log of a chance whose derivative by M is `by_gone`."""
    r, alpha, s, beta = parts.values
    up, tables = weight * by_gone, parts.departed
    by_rank, by_s, by_log_q = (table(pairs.place, at.log_q) for table in (tables.by_rank, tables.by_s, tables.by_log_q))
    purchases, stay = alpha + pairs.age, beta + pairs.age
    return np.array(
        [
            (up * by_rank - weight * np.log(purchases)).sum(),
            ((up * by_log_q - weight * (r + parts.frequencies[pairs.place])) / purchases).sum(),
            (up * by_s - weight * np.log(stay)).sum(),
            (-(up * by_log_q + weight * s) / stay).sum(),
        ]
    )


def fit_pareto_nbd(counted: Counted, *, minimum_customers: int = MINIMUM_CUSTOMERS) -> ParetoNbd:
    """Fit Pareto/NBD by maximum likelihood (Schmittlein, Morrison & Colombo 1987; Fader & Hardie 2005).

    All customers count, one-time buyers included. Raises `NotEnoughData` when there are fewer than
    `minimum_customers`, when fewer than a tenth of that number have come back, when nobody seems to leave
    (s would vanish or beta run away), or when the likelihood has no clear top.
    """
    require_history(counted, minimum_customers)
    scale = time_scale(counted)
    optimum = fit_leaving(likelihood, counted.in_units(scale))
    parameters, errors, value = in_own_units(optimum, _NAMES, scale, counted.purchases)
    return ParetoNbd("pareto_nbd", parameters, errors, value, counted.n_customers, counted.unit_days)
