"""Lines over a number axis or over months: survival, payback, shares, checks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from regulars.report.charts.canvas import NARROW, WIDE, Canvas, Size, Tick, nice_ticks, text_width


@dataclass(frozen=True)
class Curve:
    """A line; None breaks it. `end` is written after its last point."""

    tone: str
    points: Sequence[tuple[float, float | None]]
    dashed: bool = False
    filled: bool = False
    end: str = ""

    @property
    def known(self) -> list[tuple[float, float]]:
        return [(x, y) for x, y in self.points if y is not None]


@dataclass(frozen=True)
class Mark:
    """A point worth naming on a curve that bends to the right."""

    x: float
    y: float
    label: str
    tone: str = "ink"


def curves(
    lines: Sequence[Curve],
    *,
    x_ticks: Callable[[Size], Sequence[Tick]],
    y_label: Callable[[float], str],
    description: str,
    marks: Sequence[Mark] = (),
    y_top: float | None = None,
    reference: Sequence[tuple[float, float]] = (),
) -> tuple[Markup, Markup]:
    """Lines on one grid from zero, wide and narrow."""

    def draw(size: Size) -> Markup:
        canvas = _canvas(size, lines, x_ticks(size), y_label, y_top)
        if reference:
            canvas.line(reference, "faint", dashed=True, width=1)
        for line in lines:
            _trace(canvas, line)
        for mark in marks:
            canvas.dots([(mark.x, mark.y)], mark.tone)
            # below the line and to the right of it: a curve that rises leaves room there
            canvas.text((mark.x, mark.y), mark.label, dx=10, dy=14)
        _name_ends(canvas, lines)
        return canvas.draw(description)

    return draw(WIDE), draw(NARROW)


def _canvas(
    size: Size, lines: Sequence[Curve], x_ticks: Sequence[Tick], y_label: Callable[[float], str], y_top: float | None
) -> Canvas:
    points = [point for line in lines for point in line.known]
    xs = [x for x, _y in points] or [0.0, 1.0]
    highest = max((y for _x, y in points), default=1.0) if y_top is None else y_top
    ticks = nice_ticks(highest)
    room = max((text_width(line.end) for line in lines), default=0)
    edge = (max(xs) - min(xs)) * 0.01 or 0.5
    return Canvas(
        size,
        (min(xs) - edge, max(xs) + edge),
        (0, ticks[-1]),
        x_ticks,
        [Tick(value, y_label(value)) for value in ticks],
        right=int(room) + 16 if room else max(14, _overhang(x_ticks)),
    )


def _overhang(x_ticks: Sequence[Tick]) -> int:
    """How far the last label of the axis may stand out to the right."""
    return int(text_width(x_ticks[-1].label) / 2) if x_ticks else 0


def _trace(canvas: Canvas, line: Curve) -> None:
    if line.filled:
        canvas.area(line.known, line.tone)
    for stretch in _stretches(line.points):
        if len(stretch) == 1:
            canvas.dots(stretch, line.tone)
        else:
            canvas.line(stretch, line.tone, dashed=line.dashed)


def _stretches(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    found: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is not None:
            found[-1].append((x, y))
        elif found[-1]:
            found.append([])
    return [stretch for stretch in found if stretch]


def _name_ends(canvas: Canvas, lines: Sequence[Curve]) -> None:
    """Labels after the last points, pushed apart where they would overlap."""
    ends = sorted(((line.known[-1], line) for line in lines if line.end and line.known), key=lambda end: end[0][1])
    # 15 pixels in units of the axis
    gap = 15 / max(canvas.size.height - 60, 1) * (canvas.y[1] - canvas.y[0])
    lowest_free = float("-inf")
    for (x, y), line in ends:
        at = max(y, lowest_free)
        canvas.text((x, at), line.end, tone=f"{line.tone}-text", dx=8)
        lowest_free = at + gap
