"""Why do they leave? What newcomers began with, and what regulars bought last."""

from collections.abc import Mapping
from typing import Any

from regulars.analytics.entry import Entry
from regulars.analytics.exits import FEWEST_EXPECTED, Exits
from regulars.analytics.findings import REPORTED_BELOW
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import words
from regulars.report.blocks import Block, Cell, Chapter, Column, Explained, Table
from regulars.report.chapters.common import Context, number, rows_of, table
from regulars.report.chapters.standings import bars, compared, reach
from regulars.report.findings import cards
from regulars.report.people import key_of
from regulars.report.sentences.levels import is_ours, level

_ROWS = 5_000
_EXITS_SHOWN = 10
_FEWEST_BARS = 2


def chapter(context: Context) -> Chapter:
    """Entry and exit."""
    reasons = context.audit.reasons
    blocks: list[Block] = []
    if reasons.entry is None:
        blocks.append(context.missing("entry"))
    else:
        blocks += _entry(context, reasons.entry)
    if reasons.exits is None:
        blocks.append(context.missing("exits"))
    else:
        blocks += _exits(context, reasons.exits)
    return Chapter("why", _("Why do they leave?"), _answer(context), tuple(blocks))


def _answer(context: Context) -> str:
    reasons = context.audit.reasons
    if reasons.entry is None and reasons.exits is None:
        return _("The purchases do not tell: there is too little to compare.")
    found = [one for result in (reasons.entry, reasons.exits) if result is not None for one in result.findings]
    worse = [one for one in found if one.kind != "entry_better"]
    if not worse:
        return _(
            "No product, place or discount was found after which customers leave more often than chance alone would "
            "have it. The reasons lie elsewhere, or the history is too short to show them."
        )
    return ngettext(
        "{n} place was found where customers are lost and comparable ones are not.",
        "{n} places were found where customers are lost and comparable ones are not.",
        len(worse),
    ).format(n=words.count(len(worse)))


def _entry(context: Context, entry: Entry) -> list[Block]:
    found: list[Block] = [cards(context, _("With what newcomers are lost, and with what they stay"), entry)]
    titles = {
        "product": _("Newcomers by the product of the first purchase"),
        "category": _("Newcomers by the category of the first purchase"),
    }
    dimension, shown = beginnings(entry)
    if shown:
        counted = _("{n} newcomers; comparable ones: {expected}")
        found.append(
            bars(
                titles[dimension],
                shown,
                widest=reach(shown),
                counted=counted,
                explained=_entry_method(context, entry),
                # what was counted on a sample has no list
                list_of=beginning_list if entry.newcomers == entry.of_newcomers else None,
            )
        )
    return found


def beginnings(entry: Entry) -> tuple[str, list[dict[str, Any]]]:
    """What newcomers began with, as far as it is drawn: the dimension and its rows."""
    rows = rows_of(entry.levels, limit=_ROWS)
    for dimension in ("product", "category"):
        shown = compared(rows, dimension)
        if len(shown) >= _FEWEST_BARS:
            return dimension, shown
    return "", []


def beginning_list(row: Mapping[str, Any]) -> str:
    """The id of the list of those who began with this."""
    return f"group:began:{row['dimension']}:{key_of(row['key'])}"


def _entry_method(context: Context, entry: Entry) -> Explained:
    return Explained(
        _(
            "The share of newcomers who came again within {window}, by what they began with, against newcomers whose "
            "first basket was as large and as dear, in the same month and store."
        ).format(window=words.days(context.audit.window_days)),
        _(
            "{n} newcomers; every product of the first day counts. Expected share by logistic regression, tested by "
            "its score; with many levels their own spread is the standard (Spiegelhalter 2005). False discoveries are "
            "held at 5% over all levels (Benjamini & Hochberg 1995). Levels with fewer than 30 newcomers are not "
            "compared."
        ).format(n=words.count(entry.newcomers)),
    )


def _exits(context: Context, exits: Exits) -> list[Block]:
    title = _("What regulars met last before they left")
    found: list[Block] = [cards(context, title, exits, explained=_exits_method(exits))]
    rows = rows_of(exits.levels, limit=_ROWS)
    if any(row["reported"] for row in rows):
        rows = sorted(filter(_comparable, rows), key=lambda row: (not row["reported"], row["p_value"], row["key"]))
        found.append(_last_visits(rows[:_EXITS_SHOWN]))
    return found


def _comparable(row: dict[str, Any]) -> bool:
    """What is worth a row beside those that stand out.

    What they met less often than usual is no reason to leave, what is hardly expected cannot be set against it, and a
    colleague whom nothing speaks against is not named.
    """
    more = row["last"] > row["expected"] >= FEWEST_EXPECTED
    return bool(row["reported"] or (more and row["dimension"] != "staff"))


def _last_visits(rows: list[dict[str, Any]]) -> Table:
    return table(
        _("At the last visit, and as their own earlier visits would have it"),
        [
            Column(_("What")),
            number(_("At the last visit")),
            number(_("By their own habit")),
            Column(_("What it means"), secondary=True),
        ],
        [
            (
                Cell(level(str(row["dimension"]), str(row["label"])), user=not is_ours(str(row["dimension"]))),
                words.count(row["last"]),
                words.count(row["expected"]),
                _meaning(row),
            )
            for row in rows
        ],
    )


def _meaning(row: dict[str, Any]) -> str:
    if row["reported"]:
        return _("stands out")
    # chance is ruled out for it too, but another thing met on the same visits tells it all
    return _("goes with another") if row["q_value"] < REPORTED_BELOW else _("chance would do")


def _exits_method(exits: Exits) -> Explained:
    return Explained(
        "",
        _(
            "{left} regulars who left for good, each compared with up to twelve of their own visits before the last "
            "one (case-crossover, Maclure 1991), and with {stayed} regulars who stayed, so that what simply became "
            "more usual with time is not taken for a reason (Suissa 1995)."
        ).format(left=words.count(exits.left), stayed=words.count(exits.stayed)),
    )
