"""Logistic regression for rules that are tried on the past: small, penalised, and the same for any row order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEPS = 50
_CLOSE = 1e-9


@dataclass(frozen=True)
class Logistic:
    """`intercept` and one weight per feature: the chance is 1 / (1 + exp(-(intercept + features x weights)))."""

    intercept: float
    weights: Floats

    def chance(self, features: Floats) -> Floats:
        """The chance of each row."""
        found: Floats = 1 / (1 + np.exp(-(self.intercept + features @ self.weights)))
        return found


def fit_logistic(features: Floats, happened: Floats, *, ridge: float = 1.0) -> Logistic:
    """Fit by Newton's method (Hastie, Tibshirani & Friedman 2009, 4.4.1) with a small penalty on standardised weights.

    The penalty keeps features that hardly differ, or that tell everything, from running to infinity.
    """
    centre, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    rows = np.column_stack([np.ones(len(features)), (features - centre) / spread])
    penalty = ridge * np.r_[0.0, np.ones(features.shape[1])]
    share = (happened.sum() + 0.5) / (len(happened) + 1.0)
    weights = np.r_[np.log(share / (1 - share)), np.zeros(features.shape[1])]
    for _step in range(_STEPS):
        chance = 1 / (1 + np.exp(-(rows @ weights)))
        gradient = rows.T @ (happened - chance) - penalty * weights
        curvature = (rows * (chance * (1 - chance))[:, None]).T @ rows + np.diag(penalty + 1e-9)
        change = np.linalg.solve(curvature, gradient)
        weights = weights + np.clip(change, -2.0, 2.0)
        if np.abs(change).max() < _CLOSE:
            break
    plain = weights[1:] / spread
    return Logistic(float(weights[0] - plain @ centre), plain)
