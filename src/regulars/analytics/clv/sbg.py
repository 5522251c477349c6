"""Shifted-beta-geometric: how long customers with renewals stay (Fader & Hardie 2007)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from regulars.analytics.clv.counted import Floats, floats
from regulars.analytics.clv.fit import MINIMUM_CUSTOMERS, Fit, climb_from, require_arrival
from regulars.analytics.clv.optimum import Objective
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

_NAMES = ("alpha", "beta")


@dataclass(frozen=True)
class Sbg(Fit):
    """A fitted shifted-beta-geometric: parameters alpha, beta (no unit); time is counted in renewal periods.

    Each customer renews or leaves at the end of each period with a chance of their own, beta(alpha, beta)
    distributed among customers. Retention rises with age because the leavers go first.
    """

    @property
    def _values(self) -> tuple[float, float]:
        return self.parameters["alpha"], self.parameters["beta"]

    def survival(self, t: ArrayLike) -> Floats:
        """Share of new customers who are still here after `t` renewals: B(alpha, beta + t) / B(alpha, beta)."""
        periods = _checked_periods(t, least=0)
        alpha, beta = self._values
        share: Floats = np.exp(special.betaln(alpha, beta + periods) - special.betaln(alpha, beta))
        return share

    def retention(self, t: ArrayLike) -> Floats:
        """Share of those who made t - 1 renewals that make the t-th: (beta + t - 1) / (alpha + beta + t - 1)."""
        periods = _checked_periods(t, least=1)
        alpha, beta = self._values
        return (beta + periods - 1) / (alpha + beta + periods - 1)

    def expected_lifetime(self, periods: int | None = None) -> float:
        """Expected periods as a customer, the first one included: the sum of survival(t) for t = 0, 1, ...

        Over the first `periods` periods, or for ever: (alpha + beta - 1) / (alpha - 1), which is infinite for
        alpha <= 1, because a few customers hardly ever leave.
        """
        alpha, beta = self._values
        if periods is not None:
            return float(self.survival(np.arange(int(_checked_periods(periods, least=0)))).sum())
        return (alpha + beta - 1) / (alpha - 1) if alpha > 1 else math.inf

    def discounted_residual_lifetime(self, renewals: ArrayLike, discount: float) -> Floats:
        """Present value of one unit of money at each renewal to come, for customers with `renewals` behind them.

        It is valued just before the next renewal, which may fail; `discount` is the rate per period, above 0
        (0.1 = 10 %). Fader & Hardie 2010, "Customer-base valuation in a contractual setting":
        (beta + m) / (alpha + beta + m) 2F1(1, beta + m + 1; alpha + beta + m + 1; 1 / (1 + d)).
        """
        if not (math.isfinite(discount) and discount > 0):
            raise ValueError("discount must be above 0 per period")
        made = _checked_periods(renewals, least=0)
        alpha, beta = self._values
        later = special.hyp2f1(1, beta + made + 1, alpha + beta + made + 1, 1 / (1 + discount))
        value: Floats = (beta + made) / (alpha + beta + made) * later
        return value


def _checked_periods(t: ArrayLike, least: int) -> Floats:
    periods = floats(t)
    if not np.isfinite(periods).all() or (periods < least).any():
        raise ValueError(f"the number of periods must be {least} or more")
    return periods


def _lost_and_left(cohorts: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Customers lost in period t = 1, 2, ..., and customers still here after t = 0, 1, ..., over all cohorts."""
    longest = max(cohort.size for cohort in cohorts)
    lost, left = np.zeros(longest - 1), np.zeros(longest)
    for cohort in cohorts:
        lost[: cohort.size - 1] += cohort[:-1] - cohort[1:]
        left[cohort.size - 1] += cohort[-1]
    return lost, left


