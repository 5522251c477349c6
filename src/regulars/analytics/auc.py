"""Area under the ROC curve, with the covariance between scores that judge the same people."""

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def auc_with_covariance(scores: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """AUC of each row of `scores` and their covariance matrix, for the same people in every row.

    The AUC is the chance that a person who is `positive` scores above one who is not; a tie counts one
    half. Both kinds of people must be there.

    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44; ranks as in Sun & Xu (2014), eq. 5-8.

    >>> auc_with_covariance(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([False, True, False, True]))[0]
    array([0.75])
    """
    yes, no = scores[:, positive], scores[:, ~positive]
    m, n = yes.shape[1], no.shape[1]
    together = np.vstack([scipy.stats.rankdata(np.concatenate([y, z])) for y, z in zip(yes, no, strict=True)])
    within_yes = np.vstack([scipy.stats.rankdata(row) for row in yes])
    within_no = np.vstack([scipy.stats.rankdata(row) for row in no])
    above_no = (together[:, :m] - within_yes) / n
    below_yes = 1.0 - (together[:, m:] - within_no) / m
    covariance = _covariance(above_no) / m + _covariance(below_yes) / n
    return above_no.mean(axis=1), covariance


def _covariance(rows: Floats) -> Floats:
    if rows.shape[1] < 2:
        return np.zeros((rows.shape[0], rows.shape[0]))
    return np.atleast_2d(np.cov(rows))
