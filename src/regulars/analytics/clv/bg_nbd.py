"""BG/NBD: beta-geometric leaving, negative binomial purchases (Fader, Hardie & Lee 2005)."""

from dataclasses import dataclass

from regulars.analytics.clv.beta_geometric import NAMES, BetaGeometricFit, Shape, fit_family
from regulars.analytics.clv.counted import Counted
from regulars.analytics.clv.fit import MINIMUM_CUSTOMERS, in_own_units, require_history


@dataclass(frozen=True)
class BgNbd(BetaGeometricFit):
    """A fitted BG/NBD: parameters r, alpha (units of time), a, b.

    A customer can leave only right after a repeat purchase. Therefore `p_alive` is exactly 1 for every
    one-time buyer, however long ago: do not rank customers by it. MBG/NBD mends this.
    """

    _leaves_at_first = False


def fit_bg_nbd(counted: Counted, *, minimum_customers: int = MINIMUM_CUSTOMERS) -> BgNbd:
    """Fit BG/NBD by maximum likelihood (Fader, Hardie & Lee 2005, "Counting your customers" the easy way, eq. 6).

    All customers count, one-time buyers included. Raises `NotEnoughData` when there are fewer than
    `minimum_customers`, when fewer than a tenth of that number have come back, when nobody seems to leave
    (b would run away), or when the likelihood has no clear top.
    """
    require_history(counted, minimum_customers)
    optimum, scale = fit_family(counted, Shape(k=1, leaves_at_first=False))
    parameters, errors, value = in_own_units(optimum, NAMES, scale, counted.purchases)
    return BgNbd("bg_nbd", parameters, errors, value, counted.n_customers, counted.unit_days)