def likelihood(lost: Floats, left: Floats) -> Objective:
    """Total log-likelihood and its gradient by the logarithms of alpha and beta (Fader & Hardie 2007, appendix B)."""
    ends, kept = np.arange(lost.size), np.arange(left.size)

    def objective(theta: Floats) -> tuple[float, Floats]:
        alpha, beta = np.exp(theta)
        gone = special.betaln(alpha + 1, beta + ends) - special.betaln(alpha, beta)
        stay = special.betaln(alpha, beta + kept) - special.betaln(alpha, beta)
        # The digamma of the total is the same function of t for both: alpha + 1 + beta + t - 1.
        base, total = special.psi(alpha + beta), special.psi(alpha + beta + np.arange(left.size))
        by_alpha = lost @ (1 / alpha + base - total[1:]) + left @ (base - total)
        by_beta = lost @ (special.psi(beta + ends) - special.psi(beta) + base - total[1:]) + left @ (
            special.psi(beta + kept) - special.psi(beta) + base - total
        )
        return float(lost @ gone + left @ stay), np.array([by_alpha * alpha, by_beta * beta])

    return objective


def _checked_cohorts(alive_by_period: Sequence[float] | Sequence[Sequence[float]] | Floats) -> list[Floats]:
    nested = len(alive_by_period) > 0 and np.ndim(alive_by_period[0]) > 0
    cohorts = [floats(cohort) for cohort in (alive_by_period if nested else [alive_by_period])]
    for cohort in cohorts:
        if cohort.ndim != 1 or cohort.size == 0:
            raise ValueError("a cohort is a sequence of how many customers were alive after 0, 1, 2, ... renewals")
        if not np.isfinite(cohort).all() or (cohort < 0).any() or (np.diff(cohort) > 0).any():
            raise ValueError("customers alive must be 0 or more and must not grow from one period to the next")
    return cohorts


def fit_sbg(
    alive_by_period: Sequence[float] | Sequence[Sequence[float]] | Floats,
    *,
    minimum_customers: int = MINIMUM_CUSTOMERS,
    period_days: float = math.nan,
) -> Sbg:
    """Fit the shifted-beta-geometric by maximum likelihood (Fader & Hardie 2007, "How to project customer
    retention").

    `alive_by_period` holds how many customers of a cohort were there at the start and after 1, 2, ...
    renewals; or several such cohorts, of different lengths. Whoever is there at a cohort's last period is
    taken as still there, not as lost. `period_days` is only passed on to `unit_days`.

    Raises `ValueError` for missing, negative or growing numbers; `NotEnoughData` when there are fewer than
    `minimum_customers`, when fewer than two renewals were observed (one does not tell luck from character),
    or when nobody left.

    >>> fit = fit_sbg([1000, 869, 743, 653, 593, 551, 517, 491])
    >>> {name: round(value, 3) for name, value in fit.parameters.items()}
    {'alpha': 0.668, 'beta': 3.806}
    """
    cohorts = _checked_cohorts(alive_by_period)
    lost, left = _lost_and_left(cohorts)
    customers = float(lost.sum() + left.sum())
    _require_renewals(lost, customers, minimum_customers)
    optimum = climb_from([np.zeros(2), np.log([2.0, 10.0])], likelihood(lost, left))
    require_arrival(optimum)
    values, errors = np.exp(optimum.theta), optimum.standard_errors()
    named = [dict(zip(_NAMES, column.tolist(), strict=True)) for column in (values, errors)]
    return Sbg("sbg", named[0], named[1], optimum.log_likelihood, round(customers), period_days)


def _require_renewals(lost: Floats, customers: float, minimum: int) -> None:
    if customers < minimum:
        raise NotEnoughData(
            _(
                "A model of renewals needs about {minimum} customers, there are {customers}. Put more cohorts together."
            ).format(minimum=minimum, customers=round(customers))
        )
    if lost.size < 2:
        raise NotEnoughData(_("At least two renewals must have come up before a trend in leaving can be seen."))
    if lost.sum() == 0:
        raise NotEnoughData(_("Nobody has left yet, so there is nothing to learn about leaving."))
