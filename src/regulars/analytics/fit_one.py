"""Fit one customer model to a history: for analysts who want to check or to compare."""

import datetime as dt
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

from regulars.analytics.clv import (
    Counted,
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
from regulars.analytics.rollup import roll_up
from regulars.analytics.snapshot import TUPLE
from regulars.analytics.summary import summary
from regulars.core.money import minor_digits

FITS = {
    "bg_nbd": fit_bg_nbd,
    "mbg_nbd": fit_mbg_nbd,
    "pareto_nbd": fit_pareto_nbd,
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
    if model == "mbg_cnbd_k":  # the one that asks for the gaps between visits
        return Fitted(
            fit_mbg_cnbd_k(counted_customers(roll_up(history, as_of=day).customers, unit_days=unit_days)), day
        )
    customers = summary(history, as_of=day)
    if model == "gamma_gamma":
        return Fitted(fit_gamma_gamma(*_repeat_values(customers, history.currency)), day)
    return Fitted(FITS[model](_counted(customers, unit_days)), day)


def _counted(customers: ir.Table, unit_days: float) -> Counted:
    """The customers as counted tuples."""
    rows = customers.group_by(TUPLE).aggregate(n=customers.count()).order_by(TUPLE).to_pyarrow()
    x, t_x, t, n = (np.asarray(rows[name].to_numpy(), dtype=np.float64) for name in (*TUPLE, "n"))
    return Counted.from_days(x, t_x, t, n, unit_days=unit_days)


def _repeat_values(customers: ir.Table, currency: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Repeat purchase days and the mean value of one of them, for each customer with any."""
    repeats = customers.filter((customers.frequency > 0) & (customers.repeat_amount > 0))
    rows = repeats.select("frequency", "repeat_amount").order_by("frequency", "repeat_amount").to_pyarrow()
    frequency = np.asarray(rows["frequency"].to_numpy(), dtype=np.float64)
    units = 10.0 ** minor_digits(currency)
    return frequency, np.asarray(rows["repeat_amount"].to_numpy(), dtype=np.float64) / units / frequency
