"""NBD: purchases at a gamma-distributed rate by customers who never leave (Ehrenberg 1959). A yardstick."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from regulars.analytics.clv.counted import Counted, Floats
from regulars.analytics.clv.fit import (
    MINIMUM_CUSTOMERS,
    Fit,
    checked_horizon,
    climb_from,
    flat_history,
    in_own_units,
    leaving_starts,
    require_arrival,
    require_history,
    search_copy,
    time_scale,
)
from regulars.analytics.clv.optimum import Objective
from regulars.analytics.clv.tables import distinct, sums

_NAMES = ("r", "alpha")


@dataclass(frozen=True)
class Nbd(Fit):
    """A fitted NBD: parameters r, alpha (units of time)."""

    def expected_purchases(self, t: ArrayLike) -> Floats:
        """Expected repeat purchases of a random new customer in (0, t]: r t / alpha."""
        return self.parameters["r"] / self.parameters["alpha"] * checked_horizon(t)

    def expected_purchases_given(self, frequency: ArrayLike, age: ArrayLike, t: ArrayLike) -> Floats:
        """Expected purchases in (age, age + t]: (r + x) / (alpha + T) t. When the last one was does not matter."""
        last = np.where(np.asarray(frequency) > 0, age, 0.0)
        x, _t_x, whole, horizon, shape = flat_history(frequency, last, age, t)
        return ((self.parameters["r"] + x) / (self.parameters["alpha"] + whole) * horizon).reshape(shape)


def likelihood(counted: Counted) -> Objective:
    """Total log-likelihood of the purchase times and its gradient by the logarithms of r and alpha."""
    frequencies, place = distinct(counted.frequency)
    x, t, n = counted.frequency, counted.age, counted.customers
    by_x = sums(place, n, frequencies.size)

    def objective(theta: Floats) -> tuple[float, Floats]:
        r, alpha = np.exp(theta)
        log_age, total = np.log(alpha + t), n.sum()
        gammas = by_x @ (special.gammaln(r + frequencies) - special.gammaln(r))
        value = gammas + total * r * np.log(alpha) - (n * (r + x) * log_age).sum()
        by_r = by_x @ (special.psi(r + frequencies) - special.psi(r)) + total * np.log(alpha) - (n * log_age).sum()
        by_alpha = total * r / alpha - (n * (r + x) / (alpha + t)).sum()
        return float(value), np.array([by_r * r, by_alpha * alpha])

    return objective


def fit_nbd(counted: Counted, *, minimum_customers: int = MINIMUM_CUSTOMERS) -> Nbd:
    """Fit NBD by maximum likelihood of the purchase times, comparable with the models in which customers leave.

    All customers count, one-time buyers included. Raises `NotEnoughData` when there are fewer than
    `minimum_customers`, when fewer than a tenth of that number have come back, or when the likelihood has no
    clear top.
    """
    require_history(counted, minimum_customers)
    scale = time_scale(counted)
    scaled = counted.in_units(scale)
    copy = search_copy(scaled)
    start = leaving_starts(scaled)[0][:2]
    nearby = None if copy is scaled else likelihood(copy)
    optimum = climb_from([start], likelihood(scaled), nearby)
    require_arrival(optimum)
    parameters, errors, value = in_own_units(optimum, _NAMES, scale, counted.purchases)
    return Nbd("nbd", parameters, errors, value, counted.n_customers, counted.unit_days)
