"""What the programme cost and what its rules earned, in the language of the reader."""

import datetime as dt
import math
from collections.abc import Iterator

from regulars.core.i18n import format_date, format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.loyalty.economics import Cost, Economics
from regulars.loyalty.trials import FEWEST, Gain, Group, Trial
from regulars.report.words import Purse, percent


def cost_sentences(found: Economics, purse: Purse) -> list[str]:
    """What it cost and what it would have to bring, for somebody who decides about it."""
    return [*_cost(found, purse), *_breakage(found), *_uplift(found, purse)]


def cost_rows(found: Economics, purse: Purse, titles: dict[str, str]) -> list[tuple[str, ...]]:
    """By tier, the dearest first: title, members, turnover, discounts, paid by points, promised points, share of it."""
    by_cost = sorted(found.by_tier.items(), key=lambda one: (-one[1].discount - one[1].by_points, one[0]))
    return [
        (
            titles.get(tier, tier) if tier else _("Without a tier"),
            format_number(one.members),
            purse.exact(one.turnover),
            purse.exact(one.discount),
            purse.exact(one.by_points),
            format_number(one.earned),
            percent((one.discount + one.by_points) / one.turnover) if one.turnover else "–",
        )
        for tier, one in by_cost
    ]


def _cost(found: Economics, purse: Purse) -> Iterator[str]:
    whole = found.whole
    yield ngettext(
        "{count} member bought for {turnover} before discounts. Rules took off {discount}, points paid {points}.",
        "{count} members bought for {turnover} before discounts. Rules took off {discount}, points paid {points}.",
        whole.members,
    ).format(
        count=format_number(whole.members), turnover=purse.money(whole.turnover),
        discount=purse.money(whole.discount), points=purse.money(whole.by_points),
    )  # fmt: skip
    if whole.earned:
        promised = purse.about(found.promised.value)
        if found.promised.low != found.promised.high:
            promised += f" ({purse.range(found.promised)})"
        yield ngettext(
            "{count} point was promised: it will take off about {promised}.",
            "{count} points were promised: they will take off about {promised}.",
            whole.earned,
        ).format(count=format_number(whole.earned), promised=promised)


def _breakage(found: Economics) -> Iterator[str]:
    share = found.spent_share
    if share is not None:
        yield _("Of points whose time is over, {share} were spent ({low}–{high}); the rest expired.").format(
            share=percent(share.value), low=percent(share.low), high=percent(share.high)
        )
    elif found.whole.earned:
        yield _("How many of the points are spent in the end is not known yet: all of them is the most it can cost.")


def _uplift(found: Economics, purse: Purse) -> Iterator[str]:
    if not found.cost.value:
        return
    yield _(
        "With discounts, promised points and other costs the programme costs {cost}, {share} of the turnover."
    ).format(cost=purse.about(found.cost.value), share=percent(found.cost.value / max(1, found.whole.turnover)))
    if found.uplift is None:
        yield _("How much more members must buy for it to pay is not known: no cost of goods is.")
    elif math.isinf(found.uplift.value):
        yield _("It costs more than these goods leave: no growth of purchases at this margin pays for it.")
    else:
        yield _(
            "It pays when because of it members buy at least {share} more than they would have bought anyway."
        ).format(share=percent(found.uplift.value))


def trial_title(one: Trial) -> str:
    """What people call the rule."""
    return one.rule.title or one.rule.id


def trial_sentences(one: Trial, purse: Purse, zone: dt.tzinfo) -> list[str]:
    """What is known of a rule that some members go without; what is not known is said too."""
    return [_who(one, zone), *(_compared(one, purse) if one.treated and one.held else [_too_few()])]


def _who(one: Trial, zone: dt.tzinfo) -> str:
    since = format_date(one.since.astimezone(zone).date())
    return _("Members with the rule since {since}: {with_it}; without it, by lot: {without}.").format(
        since=since, with_it=format_number(one.counts[0]), without=format_number(one.counts[1])
    )


def _too_few() -> str:
    return _("Not enough data: each of both groups needs at least {count} members.").format(count=FEWEST)


def _compared(one: Trial, purse: Purse) -> Iterator[str]:
    assert one.treated and one.held and one.paid and one.margin
    yield _("A member paid {with_it} on average with it, {without} without it, after discounts.").format(
        with_it=_average(one.treated, purse), without=_average(one.held, purse)
    )
    yield _gained(one.paid, purse, _("of turnover"))
    if one.treated.margin.value or one.held.margin.value:
        yield _gained(one.margin, purse, _("of margin, where the cost of goods is known"))
    if not one.paid.is_shown:
        yield _size(one)
    yield _("Points that are not spent yet, and gifts, are not in it.")


def _average(group: Group, purse: Purse) -> str:
    return f"{purse.about(group.paid.value)} ({purse.range(group.paid)})"


def _gained(gain: Gain, purse: Purse, what: str) -> str:
    if not gain.is_shown:
        text = _("No difference {what} is shown: it is somewhere {total} for all members with the rule.")
    elif gain.each.value > 0:
        text = _("The rule brought {value} {what} ({total}).")
    else:
        text = _("The rule cost {value} {what} ({total}): members without it bring more.")
    return text.format(what=what, value=purse.about(abs(gain.total.value)), total=purse.range(gain.total))


def _size(one: Trial) -> str:
    if one.needed is None:
        return _("To see a difference of 5% even half of all members without the rule would be too few: wait longer.")
    if one.needed <= one.counts[1]:
        return _("A difference of 5% would most likely have been seen: if there is one, it is smaller.")
    return ngettext(
        "To see a difference of 5% about {count} member must go without it.",
        "To see a difference of 5% about {count} members must go without it.",
        one.needed,
    ).format(count=format_number(one.needed))


def whole_is_empty(cost: Cost) -> bool:
    """Whether no member bought at a till."""
    return not cost.receipts
