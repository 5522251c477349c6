"""How long it takes until something happens, when to many it has not happened yet.

Leaving out those who still wait would make every time look short. Kaplan & Meier (1958) count each of them as long as
he was watched: S(t) is the product over the days up to t of 1 - d / n, with d to whom it happened on that day of n who
were still waiting when it began. Its interval is that of Greenwood's variance on the scale log(-log S) (Kalbfleisch &
Prentice 2002, section 1.4), and the interval of the median is where those bounds cross one half (Brookmeyer & Crowley
1982).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

_Z = 1.959963984540054


@dataclass(frozen=True)
class Step:
    """After this day this share still waits, with its interval of 95 %; `waiting` were watched when the day began."""

    day: int
    waiting: int
    happened: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Median:
    """Days until half have had it, with the bounds of 95 %; None: not reached while they were watched."""

    value: int | None
    low: int | None
    high: int | None


def waiting_curve(counts: Iterable[tuple[int, bool, int]]) -> list[Step]:
    """The steps of the curve from (days, has it happened, how many); those of one day may come in several rows.

    A day on which it happened to nobody has no step. Who stopped being watched on a day waited through that day.

    >>> steps = waiting_curve([(2, True, 1), (3, False, 1), (5, True, 1)])
    >>> [(one.day, one.waiting, round(one.share, 2)) for one in steps]
    [(2, 3, 0.67), (5, 1, 0.0)]
    """
    rows = sorted(counts)
    waiting, share, variance, high = sum(many for _day, _happened, many in rows), 1.0, 0.0, 1.0
    steps = []
    for day, group in groupby(rows, key=itemgetter(0)):
        same = list(group)
        happened = sum(many for _day, has, many in same if has)
        if happened:
            share *= 1 - happened / waiting
            variance += happened / (waiting * (waiting - happened)) if happened < waiting else 0.0
            low, high = _bounds(share, variance, high)
            steps.append(Step(day, waiting, happened, share, low, high))
        waiting -= sum(many for _day, _has, many in same)
    return steps


def median_wait(steps: Sequence[Step]) -> Median:
    """When half have had it, with its interval."""
    return Median(
        _first(one.day for one in steps if one.share <= 0.5),
        _first(one.day for one in steps if one.low <= 0.5),
        _first(one.day for one in steps if one.high <= 0.5),
    )


def share_by(steps: Sequence[Step], day: int) -> tuple[float, float, float] | None:
    """The share to whom it happened by the end of this day, with its interval; None before it happened to anybody.

    >>> share_by(waiting_curve([(2, True, 1), (9, False, 3)]), 1)
    """
    before = [one for one in steps if one.day <= day]
    return (1 - before[-1].share, 1 - before[-1].high, 1 - before[-1].low) if before else None


def _bounds(share: float, variance: float, before: float) -> tuple[float, float]:
    """Where nobody is left who waits, the scale ends: what was the upper bound `before` is one still."""
    if share <= 0:
        return 0.0, before
    half = _Z * math.sqrt(variance) / abs(math.log(share))
    return share ** math.exp(half), share ** math.exp(-half)


def _first(days: Iterable[int]) -> int | None:
    return next(iter(days), None)
