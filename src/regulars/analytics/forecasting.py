"""Weekly forecasts of many series at once: a few simple methods, chosen by a back-test with a rolling origin.

Everything works on a matrix of series x weeks. Methods run once from the first week to the last and remember their
states, so that a forecast from any week in between costs nothing more.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEASON = 52  # weeks
HORIZON = 4
FEWEST_WEEKS = 42  # half a year to learn from, and four origins
TRAINING = 26
MOST_ORIGINS = 12

METHODS = ("seasonal_naive", "mean_8", "ses", "holt_damped", "tsb", "croston", "ses_season")

_ALPHAS = (0.05, 0.1, 0.2, 0.3, 0.5)
_TRENDS = (0.05, 0.15)
_DAMPING = 0.9
_PAIRS = tuple(product((0.05, 0.1, 0.2), (0.05, 0.1, 0.2)))
_RECENT = 8


@dataclass(frozen=True)
class Forecasts:
    """One position per series. Figures are of `HORIZON` weeks together, in the units of the series.

    MASE: mean absolute error of single weeks over the later origins, divided by that of the one-step naive forecast
    before them (Hyndman & Koehler 2006); nan where the series never moved.
    """

    method: Ints  # index into METHODS
    total: Floats
    low: Floats  # 5 % of the past errors were below, 5 % above `high`
    high: Floats
    enough: Floats  # suffices in nine of ten cases
    mase: Floats
    naive_mase: Floats  # of the seasonal naive forecast, on the same weeks
    origins: int
    coverage: float | None  # share of later periods inside intervals that were drawn from the earlier ones


def forecast(series: Floats, started: Ints) -> Forecasts:
    """Forecast the next four weeks of each series, and test the way of forecasting on its own past.

    `series` has a row per series and a column per week, the last week last; weeks before `started` do not count. The
    method of a series is the one with the smallest absolute error from the earlier half of up to twelve origins, four
    weeks apart; the later half judges it. A seasonal method takes part where two years lie before an origin.

    The interval and the quantity that suffices come from the errors that the chosen method made over four weeks, each
    divided by the usual error of its series, all series together: one series alone has too few.
    """
    weeks = series.shape[1]
    count = min((weeks - TRAINING) // HORIZON, MOST_ORIGINS)
    origins = [weeks - HORIZON * k for k in range(count, 0, -1)]
    runs = _Runs(series, started)
    made = np.stack([runs.all_from(origin) for origin in origins])  # origin x method x series x week
    actual = np.stack([series[:, origin : origin + HORIZON] for origin in origins])
    errors = np.abs(made - actual[:, None])
    # a series must have been there at the origin for its error to say something
    known = started[None, :] < np.array(origins)[:, None] - _RECENT
    errors = np.where(known[:, None, :, None], errors, np.nan)
    earlier = count // 2
    method = _winner(_mean(errors[:earlier], (0, 3)), _mean(errors, (0, 3)))
    scale = _naive_error(series, started, origins[earlier])
    judged = _mean(errors[earlier:], (0, 3)) / scale
    rows = np.arange(len(method))
    now = runs.all_from(weeks)[method, rows].sum(axis=1)
    missed = np.where(known, (actual - made[:, method, rows]).sum(axis=2), np.nan)
    size = np.maximum(made[:, method, rows].sum(axis=2), 0).mean(axis=0)
    low, enough, high = _limits(missed, size, earlier)
    return Forecasts(
        method=method,
        total=np.maximum(now, 0),
        low=np.maximum(now + low, 0),
        high=np.maximum(now + high, 0),
        enough=np.maximum(now + enough, 0),
        mase=judged[method, rows],
        naive_mase=judged[0],
        origins=count,
        coverage=_coverage(missed, size, earlier),
    )


def _mean(errors: Floats, axes: tuple[int, int]) -> Floats:
    known = ~np.isnan(errors)
    total: Floats = np.where(known, errors, 0.0).sum(axis=axes)
    return np.where(known.any(axis=axes), total / np.maximum(known.sum(axis=axes), 1), np.nan)


def _winner(earlier: Floats, whole: Floats) -> Ints:
    """The best method of each series; a series too young for the earlier origins takes the plain mean."""
    # a method that could not run from every origin has fewer errors, not smaller ones
    scores = np.where(np.isnan(earlier), np.inf, earlier)
    scores = np.where(np.isnan(whole), np.inf, scores)
    found: Ints = np.argmin(scores, axis=0)
    return np.where(np.isinf(scores).all(axis=0), METHODS.index("mean_8"), found)


def _naive_error(series: Floats, started: Ints, until: int) -> Floats:
    moves = np.abs(np.diff(series[:, :until], axis=1))
    inside = np.arange(1, until)[None, :] > started[:, None]
    weeks = inside.sum(axis=1)
    error = np.where(inside, moves, 0).sum(axis=1) / np.maximum(weeks, 1)
    return np.where((weeks > 0) & (error > 0), error, np.nan)


# how many errors the typical error of a series of its size counts for
_PRIOR = 4.0


def _squares(missed: Floats, size: Floats) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """Squared errors, which are known, and what is usual for a series of this size (as size to the power 1.5)."""
    known = ~np.isnan(missed)
    squares = np.where(known, missed, 0.0) ** 2
    grown = np.maximum(size, 1e-9) ** 1.5
    total = float((known.sum(axis=0) * grown).sum())
    usual = grown * (float(squares.sum()) / total if total else 0.0)
    return squares, known, np.maximum(usual, 1e-12)


def _limits(missed: Floats, size: Floats, earlier: int) -> tuple[Floats, Floats, Floats]:
    """Limits from all errors, and no narrower than the later errors say, measured by what was usual before them."""
    low, enough, high = _spread(missed, size)
    before = _usual(missed[:earlier], size)
    standard = (missed[earlier:] / before)[~np.isnan(missed[earlier:])]
    if not standard.size:
        return low, enough, high
    usual = _usual(missed, size)
    seen = np.quantile(standard, [0.05, 0.9, 0.95])
    return np.minimum(low, usual * seen[0]), np.maximum(enough, usual * seen[1]), np.maximum(high, usual * seen[2])


def _usual(missed: Floats, size: Floats) -> Floats:
    """The usual error of each series, drawn towards that of series of its size."""
    squares, known, typical = _squares(missed, size)
    found: Floats = np.sqrt((squares.sum(axis=0) + _PRIOR * typical) / (known.sum(axis=0) + _PRIOR))
    return found


def _spread(missed: Floats, size: Floats) -> tuple[Floats, Floats, Floats]:
    """What the errors of four weeks are like: 5 %, 90 % and 95 % of them, for each series.

    Each error is measured by the usual one of its series without it: a series with three errors is never surprised
    by one of the three.
    """
    squares, known, typical = _squares(missed, size)
    count = known.sum(axis=0)
    sums = squares.sum(axis=0)
    usual = _usual(missed, size)
    others = np.sqrt((sums[None, :] - squares + _PRIOR * typical) / np.maximum(count[None, :] - 1 + _PRIOR, 1))
    standard = (missed / others)[known]
    if not standard.size:
        return (np.zeros(usual.size),) * 3
    low, enough, high = np.quantile(standard, [0.05, 0.9, 0.95])
    return usual * min(low, 0), usual * max(enough, 0), usual * max(high, 0)


def _coverage(missed: Floats, size: Floats, earlier: int) -> float | None:
    low, _enough, high = _spread(missed[:earlier], size)
    later = missed[earlier:]
    known = ~np.isnan(later) & np.asarray(~np.isnan(missed[:earlier]).all(axis=0))[None, :]
    return float(((later >= low) & (later <= high))[known].mean()) if known.any() else None


# --- the methods ------------------------------------------------------------------------------------------------------


class _Runs:
    """The methods, run once over all weeks; state number t has seen the weeks before t."""

    def __init__(self, series: Floats, started: Ints) -> None:
        self.series, self.started = series, started
        self.ses = _smoothed(series, started)
        self.holt = _holt(series, started)
        self.tsb = _intermittent(series, started, croston=False)
        self.croston = _intermittent(series, started, croston=True)

    def all_from(self, origin: int) -> Floats:
        """Method x series x week of the horizon."""
        level, slope = _best_of(self.holt, origin)
        damped = np.cumsum(_DAMPING ** np.arange(1, HORIZON + 1))
        flat = [_best_of(run, origin)[0] for run in (self.ses, self.tsb, self.croston)]
        found = [
            self._seasonal_naive(origin),
            _flat(self._recent_mean(origin)),
            _flat(flat[0]),
            np.maximum(level[:, None] + slope[:, None] * damped[None, :], 0),
            _flat(flat[1]),
            _flat(flat[2]),
            self._with_season(origin),
        ]
        return np.stack(found)

    def _seasonal_naive(self, origin: int) -> Floats:
        """The same week of the last year; the last week where there is none."""
        last = _flat(self.series[:, origin - 1])
        if origin < SEASON:
            return last
        year_ago = self.series[:, origin - SEASON : origin - SEASON + HORIZON]
        return np.where((self.started <= origin - SEASON)[:, None], year_ago, last)

    def _recent_mean(self, origin: int) -> Floats:
        found: Floats = self.series[:, max(origin - _RECENT, 0) : origin].mean(axis=1)
        return found

    def _with_season(self, origin: int) -> Floats:
        """Simple smoothing of what two waves a year leave; nan below two years."""
        nothing = np.full((self.series.shape[0], HORIZON), np.nan)
        if origin < 2 * SEASON:
            return nothing
        waves = yearly_waves(np.arange(origin + HORIZON))
        trend = np.arange(origin + HORIZON)[:, None] / origin
        design = np.hstack([np.ones((origin + HORIZON, 1)), trend, waves])
        weights = np.linalg.lstsq(design[:origin], self.series[:, :origin].T, rcond=None)[0]
        season = (waves @ weights[2:]).T
        level = _best_of(_smoothed(self.series[:, :origin] - season[:, :origin], self.started), origin)[0]
        found = np.maximum(level[:, None] + season[:, origin:], 0)
        return np.where((self.started <= origin - 2 * SEASON)[:, None], found, nothing)


def yearly_waves(weeks: NDArray[np.int64]) -> Floats:
    """Two waves a year: sines and cosines of a year and of half a year."""
    angle = 2 * np.pi * weeks[:, None] * 7 / 365.25
    return np.hstack([np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)])


def _flat(level: Floats) -> Floats:
    return np.repeat(level[:, None], HORIZON, axis=1)


# states by parameter: (one array per part of the state, summed squares of the errors of one step)
_Run = tuple[list[Floats], Floats]


def _best_of(run: _Run, origin: int) -> list[Floats]:
    """The state at `origin` of the parameters that have forecast one week ahead best until then."""
    parts, squares = run
    best = np.argmin(squares[:, :, origin], axis=0)
    rows = np.arange(squares.shape[1])
    return [part[best, rows, origin] for part in parts]


def _smoothed(series: Floats, started: Ints) -> _Run:
    """Simple exponential smoothing."""
    alphas = np.array(_ALPHAS)[:, None]
    shape = (len(_ALPHAS), series.shape[0], series.shape[1] + 1)
    levels, squares = np.zeros(shape), np.zeros(shape)
    for week in range(series.shape[1]):
        before, now = levels[:, :, week], series[None, :, week]
        new, live = week <= started, week > started
        levels[:, :, week + 1] = np.where(new, now, before + alphas * (now - before))
        squares[:, :, week + 1] = squares[:, :, week] + np.where(live, (now - before) ** 2, 0)
    return [levels], squares


def _holt(series: Floats, started: Ints) -> _Run:
    """Holt's method with a damped trend (Gardner & McKenzie 1985)."""
    pairs = tuple(product(_ALPHAS[1:], _TRENDS))
    alpha, beta = (np.array(column)[:, None] for column in zip(*pairs, strict=True))
    shape = (len(pairs), series.shape[0], series.shape[1] + 1)
    levels, slopes, squares = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for week in range(series.shape[1]):
        now, slope = series[None, :, week], _DAMPING * slopes[:, :, week]
        expected = levels[:, :, week] + slope
        new, live = week <= started, week > started
        error = np.where(live, now - expected, 0)
        levels[:, :, week + 1] = np.where(new, now, expected + alpha * error)
        slopes[:, :, week + 1] = np.where(new, 0, slope + alpha * beta * error)
        squares[:, :, week + 1] = squares[:, :, week] + error**2
    return [levels, slopes], squares


