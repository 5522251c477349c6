"""Columns of equal periods, and the one to come: what it should bring, with its limits."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from regulars.report.charts.canvas import NARROW, WIDE, Canvas, Size, Tick, nice_ticks
from regulars.report.words import short_month

_HALF = 0.36  # of a column
_CAP = 0.14  # half the cap of a whisker


@dataclass(frozen=True)
class Next:
    """The period to come."""

    value: float
    low: float
    high: float
    label: str


def period_columns(
    starts: Sequence[dt.date],
    values: Sequence[float],
    coming: Next,
    *,
    label: Callable[[float], str],
    description: str,
) -> tuple[Markup, Markup]:
    """A column per past period and a pale one with a whisker for the next, wide and narrow."""

    def draw(size: Size) -> Markup:
        ticks = nice_ticks(max([*values, coming.high]))
        place = len(values)
        canvas = Canvas(
            size,
            (-0.6, place + 0.6),
            (0, ticks[-1]),
            _dates(starts, size),
            [Tick(v, label(v)) for v in ticks],
            right=20,
        )
        canvas.rects(
            ({"x": n - _HALF, "x2": n + _HALF, "y": 0, "y2": value} for n, value in enumerate(values)), "accent"
        )
        canvas.rects([{"x": place - _HALF, "x2": place + _HALF, "y": 0, "y2": coming.value}], "accent-soft")
        canvas.rule((place, coming.low), (place, coming.high), "ink")
        for end in (coming.low, coming.high):
            canvas.rule((place - _CAP, end), (place + _CAP, end), "ink")
        canvas.text((place, coming.high), coming.label, align="right", dx=14, dy=-9)
        return canvas.draw(description)

    return draw(WIDE), draw(NARROW)


def _dates(starts: Sequence[dt.date], size: Size) -> list[Tick]:
    """The month in which a period begins, where there is room; the year under the first and under each January."""
    roomy = 9 if size.is_wide else 5
    step = -(-len(starts) // roomy)
    ticks: list[Tick] = []
    year = None
    # counted from the latest back, so that the last label is always of the last period
    for n in range((len(starts) - 1) % step, len(starts), step):
        on = starts[n]
        ticks.append(Tick(n, f"{on.day} {short_month(on)}\n{on.year if on.year != year else ''}"))
        year = on.year
    return ticks
