"""What the programme cost and what its rules earned, in the language of the reader."""

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from regulars.analytics.estimate import Estimate
from regulars.core.i18n import N_, format_date, format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.loyalty.breakage import FEWEST_DECIDED
from regulars.loyalty.differences import Gain
from regulars.loyalty.economics import Cost, Economics, Outcome
from regulars.loyalty.expenses import Kind
from regulars.loyalty.trials import FEWEST, Group, Trial
from regulars.report.words import Purse, percent, percent_range


def cost_sentences(found: Economics, purse: Purse) -> list[str]:
    """What it cost and what it would have to bring, for somebody who decides about it."""
    return [*_cost(found, purse), *_breakage(found), *_gifts(found, purse), *_uplift(found, purse)]


@dataclass(frozen=True)
class CostTable:
    """What the programme cost, each kind on a line of its own: first of all members, then of each tier."""

    heads: list[str]
    lines: list[tuple[str, list[str]]]
    together: list[str]
    share: list[str]  # of the turnover
    spent: list[str]  # the share of points that is spent in the end
    uplift: list[str]  # how much more they must buy for it to pay


def cost_table(found: Economics, purse: Purse, titles: dict[str, str]) -> CostTable:
    """The dearest tier first. Points are valued at the share that is spent in the end."""
    whole = _column(found.whole, found.expenses, found)
    tiers = {tier: _column(one, found.shares[tier], found.outcomes[tier]) for tier, one in found.by_tier.items()}
    ordered = sorted(tiers, key=lambda tier: (-sum(tiers[tier].values()), tier))
    costs, columns = [found.whole], [whole]
    if list(tiers) not in ([""], []):
        costs, columns = (
            [*costs, *(found.by_tier[one] for one in ordered)],
            [*columns, *(tiers[one] for one in ordered)],
        )
    else:
        ordered = []
    outcomes: list[Outcome] = [found, *(found.outcomes[one] for one in ordered)]
    sums = [sum(one.values()) for one in columns]
    lines = [
        (_("Members who bought"), [format_number(one.members) for one in costs]),
        (_("Turnover before discounts"), [purse.exact(one.turnover) for one in costs]),
        *((_(_LINES[name]), [purse.exact(one.get(name, 0)) for one in columns]) for name in whole),
    ]
    return CostTable(
        [_("All members"), *(titles.get(one, one) if one else _("Without a tier") for one in ordered)], lines,
        [purse.exact(one) for one in sums],
        [percent(one / of.turnover) if of.turnover else "–" for one, of in zip(sums, costs, strict=True)],
        [_spent(one) for one in outcomes],
        [_pays(one) for one in outcomes],
    )  # fmt: skip


_LINES = {
    "discounts": N_("Discounts of rules"),
    "points": N_("Points that were promised"),
    "gifts": N_("Gifts, beyond their points"),
    "cards": N_("Cards given out"),
    "fees": N_("Paid by members for cards"),
    **{str(kind.value): str(kind.label) for kind in Kind},
}


def _spent(one: Outcome) -> str:
    if one.spent_share is None:
        return _("not enough data")
    return _ranged(one.spent_share)


def _pays(one: Outcome) -> str:
    if one.cost.value <= 0:
        return "–"
    if one.uplift is None:
        return _("not known: no cost of goods")
    return _("it cannot pay") if math.isinf(one.uplift.value) else _ranged(one.uplift)


def _ranged(share: Estimate) -> str:
    if percent(share.low) == percent(share.high):
        return percent(share.value)
    if math.isinf(share.high):
        return _("{value} (at least {low})").format(value=percent(share.value), low=percent(share.low))
    return f"{percent(share.value)} ({percent_range(share)})"


def _column(one: Cost, expenses: Mapping[str, int], outcome: Outcome) -> dict[str, float]:
    own = {
        "discounts": one.discount, "points": outcome.promised.value, "gifts": one.gifts_beyond, "cards": one.cards,
        "fees": -one.fees,
    }  # fmt: skip
    return own | {str(kind): expenses.get(kind, 0) for kind in Kind.values}


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


