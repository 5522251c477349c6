"""Climbing to the top of a likelihood, and how sharp the top is.

Every model is fitted in the logarithms of its parameters, which are all positive. An objective returns the
total log-likelihood and its gradient by those logarithms.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regulars.analytics.clv.counted import Floats

Objective = Callable[[Floats], tuple[float, Floats]]

# Log-parameters stay within e**-+12, that is 6e-6 .. 160,000 in scaled units: further out is a ridge.
LIMIT = 12.0
_EDGE = LIMIT - 1e-3

# A climb has arrived when a Newton step would gain less log-likelihood than this, over all customers.
_ARRIVED = 1e-3

# Directions in which a log-parameter is not known to a factor of e**10 are not identified.
_SHARPEST_UNKNOWN = 0.01

# A climb ends when the next step promises less log-likelihood than this, over all customers.
_SETTLED = 1e-8
_MOST_STEPS = 60

# Curvatures below this are taken for it; the longest step bounds what that can do.
_FLATTEST = 1e-5

# The differences behind a Hessian cost as much as this many steps.
_STEPS_PER_HESSIAN = 4

# No step multiplies a parameter by more than e**2.
_LONGEST_STEP = 2.0

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

        NaN for the parameters that take part in a direction in which the likelihood is flat, and for those
        that lean on their limit.
        """
        values, vectors = np.linalg.eigh(self.information)
        unknown = values < _SHARPEST_UNKNOWN
        inverse = np.where(unknown, 0.0, 1 / np.where(unknown, 1.0, values))
        errors: Floats = np.exp(self.theta) * np.sqrt((vectors**2) @ inverse)
        # A loading above a tenth means the flat direction moves this parameter too.
        moved = (np.abs(vectors[:, unknown]) > 0.1).any(axis=1)
        return np.where(moved | _leaning(self.theta, self.gradient), np.nan, errors)


def climb(objective: Objective, start: Floats, nearby: Objective | None = None) -> Optimum:
    """The nearest top of `objective` from `start`.

    `nearby` is a cheaper objective with almost the same top: the search is done on it, and its Hessian then
    points the few steps that remain on the real one.
    """
    theta = _search(nearby or objective, start)
    if nearby is not None:
        theta = _polish(objective, theta, _information(nearby, theta, nearby(theta)[1]))
    value, gradient = objective(theta)
    return Optimum(theta, value, _information(objective, theta, gradient), gradient)


@dataclass(frozen=True, eq=False)
class _Place:
    theta: Floats
    value: float
    slope: Floats


def _search(objective: Objective, start: Floats) -> Floats:
    """Newton's method, with a few quasi-Newton steps on each Hessian.

    Not scipy's L-BFGS-B: its linear algebra on four numbers wakes threads that cost more than these models,
    and it creeps along ridges where Newton strides.
    """
    here = _Place(start, *objective(start))
    for _refresh in range(_MOST_STEPS):
        there = _walk(objective, here, _information(objective, here.theta, here.slope), _STEPS_PER_HESSIAN)
        if there is here:
            break
        here = there
    return here.theta


def _polish(objective: Objective, theta: Floats, information: Floats) -> Floats:
    """The few steps that remain from a point near the top."""
    return _walk(objective, _Place(theta, *objective(theta)), information, _MOST_STEPS).theta


def _walk(objective: Objective, here: _Place, information: Floats, steps: int) -> _Place:
    """Quasi-Newton steps (BFGS), with `information` as the first guess at the curvature."""
    for _step in range(steps):
        there = _forward(objective, here, information)
        if there is here:
            break
        information = _with_curvature(information, there.theta - here.theta, here.slope - there.slope)
        here = there
    return here


def _forward(objective: Objective, here: _Place, information: Floats) -> _Place:
    """One step uphill, shortened until it gains; `here` itself when nothing is left to gain."""
    step = _uphill(information, here.slope, ~_leaning(here.theta, here.slope))
    while here.slope @ step > _SETTLED:
        theta = np.clip(here.theta + step, -LIMIT, LIMIT)
        value, slope = objective(theta)
        if value > here.value:
            return _Place(theta, value, slope)
        step = step / 4
    return here


def _uphill(information: Floats, slope: Floats, free: NDArray[np.bool_]) -> Floats:
    """The Newton step of the free log-parameters, every curvature taken as that of a hill, not too long."""
    values, vectors = np.linalg.eigh(information[np.ix_(free, free)])
    step = np.zeros(slope.size)
    step[free] = vectors @ ((vectors.T @ slope[free]) / np.maximum(np.abs(values), _FLATTEST))
    shorter: Floats = step * min(1.0, _LONGEST_STEP / np.abs(step).max(initial=_TINY))
    return shorter


def _leaning(theta: Floats, slope: Floats) -> NDArray[np.bool_]:
    """Which log-parameters lean on their limit: the likelihood rises beyond it."""
    return (np.abs(theta) > _EDGE) & (slope * theta > 0)


def _with_curvature(information: Floats, moved: Floats, fell: Floats) -> Floats:
    """The BFGS update: `information` made to say that the gradient fell by `fell` over `moved`."""
    expected = information @ moved
    if moved @ fell <= 0 or moved @ expected <= 0:
        return information
    updated: Floats = (
        information - np.outer(expected, expected) / (moved @ expected) + np.outer(fell, fell) / (moved @ fell)
    )
    return updated


def _information(objective: Objective, theta: Floats, slope: Floats) -> Floats:
    """Minus the Hessian, from differences of the gradient, which is `slope` at `theta`."""
    steps = np.eye(theta.size) * _HESSIAN_STEP
    rows = [(slope - objective(theta + step)[1]) / _HESSIAN_STEP for step in steps]
    return (np.array(rows) + np.array(rows).T) / 2
