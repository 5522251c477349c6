"""A set of rules: everything that decides what a basket costs a member. Kept as JSON, described in the reference."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import check_currency
from regulars.loyalty.programme.conditions import (
    ALWAYS,
    CONDITION,
    EVERYTHING,
    MOST_DAYS,
    SCOPE,
    Condition,
    OfCard,
    ReceiptSum,
    Scope,
)
from regulars.loyalty.programme.effects import (
    EFFECT,
    MOST_POINTS,
    ByPoints,
    ByTurnover,
    Discount,
    Effect,
    NthFree,
    Percent,
)
from regulars.loyalty.programme.floating import Terms
from regulars.loyalty.programme.holdout import place
from regulars.loyalty.programme.reading import (
    FLAG,
    TEXT,
    Codec,
    Record,
    choice,
    has,
    hundredths,
    read_object,
    read_record,
    record,
    refuse,
    whole,
    write_record,
)
from regulars.loyalty.programme.tiers import Tiers
from regulars.loyalty.programme.volume import VOLUME, Volume
from regulars.loyalty.programme.watch import Watch

FORMAT = 1
MOST_RULES = 300
MOST_COMBINATIONS = 1_000
_MARGIN = hundredths(0, 99_99)


@dataclass(frozen=True)
class Rule(Record):
    """One rule. `order` is its place, the smaller the earlier; `group` is the name of one that excludes others.

    `holdout` is the share of members, in hundredths of a per cent, who go without it.
    """

    id: str = has(TEXT)
    gives: Effect = has(EFFECT)
    title: str = has(TEXT, default="")
    when: Condition = has(CONDITION, default=ALWAYS)
    on: Scope = has(SCOPE, default=EVERYTHING)
    group: str = has(TEXT, default="")
    order: int = has(whole(0, 10**6), default=100)
    for_: str = has(choice("members", "everybody"), default="members")
    holdout: int = has(hundredths(1_00, 50_00), default=0)

    @cached_property
    def takes_money_off(self) -> bool:
        """Whether it is a discount; the others give points."""
        return isinstance(self.gives, Discount)

    @cached_property
    def has_threshold(self) -> bool:
        """Whether it looks at the sum of the receipt, which other discounts may change."""
        return any(isinstance(leaf, ReceiptSum) for leaf in self.when.leaves())

    @cached_property
    def asks_for_card(self) -> bool:
        """Whether it looks at the card that is shown."""
        return any(isinstance(leaf, OfCard) for leaf in self.when.leaves())


def _read_groups(raw: Any, where: str) -> dict[str, str]:
    data = read_object(raw, where)
    kind = choice("receipt", "line")
    return {TEXT.read(name, where): kind.read(data[name], f"{where}.{name}") for name in sorted(data)}


@dataclass(frozen=True)
class Stacking(Record):
    """How rules meet. Those in no group all act; of a group one acts, on a receipt or on each line.

    `choose` says which: the combination with the most money off (of points rules, with the most points), or the first
    by order. `percent_of` and `thresholds` look at the original price, or at what earlier rules left of it.
    """

    choose: str = has(choice("best_for_customer", "priority"))
    percent_of: str = has(choice("original", "running"))
    thresholds: str = has(choice("original", "running"))
    multipliers: str = has(choice("multiply", "greatest"), default="greatest")
    groups: Mapping[str, str] = has(Codec(_read_groups, dict), default={})

    @property
    def running_thresholds(self) -> bool:
        """Whether one rule may take another's threshold away."""
        return self.thresholds == "running"


@dataclass(frozen=True)
class Accrual(Record):
    """Which money earns points."""

    basis: str = has(choice("before_discounts", "after_discounts"))
    on_part_paid_with_points: bool = has(FLAG)


@dataclass(frozen=True)
class Offline(Record):
    """What a till without a line may take: so many points on a receipt, on so many receipts of a card in a day."""

    most_points: int = has(whole(1, MOST_POINTS))
    most_receipts: int = has(whole(1, 1_000), default=1)


@dataclass(frozen=True)
class Spending(Record):
    """What points pay. A discount lowers the price of goods; a means of payment leaves it and pays a part of it.

    A till without a line takes none, unless `offline` says how many.
    """

    as_: str = has(choice("discount", "payment"))
    worth: int = has(whole(1, 10**9))
    most_share: int = has(hundredths(0, 100_00))
    on: Scope = has(SCOPE, default=EVERYTHING)
    offline: Offline | None = has(record(Offline), default=None)