def _gifts(found: Economics, purse: Purse) -> Iterator[str]:
    if found.whole.gifts:
        yield _(
            "Gifts that were taken cost {gifts}. Their points were counted when they were promised, so only {beyond} "
            "is added: what gifts cost more than their points are worth."
        ).format(gifts=purse.money(found.whole.gifts), beyond=purse.money(found.whole.gifts_beyond))
    if sum(found.expenses.values()):
        yield _(
            "Nobody can tell for which tier messages, work and other expenses were: they are shared by the number of "
            "members who bought."
        )


def _breakage(found: Economics) -> Iterator[str]:
    share = found.spent_share
    if share is not None:
        yield _("Of points whose time is over, {share} were spent ({low}–{high}); the rest expired.").format(
            share=percent(share.value), low=percent(share.low), high=percent(share.high)
        )
    elif found.share_of_all:
        yield _(
            "Fewer than {count} of these members have points whose time is over: the share that all members spend is "
            "taken."
        ).format(count=FEWEST_DECIDED)
    elif found.lasting.value is not None:
        yield _(
            "Points never expire: of those that were watched longest {share} were spent, and they count at it."
        ).format(share=percent(found.lasting.value))
    elif found.lasting.low:
        yield _(
            "How many of the points are spent in the end is not known yet: at least {low}, and all of them is the most "
            "it can cost."
        ).format(low=percent(found.lasting.low))
    elif found.whole.earned:
        yield _("How many of the points are spent in the end is not known yet: all of them is the most it can cost.")
    if any(one.spent_share for one in found.outcomes.values()) and len(found.outcomes) > 1:
        yield _(
            "Points of a tier count at the share that is spent of points earned in it, where enough is known, so tiers "
            "need not add up to all members."
        )


def _uplift(found: Economics, purse: Purse) -> Iterator[str]:
    if found.cost.value <= 0:
        return
    yield _(
        "With discounts, promised points, gifts, cards and expenses the programme costs {cost}, {share} of the "
        "turnover."
    ).format(cost=purse.about(found.cost.value), share=percent(found.cost.value / max(1, found.whole.turnover)))
    if found.uplift is None:
        yield _(
            "How much more members must buy for it to pay is not known: no cost of goods is. "
            "Add costs on the page Goods."
        )
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
    return [_who(one, zone), *(_compared(one, purse) if one.treated and one.held else [_not_yet(one, zone)])]


def _who(one: Trial, zone: dt.tzinfo) -> str:
    since = format_date(one.since.astimezone(zone).date())
    return _("Members with the rule since {since}: {with_it}; without it, by lot: {without}.").format(
        since=since, with_it=format_number(one.counts[0]), without=format_number(one.counts[1])
    )


def _not_yet(one: Trial, zone: dt.tzinfo) -> str:
    if min(one.counts) >= FEWEST:
        day = format_date(one.looked_at_from.astimezone(zone).date())
        return _("It is compared from {day} on, after four whole weeks.").format(day=day)
    return _("Not enough data: each of both groups needs at least {count} members.").format(count=FEWEST)


def _compared(one: Trial, purse: Purse) -> Iterator[str]:
    assert one.treated and one.held and one.paid
    yield _("A member paid {with_it} on average with it, {without} without it, after discounts.").format(
        with_it=_average(one.treated, purse), without=_average(one.held, purse)
    )
    yield _gained(one.paid, purse, _("of turnover"))
    if one.margin:
        yield _gained(one.margin, purse, _("of margin, where the cost of goods is known"))
    if not one.paid.is_shown:
        yield _size(one)
    yield _(
        "Who looks every day finds a difference by chance sooner or later. These intervals are so wide that they hold "
        "however often you look, and all rules together are corrected for their number."
    )
    yield _("Points that are not spent yet, and gifts, are not in these differences; they are in the cost below.")


def _average(group: Group, purse: Purse) -> str:
    return f"{purse.about(group.paid.value)} ({purse.range(group.paid)})"


def _gained(gain: Gain, purse: Purse, what: str) -> str:
    if gain.stands_out_alone and not gain.is_shown:
        text = _(
            "Alone the difference {what} would stand out ({total}), but among so many comparisons chance makes one "
            "like it."
        )
    elif not gain.is_shown:
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
