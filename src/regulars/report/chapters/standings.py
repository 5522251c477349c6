"""Groups against comparable cases, drawn so that chance can be seen: bars to both sides of a middle."""

from collections.abc import Sequence
from typing import Any

from regulars.core.i18n import gettext as _
from regulars.report import words
from regulars.report.blocks import Bar, Bars, Explained
from regulars.report.sentences.levels import is_ours, level

SHOWN = 12

_MIDDLE = 0.5


def compared(rows: Sequence[dict[str, Any]], dimension: str) -> list[dict[str, Any]]:
    """What of a dimension could be compared: all that is reported and the largest of the rest, the worst first."""
    mine = [row for row in rows if row["dimension"] == dimension and row["raw_difference"] is not None]
    mine.sort(key=lambda row: (not row["reported"], -row["cases"], row["key"]))
    return sorted(mine[:SHOWN], key=lambda row: (row["raw_difference"], row["key"]))


def bars(
    title: str, rows: Sequence[dict[str, Any]], *, widest: float, counted: str, explained: Explained | None = None
) -> Bars:
    """One bar per group: to the left fewer come again than after comparable cases, to the right more.

    The first of several pictures is `explained`, and how to read it is said there.
    """
    return Bars(
        title,
        tuple(_bar(row, widest, counted) for row in rows),
        explained,
        scale=_reading() if explained else "",
    )


def _reading() -> str:
    return _(
        "The middle is what comparable customers do. To the left: fewer come again; to the right: more. The thin line "
        "is where the truth probably lies; what is grey differs no more than chance makes things differ."
    )


def reach(rows: Sequence[dict[str, Any]]) -> float:
    """The largest difference that any line of these reaches: pictures side by side have one scale."""
    return max([abs(row["raw_difference"]) + _half(row) for row in rows], default=1.0)


def _half(row: dict[str, Any]) -> float:
    return 1.96 * float(row["variance"] ** 0.5)


def _bar(row: dict[str, Any], widest: float, counted: str) -> Bar:
    difference, half = row["raw_difference"], _half(row)
    end = _MIDDLE + difference / widest / 2
    return Bar(
        label=level(row["dimension"], row["label"] or row["key"]),
        user=not is_ours(row["dimension"]),
        value=words.percent(row["share"], 1),
        note=counted.format(n=words.count(row["cases"]), expected=words.percent(row["expected"], 1)),
        start=min(_MIDDLE, end),
        end=max(_MIDDLE, end),
        low=max(_MIDDLE + (difference - half) / widest / 2, 0.0),
        high=min(_MIDDLE + (difference + half) / widest / 2, 1.0),
        tone="quiet" if not row["reported"] else ("bad" if difference < 0 else "good"),
    )