def _intermittent(series: Floats, started: Ints, *, croston: bool) -> _Run:
    """Rare goods: the size of a sale and how often there is one, each smoothed by itself.

    TSB moves the chance of a sale every week (Teunter, Syntetos & Babai 2011); Croston's method (1972) moves the
    interval at each sale, with the correction of Syntetos & Boylan (2005).
    """
    size_rate, rate = (np.array(column)[:, None] for column in zip(*_PAIRS, strict=True))
    shape = (len(_PAIRS), series.shape[0], series.shape[1] + 1)
    made, squares = np.zeros(shape), np.zeros(shape)
    size = np.zeros(shape[:2])
    often = np.ones(shape[:2])  # TSB: chance of a sale; Croston: weeks between sales
    waited = np.ones(shape[:2])
    for week in range(series.shape[1]):
        now = np.broadcast_to(series[None, :, week], size.shape)
        new, live, sold = week <= started, week > started, now > 0
        squares[:, :, week + 1] = squares[:, :, week] + np.where(live, (now - made[:, :, week]) ** 2, 0)
        size = np.where(new, now, np.where(sold, size + size_rate * (now - size), size))
        if croston:
            often = np.where(live & sold, often + rate * (waited - often), often)
            waited = np.where(sold, 1, waited + 1)
            made[:, :, week + 1] = (1 - rate / 2) * size / often
        else:
            often = np.where(live, often + rate * (sold - often), often)
            made[:, :, week + 1] = often * size
    return [made], squares
