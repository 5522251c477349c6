"""The scores that compete for the lifecycle: how likely is it that a customer is still there?

A score is higher for those more likely to come back. Only its order matters; `calibration` turns it
into a chance. BG/NBD does not compete: its P(alive) is 1 for every one-time buyer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from regulars.analytics.clv import Counted, MbgCnbdK, MbgNbd, fit_mbg_cnbd_k, fit_mbg_nbd
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

Floats = NDArray[np.float64]
Score = Callable[[Floats, Floats, Floats], Floats]  # of frequency, last purchase age and age, in days

# simplest first: between scores that the data cannot tell apart, the earlier one wins
SCORES = ("hiatus", "own_interval", "mbg_nbd_p_alive", "mbg_nbd_rate", "mbg_cnbd_k_p_alive", "mbg_cnbd_k_rate")

UNIT_DAYS = 7.0
# weight of the business's mean gap against the customer's own gaps
PRIOR_GAPS = 1.0


@dataclass(frozen=True)
class Scores:
    """Scores that could be computed from this history, and why the others could not."""

    by_name: Mapping[str, Score]
    reasons: Mapping[str, str] = field(default_factory=dict)


def fit_scores(counted: Counted, names: tuple[str, ...] = SCORES) -> Scores:
    """Fit what the named scores need on the base `counted`; a model that refuses leaves its reason."""
    found: dict[str, Score] = {}
    reasons: dict[str, str] = {}
    if "hiatus" in names:
        found["hiatus"] = _hiatus
    if "own_interval" in names:
        found["own_interval"] = _own_interval(counted)
    for model, fit in (("mbg_nbd", fit_mbg_nbd), ("mbg_cnbd_k", fit_mbg_cnbd_k)):
        wanted = [name for name in names if name.startswith(model)]
        if not wanted:
            continue
        try:
            fitted = fit(counted)
        except NotEnoughData as refusal:
            reasons.update(dict.fromkeys(wanted, str(refusal)))
            continue
        if isinstance(fitted, MbgCnbdK) and fitted.parameters["k"] == 1:
            # with k = 1 it is MBG/NBD itself: racing it twice would say nothing
            reasons.update(dict.fromkeys(wanted, _("Visits show no regular rhythm (k = 1), so it equals MBG/NBD.")))
            continue
        found |= {name: score for name, score in _of_model(model, fitted).items() if name in wanted}
    return Scores(found, reasons)


def _hiatus(_x: Floats, t_x: Floats, t: Floats) -> Floats:
    return t_x - t


def _own_interval(counted: Counted) -> Score:
    repeats = float((counted.frequency * counted.customers).sum())
    days = float((counted.last_purchase_age * counted.customers).sum()) * counted.unit_days
    usual = days / repeats if repeats else 1.0

    def score(x: Floats, t_x: Floats, t: Floats) -> Floats:
        interval = (t_x + PRIOR_GAPS * usual) / (x + PRIOR_GAPS)
        return -(t - t_x) / interval

    return score


def _of_model(name: str, fitted: MbgNbd | MbgCnbdK) -> dict[str, Score]:
    def p_alive(x: Floats, t_x: Floats, t: Floats) -> Floats:
        return fitted.p_alive(x, t_x / UNIT_DAYS, t / UNIT_DAYS)

    def rate(x: Floats, t_x: Floats, t: Floats) -> Floats:
        return p_alive(x, t_x, t) * fitted.rate_given_alive(x, t_x / UNIT_DAYS, t / UNIT_DAYS)

    return {f"{name}_p_alive": p_alive, f"{name}_rate": rate}