def _read_days(raw: Any, where: str) -> int | None:
    return None if raw is None else int(whole(1, MOST_DAYS).read(raw, where))


@dataclass(frozen=True)
class Life(Record):
    """How long points live: they can be spent `after_days` after the purchase, and then for `days` (null: for ever).

    Points that come back by a return when their time is over live `late_days` more; 0: they are lost. A member may owe
    up to `most_debt` points when goods come back whose points he has spent.
    """

    after_days: int = has(whole(0, MOST_DAYS), default=0)
    days: int | None = has(Codec(_read_days), default=None)
    late_days: int = has(whole(0, MOST_DAYS), default=0)
    most_debt: int = has(whole(0, MOST_POINTS), default=0)


def _read_floors(raw: Any, where: str) -> dict[str, int | None]:
    data = read_object(raw, where)
    return {
        TEXT.read(name, where): None if data[name] is None else _MARGIN.read(data[name], f"{where}.{name}")
        for name in sorted(data)
    }


def _write_floors(floors: Mapping[str, int | None]) -> dict[str, str | None]:
    return {name: None if one is None else _MARGIN.write(one) for name, one in floors.items()}


@dataclass(frozen=True)
class Guard(Record):
    """The least margin, in hundredths of a per cent of what is paid. A category with none is not guarded at all.

    `unknown_cost`: a line of which the shop does not know the cost may be lowered freely (`allow`), not at all
    (`no_discount`), or by `unknown_most` of its price (`at_most`).
    """

    line: int = has(_MARGIN, default=0)
    receipt: int = has(_MARGIN, default=0)
    categories: Mapping[str, int | None] = has(Codec(_read_floors, _write_floors), default={})
    unknown_cost: str = has(choice("allow", "no_discount", "at_most"), default="no_discount")
    unknown_most: int = has(hundredths(0, 100_00), default=0)


def _read_rules(raw: Any, where: str) -> tuple[Rule, ...]:
    if not isinstance(raw, list) or len(raw) > MOST_RULES:
        refuse(where, raw, _("a list of at most {most} rules").format(most=MOST_RULES))
    return tuple(read_record(Rule, one, f"{where}[{index}]") for index, one in enumerate(raw))


def _write_rules(rules: tuple[Rule, ...]) -> list[dict[str, Any]]:
    return [write_record(one) for one in rules]


@dataclass(frozen=True)
class RuleSet(Record):
    """All rules that are valid together, in the order in which they act."""

    currency: str = has(TEXT)
    stacking: Stacking = has(record(Stacking))
    accrual: Accrual = has(record(Accrual))
    spending: Spending = has(record(Spending))
    rules: tuple[Rule, ...] = has(Codec(_read_rules, _write_rules))
    life: Life = has(record(Life), default=Life())
    guard: Guard | None = has(record(Guard), default=None)
    never_discounted: Scope | None = has(record(Scope), default=None)
    price_watch_days: int = has(whole(0, 366), default=0)
    tiers: Tiers | None = has(record(Tiers), default=None)
    volume: tuple[Volume, ...] = has(VOLUME, default=())
    watch: Watch = has(record(Watch), default=Watch())

    def __post_init__(self) -> None:
        # the order in which rules were written down must change nothing
        object.__setattr__(self, "rules", tuple(sorted(self.rules, key=lambda one: (one.order, one.id))))

    @cached_property
    def discounts(self) -> tuple[Rule, ...]:
        """Rules that take money off, in their order."""
        return tuple(one for one in self.rules if one.takes_money_off)

    @cached_property
    def for_points(self) -> tuple[Rule, ...]:
        """Rules that give points, in their order."""
        return tuple(one for one in self.rules if not one.takes_money_off)

    @cached_property
    def asked(self) -> tuple[Condition, ...]:
        """Everything that a receipt is asked for, condition by condition."""
        return tuple(leaf for one in self.rules for leaf in one.when.leaves())

    @cached_property
    def periods(self) -> tuple[str, ...]:
        """The periods of which a member's turnover must be known."""
        return tuple(sorted({one.gives.period for one in self.rules if isinstance(one.gives, ByTurnover)}))

    @cached_property
    def floating(self) -> frozenset[Terms]:
        """The terms by which a member's floating points must be known."""
        return frozenset(one.gives.terms for one in self.rules if isinstance(one.gives, ByPoints))

    def for_member(self, member: str) -> "RuleSet":
        """Without the rules that the lot leaves this member out of."""
        held = {one.id for one in self._held_out if place(one.id, member) < one.holdout} if member else set()
        return replace(self, rules=tuple(one for one in self.rules if one.id not in held)) if held else self

    @cached_property
    def _held_out(self) -> tuple[Rule, ...]:
        return tuple(one for one in self.rules if one.holdout)

    def is_per_line(self, group: str) -> bool:
        """Whether the group lets one rule act on each line, not one on the receipt."""
        return self.stacking.groups.get(group) == "line"


