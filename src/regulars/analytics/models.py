"""The customer models of one audit, fitted once: visits (MBG/NBD) and value per visit (Gamma-Gamma)."""

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

from regulars.analytics.clv import Counted, GammaGamma, MbgNbd, fit_gamma_gamma, fit_mbg_nbd
from regulars.analytics.rollup import Rollup
from regulars.analytics.scores import UNIT_DAYS
from regulars.analytics.snapshot import TUPLE
from regulars.core.errors import NotEnoughData
from regulars.core.money import minor_digits

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Models:
    """What could be fitted, and why the rest could not (by model name)."""

    counted: Counted
    visits: MbgNbd | None
    value: GammaGamma | None
    reasons: Mapping[str, str]


def fit_models(rollup: Rollup) -> Models:
    """Fit both models on all customers at `as_of`.

    Value per visit is the net amount over visits, first visit included; customers whose returns ate all
    they bought are left out of the value model.
    """
    counted = counted_customers(rollup.customers)
    visits: MbgNbd | None = None
    value: GammaGamma | None = None
    reasons: dict[str, str] = {}
    try:
        visits = fit_mbg_nbd(counted)
    except NotEnoughData as refusal:
        reasons["mbg_nbd"] = str(refusal)
    try:
        value = fit_gamma_gamma(*_counted_values(rollup))
    except NotEnoughData as refusal:
        reasons["gamma_gamma"] = str(refusal)
    return Models(counted, visits, value, reasons)


def counted_customers(customers: ir.Table, *, unit_days: float = UNIT_DAYS) -> Counted:
    """Customers of a rollup (all or some) as counted tuples, in weeks unless told otherwise."""
    customers = customers.mutate(frequency=customers.visits - 1)
    counted = customers.group_by(TUPLE).aggregate(n=customers.count(), log_gaps=customers.sum_log_gaps.sum())
    rows = counted.order_by(TUPLE).to_pyarrow()
    x, t_x, t, n, log_gaps = (np.asarray(rows[c].to_numpy(), dtype=np.float64) for c in (*TUPLE, "n", "log_gaps"))
    return Counted.from_days(x, t_x, t, n, sum_log_gaps=log_gaps, unit_days=unit_days)


def _counted_values(rollup: Rollup) -> tuple[Floats, Floats, Floats]:
    """Visits, mean value per visit in currency units, and how many customers have both."""
    customers = rollup.customers.filter(rollup.customers.amount > 0)
    pairs = customers.group_by(["visits", "amount"]).aggregate(n=ibis._.count())
    rows = pairs.order_by(["visits", "amount"]).to_pyarrow()
    visits, amount, n = (np.asarray(rows[c].to_numpy(), dtype=np.float64) for c in ("visits", "amount", "n"))
    return visits, amount / visits / 10.0 ** minor_digits(rollup.history.currency), n
