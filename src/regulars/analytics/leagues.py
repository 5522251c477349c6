"""Leagues: groups (products, sellers, hours) compared by the share that returns, net of what else tells.

The comparison is a score test of each group in a logistic model of returning on the covariates (Rao 1948; with the
covariates' own estimation error projected out, so that a group which makes up half of a store is not compared with
itself: Neyman 1959, C(alpha)). Several cases of one customer are not independent: their residuals are summed by
customer first (Liang & Zeger 1986), and the variance is never taken below the model's own. Small expected counts are
skewed, which a normal law would turn into false alarms: p-values come from the Pearson type III law with the same
three moments.

Where a dimension has many groups, it says itself how far groups differ for reasons that no covariate knows: all
deviates are divided by that factor (the funnel plot's overdispersion, Spiegelhalter 2005, section 4.2), from squares
Winsorised at 10 % and made unbiased for it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit, ndtri

from regulars.analytics.corrections import q_values, two_sided
from regulars.analytics.findings import REPORTED_BELOW

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

FEWEST_CASES = 30  # of a group to be compared at all
FEWEST_INFORMATIVE = 5.0  # sum of p(1 - p): fewer, and no law holds
FEWEST_APART = 0.05  # share of a group's information that its covariates must leave
ENOUGH_FOR_SPREAD = 20  # groups of a dimension that can say how far groups differ anyway
MOST_CASES = 300_000  # of more, every n-th customer is taken
MOST_CANDIDATES = 25  # of one league are looked at again, net of one another

_CUT = float(ndtri(0.9))
_DENSITY_OF_CUT = math.exp(-(_CUT**2) / 2) / math.sqrt(2 * math.pi)
# the mean of a squared standard normal deviate that was cut at its 10 % quantiles
_MEAN_OF_CUT = 0.8 - 2 * _CUT * _DENSITY_OF_CUT + 0.2 * _CUT**2
# and of its fourth power
_FOURTH_OF_CUT = 3 * 0.8 - 2 * (_CUT**3 + 3 * _CUT) * _DENSITY_OF_CUT + 0.2 * _CUT**4
# the standard deviation of such a square, divided by its mean
_SPREAD_OF_CUT = float(np.sqrt(_FOURTH_OF_CUT - _MEAN_OF_CUT**2)) / _MEAN_OF_CUT
_RIDGE = 1.0
_STEPS = 50


@dataclass(frozen=True)
class Cases:
    """One position per case: whether the customer returned, the covariates as codes from 0, and whose case it is."""

    returned: Floats
    covariates: tuple[Ints, ...]
    customer: Ints


@dataclass(frozen=True)
class League:
    """Groups of one or more dimensions over the same cases. `members` is a sparse matrix, cases x groups of 0 and 1."""

    cases: Cases
    members: sparse.csr_matrix
    dimension: NDArray[np.str_]  # of each group
    net_of: sparse.csr_matrix | None = None  # further columns of the model: what was found before


@dataclass(frozen=True)
class Compared:
    """One position per group. Differences are shares of cases, against comparable cases of the other groups.

    nan where a group is too small, or cannot be told apart from its covariates.
    """

    cases: Ints
    returned: Ints
    difference: Floats
    variance: Floats  # of the difference
    deviate: Floats  # standard normal, if nothing but chance were at work

    @property
    def p_value(self) -> Floats:
        """Two-sided."""
        return two_sided(self.deviate)


@dataclass(frozen=True)
class Standing:
    """The final word on each group; positions as in the league.

    `difference` is drawn towards zero. `reported` are the positions of the groups that stand out among all compared,
    and still do when the others that stand out are in the model; the surest first.
    """

    compared: Compared
    difference: Floats
    low: Floats
    high: Floats
    p_value: Floats
    q_value: Floats
    reported: tuple[int, ...]


def stand(leagues: Sequence[League]) -> list[Standing]:
    """Compare all groups of all leagues, correct over all of them, and leave out what only mirrors another.

    A later league is net of what the earlier ones have reported: a store whose only trouble is one seller is not
    reported beside the seller.
    """
    rounds = [_first_round(one) for one in leagues]
    p_values = [two_sided(deviate) for _compared, deviate in rounds]
    q = q_values(np.concatenate([*p_values, np.empty(0)]))
    # the critical value of the step-up procedure: a difference must clear it again when others are in the model
    cut = REPORTED_BELOW * float((q < REPORTED_BELOW).sum()) / max(int((~np.isnan(q)).sum()), 1)
    ends = np.cumsum([one.size for one in p_values])
    found: list[Standing] = []
    before: sparse.csr_matrix | None = None
    for league, (compared, deviate), until in zip(leagues, rounds, ends.tolist(), strict=True):
        mine = q[until - deviate.size : until]
        standing = _judged(replace(league, net_of=before), compared, deviate, mine, cut)
        before = _beside(before, league.members[:, list(standing.reported)])
        found.append(standing)
    return found


def _first_round(league: League) -> tuple[Compared, Floats]:
    """What is seen before any pruning, and the deviates after the dimensions' own spread."""
    compared = compare(league)
    return compared, compared.deviate / np.sqrt(spreads(compared.deviate, league.dimension))


