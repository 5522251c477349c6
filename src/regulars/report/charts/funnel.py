"""A funnel: the fewer cases, the further chance throws a group from the middle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from regulars.report.charts.canvas import NARROW, WIDE, Canvas, Size, Tick, nice_ticks

_STEPS = 60  # of each limit


@dataclass(frozen=True)
class Dot:
    """One group: how many cases it has, how far it is from the middle, and its name where it stands out."""

    cases: float
    difference: float
    tone: str = "quiet-text"
    name: str = ""


def funnel(
    dots: Sequence[Dot],
    limit: Callable[[float], float],
    *,
    x_label: Callable[[float], str],
    y_label: Callable[[float], str],
    description: str,
) -> tuple[Markup, Markup]:
    """Dots between two limits that close with the number of cases, wide and narrow."""
    most = max(dot.cases for dot in dots) * 1.08
    fewest = min(dot.cases for dot in dots) * 0.6
    reach = max(*(abs(dot.difference) for dot in dots), limit(min(dot.cases for dot in dots))) * 1.15

    def draw(size: Size) -> Markup:
        ticks = [Tick(v, y_label(v)) for v in nice_ticks(reach, lowest=-reach) if abs(v) <= reach]
        along = [Tick(v, x_label(v)) for v in nice_ticks(most, steps=4 if size.is_wide else 2)]
        canvas = Canvas(size, (0, most), (-reach, reach), along, ticks, right=24)
        canvas.rule((0, 0), (most, 0), "faint")
        xs = [fewest + (most - fewest) * step / _STEPS for step in range(_STEPS + 1)]
        for side in (-1, 1):
            canvas.line([(x, side * min(limit(x), reach)) for x in xs], "faint", dashed=True, width=1)
        for dot in dots:
            canvas.dots([(dot.cases, dot.difference)], dot.tone)
            if dot.name:
                to_left = dot.cases > most / 2
                canvas.text(
                    (dot.cases, dot.difference),
                    dot.name,
                    align="right" if to_left else "left",
                    dx=-10 if to_left else 10,
                )
        return canvas.draw(description)

    return draw(WIDE), draw(NARROW)
