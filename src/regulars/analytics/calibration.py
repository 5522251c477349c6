"""From a score to a chance: what share of people with such a score came back in the past."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 50
SMALLEST_BIN = 30


@dataclass(frozen=True)
class Calibration:
    """A rising function from scores to chances: straight between its knots, flat beyond them."""

    scores: Floats
    chances: Floats

    def chance(self, scores: Floats) -> Floats:
        """The chance to come back within the window, for each score."""
        return np.interp(scores, self.scores, self.chances)


def calibrate(scores: Floats, came_back: NDArray[np.bool_]) -> Calibration:
    """Fit the rising function by isotonic regression on bins of about equal size.

    Bins are cut on values, so equal scores share one bin. There are as many as give each about 30 people, at
    most 50. The share of a bin is (k + 1/2) / (n + 1), so that a handful of people never makes a certainty.
    Robertson, Wright & Dykstra (1988), Order Restricted Statistical Inference.
    """
    order = np.argsort(scores, kind="stable")
    scores, came_back = scores[order], came_back[order]
    bins = int(np.clip(scores.size // SMALLEST_BIN, 1, BINS))
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1], method="inverted_cdf"))
    number = np.searchsorted(edges, scores, side="left")
    size = np.bincount(number).astype(np.float64)
    filled = size > 0
    centre = np.bincount(number, weights=scores)[filled] / size[filled]
    share = (np.bincount(number, weights=came_back)[filled] + 0.5) / (size[filled] + 1)
    return Calibration(centre, scipy.optimize.isotonic_regression(share, weights=size[filled]).x)
