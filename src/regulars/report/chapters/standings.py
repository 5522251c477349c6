"""Groups against comparable cases, drawn so that chance can be seen: bars to both sides of a middle."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from regulars.core.i18n import gettext as _
from regulars.report import charts, words
from regulars.report.blocks import Bar, Bars, Cell, Column, Explained, Picture
from regulars.report.chapters.common import number, table
from regulars.report.sentences.levels import is_ours, level

SHOWN = 12
FEWEST_DOTS = 5
_LISTED = 50

_MIDDLE = 0.5


def compared(rows: Sequence[dict[str, Any]], dimension: str) -> list[dict[str, Any]]:
    """What of a dimension could be compared: all that is reported and the largest of the rest, the worst first."""
    mine = [row for row in rows if row["dimension"] == dimension and row["raw_difference"] is not None]
    mine.sort(key=lambda row: (not row["reported"], -row["cases"], row["key"]))
    return sorted(mine[:SHOWN], key=lambda row: (row["raw_difference"], row["key"]))


def bars(
    title: str,
    rows: Sequence[dict[str, Any]],
    *,
    widest: float,
    counted: str,
    explained: Explained | None = None,
    money: Callable[[float], str] | None = None,
    list_of: Callable[[dict[str, Any]], str] | None = None,
) -> Bars:
    """One bar per group: to the left fewer come again than after comparable cases, to the right more.

    The first of several pictures is `explained`, and how to read it is said there. With `money` the mean check of each
    is written beside.
    """
    return Bars(
        title,
        tuple(_bar(row, widest, counted, money, list_of) for row in rows),
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


def _bar(
    row: dict[str, Any],
    widest: float,
    counted: str,
    money: Callable[[float], str] | None,
    list_of: Callable[[dict[str, Any]], str] | None,
) -> Bar:
    difference, half = row["raw_difference"], _half(row)
    note = counted.format(n=words.count(row["cases"]), expected=words.percent(row["expected"], 1))
    if money is not None and row["check"] is not None:
        note += "; " + _("mean check {check}").format(check=money(row["check"]))
    end = _MIDDLE + difference / widest / 2
    return Bar(
        label=level(row["dimension"], row["label"] or row["key"]),
        user=not is_ours(row["dimension"]),
        value=words.percent(row["share"], 1),
        note=note,
        start=min(_MIDDLE, end),
        end=max(_MIDDLE, end),
        low=max(_MIDDLE + (difference - half) / widest / 2, 0.0),
        high=min(_MIDDLE + (difference + half) / widest / 2, 1.0),
        tone=_tone(row),
        list_id=list_of(row) if list_of else "",
        count=row["cases"] if list_of else None,
    )


def _tone(row: dict[str, Any]) -> str:
    return "quiet" if not row["reported"] else ("bad" if row["raw_difference"] < 0 else "good")


def funnel(title: str, rows: Sequence[dict[str, Any]], *, cases: str) -> Picture | None:
    """All groups of a dimension by their number of cases; None where they are too few for a picture."""
    rows = [row for row in rows if row["raw_difference"] is not None and row["variance"] > 0]
    if len(rows) < FEWEST_DOTS:
        return None
    spread = median(row["variance"] * row["cases"] for row in rows)
    named = {id(row): level(row["dimension"], row["label"] or row["key"]) for row in rows}
    wide, narrow = charts.funnel(
        [
            charts.Dot(row["cases"], row["raw_difference"], _tone(row), named[id(row)])
            if row["reported"]
            else charts.Dot(row["cases"], row["raw_difference"])
            for row in rows
        ],
        lambda n: 1.96 * float((spread / n) ** 0.5),
        x_label=words.count,
        y_label=words.signed_percent,
        description=title,
    )
    listed = [
        (
            Cell(named[id(row)], user=not is_ours(row["dimension"])),
            words.count(row["cases"]),
            words.signed_percent(row["raw_difference"]),
        )
        for row in sorted(rows, key=lambda row: (-row["cases"], row["key"]))[:_LISTED]
    ]
    return Picture(
        title,
        wide,
        narrow,
        table(title, [Column(_("Who or what")), number(cases), number(_("Difference"))], listed),
        Explained(
            _(
                "Each dot is one of them: to the right, the more visits it has seen; higher, the more customers come "
                "again than after comparable visits. Between the dashed lines is what chance does in 19 cases of 20, "
                "so a dot in grey says nothing about anybody. In colour is only what is left after the correction for "
                "comparing many."
            ),
            _(
                "A funnel plot (Spiegelhalter 2005). The limits are 1.96 standard errors of a middling group of so "
                "many visits, the visits of one customer taken together."
            ),
        ),
    )
