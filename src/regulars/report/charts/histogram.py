"""A histogram with its middle marked."""

from collections.abc import Callable, Sequence

from markupsafe import Markup

from regulars.report.charts.canvas import NARROW, WIDE, Canvas, Size, Tick, nice_ticks, text_width


def histogram(
    bins: Sequence[tuple[float, float, float]],
    *,
    x_label: Callable[[float], str],
    y_label: Callable[[float], str],
    marks: Sequence[tuple[float, str, str]],
    description: str,
) -> tuple[Markup, Markup]:
    """Columns for `bins` (low, high, how many) with vertical `marks` (value, label, tone), wide and narrow."""
    wide, narrow = (_draw(size, bins, x_label, y_label, marks, description) for size in (WIDE, NARROW))
    return wide, narrow


def _draw(
    size: Size,
    bins: Sequence[tuple[float, float, float]],
    x_label: Callable[[float], str],
    y_label: Callable[[float], str],
    marks: Sequence[tuple[float, str, str]],
    description: str,
) -> Markup:
    low, high = bins[0][0], bins[-1][1]
    ticks = nice_ticks(max(n for _low, _high, n in bins))
    canvas = Canvas(
        size,
        (low, high),
        (0, ticks[-1]),
        _x_ticks(low, high, x_label, size),
        [Tick(value, y_label(value)) for value in ticks],
        top=20 + 16 * len(marks),
        right=24,
    )
    gap = (high - low) / len(bins) * 0.06
    canvas.rects([{"x": a + gap, "x2": b - gap, "y": 0.0, "y2": n} for a, b, n in bins], "accent")
    for row, (value, label, tone) in enumerate(marks):
        _mark(canvas, row, value, label, tone)
    return canvas.draw(description)


def _x_ticks(low: float, high: float, label: Callable[[float], str], size: Size) -> list[Tick]:
    values = nice_ticks(high, lowest=low, steps=8 if size.is_wide else 3)
    return [Tick(value, label(value)) for value in values if low <= value <= high]


def _mark(canvas: Canvas, row: int, value: float, label: str, tone: str) -> None:
    """A line from the axis up into the space above the columns, where each label has a row of its own."""
    inner = canvas.size.height - canvas.top - 30
    per_pixel = (canvas.y[1] - canvas.y[0]) / inner
    top = canvas.y[1] + (8 + 16 * row) * per_pixel
    canvas.rule((value, canvas.y[0]), (value, top), tone)
    share = (value - canvas.x[0]) / (canvas.x[1] - canvas.x[0])
    # a label that would leave the drawing on the right stands to the left of its line
    fits = share * (canvas.size.width - 80) + text_width(label) < canvas.size.width - 80
    canvas.text((value, top), label, tone=tone, align="left" if fits else "right", dx=6 if fits else -6)
