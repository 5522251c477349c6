"""The headlines: what an owner reads first, on the page and in the terminal."""

from dataclasses import dataclass

from regulars.analytics.audit import Audit
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import words
from regulars.report.chapters import first, lifecycle, lost, newcomers, revenue_change
from regulars.report.chapters.common import Context, likely

_BEST = 3


@dataclass(frozen=True)
class Headline:
    """One line: `value` is ready to print, `interval` is empty where nothing was inferred.

    `id` is stable; `chapter` is the anchor of the chapter that explains it. When there is no answer,
    `value` says "not enough data" and `rule` says why.
    """

    id: str
    label: str
    value: str
    rule: str
    interval: str = ""
    chapter: str = ""
    known: bool = True


def headlines(audit: Audit) -> list[Headline]:
    """The headlines of an audit in the current language."""
    context = Context.of(audit)
    found = [
        _customers(context),
        _states(context),
        _slipping(context),
        _lost(context),
        _newcomers(context),
        _worth(context),
        _newcomer_limit(context),
        _change(context),
    ]
    return found + _opportunities(context)


def _customers(context: Context) -> Headline:
    base = context.audit.base
    return Headline(
        "customers",
        _("Customers"),
        words.count(base.customers),
        ngettext(
            "They left {receipts} receipt; all sales together came to {revenue}.",
            "They left {receipts} receipts; all sales together came to {revenue}.",
            base.receipts,
        ).format(receipts=words.count(base.receipts), revenue=context.purse.money(base.revenue)),
        chapter="have",
    )


def _states(context: Context) -> Headline:
    states = context.audit.lifecycle.states
    active = sum(states[state].customers for state in lifecycle.ACTIVE)
    return Headline(
        "states",
        _("Active, slipping, lost"),
        " / ".join(words.count(n) for n in (active, states["slipping"].customers, states["lost"].customers)),
        _("Each customer is judged by the silence since the last visit, against what silence has meant so far."),
        chapter="lifecycle",
    )


def _slipping(context: Context) -> Headline:
    slipping = context.audit.lifecycle.states["slipping"]
    return Headline(
        "slipping",
        _("Slipping away now"),
        words.count(slipping.customers),
        _("They spent {money} in the last year and have been silent for longer than usual: call them first.").format(
            money=context.purse.money(slipping.amount_year)
        ),
        chapter="lifecycle",
    )


def _lost(context: Context) -> Headline:
    found = context.audit.lost_last_year
    if found.reason:
        return _unknown("lost_last_year", _("Lost last year"), found.reason, "lost")
    return Headline(
        "lost_last_year",
        _("Lost last year"),
        context.purse.about(found.money.value),
        lost.rule(),
        likely(context.purse.range(found.money)) if found.customers else "",
        "lost",
    )


def _newcomers(context: Context) -> Headline:
    found = context.audit.newcomers
    label = _("Newcomers who never came back")
    if found.share is None:
        return _unknown(
            "newcomers", label, _("The history is too short to tell newcomers from old customers."), "newcomers"
        )
    return Headline(
        "newcomers",
        label,
        words.percent(found.share.value),
        newcomers.rule(),
        likely(words.percent_range(found.share)),
        "newcomers",
    )


def _worth(context: Context) -> Headline:
    ltv, purse = context.audit.ltv, context.purse
    if ltv.expected is None:
        return Headline(
            "worth",
            _("A customer has brought"),
            purse.about(ltv.historic_mean.value),
            _("The mean per customer so far; there is not enough data to look ahead."),
            likely(purse.range(ltv.historic_mean)),
            "worth",
        )
    return Headline(
        "worth",
        _("A customer will bring in a year"),
        purse.about(ltv.expected[12].value),
        _("The mean per present customer, after {historic} so far.").format(
            historic=purse.about(ltv.historic_mean.value)
        ),
        likely(purse.range(ltv.expected[12])),
        "worth",
    )


def _newcomer_limit(context: Context) -> Headline:
    ltv, purse = context.audit.ltv, context.purse
    label = _("Winning a customer may cost")
    if ltv.newcomer is None:
        return _unknown("newcomer_value", label, ltv.newcomer_reason or ltv.reason or "", "worth")
    return Headline(
        "newcomer_value",
        label,
        _("up to {money}").format(money=purse.about(ltv.newcomer[12].value)),
        _("What a new one brings in the first year, the first purchase included."),
        likely(purse.range(ltv.newcomer[12])),
        "worth",
    )


def _change(context: Context) -> Headline:
    change = context.audit.revenue_change
    label = _("Revenue against the period before")
    if change is None:
        return _unknown("revenue_change", label, context.missing("revenue_change").reason, "change")
    return Headline(
        "revenue_change", label, revenue_change.relative(change), revenue_change.answer(context, change), "", "change"
    )


def _opportunities(context: Context) -> list[Headline]:
    return [
        Headline(
            f"opportunity:{item.id}",
            first.title(item),
            context.purse.about(item.money.value),
            ngettext("{n} customer, {assumption}.", "{n} customers, {assumption}.", item.customers).format(
                n=words.count(item.customers), assumption=first.assumption(item)
            ),
            likely(context.purse.range(item.money)),
            "first",
        )
        for item in context.audit.opportunities.items[:_BEST]
    ]


def _unknown(id_: str, label: str, reason: str, chapter: str) -> Headline:
    return Headline(id_, label, _("not enough data"), reason, "", chapter, known=False)
