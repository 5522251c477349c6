"""MBG/NBD: BG/NBD in which the first purchase can be the last (Batislam, Denizel & Filiztekin 2007)."""

from dataclasses import dataclass

from regulars.analytics.clv.beta_geometric import NAMES, BetaGeometricFit, Shape, fit_family
from regulars.analytics.clv.counted import Counted
from regulars.analytics.clv.fit import MINIMUM_CUSTOMERS, in_own_units, require_history


@dataclass(frozen=True)
class MbgNbd(BetaGeometricFit):
    """A fitted MBG/NBD: parameters r, alpha (units of time), a, b."""


def fit_mbg_nbd(counted: Counted, *, minimum_customers: int = MINIMUM_CUSTOMERS) -> MbgNbd:
    """Fit MBG/NBD by maximum likelihood (Batislam, Denizel & Filiztekin 2007, "Empirical validation and
    comparison of models for customer base analysis"; the same model as the CBG/NBD of Hoppe & Wagner 2007).

    All customers count, one-time buyers included. Raises `NotEnoughData` when there are fewer than
    `minimum_customers`, when fewer than a tenth of that number have come back, when nobody seems to leave
    (b would run away), or when the likelihood has no clear top.
    """
    require_history(counted, minimum_customers)
    optimum, scale = fit_family(counted, Shape(k=1, leaves_at_first=True))
    parameters, errors, value = in_own_units(optimum, NAMES, scale, counted.purchases)
    return MbgNbd("mbg_nbd", parameters, errors, value, counted.n_customers, counted.unit_days)