def _judged(league: League, compared: Compared, deviate: Floats, q: Floats, cut: float) -> Standing:
    p_value = two_sided(deviate)
    passed = np.flatnonzero(np.nan_to_num(q, nan=1.0) < REPORTED_BELOW)
    passed = passed[np.argsort(p_value[passed], kind="stable")]
    narrowing = np.abs(deviate / compared.deviate)
    kept: list[int] = []
    for group in passed[:MOST_CANDIDATES].tolist():
        again = _net_of(league, kept, group).deviate[0] * narrowing[group]
        # a difference that turns round was somebody else's
        if np.sign(again) == np.sign(deviate[group]) and two_sided(again) <= cut:
            kept.append(group)
    final = _jointly(league, compared, kept)
    difference, variance = shrink_sparse(final.difference, final.variance, like=compared)
    half = 1.96 * np.sqrt(variance)
    return Standing(final, difference, difference - half, difference + half, p_value, q, tuple(kept))


def _net_of(league: League, others: Sequence[int], group: int) -> Compared:
    """One group, with others of its league in the model."""
    wider = _beside(league.net_of, league.members[:, list(others)]) if others else league.net_of
    return compare(
        replace(league, members=league.members[:, [group]], dimension=league.dimension[[group]], net_of=wider)
    )


def _jointly(league: League, compared: Compared, kept: Sequence[int]) -> Compared:
    """All groups with the reported ones in the model: a bad seller is no standard for the others."""
    if kept or league.net_of is not None:
        compared = compare(replace(league, net_of=_beside(league.net_of, league.members[:, list(kept)])))
    difference, variance, deviate = (getattr(compared, name).copy() for name in ("difference", "variance", "deviate"))
    for group in kept:
        one = _net_of(league, [other for other in kept if other != group], group)
        if not np.isnan(one.difference[0]):
            difference[group], variance[group], deviate[group] = one.difference[0], one.variance[0], one.deviate[0]
    return replace(compared, difference=difference, variance=variance, deviate=deviate)


def _beside(left: sparse.csr_matrix | None, right: sparse.csr_matrix) -> sparse.csr_matrix:
    return right if left is None else sparse.hstack([left, right], format="csr")


def compare(league: League) -> Compared:
    """Each group of a league against comparable cases of the others; one round, nothing corrected."""
    cases, members = league.cases, league.members
    model = Design.of(cases, league.net_of)
    design = model.columns
    chance, inverse = fit(model, cases.returned)
    weight, residual = chance * (1 - chance), cases.returned - chance
    count = np.asarray(members.sum(axis=0)).ravel()
    information = members.T @ weight
    crossed = (members.multiply(weight[:, None]).tocsr().T @ design).toarray()
    projection = crossed @ inverse  # groups x columns of the design
    score = members.T @ residual - projection @ (design.T @ residual)
    left = information - (crossed * projection).sum(axis=1)
    variance = np.maximum(left, _by_customer(league, design, projection, residual))
    lean = members.T @ (weight * (1 - 2 * chance))
    known = (count >= FEWEST_CASES) & (information >= FEWEST_INFORMATIVE) & (left >= FEWEST_APART * information)
    with np.errstate(divide="ignore", invalid="ignore"):
        # one Newton step on the log odds, told in shares of the group's cases
        to_share = information / count / left
        deviate = as_normal(score / np.sqrt(variance), lean / information / np.sqrt(left))
        difference, spread = score * to_share, variance * to_share**2
    hidden = np.where(known, 1.0, np.nan)
    return Compared(
        cases=np.rint(count).astype(np.int64),
        returned=np.rint(members.T @ cases.returned).astype(np.int64),
        difference=difference * hidden,
        variance=spread * hidden,
        deviate=deviate * hidden,
    )


