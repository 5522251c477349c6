"""Who serves them well? Staff, shifts, channels and stores by whose customers come again."""

from typing import Any

from regulars.analytics.service import Service
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import words
from regulars.report.blocks import Block, Chapter, Explained
from regulars.report.chapters.common import Context, rows_of
from regulars.report.chapters.standings import bars, compared, funnel, reach
from regulars.report.findings import cards

_ROWS = 5_000
_FEWEST_BARS = 2


def chapter(context: Context) -> Chapter:
    """People and places."""
    service = context.audit.reasons.service
    title = _("Who serves them well?")
    if service is None:
        return Chapter("service", title, _("The purchases do not tell who served whom."), (context.missing("service"),))
    blocks: list[Block] = [cards(context, _("Where it is worth having a look"), service)]
    rows = rows_of(service.levels, limit=_ROWS)
    pictures = {dimension: compared(rows, dimension) for dimension in _headings()}
    widest = reach([row for shown in pictures.values() for row in shown])
    for dimension, heading in _headings().items():
        shown = pictures[dimension]
        if len(shown) >= _FEWEST_BARS:
            counted = _("{n} visits; comparable ones: {expected}")
            method = _method(context, service) if len(blocks) == 1 else None
            money = context.purse.money
            blocks.append(bars(heading, shown, widest=widest, counted=counted, explained=method, money=money))
        if dimension == "staff":
            blocks += _funnel(rows)
    return Chapter("service", title, _answer(context, service), tuple(blocks))


def _funnel(rows: list[dict[str, Any]]) -> list[Block]:
    staff = [row for row in rows if row["dimension"] == "staff"]
    found = funnel(_("Who stands out, and who is within chance"), staff, cases=_("Visits"))
    return [] if found is None else [found]


def _headings() -> dict[str, str]:
    return {
        "staff": _("By who served"),
        "store": _("By store"),
        "shift": _("By weekday and hour"),
        "channel": _("By channel"),
    }


def _answer(context: Context, service: Service) -> str:
    share = _("After {share} of visits the customer comes again within {window}.").format(
        share=words.percent(service.returned_share), window=words.days(context.audit.window_days)
    )
    found = len(service.findings)
    if not found:
        return (
            share
            + " "
            + _("Nobody and no place stands out beyond chance, once it is known who came, when and for what.")
        )
    stands = ngettext(
        "{n} person or place stands out beyond chance.", "{n} people or places stand out beyond chance.", found
    ).format(n=words.count(found))
    return f"{share} {stands}"


def _method(context: Context, service: Service) -> Explained:
    return Explained(
        _(
            "The share of visits after which the customer came again within {window}, against visits of comparable "
            "customers: how often they had come, how long they had been away, what and how much they bought, in which "
            "month, at which place."
        ).format(window=words.days(context.audit.window_days)),
        _(
            "{n} visits at least {window} ago. Expected share by logistic regression, tested by its score with the "
            "visits of one customer taken together; false discoveries are held at 5% over all that were compared "
            "(Benjamini & Hochberg 1995). Those with fewer than 30 visits are not compared, nor those who cannot be "
            "told apart from their place, such as the only seller of a store."
        ).format(n=words.count(service.visits), window=words.days(context.audit.window_days)),
    )
