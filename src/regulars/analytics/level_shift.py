"""Level shifts in many weekly series: the day since when one of them runs at another level than the others.

What moves the whole shop (season, growth, a holiday) moves all series and is taken off first; what is left of a series
may still have a trend and a season of its own, and remembers last week. Only a step beyond all that counts.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from regulars.analytics.forecasting import SEASON, yearly_waves

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_WEEKS = 2 * SEASON  # in one year a season and a shift look the same
FEWEST_SERIES = 3  # of two, nobody can say which one moved
FEWEST_A_WEEK = 5.0
EDGE = 8  # weeks before and after a shift, at least

_SIMULATED = 20_000
_AT_ONCE = 2_000
_MOST_MEMORY = 0.9  # autocorrelation
_LAGS = (1, 2, 3, 4, 5, 6)
_SLOW = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
_SHARES = (0.15, 0.3, 0.5, 0.75, 1.0)
_TRIED = 400  # simulated series for one guess at the memory


@dataclass(frozen=True)
class Shifts:
    """One position per series: the most likely week of a shift, its size on the log scale, and how sure it is."""

    week: Ints  # the first at the new level
    size: Floats
    variance: Floats
    p_value: Floats


def find_shifts(counts: Floats, groups: Floats | None = None) -> Shifts:
    """The largest step of each series (a row of weekly counts) against the others, at any week but the edges.

    Logarithms of counts, less the weighted median of all series in that week (no series weighs more than a tenth), are
    regressed on a trend, two waves a year and one step; of all weeks the step with the largest |t| counts. Its p-value
    comes from the same search in 20,000 simulated series of noise, so the search itself is paid for (a max-type test,
    as in Andrews 1993). Noise that remembers would make such steps by itself. So the noise is simulated with the memory
    that the series of this shop show on average; and by its own autocorrelation each series is corrected too, of both
    p-values the larger one counts.

    `groups` (series x group x week) are the same counts by group of customers. A few of them who come or go make a
    step, too, and one that says nothing of the market: the variance of a step is at least that of the parts which the
    groups contribute to it (cluster-robust, as in Liang & Zeger 1986).
    """
    logs = np.log(counts + 0.5)
    common = _common(logs, counts.mean(axis=1))
    apart = logs - common[None, :]
    weeks = counts.shape[1]
    kept, steps, norms = _design(weeks)
    best, size, rest = _search(apart @ kept, steps, norms)
    plain = (rest**2).sum(axis=1) / (weeks - _columns()) / norms[best]
    plain = np.maximum(plain, 1e-12)
    if groups is not None:
        expected = counts.mean(axis=1, keepdims=True) * np.exp(common)[None, :]
        plain = np.maximum(plain, _between_groups(groups, steps[best] / norms[best][:, None] / expected))
    memory = _own_memory(rest)
    slow, share = _shared_memory(weeks, tuple(np.round(_autocorrelations(rest).mean(axis=0), 2).tolist()))
    p_shared = _chance(np.abs(size) / np.sqrt(plain), _null(weeks, slow, share))
    p_own = _chance(np.abs(size) / np.sqrt(plain * memory), _null(weeks, 0.0, 0.0, own=True))
    # how much wider the shared memory makes the errors: the simulation against that of noise without any
    wider = np.maximum(memory, (_usual(weeks, slow, share) / _usual(weeks, 0.0, 0.0)) ** 2)
    return Shifts(best + EDGE, size, plain * wider, np.maximum(p_shared, p_own))


def _columns() -> int:
    return 7  # level, trend, four of the season, the step


def _common(logs: Floats, weight: Floats) -> Floats:
    """What the series have in common each week: the weighted median of their distances from their own means."""
    weight = np.minimum(weight, 0.1 * weight.sum())
    apart = logs - logs.mean(axis=1, keepdims=True)
    order = np.argsort(apart, axis=0, kind="stable")
    reached = np.cumsum(weight[order], axis=0)
    middle = (reached >= reached[-1] / 2).argmax(axis=0)
    found: Floats = np.take_along_axis(apart, np.take_along_axis(order, middle[None, :], axis=0), axis=0)[0]
    return found


@lru_cache(maxsize=16)
def _design(weeks: int) -> tuple[Floats, Floats, Floats]:
    """What takes level, trend and season off; the steps without them, and their squared lengths."""
    week = np.arange(weeks)
    base = np.hstack([np.ones((weeks, 1)), (week / weeks)[:, None], yearly_waves(week)])
    kept = np.eye(weeks) - base @ np.linalg.pinv(base)
    steps = (week[None, :] >= np.arange(EDGE, weeks - EDGE + 1)[:, None]).astype(np.float64) @ kept
    return kept, steps, (steps**2).sum(axis=1)


def _search(left: Floats, steps: Floats, norms: Floats) -> tuple[Ints, Floats, Floats]:
    sizes = left @ steps.T / norms[None, :]
    best: Ints = np.argmax(sizes**2 * norms[None, :], axis=1)
    size = sizes[np.arange(left.shape[0]), best]
    return best, size, left - size[:, None] * steps[best]


def _between_groups(groups: Floats, weights: Floats) -> Floats:
    """The variance of a step by what each group of customers contributes to it."""
    parts = np.einsum("sgt,st->sg", groups, weights)
    found: Floats = parts.var(axis=1, ddof=1) * groups.shape[1]
    return found


def _usual(weeks: int, slow: float, share: float) -> float:
    return float(np.quantile(_null(weeks, slow, share), 0.95))


def _chance(found: Floats, null: Floats) -> Floats:
    above = null.size - np.searchsorted(null, found, side="left")
    p: Floats = (1 + above) / (1 + null.size)
    return p


def _autocorrelations(rest: Floats) -> Floats:
    """Of each row, at the lags 1 to 6."""
    squares = np.maximum((rest**2).sum(axis=1), 1e-12)
    found: Floats = np.stack([(rest[:, lag:] * rest[:, :-lag]).sum(axis=1) / squares for lag in _LAGS], axis=1)
    return found


def _own_memory(rest: Floats) -> Floats:
    """How much wider the mean of a series is for its own autocorrelation at lag 1."""
    # fitted columns push it down by about so much
    r: Floats = np.clip(_autocorrelations(rest)[:, 0] + _columns() / rest.shape[1], 0.0, _MOST_MEMORY)
    return (1 + r) / (1 - r)


@lru_cache(maxsize=16)
def _shared_memory(weeks: int, seen: tuple[float, ...]) -> tuple[float, float]:
    """The memory that all series share: which simulated noise leaves autocorrelations like those `seen`.

    Noise is a part that remembers (autoregressive with `slow`, `share` of the variance) and a part that does not.
    """
    kept, steps, norms = _design(weeks)
    rng = np.random.default_rng(1)
    best, least = (0.0, 0.0), np.inf
    for slow in _SLOW:
        for share in _SHARES if slow else (0.0,):
            rest = _search(_noise(rng, _TRIED, weeks, slow, share) @ kept, steps, norms)[2]
            distance = float(((_autocorrelations(rest).mean(axis=0) - np.array(seen)) ** 2).sum())
            if distance < least:
                best, least = (slow, share), distance
    return best


def _noise(rng: np.random.Generator, series: int, weeks: int, slow: float, share: float) -> Floats:
    white = rng.standard_normal((series, weeks))
    if not slow:
        return white
    moved = rng.standard_normal((series, weeks)) * np.sqrt(1 - slow**2)
    state = rng.standard_normal(series)
    for week in range(weeks):
        state = slow * state + moved[:, week]
        moved[:, week] = state
    both: Floats = np.sqrt(share) * moved + np.sqrt(1 - share) * white
    return both


@lru_cache(maxsize=16)
def _null(weeks: int, slow: float, share: float, *, own: bool = False) -> Floats:
    """The largest |t| of the search in series of noise, sorted; `own`: each corrected by its own memory."""
    kept, steps, norms = _design(weeks)
    rng = np.random.default_rng(0)
    found = []
    for _part in range(_SIMULATED // _AT_ONCE):
        best, size, rest = _search(_noise(rng, _AT_ONCE, weeks, slow, share) @ kept, steps, norms)
        variance = (rest**2).sum(axis=1) / (weeks - _columns()) / norms[best]
        found.append(np.abs(size) / np.sqrt(variance * _own_memory(rest) if own else variance))
    return np.sort(np.concatenate(found))