@dataclass(frozen=True)
class Design:
    """The columns of the model: an intercept, one column per level of each covariate, and further ones."""

    codes: tuple[Ints, ...]  # the covariates with more than one level
    further: sparse.csr_matrix | None
    columns: sparse.csr_matrix

    @classmethod
    def of(cls, cases: Cases, further: sparse.csr_matrix | None) -> "Design":
        """The design of these cases."""
        size = cases.returned.size
        codes = tuple(one for one in cases.covariates if one.size and one.max() > 0)
        blocks = [sparse.csr_matrix(np.ones((size, 1)))]
        for one in codes:
            cells = (np.ones(size), (np.arange(size), one))
            blocks.append(sparse.csr_matrix(cells, shape=(size, int(one.max()) + 1)))
        if further is not None:
            blocks.append(further)
        return cls(codes, further, sparse.hstack(blocks, format="csr"))

    def information(self, weight: Floats) -> Floats:
        """The weighted products of all columns, by counting: a tenth of the time of a matrix product."""
        coded = [np.zeros(weight.size, dtype=np.int64), *self.codes]
        sizes = [int(one.max(initial=0)) + 1 for one in coded]
        starts = np.concatenate([[0], np.cumsum(sizes)]).tolist()
        found = np.zeros((self.columns.shape[1], self.columns.shape[1]))
        for a, first in enumerate(coded):
            for b in range(a + 1):
                counted = np.bincount(first * sizes[b] + coded[b], weights=weight, minlength=sizes[a] * sizes[b])
                block = counted.reshape(sizes[a], sizes[b])
                found[starts[a] : starts[a + 1], starts[b] : starts[b + 1]] = block
                found[starts[b] : starts[b + 1], starts[a] : starts[a + 1]] = block.T
        if self.further is not None:
            rest = (self.further.multiply(weight[:, None]).tocsr().T @ self.columns).toarray()
            found[starts[-1] :, :], found[:, starts[-1] :] = rest, rest.T
        return found


def fit(design: Design, returned: Floats) -> tuple[Floats, Floats]:
    """Logistic regression by Newton's method; the first column is the intercept, the rest have a ridge of 1.

    Returns the fitted chances and the inverse of the penalised information.
    """
    columns = design.columns
    ridge = np.full(columns.shape[1], _RIDGE)
    ridge[0] = 1e-6
    share = np.clip(returned.mean(), 1e-6, 1 - 1e-6)
    found = np.zeros(columns.shape[1])
    found[0] = np.log(share / (1 - share))
    likelihood = _likelihood(columns @ found, returned, ridge, found)
    for _step in range(_STEPS):
        chance = expit(columns @ found)
        information = design.information(chance * (1 - chance)) + np.diag(ridge)
        step = np.linalg.solve(information, columns.T @ (returned - chance) - ridge * found)
        # a full step may overshoot where returning is nearly certain
        for _half in range(20):
            better = _likelihood(columns @ (found + step), returned, ridge, found + step)
            if better >= likelihood - 1e-9 * abs(likelihood):
                break
            step /= 2
        found, likelihood = found + step, better
        if np.abs(step).max() < 1e-6:
            break
    chance = expit(columns @ found)
    information = design.information(chance * (1 - chance)) + np.diag(ridge)
    return chance, np.asarray(np.linalg.inv(information), dtype=np.float64)


def _likelihood(odds: Floats, returned: Floats, ridge: Floats, coefficients: Floats) -> float:
    """Penalised, in logarithms."""
    return float((returned * odds - np.logaddexp(0, odds)).sum() - (ridge * coefficients**2).sum() / 2)


