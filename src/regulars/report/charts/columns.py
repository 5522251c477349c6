"""Columns by month, in one or two parts."""

import datetime as dt
from collections.abc import Callable, Sequence

from markupsafe import Markup

from regulars.report.charts.canvas import NARROW, WIDE, Canvas, Size, Tick, nice_ticks
from regulars.report.words import short_month


def month_columns(
    months: Sequence[dt.date],
    parts: Sequence[tuple[str, Sequence[float]]],
    *,
    label: Callable[[float], str],
    description: str,
    unfinished: bool = False,
) -> tuple[Markup, Markup]:
    """Columns stacked of `parts` (tone, values), wide and narrow. An `unfinished` last month is pale."""
    wide, narrow = (_draw(size, months, parts, label, description, unfinished) for size in (WIDE, NARROW))
    return wide, narrow


def _draw(
    size: Size,
    months: Sequence[dt.date],
    parts: Sequence[tuple[str, Sequence[float]]],
    label: Callable[[float], str],
    description: str,
    unfinished: bool,
) -> Markup:
    totals = [sum(max(values[i], 0) for _tone, values in parts) for i in range(len(months))]
    ticks = nice_ticks(max(totals, default=0))
    canvas = Canvas(
        size, (-0.6, len(months) - 0.4), (0, ticks[-1]), month_ticks(months, size), [Tick(v, label(v)) for v in ticks]
    )
    base = [0.0] * len(months)
    for tone, values in parts:
        tops = [low + max(value, 0) for low, value in zip(base, values, strict=True)]
        boxes = [
            {"x": i - 0.36, "x2": i + 0.36, "y": low, "y2": top}
            for i, (low, top) in enumerate(zip(base, tops, strict=True))
        ]
        last = boxes[-1:] if unfinished else []
        canvas.rects(boxes[: len(boxes) - len(last)], tone)
        canvas.rects(last, tone, opacity=0.45)
        base = tops
    return canvas.draw(description)


def month_ticks(months: Sequence[dt.date], size: Size) -> list[Tick]:
    """A label where there is room; the year under the first and under each January."""
    roomy = 14 if size.is_wide else 6
    step = next((s for s in (1, 2, 3, 6, 12) if len(months) / s <= roomy), 24)
    chosen = [
        i for i, month in enumerate(months) if (month.month - 1) % step == 0 and (step < 24 or month.year % 2 == 0)
    ]
    if not chosen:
        chosen = [0] if months else []
    ticks = []
    for i in chosen:
        year_due = i == chosen[0] or months[i].month == 1 or step >= 12
        ticks.append(Tick(i, f"{short_month(months[i])}\n{months[i].year if year_due else ''}"))
    return ticks
