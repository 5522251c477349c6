"""A canvas with a grid: Vega-Lite marks, pixel-exact, in theme colours, without a single expression.

Axes are ordinary marks over ready strings, so whatever a label says stays data. Colours are the page's
CSS variables: one drawing serves the light page, the dark one and paper. Nothing is clipped, therefore
no ids are needed and many drawings can share a page.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import vl_convert
from markupsafe import Markup

# close to the system faces that the page uses, and known to the renderer everywhere
_MEASURED_AS = "Liberation Sans"
FONT_SIZE = 12
_DIGIT = 7.7  # pixels of one sign at that size, in the widest face that a system may have

Point = tuple[float, float]
Row = Mapping[str, float | str]

_TEXT: dict[str, Any] = {"type": "text", "baseline": "middle", "fontSize": FONT_SIZE}
_SPAN = ("x2", "y2")


@dataclass(frozen=True)
class Size:
    """Pixels of the whole drawing; `columns` names the style that shows it."""

    id: str
    width: int
    height: int

    @property
    def is_wide(self) -> bool:
        return self.id == "wide"


WIDE = Size("wide", 760, 240)
NARROW = Size("narrow", 340, 210)


@dataclass(frozen=True)
class Tick:
    value: float
    label: str


def text_width(text: str) -> float:
    """Roughly how many pixels the longest line of `text` takes."""
    return max((len(line) for line in text.split("\n")), default=0) * _DIGIT


@dataclass
class Canvas:
    """Marks in data coordinates over a grid. `right` and `top` leave room for labels at the ends."""

    size: Size
    x: Point
    y: Point
    x_ticks: Sequence[Tick] = ()
    y_ticks: Sequence[Tick] = ()
    right: int = 12
    top: int = 16
    _layers: list[dict[str, Any]] = field(default_factory=list)

    def rects(self, boxes: Iterable[Row], tone: str, *, opacity: float = 1.0) -> None:
        """Boxes from (x, y) to (x2, y2)."""
        self._add({"type": "rect", "color": tint(tone), "opacity": opacity}, boxes, _SPAN)

    def line(self, points: Iterable[Point], tone: str, *, dashed: bool = False, width: float = 2) -> None:
        dash = [5, 4] if dashed else [1, 0]
        mark = {"type": "line", "color": tint(tone), "strokeWidth": width, "strokeDash": dash, "strokeJoin": "round"}
        self._add(mark, _rows(points))

    def area(self, points: Iterable[Point], tone: str) -> None:
        """What lies between the axis and the points."""
        below = [{"x": x, "y": y, "y2": self.y[0]} for x, y in points]
        self._add({"type": "area", "color": tint(tone), "opacity": 0.12}, below, ("y2",))

    def dots(self, points: Iterable[Point], tone: str) -> None:
        mark = {"type": "circle", "color": tint(tone), "size": 44, "opacity": 1, "stroke": "var(--paper)"}
        self._add({**mark, "strokeWidth": 1.5}, _rows(points))

    def rule(self, start: Point, end: Point, tone: str, *, dashed: bool = False) -> None:
        box = {"x": start[0], "y": start[1], "x2": end[0], "y2": end[1]}
        mark = {"type": "rule", "color": tint(tone), "strokeWidth": 1, "strokeDash": [3, 3] if dashed else [1, 0]}
        self._add(mark, [box], _SPAN)

    def text(
        self, at: Point, words: str, *, tone: str = "ink", align: str = "left", dx: float = 0, dy: float = 0
    ) -> None:
        mark = {**_TEXT, "color": tint(tone), "align": align, "dx": dx, "dy": dy, "fontWeight": 600}
        self._add(mark, [{"x": at[0], "y": at[1], "text": words}], ("text",))

    def draw(self, description: str) -> Markup:
        """The finished drawing, ready to stand in a page."""
        padding = self._padding
        spec = {
            "width": self.size.width - padding["left"] - padding["right"],
            "height": self.size.height - padding["top"] - padding["bottom"],
            "padding": padding,
            "autosize": "none",
            "layer": [*self._grid(), *self._layers],
            "config": {"font": _MEASURED_AS, "background": "transparent", "view": {"stroke": None}},
        }
        return _inline(vl_convert.vegalite_to_svg(spec), self.size, description)

    def __post_init__(self) -> None:
        # a label beyond the data would lie outside of the drawing
        self.x_ticks = [tick for tick in self.x_ticks if self.x[0] <= tick.value <= self.x[1]]

    @property
    def _padding(self) -> dict[str, int]:
        left = max((text_width(tick.label) for tick in self.y_ticks), default=0)
        lines = max((tick.label.count("\n") + 1 for tick in self.x_ticks), default=0)
        return {"left": int(left) + 12 if left else 6, "right": self.right, "top": self.top, "bottom": 8 + 15 * lines}

    def _grid(self) -> list[dict[str, Any]]:
        lines: list[Row] = [
            {"x": self.x[0], "x2": self.x[1], "y": tick.value, "y2": tick.value} for tick in self.y_ticks
        ]
        across: list[Row] = [{"x": self.x[0], "y": tick.value, "text": tick.label} for tick in self.y_ticks]
        along: list[Row] = [{"x": tick.value, "y": self.y[0], "text": tick.label} for tick in self.x_ticks]
        style = {**_TEXT, "color": tint("faint"), "lineBreak": "\n"}
        return [
            self._layer({"type": "rule", "color": tint("line"), "strokeWidth": 1}, lines, _SPAN),
            self._layer({**style, "align": "right", "dx": -8}, across, ("text",)),
            self._layer({**style, "align": "center", "dy": 8, "baseline": "top"}, along, ("text",)),
        ]

    def _add(self, mark: dict[str, Any], rows: Iterable[Row], more: Sequence[str] = ()) -> None:
        self._layers.append(self._layer(mark, rows, more))

    def _layer(self, mark: dict[str, Any], rows: Iterable[Row], more: Sequence[str] = ()) -> dict[str, Any]:
        encoding: dict[str, Any] = {"x": _position("x", self.x), "y": _position("y", self.y)}
        for channel in more:
            encoding[channel] = {"field": channel, "type": "nominal"} if channel == "text" else {"field": channel}
        return {"data": {"values": list(rows)}, "mark": mark, "encoding": encoding}


def _position(channel: str, domain: Point) -> dict[str, Any]:
    scale = {"domain": list(domain), "nice": False, "zero": False}
    return {"field": channel, "type": "quantitative", "scale": scale, "axis": None}


def tint(tone: str) -> str:
    """The page's colour for this tone."""
    return f"var(--{tone.replace('_', '-')})"


