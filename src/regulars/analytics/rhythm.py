"""Each customer's own rhythm: visits per day and money per visit, shrunk to the business's mean.

Few visits say little about a person, so their rate and check are drawn towards those of everybody, as
far as the business's own variety asks for (empirical Bayes).
"""

from dataclasses import dataclass

import ibis.expr.types as ir

from regulars.analytics.models import Models
from regulars.analytics.rollup import Rollup
from regulars.core.money import minor_digits


@dataclass(frozen=True)
class Rhythm:
    """Parameters of the shrinkage.

    Rates follow Gamma(`shape`, `scale_days`): a customer with x repeat visits in t days has the expected
    rate (shape + x) / (scale_days + t) a day. A mean check of n visits counts with weight
    n / (n + `check_weight`) against the business's `mean_check` (minor units).
    """

    shape: float
    scale_days: float
    check_weight: float
    mean_check: float

    def rate(self, frequency: ir.NumericValue, exposure_days: ir.NumericValue) -> ir.NumericValue:
        """Expected visits per day while the customer stays."""
        return (frequency.cast("float64") + self.shape) / (exposure_days.cast("float64") + self.scale_days)

    def check(self, amount: ir.NumericValue, visits: ir.NumericValue) -> ir.NumericValue:
        """Expected money per visit, minor units; never negative."""
        money = amount.cast("float64") + self.check_weight * self.mean_check
        expected = money / (visits.cast("float64") + self.check_weight)
        return expected.clip(lower=0.0)


def rhythm(rollup: Rollup, models: Models) -> Rhythm:
    """The shrinkage that this history asks for.

    Rates: the gamma distribution of MBG/NBD (Batislam, Denizel & Filiztekin 2007). Checks: the weights of
    Gamma-Gamma (Fader & Hardie 2013, eq. 5). Where a model could not be fitted, the business's mean stands
    in with the weight of one visit.
    """
    shape, scale = _rate_prior(rollup, models)
    weight, mean = _check_prior(rollup, models)
    return Rhythm(shape, scale, weight, mean)


def _rate_prior(rollup: Rollup, models: Models) -> tuple[float, float]:
    if models.visits is not None:
        found = models.visits
        return found.parameters["r"], found.parameters["alpha"] * found.unit_days
    customers = rollup.customers
    sums = customers.aggregate(
        repeats=(customers.visits - 1).sum(), days=customers.last_purchase_age_days.sum(), age=customers.age_days.sum()
    )
    row = sums.to_pyarrow().to_pylist()[0]
    days = row["days"] or row["age"] or 1
    return 1.0, days / max(row["repeats"], 1)


def _check_prior(rollup: Rollup, models: Models) -> tuple[float, float]:
    if models.value is not None:
        p, q, gamma = (models.value.parameters[name] for name in ("p", "q", "gamma"))
        if q > 1:  # below that the model has no mean
            return (q - 1) / p, p * gamma / (q - 1) * 10.0 ** minor_digits(rollup.history.currency)
    customers = rollup.customers
    row = customers.aggregate(amount=customers.amount.sum(), visits=customers.visits.sum()).to_pyarrow().to_pylist()[0]
    return 1.0, max(row["amount"], 0) / row["visits"]
