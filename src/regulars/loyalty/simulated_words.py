"""What a simulation found, as sentences and as a table, in the language of the reader."""

from collections.abc import Iterator

from regulars.analytics.estimate import Estimate
from regulars.core.i18n import format_date, format_number, format_percent, ngettext
from regulars.core.i18n import gettext as _
from regulars.loyalty.programme.rules import RuleSet
from regulars.loyalty.simulating import Effect, Simulation
from regulars.report.words import Purse


def sentences(found: Simulation, currency: str) -> Iterator[str]:
    """The whole answer, what it is about first, what it does not know last."""
    purse = Purse(currency)
    yield ngettext(
        "In the last {days} day, since {day}, {customers} known customers bought for {turnover} before discounts.",
        "In the last {days} days, since {day}, {customers} known customers bought for {turnover} before discounts.",
        found.days,
    ).format(
        days=format_number(found.days), day=format_date(found.begin), customers=format_number(found.customers),
        turnover=_money(found.turnover, purse),
    )  # fmt: skip
    if found.looked_at < found.customers:
        yield _("Judged are {count} of them, drawn by lot; in brackets is where the whole lies with 95 %.").format(
            count=format_number(found.looked_at)
        )
    yield _(
        "The draft would have cost {total}, that is {share} of the turnover: {discount} of discounts, and points that "
        "can pay {points}."
    ).format(
        total=_money(found.draft.total, purse), discount=_money(found.draft.discount, purse),
        points=_money(found.draft.points, purse),
        share=format_percent(found.draft.total.value / max(1, found.turnover.value), 1),
    )  # fmt: skip
    yield _("It would have touched {customers} customers ({share}) and {receipts} receipts.").format(
        customers=_count(found.draft.customers), share=format_percent(found.draft.customers.value / found.customers),
        receipts=_count(found.draft.receipts),
    )  # fmt: skip
    yield from _margin(found, found.draft, purse)
    if found.now is None:
        yield _("No programme is valid now: all of it is new cost.")
    else:
        more, less = found.more, found.more.value < 0
        sure = Estimate(-more.value, -more.high, -more.low) if less else more
        text = (
            _("The rules of now would have cost {now}; the draft costs {more} less.")
            if less
            else _("The rules of now would have cost {now}; the draft costs {more} more.")
        )
        yield text.format(now=_money(found.now.total, purse), more=_money(sure, purse))
    yield _(
        "Nobody buys more or less here because of the rules, and points are counted as if all of them were spent. "
        "Promo codes, raised prices and goods that came back are not in it."
    )


def rows(found: Simulation, rules: RuleSet) -> list[tuple[str, str, str]]:
    """Each rule of the draft: its title, how many customers, how much money; the dearest first."""
    purse = Purse(rules.currency)
    by_money = sorted(rules.rules, key=lambda one: -found.draft.by_rule[one.id][1].value)
    return [
        (one.title or one.id, _count(found.draft.by_rule[one.id][0]), _money(found.draft.by_rule[one.id][1], purse))
        for one in by_money
    ]


def _margin(found: Simulation, effect: Effect, purse: Purse) -> Iterator[str]:
    if effect.margin is None:
        yield _("What it leaves of the margin is not known: no cost of goods is.")
    else:
        yield _("Of goods of known cost ({share} of the turnover) it would have left a margin of {margin}.").format(
            share=format_percent(found.costed), margin=_money(effect.margin, purse)
        )


def _money(one: Estimate, purse: Purse) -> str:
    if one.low == one.high:
        return purse.money(one.value)
    return f"{purse.about(one.value)} ({purse.range(one)})"


def _count(one: Estimate) -> str:
    if one.low == one.high:
        return format_number(round(one.value))
    return f"{format_number(round(one.value))} ({format_number(round(one.low))}–{format_number(round(one.high))})"
