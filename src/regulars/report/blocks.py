"""What a page is built of. Everything is a ready string: templates decide nothing and format nothing."""

from dataclasses import dataclass, field
from typing import ClassVar

from markupsafe import Markup

TONES = ("accent", "good", "bad", "warn", "quiet", "new", "regular", "won_back", "slipping", "lost")


@dataclass(frozen=True)
class Cell:
    """One cell of a table. `user` marks text that somebody else wrote: it is fenced off from ours."""

    text: str
    user: bool = False
    tone: str = ""  # one of TONES, or "heat0".."heat9"
    code: str = ""  # tells apart what has one name
    list_id: str = ""  # of the people whom the number counts; `count` of them
    count: int | None = None


@dataclass(frozen=True)
class Column:
    title: str
    number: bool = False
    secondary: bool = False  # may be left out on a phone

    @property
    def style(self) -> str:
        return " ".join(name for name in ("number", "secondary") if getattr(self, name))


@dataclass(frozen=True)
class Table:
    """A table with a caption; the first cell of each row is its heading."""

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    style: str = ""  # "heat" for cohorts

    @property
    def width(self) -> str:
        """Two columns far apart are hard to read together."""
        return "slim" if len(self.columns) <= 3 and all(column.number for column in self.columns[1:]) else ""


@dataclass(frozen=True)
class People:
    """The customers behind a number: the richest, and where all of them are."""

    title: str
    table: Table
    whole_list: str
    list_id: str = ""  # what `Audit.people` knows the list by; empty for a list that has no name there
    count: int = 0


@dataclass(frozen=True)
class Explained:
    """How a number was got: one sentence in plain words, and the exact definition."""

    rule: str
    definition: str = ""


@dataclass(frozen=True)
class Figure:
    """One number with its rule, its interval when it was inferred, and its people."""

    label: str
    value: str
    explained: Explained
    interval: str = ""
    tone: str = ""
    people: People | None = None
    chapter: str = ""  # where the headline is explained
    list_id: str = ""  # of the people, where the page shows none of them; `count` of them
    count: int | None = None


@dataclass(frozen=True)
class Figures:
    kind: ClassVar[str] = "figures"
    items: tuple[Figure, ...]

    @property
    def style(self) -> str:
        """Four and eight fill rows of four; the rest go by three."""
        return "fours" if len(self.items) % 4 == 0 else "threes"


@dataclass(frozen=True)
class Bar:
    """A bar from `start` to `end` with an optional whisker; all are shares of the width, 0..1."""

    label: str
    value: str
    end: float
    start: float = 0.0
    low: float | None = None
    high: float | None = None
    point: float | None = None  # a mark instead of the bar's end
    tone: str = "accent"
    note: str = ""
    interval: str = ""
    user: bool = False
    group: str = ""  # a heading above the bar, where it differs from the one before
    torn: bool = False  # begins at the axis, and the axis does not begin at zero
    people: People | None = None
    code: str = ""  # tells apart what has one name
    list_id: str = ""  # of the people, where the page shows none of them; `count` of them
    count: int | None = None

    @property
    def fill_style(self) -> str:
        return _span(self.start, self.end) if self.end > self.start or self.start > 0 else ""

    @property
    def whisker_style(self) -> str:
        return "" if self.low is None or not self.high else _span(self.low, self.high)

    @property
    def point_style(self) -> str:
        return "" if self.point is None else f"left:{self.point:.2%}"


def _span(start: float, end: float) -> str:
    return f"left:{start:.2%};width:{end - start:.2%}"


@dataclass(frozen=True)
class Bars:
    """Horizontal bars with their texts, drawn by the page itself: they wrap, print and are read aloud."""

    kind: ClassVar[str] = "bars"
    title: str
    items: tuple[Bar, ...]
    explained: Explained | None = None
    scale: str = ""  # what the length means, and where it starts


@dataclass(frozen=True)
class Part:
    label: str
    share: float
    value: str
    tone: str
    list_id: str = ""  # of the people in this part; `count` of them
    count: int | None = None

    @property
    def style(self) -> str:
        return f"width:{self.share:.2%}"


@dataclass(frozen=True)
class Stripe:
    """One bar of the whole, cut into parts."""

    kind: ClassVar[str] = "stripe"
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Picture:
    """A chart drawn twice, for a desk and for a phone, with its numbers as a table."""

    kind: ClassVar[str] = "picture"
    title: str
    wide: Markup
    narrow: Markup
    table: Table
    explained: Explained | None = None
    legend: tuple[tuple[str, str], ...] = ()  # tone, text


@dataclass(frozen=True)
class Text:
    kind: ClassVar[str] = "text"
    paragraphs: tuple[str, ...]
    title: str = ""


@dataclass(frozen=True)
class Missing:
    """There is no answer, and why."""

    kind: ClassVar[str] = "missing"
    reason: str
    title: str = ""


@dataclass(frozen=True)
class Card:
    """One finding: the sentence, what to do, how sure it is, its money and its people."""

    text: str
    action: str
    strength: str
    value: str = ""
    interval: str = ""
    people: People | None = None


@dataclass(frozen=True)
class Cards:
    kind: ClassVar[str] = "cards"
    title: str
    items: tuple[Card, ...]
    note: str = ""
    explained: Explained | None = None


Block = Cards | Figures | Bars | Stripe | Picture | Table | Text | Missing


@dataclass(frozen=True)
class Chapter:
    """A question that an owner asks, the answer in a sentence or two, and what it rests on."""

    id: str
    question: str
    answer: str
    blocks: tuple[Block, ...] = field(default_factory=tuple)
