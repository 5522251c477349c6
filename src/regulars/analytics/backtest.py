"""The race of the scores, run on this very history: who came back after each of several past days?

Rolling origin: at each origin a score sees only what was known that evening, and is judged by the
window that follows (Tashman 2000, International Journal of Forecasting 16).
"""

import datetime as dt
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from regulars.analytics.auc import auc_with_covariance
from regulars.analytics.calibration import Calibration, calibrate
from regulars.analytics.clv import Counted
from regulars.analytics.estimate import Estimate
from regulars.analytics.rollup import Rollup
from regulars.analytics.scores import SCORES, UNIT_DAYS, Score, Scores, fit_scores
from regulars.analytics.snapshot import Past, past_of, sample_customers
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import nsaid, said_date
from regulars.core.i18n import said as _

Floats = NDArray[np.float64]

MOST_ORIGINS = 4
SAMPLE = 50_000  # people: the standard error of an AUC on so many is below 0.003
FEWEST_PEOPLE = 100
FEWEST_OF_A_KIND = 20  # who came back, and who did not, at an origin
SMALLEST_FRESH = 50  # people who have just visited


@dataclass(frozen=True)
class Race:
    """The result of the back-test.

    `aucs` holds every score that could run; `reasons` why the others could not. `calibration` belongs to
    the winner and is fitted on all origins; `standings` of one fold of the people were calibrated on the
    other folds, so judging by them is fair.
    """

    winner: str
    aucs: dict[str, Estimate]
    reasons: dict[str, str]
    pasts: tuple[Past, ...]
    standings: tuple[Floats, ...]  # of each past
    calibration: Calibration
    fresh_chance: float


def race(rollup: Rollup, today: Scores, *, window_days: int) -> Race:
    """Let the scores compete that can be computed `today`, at `as_of`, and could at the latest past evening.

    An earlier evening counts only if all of them could run then too: a base that was once too small for a
    model must not bar it for ever. `NotEnoughData` when the history cannot judge them.
    """
    pasts = _pasts(rollup, window_days)
    fitted = [fit_scores(counted_of(past)) for past in pasts]
    names = [name for name in SCORES if name in today.by_name and name in fitted[0].by_name]
    refusals = {**fitted[0].reasons, **today.reasons}
    reasons = {name: reason for name, reason in refusals.items() if name not in names}
    able = [all(name in scores.by_name for name in names) for scores in fitted]
    pasts, fitted = tuple(compress(pasts, able)), list(compress(fitted, able))
    scored = [
        {name: _now(past, scores.by_name[name]) for name in names} for past, scores in zip(pasts, fitted, strict=True)
    ]
    tests = [
        auc_with_covariance(np.vstack([scores[name] for name in names]), past.came_back)
        for past, scores in zip(pasts, scored, strict=True)
    ]
    auc = np.mean([test[0] for test in tests], axis=0)
    # the origins share people, so their errors are not independent: averaging variances is the cautious reading
    covariance = np.mean([test[1] for test in tests], axis=0)
    winner = names[_simplest_of_the_best(auc, covariance)]
    values = [scores[winner] for scores in scored]
    fresh = [_fresh(past, scores.by_name[winner]) for past, scores in zip(pasts, fitted, strict=True)]
    return Race(
        winner=winner,
        aucs={name: _interval(auc[i], covariance[i, i]) for i, name in enumerate(names)},
        reasons=reasons,
        pasts=pasts,
        standings=_fair_standings(pasts, values, fresh),
        calibration=calibrate(np.concatenate(values), np.concatenate([past.came_back for past in pasts])),
        fresh_chance=_fresh_chance(pasts, window_days),
    )


def counted_of(past: Past) -> Counted:
    """The snapshot as counted tuples, in weeks."""
    return Counted.from_days(
        past.frequency,
        past.last_purchase_age,
        past.age,
        sum_log_gaps=past.sum_log_gaps,
        unit_days=UNIT_DAYS,
    )


def _pasts(rollup: Rollup, window_days: int) -> tuple[Past, ...]:
    origins = _origins(rollup, window_days)
    sample = sample_customers(rollup.customers, at_most=SAMPLE).cache()
    days = rollup.days.semi_join(sample, "customer_id")
    days = days.select("customer_id", "purchased_on", "is_visit", "amount", "gap_days").cache()
    pasts = tuple(past_of(days, sample, at=origin, window_days=window_days) for origin in origins)
    usable = tuple(past for past in pasts if _can_judge(past))
    if not usable:
        raise NotEnoughData(_refusal(pasts[0], window_days))
    return usable


