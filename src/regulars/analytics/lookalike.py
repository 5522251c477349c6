"""A score of likeness: how much a customer resembles the best, by attributes alone."""

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

from regulars.analytics.auc import auc_with_covariance
from regulars.analytics.estimate import Estimate
from regulars.analytics.readable import Readable

Floats = NDArray[np.float64]
Places = Mapping[str, tuple[ir.IntegerValue, int]]  # column -> the place of each customer's level, and how many levels

SAMPLE = 20_000
FOLDS = 5
# of each level's weight: most attributes move the odds by less than e ** 0.5
PRIOR_DEVIATION = 0.5
_STEPS = 30


@dataclass(frozen=True, repr=False)
class LookAlike(Readable):
    """An additive score and how well it tells the best from the others.

    `scores` has one row per customer with attributes: `customer_id`, `look_alike` (chance to be one of the best by
    attributes alone) and `is_alike`: not one of the best, and scored at least as high as the middle one of the best.
    """

    auc: Estimate  # of customers whom the score had not seen; 0.5 is a coin
    tested: int  # customers it was tested on
    share: float  # of the best among all
    share_above: float  # of the best among those scored at least as high as the middle one of them, unseen
    customers: int  # who are alike
    scores: ir.Table

    @property
    def is_sure(self) -> bool:
        """Better than a coin at 99 %: cross-validated scores are not quite independent, and 95 % would be 93 %."""
        deviation = (self.auc.high - self.auc.low) / (2 * 1.96)
        return self.auc.value - 2.58 * deviation > 0.5


def look_alike(people: ir.Table, places: Places) -> LookAlike:
    """Fit a ridge logistic regression on the levels of all attributes; test it by five-fold cross-validation.

    `people` has `customer_id`, `customer_no`, `best` and the columns of `places`. An unknown or rare value weighs
    nothing. At most 20,000 customers, evenly spread, are fitted on; the folds hold equal shares of the best. The
    interval of the AUC is DeLong's (1988). Weights have a normal prior with deviation 0.5 (Hoerl & Kennard 1970; le
    Cessie & van Houwelingen 1992), so that a few customers with a rare value decide nothing.
    """
    table = _sample(people, places)
    best = np.asarray(table["best"], dtype=np.float64)
    features = _one_hot([table[name] for name in places], [levels for _place, levels in places.values()])
    folds = _folds(best)
    unseen = np.empty(best.size)
    for fold in range(FOLDS):
        held = folds == fold
        weights = fit_logistic(features[~held], best[~held])
        unseen[held] = weights[0] + features[held] @ weights[1:]
    auc, covariance = auc_with_covariance(unseen[None, :], best > 0)
    half = 1.96 * float(np.sqrt(covariance[0, 0]))
    above = unseen >= np.median(unseen[best > 0])
    weights = fit_logistic(features, best)
    cut = float(np.median((weights[0] + features @ weights[1:])[best > 0]))
    scores = _scores(people, places, weights, cut).cache()
    return LookAlike(
        auc=Estimate(float(auc[0]), max(float(auc[0]) - half, 0.0), min(float(auc[0]) + half, 1.0)),
        tested=best.size,
        share=float(best.mean()),
        share_above=float(best[above].mean()),
        customers=int(scores.is_alike.sum().to_pyarrow().as_py() or 0),
        scores=scores,
    )


def _sample(people: ir.Table, places: Places) -> dict[str, NDArray[np.int64]]:
    count = int(people.count().to_pyarrow().as_py())
    stride = -(-count // SAMPLE)
    chosen = people.filter(people.customer_no % stride == 0) if stride > 1 else people
    columns = {name: place.fill_null(-1) for name, (place, _levels) in places.items()}
    # the expressions belong to `people`: numbers first, then the choice of rows
    table = people.select("customer_no", best=people.best.cast("int64"), **columns)
    table = table.semi_join(chosen, "customer_no").order_by("customer_no").to_pyarrow()
    return {name: table[name].to_numpy() for name in ("best", *places)}


def _one_hot(columns: list[NDArray[np.int64]], levels: list[int]) -> Floats:
    found = [column[:, None] == np.arange(n)[None, :] for column, n in zip(columns, levels, strict=True)]
    return np.hstack(found).astype(np.float64)


def _folds(best: Floats) -> NDArray[np.int64]:
    """Equal shares of the best in each, by place in the order of customers."""
    folds = np.empty(best.size, dtype=np.int64)
    for group in (best > 0, best <= 0):
        folds[group] = np.arange(int(group.sum())) % FOLDS
    return folds


def fit_logistic(features: Floats, outcome: Floats, *, deviation: float = PRIOR_DEVIATION) -> Floats:
    """Weights of the logistic regression, the constant first; all but the constant have a Normal(0, deviation) prior.

    Newton's method on a strictly concave function: it ends in the one maximum, whatever the rows' order.
    """
    rows = np.hstack([np.ones((features.shape[0], 1)), features])
    penalty = np.full(rows.shape[1], 1 / deviation**2)
    penalty[0] = 1e-9
    weights = np.zeros(rows.shape[1])
    weights[0] = np.log((outcome.sum() + 0.5) / (outcome.size - outcome.sum() + 0.5))
    for _step in range(_STEPS):
        chance = 1 / (1 + np.exp(-(rows @ weights)))
        gradient = rows.T @ (outcome - chance) - penalty * weights
        curvature = (rows * (chance * (1 - chance))[:, None]).T @ rows + np.diag(penalty)
        change = np.linalg.solve(curvature, gradient)
        weights = weights + change
        if float(np.abs(change).max()) < 1e-10:
            break
    return weights


def _scores(people: ir.Table, places: Places, weights: Floats, cut: float) -> ir.Table:
    """Everybody's score, by the same weights, in the engine."""
    total: ir.NumericValue = ibis.literal(float(weights[0]))
    at = 1
    for place, levels in places.values():
        cases = [(place == no, ibis.literal(float(weights[at + no]))) for no in range(levels)]
        total = total + ibis.cases(*cases, else_=ibis.literal(0.0)).fill_null(0.0)
        at += levels
    scored = people.select("customer_id", best=people.best, total=total)
    # rounded: a sum in the engine may differ from numpy's in the last bit
    is_alike = ~scored.best & (scored.total.round(9) >= round(cut, 9))
    return scored.select("customer_id", look_alike=(1 / (1 + (-scored.total).exp())).round(6), is_alike=is_alike)
