"""Fit one customer model to a history: for analysts who want to check or to compare."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regulars.analytics.clv import (
    Fit,
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_mbg_cnbd_k,
    fit_mbg_nbd,
    fit_nbd,
    fit_pareto_nbd,
)
from regulars.analytics.models import counted_customers
from regulars.analytics.purchases import History
from regulars.analytics.rollup import Rollup, roll_up
from regulars.core.money import minor_digits

FITS = {
    "bg_nbd": fit_bg_nbd,
    "mbg_nbd": fit_mbg_nbd,
    "pareto_nbd": fit_pareto_nbd,
    "mbg_cnbd_k": fit_mbg_cnbd_k,
    "nbd": fit_nbd,
}


@dataclass(frozen=True)
class Fitted:
    """A model and the last day it saw."""

    fit: Fit
    until: dt.date


def fit_one(history: History, model: str, *, until: dt.date | None, unit_days: float) -> Fitted:
    """Fit `model` to the purchases up to and including `until`, collapsed by day.

    Gamma-Gamma sees the mean value, in currency units, of the repeat purchase days of customers who have
    any. `NotEnoughData` when the model refuses; `KeyError` for an unknown model.
    """
    day = until or history.last_day
    rollup = roll_up(history, as_of=day)
    if model == "gamma_gamma":
        return Fitted(fit_gamma_gamma(*_repeat_values(rollup)), day)
    return Fitted(FITS[model](counted_customers(rollup.customers, unit_days=unit_days)), day)


def _repeat_values(rollup: Rollup) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Repeat purchase days and the mean value of one of them, for each customer with any."""
    visits = rollup.visits.filter(rollup.visits.visit_no > 1)
    repeats = visits.group_by("customer_id").aggregate(frequency=visits.count(), amount=visits.amount.sum())
    rows = repeats.filter(repeats.amount > 0).order_by("frequency", "amount").select("frequency", "amount").to_pyarrow()
    frequency = np.asarray(rows["frequency"].to_numpy(), dtype=np.float64)
    units = 10.0 ** minor_digits(rollup.history.currency)
    return frequency, np.asarray(rows["amount"].to_numpy(), dtype=np.float64) / units / frequency