def _rows(points: Iterable[Point]) -> list[Row]:
    return [{"x": x, "y": y} for x, y in points]


_TAG = re.compile(r"<[a-z][^>]*>")
_IDLE = re.compile(r' (?:role|class|aria-[a-z]+|pointer-events|font-family)="[^"]*"')
_LONG_NUMBER = re.compile(r"(\d+\.\d)\d+")
_EMPTY = re.compile(r'<path[^>]* d="(?:M0,0h0v0h0Z)?"[^>]*/>')


def _inline(svg: str, size: Size, description: str) -> Markup:
    """The drawing without its own frame, fonts and roles: the page supplies them, and gets a third of the size."""
    body = svg[svg.index(">") + 1 :]
    body = _TAG.sub(lambda tag: _LONG_NUMBER.sub(r"\1", _IDLE.sub("", tag.group())), body)
    body = _EMPTY.sub("", body)
    head = Markup('<svg class="plot {}" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">').format(
        size.id, size.width, size.height, size.width, size.height, description
    )
    return head + Markup(body)  # noqa: S704  made by the renderer, which escapes the texts of its marks


def nice_ticks(highest: float, *, steps: int = 4, lowest: float = 0.0) -> list[float]:
    """Round values from at or below `lowest` to at or above `highest`: 0, 20, 40, 60.

    >>> nice_ticks(53)
    [0.0, 20.0, 40.0, 60.0]
    >>> nice_ticks(417)
    [0.0, 100.0, 200.0, 300.0, 400.0, 500.0]
    """
    span = highest - lowest
    if not span > 0:
        return [lowest, lowest + 1.0]
    rough = span / steps
    power = 10.0 ** _exponent(rough)
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.8)
    first = int(lowest // step)
    ticks = [first * step]
    while ticks[-1] < highest * (1 - 1e-9):
        ticks.append((first + len(ticks)) * step)
    return ticks


def _exponent(value: float) -> int:
    return int(f"{value:e}".split("e")[1])
