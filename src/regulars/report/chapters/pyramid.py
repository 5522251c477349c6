"""The loyalty pyramid as bars, for the chapter on who the customers are."""

from typing import Any

from regulars.analytics.pyramid import FEWEST_CATEGORIES, FEWEST_VISITS, Pyramid
from regulars.core.i18n import gettext as _
from regulars.report import names, words
from regulars.report.blocks import Bar, Bars, Explained, Missing
from regulars.report.chapters.common import Context, rows_of, share


def block(context: Context) -> Bars | Missing:
    """The stages from the bottom to the top."""
    found = context.audit.reasons.pyramid
    if found is None:
        return context.missing("pyramid")
    rows = rows_of(found.stages)
    widest = max((row["customers"] or 0 for row in rows), default=0)
    return Bars(
        _("Loyalty pyramid: each stage stands on the one before"),
        tuple(_bar(context, row, widest) for row in rows),
        _explained(found),
        scale=_("Customers of the last 365 days."),
    )


def _bar(context: Context, row: dict[str, Any], widest: int) -> Bar:
    label, note = names.loyalty_stage(row["stage"]), names.loyalty_stage_meaning(row["stage"])
    if row["customers"] is None:
        return Bar(label, _("not seen in purchases"), 0.0, note=note)
    details = [context.purse.money(row["amount"])]
    if row["share_of_below"] is not None:
        details.append(_("{share} of the stage before").format(share=words.percent(row["share_of_below"])))
    if row["customers_before"] is not None:
        details.append(_("a year ago {n}").format(n=words.count(row["customers_before"])))
    return Bar(
        label=label,
        value=words.count(row["customers"]),
        end=share(row["customers"], widest),
        note=note,
        interval=" · ".join(details),
        people=context.people(f"pyramid:{row['stage']}", row["customers_here"]),
        list_id=f"stage:{row['stage']}",
        count=row["customers"],
    )


def _explained(found: Pyramid) -> Explained:
    definition = _(
        "Buys: a visit in the last 365 days. Satisfied: has come back within {window} at least once in that time. "
        "Prefers us: {visits} visits or more, four of five returns within {window}, the last visit no longer ago than "
        "that."
    ).format(window=words.days(found.window_days), visits=FEWEST_VISITS)
    if found.uses_categories:
        definition += " " + _("Bought from {n} categories or more.").format(n=FEWEST_CATEGORIES)
    return Explained(
        _("Whoever stands on a stage stands on all before it. Coming back is taken for being content."), definition
    )
