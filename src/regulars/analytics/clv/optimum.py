"""Climbing to the top of a likelihood, and how sharp the top is.

Every model is fitted in the logarithms of its parameters, which are all positive. An objective returns the
total log-likelihood and its gradient by those logarithms.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from regulars.analytics.clv.counted import Floats

Objective = Callable[[Floats], tuple[float, Floats]]

# Log-parameters stay within e**-+12, that is 6e-6 .. 160,000 in scaled units: further out is a ridge.
LIMIT = 12.0
_EDGE = LIMIT - 1e-9

# A climb has arrived when a Newton step would gain less log-likelihood than this, over all customers.
_ARRIVED = 1e-3

# Directions in which a log-parameter is not known to a factor of e**10 are not identified.
_SHARPEST_UNKNOWN = 0.01

# Polishing ends when the next step promises less log-likelihood than this, over all customers.
_SETTLED = 1e-10
_MOST_STEPS = 40

_TINY = float(np.finfo(float).tiny)
_HESSIAN_STEP = 1e-5


@dataclass(frozen=True, eq=False)
class Optimum:
    """The top of a likelihood: where, how high, and minus the Hessian there."""

    theta: Floats
    log_likelihood: float
    information: Floats
    gradient: Floats

    @property
    def arrived(self) -> bool:
        """Whether the gradient is as good as zero, apart from log-parameters that lean on their limit."""
        free = np.flatnonzero(~_leaning(self.theta, self.gradient))
        if not np.isfinite(self.information).all():
            return False
        values, vectors = np.linalg.eigh(self.information[np.ix_(free, free)])
        slopes = vectors.T @ self.gradient[free]
        return bool((slopes**2 / np.maximum(values, _SHARPEST_UNKNOWN)).sum() / 2 < _ARRIVED)

    def standard_errors(self) -> Floats:
        """Asymptotic standard errors of the parameters: inverse information, delta method from logarithms.

        NaN for the parameters that take part in a direction in which the likelihood is flat.
        """
        values, vectors = np.linalg.eigh(self.information)
        unknown = values < _SHARPEST_UNKNOWN
        inverse = np.where(unknown, 0.0, 1 / np.where(unknown, 1.0, values))
        errors: Floats = np.exp(self.theta) * np.sqrt((vectors**2) @ inverse)
        # A loading above a tenth means the flat direction moves this parameter too.
        return np.where((np.abs(vectors[:, unknown]) > 0.1).any(axis=1), np.nan, errors)


def climb(objective: Objective, start: Floats, weight: float, nearby: Objective | None = None) -> Optimum:
    """The nearest top of `objective` from `start`; `weight` is the number of customers.

    `nearby` is a cheaper objective with almost the same top: the search is done on it, and its Hessian then
    points the few steps that remain on the real one.
    """
    first = nearby or objective
    theta = _search(first, start, weight)
    if nearby is not None and (np.abs(theta) > _EDGE).any():
        theta = _search(objective, theta, weight)
    theta = _polish(objective, theta, _information(first, theta))
    value, gradient = objective(theta)
    return Optimum(theta, value, _information(objective, theta), gradient)


def _mean(objective: Objective, weight: float) -> Callable[[Floats], tuple[float, Floats]]:
    """What scipy minimises: minus the average log-likelihood, so that tolerances mean the same for any base."""

    def negative(theta: Floats) -> tuple[float, Floats]:
        value, gradient = objective(theta)
        return -value / weight, -gradient / weight

    return negative


def _search(objective: Objective, start: Floats, weight: float) -> Floats:
    found = optimize.minimize(
        _mean(objective, weight),
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-LIMIT, LIMIT)] * len(start),
        options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7, "maxls": 40},
    )
    theta: Floats = found.x
    return theta


def _polish(objective: Objective, theta: Floats, information: Floats) -> Floats:
    """Quasi-Newton steps (BFGS) from a point near the top, with `information` as the first guess at the curvature."""
    values, vectors = np.linalg.eigh(information)
    inverse = (vectors / np.maximum(values, _SHARPEST_UNKNOWN)) @ vectors.T
    value, slope = objective(theta)
    reach = 1.0
    for _step in range(_MOST_STEPS):
        leaning = _leaning(theta, slope)
        step = np.where(leaning, 0.0, inverse @ np.where(leaning, 0.0, slope))
        step *= reach * min(1.0, 1.0 / np.abs(step).max(initial=_TINY))
        if slope @ step < _SETTLED:
            break
        there = np.clip(theta + step, -LIMIT, LIMIT)
        new_value, new_slope = objective(there)
        if not new_value > value:
            reach /= 4
            continue
        inverse = _with_curvature(inverse, there - theta, slope - new_slope)
        theta, value, slope, reach = there, new_value, new_slope, 1.0
    return theta


def _leaning(theta: Floats, slope: Floats) -> NDArray[np.bool_]:
    """Which log-parameters lean on their limit: the likelihood rises beyond it."""
    return (np.abs(theta) > _EDGE) & (slope * theta > 0)


def _with_curvature(inverse: Floats, moved: Floats, fell: Floats) -> Floats:
    """The BFGS update: `inverse` made to say that the gradient fell by `fell` over `moved`."""
    curvature = float(moved @ fell)
    if curvature <= 0:
        return inverse
    turn = np.eye(moved.size) - np.outer(moved, fell) / curvature
    updated: Floats = turn @ inverse @ turn.T + np.outer(moved, moved) / curvature
    return updated


def _information(objective: Objective, theta: Floats) -> Floats:
    """Minus the Hessian, from differences of the gradient."""
    base = objective(theta)[1]
    rows = [(base - objective(theta + step)[1]) / _HESSIAN_STEP for step in np.eye(theta.size) * _HESSIAN_STEP]
    return (np.array(rows) + np.array(rows).T) / 2
