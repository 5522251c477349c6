"""What a simulation found, as sentences and as a table, in the language of the reader."""

from collections.abc import Iterator
from typing import NamedTuple

from regulars.analytics.estimate import Estimate
from regulars.core.i18n import format_date, format_number, format_percent, ngettext
from regulars.core.i18n import gettext as _
from regulars.loyalty.programme.conditions import Answered, InSegment, Privilege
from regulars.loyalty.programme.effects import NthFree
from regulars.loyalty.programme.rules import RuleSet
from regulars.loyalty.simulating import Effect, Group, Money, Simulation
from regulars.loyalty.unguarded import warning
from regulars.report.words import Purse


def sentences(found: Simulation, rules: RuleSet) -> list[str]:
    """The whole answer, what it is about first, what it does not know last."""
    purse = Purse(rules.currency)
    return [
        *_ground(found, purse),
        *_cost(found, purse),
        *_margin(found, found.draft, purse),
        *filter(None, [warning(found.unguarded, rules.guard)]),
        *_compared(found, purse),
        *_volume(found, purse, rules),
        *_limits(found, rules),
    ]


def rows(found: Simulation, rules: RuleSet) -> list[tuple[str, str, str]]:
    """Each rule of the draft: its title, how many customers, how much money; the dearest first."""
    purse, by_rule = Purse(rules.currency), found.draft.by_rule

    def worth(rule: str) -> float:
        money = by_rule[rule][1]
        return 0.0 if money is None else money.value

    by_money = sorted(rules.rules, key=lambda one: -worth(one.id))
    return [(one.title or one.id, _count(by_rule[one.id][0]), _money(by_rule[one.id][1], purse)) for one in by_money]


class GroupRow(NamedTuple):
    """A tier or a segment: whom of it the draft touches, what it gives them, what it leaves; and some of them by id."""

    title: str
    customers: str
    discount: str
    points: str
    margin: str
    people: tuple[int, ...]


def tier_rows(found: Simulation, rules: RuleSet) -> list[GroupRow]:
    """Each tier of the draft, upwards; none when it has no tiers."""
    tiers = rules.tiers
    return [
        _group(found, one, tiers.title(one.name) if tiers and one.name else _("Without a tier"), rules)
        for one in found.by_tier
    ]


def segment_rows(found: Simulation, rules: RuleSet) -> list[GroupRow]:
    """Each segment, by its name."""
    return [_group(found, one, one.name, rules) for one in found.by_segment]


def _group(found: Simulation, group: Group, title: str, rules: RuleSet) -> GroupRow:
    purse, effect = Purse(rules.currency), group.effect
    return GroupRow(
        title, _count(effect.customers), _money(effect.discount, purse), _money(effect.points, purse),
        _money(effect.margin, purse) if found.costed else "–", group.people,
    )  # fmt: skip


def _ground(found: Simulation, purse: Purse) -> Iterator[str]:
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
    if found.left_out:
        yield ngettext(
            "{count} receipt is left out: it has no lines, or more of something than a till sells.",
            "{count} receipts are left out: they have no lines, or more of something than a till sells.",
            found.left_out,
        ).format(count=format_number(found.left_out))


def _cost(found: Simulation, purse: Purse) -> Iterator[str]:
    draft = found.draft
    if draft.total is None:
        yield _("The draft would have touched so few that its cost cannot be told.")
    else:
        yield _(
            "The draft would have cost {total}, that is {share} of the turnover: {discount} of discounts, and points "
            "that can pay {points}."
        ).format(
            total=_money(draft.total, purse), discount=_money(draft.discount, purse),
            points=_money(draft.points, purse),
            share=format_percent(draft.total.value / max(1, found.turnover.value), 1),
        )  # fmt: skip
    yield _("It would have touched {customers} customers ({share}).").format(
        customers=_count(draft.customers), share=format_percent(draft.customers.value / found.customers)
    )


def _volume(found: Simulation, purse: Purse, rules: RuleSet) -> Iterator[str]:
    for volume, outcome in found.volume:
        points = ngettext("{n} point", "{n} points", outcome.points).format(n=format_number(outcome.points))
        yield ngettext(
            "“{title}” would have given {points} to {count} member for the last whole period: {money}.",
            "“{title}” would have given {points} to {count} members for the last whole period: {money}.",
            outcome.members,
        ).format(
            title=volume.name, points=points, count=format_number(outcome.members),
            money=purse.exact(outcome.points * rules.spending.worth),
        )  # fmt: skip


def _margin(found: Simulation, effect: Effect, purse: Purse) -> Iterator[str]:
    if effect.margin is None:
        yield _("What it leaves of the margin is not known: no cost of goods is.")
    else:
        yield _("Of goods of known cost ({share} of the turnover) it would have left a margin of {margin}.").format(
            share=format_percent(found.costed), margin=_money(effect.margin, purse)
        )


def _compared(found: Simulation, purse: Purse) -> Iterator[str]:
    if found.now is None:
        yield _("No programme is valid now: all of it is new cost.")
        return
    now, more = _money(found.now.total, purse), found.more
    if more is None:
        yield _("The rules of now would have cost {now}; the difference is too rare to tell.").format(now=now)
    elif more.value < 0:
        less = Estimate(-more.value, -more.high, -more.low)
        text = _("The rules of now would have cost {now}; the draft costs {more} less.")
        yield text.format(now=now, more=_money(less, purse))
    else:
        text = _("The rules of now would have cost {now}; the draft costs {more} more.")
        yield text.format(now=now, more=_money(more, purse))


def _limits(found: Simulation, rules: RuleSet) -> Iterator[str]:
    yield _(
        "Nobody buys more or less here because of the rules, and points are counted as if all of them were spent. "
        "Promo codes, cards that were shown, raised prices and goods that came back are not in it."
    )
    if any(rule.asks_for_card for rule in rules.rules):
        yield _("Which card was shown nobody knows: rules that ask for it give nothing here.")
    leaves = [leaf for rule in rules.rules for leaf in rule.when.leaves()]
    if found.by_segment or any(isinstance(one, InSegment | Privilege | Answered) for one in leaves):
        yield _("Segments, privileges and own fields are those of now: who has come back is in no segment of the lost.")
    if any(isinstance(rule.gives, NthFree) for rule in rules.rules):
        yield _("Stamps are counted from the first of these days.")


def _money(one: Money, purse: Purse) -> str:
    if one is None:
        return _("too rare to tell")
    if one.low == one.high:
        return purse.money(one.value)
    return f"{purse.about(one.value)} ({purse.range(one)})"


def _count(one: Estimate) -> str:
    if one.low == one.high:
        return format_number(round(one.value))
    return f"{format_number(round(one.value))} ({format_number(round(one.low))}–{format_number(round(one.high))})"