def parse(data: Any) -> RuleSet:
    """The rule set in its JSON form, checked; `InputError` says where it is wrong and what would be right."""
    raw = read_object(data, "programme")
    if raw.get("format") != FORMAT:
        refuse("programme.format", raw.get("format"), str(FORMAT))
    found = read_record(RuleSet, raw, "programme", besides=("format",))
    check_currency(found.currency)
    _check_ids(found)
    _check_groups(found)
    for rule in found.rules:
        _check_rule(rule)
    if found.guard is not None and (found.guard.unknown_cost == "at_most") != (found.guard.unknown_most > 0):
        raise InputError(_("programme.guard: 'unknown_most' goes with 'unknown_cost': 'at_most', and is above 0."))
    return found


def as_json(rules: RuleSet) -> dict[str, Any]:
    """The rule set in its JSON form; `parse` gives it back."""
    return {"format": FORMAT, **write_record(rules)}


def _check_ids(found: RuleSet) -> None:
    for name, times in Counter(one.id for one in found.rules).items():
        if times > 1:
            raise InputError(_("The rule id {id!r} is used {times} times. Give each rule its own.").format(
                id=name, times=times
            ))  # fmt: skip
    counters = Counter(one.gives.counter for one in found.rules if isinstance(one.gives, NthFree))
    for counter, times in counters.items():
        if times > 1:
            raise InputError(
                _("The stamps {counter!r} are counted by {times} rules. Give each rule its own counter.").format(
                    counter=counter, times=times
                )
            )


def _check_groups(found: RuleSet) -> None:
    known = found.stacking.groups
    for rule in found.rules:
        if rule.group and rule.group not in known:
            raise InputError(
                _("Rule {id!r} is of the group {group!r}, which is not in stacking.groups. Known: {known}.").format(
                    id=rule.id, group=rule.group, known=", ".join(known) or "-"
                )
            )
    for group, reach in known.items():
        _check_group(group, reach, [one for one in found.rules if one.group == group])
    for rules in (found.discounts, found.for_points):
        sizes = Counter(one.group for one in rules if one.group and known[one.group] == "receipt")
        if prod(sizes.values()) > MOST_COMBINATIONS:
            raise InputError(
                _("The groups make {count} combinations; {most} can be compared at a till. Unite some groups.").format(
                    count=prod(sizes.values()), most=MOST_COMBINATIONS
                )
            )


def _check_group(group: str, reach: str, rules: list[Rule]) -> None:
    if len({one.takes_money_off for one in rules}) > 1:
        raise InputError(
            _("The group {group!r} mixes rules that take money off with rules that give points. Make two.").format(
                group=group
            )
        )
    for rule in rules:
        if reach == "line" and not isinstance(rule.gives, Percent):
            raise InputError(
                _(
                    "Rule {id!r} gives {kind}; in the group {group!r}, where rules compete line by line, there can be "
                    "percentages only. Make the group one per receipt."
                ).format(id=rule.id, kind=rule.gives.kind, group=group)
            )


def _check_rule(rule: Rule) -> None:
    if rule.holdout and rule.for_ == "everybody":
        raise InputError(
            _(
                "Rule {id!r} is for everybody and leaves members out: nobody knows a stranger. Make it for members."
            ).format(id=rule.id)
        )
    if rule.for_ == "everybody" and not rule.takes_money_off:
        raise InputError(
            _("Rule {id!r} gives points to everybody, but only members can have points. Make it for members.").format(
                id=rule.id
            )
        )
