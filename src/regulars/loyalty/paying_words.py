"""Whether a rule pays, in the language of the reader."""

from collections.abc import Iterator

from regulars.core.i18n import gettext as _
from regulars.loyalty.differences import Gain
from regulars.loyalty.paying import Payoff
from regulars.report.words import Purse, percent


def paying_table(found: Payoff, purse: Purse) -> list[tuple[str, list[str]]]:
    """What it brought, what it cost and what is left: of one member, and of all who have it."""
    brought = (
        _("Margin that it brought, before its cost") if found.is_margin else _("Money that it brought, before its cost")
    )
    lines = (
        (brought, found.brought), (_("Its cost: discounts, points, gifts beyond their points"), found.cost),
        (_("What is left"), found.net),
    )  # fmt: skip
    return [(title, [_cell(gain, whole, purse) for whole in (False, True)]) for title, gain in lines]


def paying_sentences(found: Payoff, purse: Purse) -> list[str]:
    """Whether it pays, and what is in these figures."""
    return [_verdict(found, purse), *_explained(found)]


def _cell(gain: Gain, whole: bool, purse: Purse) -> str:
    one = gain.total if whole else gain.each
    return f"{purse.signed(one.value)} ({purse.range(one)})"


def _verdict(found: Payoff, purse: Purse) -> str:
    net = found.net
    if net.stands_out_alone and not net.is_shown:
        text = _(
            "Alone what is left would stand out ({range}), but among so many comparisons chance makes one like it."
        )
    elif not net.is_shown:
        text = _("Whether it pays is not shown: what is left is somewhere {range}.")
    elif net.total.value < 0:
        text = _("It does not pay: it cost {value} more than it brought ({range}).")
    elif found.is_margin:
        text = _("It pays: it brought {value} more than it cost ({range}).")
    else:
        text = _("It brought {value} more money than it cost ({range}).")
    return text.format(value=purse.about(abs(net.total.value)), range=purse.range(net.total))


def _explained(found: Payoff) -> Iterator[str]:
    if found.is_margin:
        yield _("Receipts count where the cost of goods is known.")
    else:
        yield _("No cost of goods is known, so this is money and no profit: what the goods cost is not taken off.")
    share = found.price.share
    if share.value is None:
        yield _(
            "How many points are spent in the end is not known: here all of them count, and the intervals hold from "
            "{low} to {high}."
        ).format(low=percent(share.low), high=percent(share.high))
    else:
        yield _("Points cost once, when they are promised, at the share that is spent in the end: {share}.").format(
            share=percent(share.value)
        )
