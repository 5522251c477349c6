"""Findings as cards of a chapter, and the honest line under them: how much was compared."""

from collections.abc import Iterable

from regulars.analytics.findings import Comparison, Finding, Found
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import words
from regulars.report.blocks import Card, Cards, Explained
from regulars.report.chapters.common import Context, likely
from regulars.report.sentences import action, sentence
from regulars.report.sentences.sentence import strength

MOST_SHOWN = 12  # in one chapter; the rest are in the files


def cards(
    context: Context, title: str, found: Found, *, chapters: Iterable[str] = (), explained: Explained | None = None
) -> Cards:
    """The findings of one analysis (or of some of its `chapters`), most money first, with what was compared."""
    wanted = set(chapters)
    findings = [one for one in found.findings if not wanted or one.chapter in wanted]
    findings.sort(key=lambda one: (one.money is None, -one.money.value if one.money else 0.0, one.id))
    shown = tuple(_card(context, one) for one in findings[:MOST_SHOWN])
    return Cards(title, shown, note=_note(len(findings), found.comparisons), explained=explained)


def _card(context: Context, finding: Finding) -> Card:
    money = finding.money
    return Card(
        text=sentence(finding, context.purse),
        action=action(finding, context.purse),
        strength=strength(finding),
        value="" if money is None else context.purse.about(money.value),
        interval="" if money is None else likely(context.purse.range(money)),
        people=context.people_found(finding),
    )


def _note(found: int, comparisons: tuple[Comparison, ...]) -> str:
    compared = sum(one.compared for one in comparisons)
    if not compared:
        return ""
    raw = sum(one.raw_significant for one in comparisons)
    reported = sum(one.reported for one in comparisons)
    if not (found or reported):
        return ngettext(
            "Nothing reliable found: {n} was compared, and it differs no more than chance makes things differ.",
            "Nothing reliable found: {n} were compared, and they differ no more than chance makes things differ.",
            compared,
        ).format(n=words.count(compared))
    return _("Compared: {compared}. Different at first sight: {raw}. Left after ruling chance out: {reported}.").format(
        compared=words.count(compared), raw=words.count(raw), reported=words.count(reported)
    )