def _by_customer(league: League, design: sparse.csr_matrix, projection: Floats, residual: Floats) -> Floats:
    """The variance of the scores with the residuals of one customer taken as one."""
    customers = int(league.cases.customer.max(initial=-1)) + 1
    if customers == league.cases.customer.size:
        return np.zeros(league.members.shape[1])
    rows = np.arange(league.cases.customer.size)
    summing = sparse.csr_matrix((residual, (league.cases.customer, rows)), shape=(customers, rows.size))
    of_members, of_design = (summing @ league.members).tocsr(), (summing @ design).tocsr()
    squares = np.asarray(of_members.multiply(of_members).sum(axis=0)).ravel()
    between = (of_members.T @ of_design).toarray()
    rest = (of_design.T @ of_design).toarray()
    found: Floats = squares - 2 * (between * projection).sum(axis=1) + ((projection @ rest) * projection).sum(axis=1)
    return found


def as_normal(deviate: Floats, skewness: Floats) -> Floats:
    """The standard normal deviates with the same tail as these of the Pearson type III law."""
    skew = np.clip(np.nan_to_num(skewness), -1.5, 1.5)
    low, high = scipy.stats.pearson3.logcdf(deviate, skew), scipy.stats.pearson3.logsf(deviate, skew)
    # never a lighter tail than the normal law's: the skewness is an estimate, and the law may end there
    tail = np.maximum(np.minimum(low, high), scipy.stats.norm.logsf(np.abs(deviate)))
    found: Floats = np.sign(deviate) * scipy.stats.norm.isf(np.exp(np.clip(tail, -700, -np.log(2))))
    return found


def spreads(deviates: Floats, dimension: NDArray[np.str_]) -> Floats:
    """By which factor the squares of the deviates exceed chance in each group's dimension; 1 where few can tell."""
    found = np.ones(deviates.size)
    for name in np.unique(dimension):
        mine = dimension == name
        known = deviates[mine & ~np.isnan(deviates)]
        if known.size >= ENOUGH_FOR_SPREAD:
            low, high = np.quantile(known, [0.1, 0.9])
            factor = float((np.clip(known, low, high) ** 2).mean()) / _MEAN_OF_CUT
            # a little more than one is what chance alone gives in half of the cases
            found[mine] = factor if factor > 1 + 1.64 * _SPREAD_OF_CUT / np.sqrt(known.size) else 1.0
    return found


def shrink_sparse(estimates: Floats, variances: Floats, *, like: Compared | None = None) -> tuple[Floats, Floats]:
    """Effects of which most are nothing, drawn towards zero, with their posterior variances (empirical Bayes).

    A share of the true effects is Normal(0, s squared), the rest is zero; share and s by maximum likelihood over a
    grid, from the estimates of `like` if given (Johnstone & Silverman 2004, with a normal slab). A single outlier
    among hundreds keeps its size, which one normal law for all would not let it.
    """
    whole = (estimates, variances) if like is None else (like.difference, like.variance)
    known = ~np.isnan(whole[0]) & (whole[1] > 0)
    if not known.any():
        return estimates, variances
    share, scale2 = _mixture(whole[0][known], whole[1][known])
    kept = scale2 / (scale2 + variances)
    with np.errstate(over="ignore"):
        odds = share / (1 - share) * np.sqrt(1 - kept) * np.exp(np.minimum(estimates**2 * kept / variances / 2, 700))
    real = odds / (1 + odds)
    mean = real * kept * estimates
    variance = real * (kept * variances + (kept * estimates) ** 2) - mean**2
    return np.asarray(mean, dtype=np.float64), np.asarray(variance, dtype=np.float64)


def _mixture(estimates: Floats, variances: Floats) -> tuple[float, float]:
    """The share of effects that are not nothing, and their variance."""
    shares = np.array([0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9])
    scales = float(np.median(variances)) * np.geomspace(0.25, 400, 24)
    nothing = scipy.stats.norm.logpdf(estimates, scale=np.sqrt(variances))
    best, found = -np.inf, (float(shares[0]), float(scales[0]))
    for scale2 in scales.tolist():
        something = scipy.stats.norm.logpdf(estimates, scale=np.sqrt(variances + scale2))
        for share in shares.tolist():
            likelihood = float(np.logaddexp(np.log1p(-share) + nothing, np.log(share) + something).sum())
            if likelihood > best + 1e-9:
                best, found = likelihood, (share, scale2)
    return found
