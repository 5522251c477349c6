"""Many comparisons: p-values, the false discovery rate, and estimates drawn towards the average."""

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def two_sided(z: Floats) -> Floats:
    """The two-sided p-value of standard normal deviates; nan stays nan."""
    found: Floats = 2 * scipy.stats.norm.sf(np.abs(z))
    return found


def q_values(p_values: Floats) -> Floats:
    """The false discovery rate at which each would just be reported (Benjamini & Hochberg 1995, step-up).

    nan (no test was possible) stays nan and does not count as a comparison.

    >>> q_values(np.array([0.01, 0.04, 0.03, np.nan])).round(3).tolist()
    [0.03, 0.04, 0.04, nan]
    """
    p = np.asarray(p_values, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(p))
    found = np.full(p.size, np.nan)
    if known.size == 0:
        return found
    order = known[np.argsort(p[known], kind="stable")]
    stepped = p[order] * known.size / np.arange(1, known.size + 1)
    found[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return found


def shrink(estimates: Floats, variances: Floats) -> tuple[Floats, Floats]:
    """Effects around zero drawn towards it, with their posterior variances (empirical Bayes, normal-normal).

    The true effects are taken as Normal(0, tau squared) with tau squared by the method of moments (DerSimonian &
    Laird 1986, about a known mean of zero). Where the estimates differ no more than chance makes them, tau is 0
    and so is every effect.
    """
    weights = 1 / variances
    tau2 = max((float((weights * estimates**2).sum()) - estimates.size) / float(weights.sum()), 0.0)
    kept = tau2 / (tau2 + variances)
    return estimates * kept, variances * kept
