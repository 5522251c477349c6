"""Gamma-Gamma: what a customer spends per purchase, shrunk towards everyone's average (Fader & Hardie 2013)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from regulars.analytics.clv.counted import Floats, floats
from regulars.analytics.clv.fit import MINIMUM_CUSTOMERS, Fit, climb_from, require_arrival
from regulars.analytics.clv.optimum import Objective, Optimum
from regulars.analytics.clv.tables import distinct, sums
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

_NAMES = ("p", "q", "gamma")


@dataclass(frozen=True)
class GammaGamma(Fit):
    """A fitted Gamma-Gamma: parameters p, q and gamma (in the unit of the values); `unit_days` is NaN.

    Assumes that how much a customer spends per purchase has nothing to do with how often they buy: check it.
    """

    @property
    def mean(self) -> float:
        """The expected value per purchase of a customer nothing is known about: p gamma / (q - 1)."""
        p, q, gamma = (self.parameters[name] for name in _NAMES)
        return p * gamma / (q - 1)

    def expected_value(self, frequency: ArrayLike, mean_value: ArrayLike) -> Floats:
        """Expected value per future purchase, given the average `mean_value` over `frequency` repeat purchases.

        p (gamma + x z) / (p x + q - 1) (Fader & Hardie 2013): between the customer's own average and
        everyone's, nearer to their own the more they have bought. Everyone's for x = 0, whose `mean_value` is
        not looked at. Raises `ValueError` for a negative or missing frequency or value.
        """
        x, z = _checked(frequency, mean_value)
        p, q, gamma = (self.parameters[name] for name in _NAMES)
        return p * (gamma + x * np.where(x > 0, z, 0.0)) / (p * x + q - 1)


def _checked(frequency: ArrayLike, mean_value: ArrayLike) -> tuple[Floats, Floats]:
    x, z = np.broadcast_arrays(floats(frequency), floats(mean_value))
    if not np.isfinite(x).all() or (x < 0).any() or (x != np.floor(x)).any():
        raise ValueError("frequency must be a whole number of repeat purchases, 0 or more")
    if not np.isfinite(z[x > 0]).all() or (z[x > 0] <= 0).any():
        raise ValueError("mean_value must be above 0 for customers with repeat purchases")
    return x, z


def likelihood(frequency: Floats, mean_value: Floats, customers: Floats) -> Objective:
    """Total log-likelihood and its gradient by the logarithms of p, q, gamma (Fader & Hardie 2013, eq. 1a)."""
    x, n, totals = frequency, customers, frequency * mean_value
    frequencies, place = distinct(x)
    by_x = sums(place, n, frequencies.size)
    log_total = sums(place, n * np.log(totals), frequencies.size)
    log_value = float((n * np.log(mean_value)).sum())

    def objective(theta: Floats) -> tuple[float, Floats]:
        p, q, gamma = np.exp(theta)
        shape = p * frequencies
        log_all, over_all = np.log(gamma + totals), n / (gamma + totals)
        by_all = sums(place, n * log_all, frequencies.size)
        gammas = special.gammaln(shape + q) - special.gammaln(shape) - special.gammaln(q) + q * np.log(gamma)
        value = by_x @ gammas + shape @ log_total - log_value - (shape + q) @ by_all
        spread = by_x * (special.psi(shape + q) - special.psi(shape))
        by_p = frequencies @ (spread + log_total - by_all)
        by_q = by_x @ (special.psi(shape + q) - special.psi(q) + np.log(gamma)) - by_all.sum()
        by_gamma = n.sum() * q / gamma - ((p * x + q) * over_all).sum()
        return float(value), np.array([by_p * p, by_q * q, by_gamma * gamma])

    return objective


def fit_gamma_gamma(
    frequency: ArrayLike,
    mean_value: ArrayLike,
    customers: ArrayLike | None = None,
    *,
    minimum_customers: int = MINIMUM_CUSTOMERS,
) -> GammaGamma:
    """Fit Gamma-Gamma by maximum likelihood (Fader & Hardie 2013, "The Gamma-Gamma model of monetary value").

    One row is one customer, or `customers` of them: `frequency` repeat purchases (the first one left out, as
    in the purchase models) of `mean_value` each on average, in any unit of money. Rows with frequency 0 hold
    nothing about repeat purchases and are left out; `Fit.customers` counts the rest.

    Raises `ValueError` for columns of different lengths, a frequency that is not whole, and values that are
    missing, 0 or negative: customers whose purchases came to nothing must be left out knowingly.
    `NotEnoughData` when fewer than `minimum_customers` have repeat purchases, when all spend the same, or
    when values are spread so widely that they have no average (q <= 1).
    """
    x, z = _checked(frequency, mean_value)
    n = np.ones(x.shape) if customers is None else floats(customers)
    if x.ndim != 1 or n.shape != x.shape:
        raise ValueError("the columns must be one-dimensional and of one length")
    if not np.isfinite(n).all() or (n <= 0).any():
        raise ValueError("customers must be a number above 0")
    repeat = x > 0
    x, z, n = x[repeat], z[repeat], n[repeat]
    _require_values(z, n, minimum_customers)
    scale = float(n @ z) / float(n.sum())
    optimum = climb_from(_starts(), likelihood(x, z / scale, n))
    require_arrival(optimum)
    return _named(optimum, scale, float(n.sum()))


def _starts() -> list[Floats]:
    """Everyone's average is one unit: p gamma = q - 1."""
    return [np.log([p, q, (q - 1) / p]) for p, q in ((3.0, 4.0), (1.0, 2.0), (10.0, 10.0))]


def _require_values(values: Floats, customers: Floats, minimum: int) -> None:
    if customers.sum() < minimum:
        raise NotEnoughData(
            _(
                "A model of spending needs about {minimum} customers who came back, there are {customers}. "
                "Load a longer history or more stores."
            ).format(minimum=minimum, customers=round(float(customers.sum())))
        )
    if np.ptp(values) <= 1e-9 * values.max():
        raise NotEnoughData(_("All customers spend the same per purchase, so there is nothing to model."))


def _named(optimum: Optimum, scale: float, customers: float) -> GammaGamma:
    unit = np.array([1.0, 1.0, scale])
    values, errors = np.exp(optimum.theta) * unit, optimum.standard_errors() * unit
    if values[1] <= 1:
        raise NotEnoughData(
            _(
                "A few purchases are so much larger than the rest that customers have no meaningful average value. "
                "Check the amounts for errors, or look at large buyers separately."
            )
        )
    named = [dict(zip(_NAMES, column.tolist(), strict=True)) for column in (values, errors)]
    value = optimum.log_likelihood - customers * float(np.log(scale))
    return GammaGamma("gamma_gamma", named[0], named[1], value, round(customers), float("nan"))
