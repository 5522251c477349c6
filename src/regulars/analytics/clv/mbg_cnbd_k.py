"""MBG/CNBD-k: MBG/NBD for customers who buy at regular intervals (Platzer & Reutterer 2016)."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from regulars.analytics.clv.beta_geometric import NAMES, BetaGeometricFit, Shape, fit_family, likelihood
from regulars.analytics.clv.counted import Counted, Floats
from regulars.analytics.clv.fit import (
    MINIMUM_CUSTOMERS,
    climb_from,
    in_own_units,
    leaving_starts,
    require_history,
    search_copy,
    time_scale,
)

# Beyond twelve stages customers are as regular as a subscription.
MOST_STAGES = 12


@dataclass(frozen=True)
class MbgCnbdK(BetaGeometricFit):
    """A fitted MBG/CNBD-k: parameters k, r, alpha (units of time, per stage), a, b.

    Gaps between purchases are Erlang-k: sums of k exponential stages, more regular the larger k is; k = 1 is
    MBG/NBD. All results are exact: where Platzer & Reutterer approximate the conditional expectation, the
    stages already behind since the last purchase are averaged over and the stages to come summed up. `k` is
    chosen, not estimated, so it has no standard error (NaN), and the others are conditional on it.
    """


def fit_mbg_cnbd_k(counted: Counted, k: int | None = None, *, minimum_customers: int = MINIMUM_CUSTOMERS) -> MbgCnbdK:
    """Fit MBG/CNBD-k by maximum likelihood (Platzer & Reutterer 2016, "Ticking away the moments").

    Without `k`, it grows from 1 (to 12 at most) for as long as the likelihood does. `counted.sum_log_gaps` is
    needed: likelihoods of different `k` can only be compared with the gaps in them.

    All customers count, one-time buyers included. Raises `ValueError` for `k` outside 1 .. 12 or missing
    `sum_log_gaps`; `NotEnoughData` when there are fewer than `minimum_customers`, when fewer than a tenth of
    that number have come back, when nobody seems to leave, or when the likelihood has no clear top.
    """
    if k is not None and (k != int(k) or not 1 <= k <= MOST_STAGES):
        raise ValueError(f"k must be a whole number from 1 to {MOST_STAGES}, not {k!r}")
    if counted.sum_log_gaps is None:
        raise ValueError("MBG/CNBD-k needs sum_log_gaps: the logarithms of the gaps between purchases")
    require_history(counted, minimum_customers)
    stages = _best_k(counted) if k is None else int(k)
    optimum, scale = fit_family(counted, Shape(stages, leaves_at_first=True))
    parameters, errors, value = in_own_units(optimum, NAMES, scale, stages * counted.purchases)
    return MbgCnbdK(
        "mbg_cnbd_k",
        {"k": float(stages)} | parameters,
        {"k": float("nan")} | errors,
        value + _gap_terms(counted, stages),
        counted.n_customers,
        counted.unit_days,
    )


def _gap_terms(counted: Counted, k: int) -> float:
    """gap**(k-1) / G(k) over all gaps: the part of the Erlang densities that holds no parameter but k."""
    gaps = 0.0 if counted.sum_log_gaps is None else float(counted.sum_log_gaps.sum())
    return (k - 1) * gaps - counted.purchases * float(special.gammaln(k))


def _best_k(counted: Counted) -> int:
    """The number of stages before which the likelihood rises and after which it falls."""
    scaled = counted.in_units(time_scale(counted))
    copy, starts = search_copy(scaled), leaving_starts(scaled)
    best, highest = 1, -np.inf
    for k in range(1, MOST_STAGES + 1):
        theta, value = _top(scaled, copy, k, starts)
        if value <= highest:
            break
        best, highest = k, value
        # One stage more per gap: the stages run faster by (k + 1) / k.
        starts = [theta + np.log([1.0, k / (k + 1), 1.0, 1.0])]
    return best


def _top(scaled: Counted, copy: Counted, k: int, starts: list[Floats]) -> tuple[Floats, float]:
    """Where the likelihood with `k` stages is highest, and how high, on the real data."""
    shape = Shape(k, leaves_at_first=True)
    optimum = climb_from(starts, likelihood(copy, shape))
    value = optimum.log_likelihood if copy is scaled else likelihood(scaled, shape)(optimum.theta)[0]
    return optimum.theta, value + _gap_terms(scaled, k)