def _origins(rollup: Rollup, window_days: int) -> list[dt.date]:
    """The latest first; each has half a window of history before it."""
    origins = [rollup.as_of - dt.timedelta(days=window_days * step) for step in range(1, MOST_ORIGINS + 1)]
    usable = [origin for origin in origins if (origin - rollup.first_day).days >= window_days / 2]
    if not usable:
        raise NotEnoughData(
            _("The history covers {days} days: too short to look {window} days ahead and check.").format(
                days=rollup.span_days, window=window_days
            )
        )
    return usable


def _can_judge(past: Past) -> bool:
    back = int(past.came_back.sum())
    return past.age.size >= FEWEST_PEOPLE and min(back, past.age.size - back) >= FEWEST_OF_A_KIND


def _refusal(past: Past, window_days: int) -> str:
    """Why the latest past day cannot judge."""
    people, back = past.age.size, int(past.came_back.sum())
    if people < FEWEST_PEOPLE:
        return nsaid(
            "Too few customers to test on: {people} are needed on a past day, and {day} had {count} customer.",
            "Too few customers to test on: {people} are needed on a past day, and {day} had {count} customers.",
            people,
        ).format(people=FEWEST_PEOPLE, day=said_date(past.at), count=people)
    return _(
        "Too few to tell apart: of {count} customers on {day}, {back} came back within {window} days and {away} did "
        "not. A test needs {kind} of either kind."
    ).format(
        count=people,
        day=said_date(past.at),
        back=back,
        window=window_days,
        away=people - back,
        kind=FEWEST_OF_A_KIND,
    )


def _now(past: Past, score: Score) -> Floats:
    return score(past.frequency, past.last_purchase_age, past.age)


def _fresh(past: Past, score: Score) -> Floats:
    """The score that each customer had on the evening of the last visit."""
    return score(past.frequency, past.last_purchase_age, past.last_purchase_age)


def _simplest_of_the_best(auc: Floats, covariance: Floats) -> int:
    """The first whose AUC is within one standard error of the best (Breiman et al. 1984, the 1 SE rule)."""
    best = int(np.argmax(auc))
    difference = covariance[best, best] + np.diag(covariance) - 2 * covariance[best]
    return int(np.flatnonzero(auc[best] - auc <= np.sqrt(np.maximum(difference, 0)))[0])


def _interval(value: float, variance: float) -> Estimate:
    half = 1.96 * float(np.sqrt(max(variance, 0)))
    return Estimate(float(value), max(float(value) - half, 0.0), min(float(value) + half, 1.0))


def standing(calibration: Calibration, now: Floats, fresh: Floats) -> Floats:
    """The chance to come back relative to what it was right after the customer's own last visit; at most 1."""
    return np.minimum(calibration.chance(now) / calibration.chance(fresh), 1.0)


def _fair_standings(pasts: tuple[Past, ...], values: list[Floats], fresh: list[Floats]) -> tuple[Floats, ...]:
    fold = np.concatenate([past.fold for past in pasts])
    now, then = np.concatenate(values), np.concatenate(fresh)
    back = np.concatenate([past.came_back for past in pasts])
    found = np.empty_like(now)
    for one in np.unique(fold):
        mine = fold == one
        others = mine if mine.all() else ~mine  # people who are all alike share one fold
        found[mine] = standing(calibrate(now[others], back[others]), now[mine], then[mine])
    return tuple(np.split(found, np.cumsum([past.age.size for past in pasts])[:-1]))


def _fresh_chance(pasts: tuple[Past, ...], window_days: int) -> float:
    """Share of repeat customers who, having just visited, came back within the window."""
    repeat = np.concatenate([past.frequency for past in pasts]) > 0
    recency = np.concatenate([past.recency for past in pasts])
    back = np.concatenate([past.came_back for past in pasts])
    for part in (8, 4, 2, 1):
        just = repeat & (recency <= window_days / part)
        if just.sum() >= SMALLEST_FRESH:
            return float(back[just].mean())
    return float(back.mean())
