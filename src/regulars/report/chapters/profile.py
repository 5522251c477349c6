"""Who are the best, and who is like them? Only where something is known of customers beside their purchases."""

from typing import Any

from regulars.analytics.profile import Profile, Reason
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import findings, names, words
from regulars.report.blocks import Block, Cell, Chapter, Column, Explained, Figure, Figures, Table, Text
from regulars.report.chapters.common import Context, likely, number, rows_of, table
from regulars.report.sentences.profile import level

LEVELS_SHOWN = 15


def chapter(context: Context) -> Chapter:
    """The best against the others, by their attributes."""
    title = _("Who are the best, and who is like them?")
    found = context.audit.reasons.profile
    if found is None:
        return Chapter("profile", title, context.missing("profile").reason)
    rows = rows_of(found.levels, limit=5000)
    blocks: list[Block] = [findings.cards(context, _("What sets the best apart"), found)]
    if found.alike is not None:
        blocks.append(_figures(context, found))
    blocks += [_levels(rows), Text(_reading(found), title=_("What was given"))]
    return Chapter("profile", title, _answer(found), tuple(blocks))


def _answer(found: Profile) -> str:
    apart = sum(one.kind != "profile:alike" for one in found.findings)
    first = ngettext(
        "{n} trait sets the best customers apart from the others beyond chance.",
        "{n} traits set the best customers apart from the others beyond chance.",
        apart,
    ).format(n=words.count(apart))
    if not apart:
        first = _("Nothing that is known of the customers sets the best apart from the others beyond chance.")
    return f"{first} {_told_apart(found)}"


def _told_apart(found: Profile) -> str:
    if found.alike is None:
        return ""
    auc = found.alike.auc
    if not found.alike.is_sure:
        return _("A score of all traits together does not recognise the best reliably: it is no better than a coin.")
    if auc.value < 0.65:
        return _("Together these traits tell the best from the others a little better than a coin.")
    return _("Together these traits tell the best from the others well.")


def _figures(context: Context, found: Profile) -> Figures:
    alike = found.alike
    assert alike is not None
    pairs = words.percent(alike.auc.value, 0)
    return Figures(
        (
            Figure(
                _("The best are recognised"),
                pairs,
                Explained(
                    _(
                        "Take one of the best and one other customer: in so many cases the score puts the best one "
                        "higher. A coin would in 50%."
                    ),
                    _(
                        "Area under the ROC curve by five-fold cross-validation on {n} customers: each is scored by "
                        "a model that has not seen him. Interval by DeLong (1988). The score is a ridge logistic "
                        "regression on the levels of all columns; weights have a normal prior with deviation 0.5."
                    ).format(n=words.count(alike.tested)),
                ),
                interval=likely(words.percent_range(alike.auc)),
                tone="good" if alike.is_sure else "quiet",
            ),
            Figure(
                _("Best customers"),
                words.count(found.best),
                Explained(_best_rule(context, found)),
                list_id="group:best",
                count=found.best,
            ),
        )
    )


def _best_rule(context: Context, found: Profile) -> str:
    money = context.purse.money(found.best_from)
    if found.by == "amount":
        return _("The fifth of the customers with attributes that has spent most: {money} and more.").format(
            money=money
        )
    return _(
        "The fifth of the customers with attributes of whom most is expected in the next 12 months: {money} and more."
    ).format(money=money)


def _levels(rows: list[dict[str, Any]]) -> Table:
    rows = sorted(rows, key=lambda row: (row["p_value"], row["heading"], row["level"]))[:LEVELS_SHOWN]
    return table(
        _("The best and the others, side by side"),
        [
            Column(_("Column")),
            Column(_("Value")),
            number(_("Of the best")),
            number(_("Of the others"), secondary=True),
            number(_("Times as often")),
            number(_("Likely"), secondary=True),
        ],
        [
            (
                Cell(names.given(row["heading"]), user=not names.is_ours(row["heading"])),
                Cell(level(row), user=row["low"] is None and row["high"] is None and not names.is_ours(row["level"])),
                words.percent(row["best_share"]),
                words.percent(row["others_share"]),
                Cell(words.times(row["lift"]), tone=_tone(row)),
                f"{words.decimal(row['lift_low'], 2)}{words.EN_DASH}{words.decimal(row['lift_high'], 2)}",
            )
            for row in rows
        ],
        note=_(
            "The clearest differences first. Numbers and days are cut into fifths. Ratios are drawn towards 1, the "
            "more, the fewer people stand behind them. Coloured: beyond chance, corrected for everything compared. "
            "A trait that follows from buying (points, a tier, the date of the card) explains nothing: leave it out."
        ),
    )


def _tone(row: dict[str, Any]) -> str:
    if row["q_value"] >= 0.05 or row["lift_low"] <= 1 <= row["lift_high"]:
        return ""
    return "good" if row["lift"] > 1 else "bad"


def _reading(found: Profile) -> tuple[str, ...]:
    matched = found.matched
    lines = [
        _("{rows} read; {customers} with attributes, {without} without.").format(
            rows=words.rows(matched.rows),
            customers=words.customers(matched.customers),
            without=words.count(matched.without_attributes),
        )
    ]
    if matched.repeated:
        lines.append(
            _(
                "Rows that name a customer again: {n}. Where they contradict each other, nothing is taken as known."
            ).format(n=words.count(matched.repeated))
        )
    if matched.unknown:
        lines.append(
            _("Customers who have bought nothing in this history: {n}.").format(n=words.count(matched.unknown))
        )
    if matched.without_customer:
        lines.append(_("Rows that name nobody: {n}.").format(n=words.count(matched.without_customer)))
    if found.left_out:
        shown = "; ".join(
            f"“{names.given(heading)}”: {_why(why)}" for heading, why in list(found.left_out.items())[:12]
        )
        lines.append(_("Columns left out: {columns}.").format(columns=shown))
    return tuple(lines)


def _why(reason: Reason) -> str:
    return {
        "empty": _("nothing is known"),
        "one_value": _("the same for everybody"),
        "all_different": _("nearly everybody has a value of their own"),
        "no_common_value": _("no value is common enough"),
        "too_many_columns": _("too many columns"),
        "contacts": _("a contact, not a trait"),
        "unreadable": _("holds lists or records"),
    }[reason]
