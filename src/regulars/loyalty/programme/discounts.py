"""Which rules take money off, and how much off each line. Each rule acts once, in order.

Of a group that allows one rule on a receipt, `best_for_customer` tries every combination and keeps the one with the
most money off after the margin guard; of equals, the one whose rule ids come first in the alphabet. `priority` takes
the first by order that gives anything. A group that allows one rule on a line acts in the place of its first rule: each
line gets its highest percentage, or the first by order.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from regulars.loyalty.programme.case import Case
from regulars.loyalty.programme.effects import (
    AmountOff,
    ByPoints,
    ByQuantity,
    BySum,
    ByTurnover,
    NthFree,
    Percent,
    PercentOff,
    step_percent,
)
from regulars.loyalty.programme.margin import allowed
from regulars.loyalty.programme.rounding import half_up, parts, spread
from regulars.loyalty.programme.rules import Rule


@dataclass(frozen=True)
class Part:
    """What one rule takes off each line; `free` are the units that it makes free there, of `stamped` in all."""

    rule: str
    off: tuple[int, ...]
    free: tuple[int, ...] = ()
    stamped: int = 0

    @property
    def gives(self) -> bool:
        """Whether the customer has anything of it."""
        return any(self.off) or self.stamped > 0


@dataclass
class Walk:
    """The rules, one after another. `acted` are the rules that gave something, by group."""

    case: Case
    prices: tuple[int, ...]
    parts: list[Part] = field(default_factory=list)
    acted: dict[str, str] = field(default_factory=dict)
    before: dict[str, tuple[int, ...]] = field(default_factory=dict)  # what the goods cost when a rule's turn came

    def off(self) -> list[int]:
        """All discounts of each line."""
        return [price - left for price, left in zip(self.case.prices, self.prices, strict=True)]


@dataclass(frozen=True)
class Lowered:
    """What the guard left of a combination."""

    walk: Walk
    allowed: tuple[int, ...]

    @property
    def total(self) -> int:
        """All money off."""
        return sum(self.allowed)


def discounts(case: Case) -> Lowered:
    """The combination that the rule set chooses, with the guard's word on it."""
    if case.rules.stacking.choose == "priority":
        return _guarded(case, _walk(case, None))
    found = ((_guarded(case, _walk(case, chosen)), chosen) for chosen in combinations(case, case.rules.discounts))
    return min(found, key=lambda one: (-one[0].total, sorted(one[1].values())))[0]


def combinations(case: Case, rules: tuple[Rule, ...]) -> Iterator[dict[str, str]]:
    """Every way to choose one possible rule of each group that allows one on a receipt: group to rule id."""
    groups: dict[str, list[str]] = {}
    for rule in rules:
        if rule.group and not case.rules.is_per_line(rule.group) and case.is_possible(rule):
            groups.setdefault(rule.group, []).append(rule.id)
    for choice in itertools.product(*groups.values()):
        yield dict(zip(groups, choice, strict=True))


def _guarded(case: Case, walk: Walk) -> Lowered:
    nothing = [0] * len(case.lines)
    return Lowered(walk, tuple(allowed(case.lines, case.rules.guard, walk.off(), nothing)))


def _walk(case: Case, chosen: Mapping[str, str] | None) -> Walk:
    walk = Walk(case, case.prices)
    done: set[str] = set()
    for rule in case.rules.discounts:
        if case.rules.is_per_line(rule.group):
            if rule.group not in done:
                done.add(rule.group)
                _act_by_line(walk, [one for one in case.rules.discounts if one.group == rule.group])
            continue
        walk.before[rule.id] = walk.prices
        if _may_act(walk, rule, chosen):
            _take(walk, rule.group, _part(walk, rule))
    return walk


def _may_act(walk: Walk, rule: Rule, chosen: Mapping[str, str] | None) -> bool:
    if rule.group and (rule.group in walk.acted if chosen is None else chosen.get(rule.group) != rule.id):
        return False
    return _holds(walk, rule)


def _holds(walk: Walk, rule: Rule) -> bool:
    return walk.case.is_for_him(rule) and not walk.case.unmet(rule, walk.prices)


def _take(walk: Walk, group: str, part: Part) -> None:
    if not part.gives:
        return
    walk.parts.append(part)
    walk.prices = tuple(price - off for price, off in zip(walk.prices, part.off, strict=True))
    if group:
        walk.acted[group] = part.rule


def _act_by_line(walk: Walk, rules: list[Rule]) -> None:
    walk.before |= {rule.id: walk.prices for rule in rules}
    holding = [rule for rule in rules if _holds(walk, rule)]
    rates = [_rates(walk, rule) for rule in holding]
    if walk.case.rules.stacking.choose == "priority":
        won = [next((n for n, rate in enumerate(rates) if rate[i]), None) for i in range(len(walk.prices))]
    else:
        ranks = sorted(range(len(holding)), key=lambda n: holding[n].id)
        won = [max(ranks, key=lambda n: rates[n][i], default=None) for i in range(len(walk.prices))]
    best = [rates[n][i] if n is not None else 0 for i, n in enumerate(won)]
    off = _percent_off(walk, best)
    for number, rule in enumerate(holding):
        part = Part(rule.id, tuple(one if won[i] == number else 0 for i, one in enumerate(off)))
        _take(walk, rule.group, part)


def _part(walk: Walk, rule: Rule) -> Part:
    gives = rule.gives
    if isinstance(gives, Percent):
        return Part(rule.id, tuple(_percent_off(walk, _rates(walk, rule))))
    covered = walk.case.covered(rule.on, discounting=True)
    if isinstance(gives, AmountOff):
        weights = [price if one else 0 for price, one in zip(walk.prices, covered, strict=True)]
        return Part(rule.id, tuple(spread(min(gives.amount, sum(weights)), weights)))
    assert isinstance(gives, NthFree)
    return _nth_free(walk, rule.id, gives, covered)


def _rates(walk: Walk, rule: Rule) -> list[int]:
    """The rule's percentage on each line, in hundredths."""
    covered = walk.case.covered(rule.on, discounting=True)
    rate = _rate(walk, rule, covered)
    return [rate if one else 0 for one in covered]


def _rate(walk: Walk, rule: Rule, covered: tuple[bool, ...]) -> int:
    gives, member, case = rule.gives, walk.case.member, walk.case
    if isinstance(gives, PercentOff):
        return gives.percent
    if isinstance(gives, ByQuantity):
        return step_percent(
            gives.steps, int(sum(line.quantity for line, one in zip(case.lines, covered, strict=True) if one))
        )
    if isinstance(gives, BySum):
        prices = walk.prices if case.rules.stacking.running_thresholds else case.prices
        return step_percent(gives.steps, sum(price for price, one in zip(prices, covered, strict=True) if one))
    if member is None:
        return 0
    if isinstance(gives, ByTurnover):
        return step_percent(gives.steps, member.turnover[gives.period])
    assert isinstance(gives, ByPoints)
    return step_percent(gives.steps, member.floating[gives.terms])


def _base(walk: Walk) -> tuple[int, ...]:
    return walk.case.prices if walk.case.rules.stacking.percent_of == "original" else walk.prices


def _percent_off(walk: Walk, rates: list[int]) -> list[int]:
    """Rounded once for all lines, so that a line rung up as two costs the same."""
    exact = [
        min(base * rate, price * 100_00) for base, rate, price in zip(_base(walk), rates, walk.prices, strict=True)
    ]
    return parts(exact, 100_00, half_up(sum(exact), 100_00))


def _nth_free(walk: Walk, rule: str, gives: NthFree, covered: tuple[bool, ...]) -> Part:
    """A unit bought is a stamp; so many stamps make a unit free, and are spent with it."""
    lines, member = walk.case.lines, walk.case.member
    free, off = [0] * len(lines), [0] * len(lines)
    units = {
        i: int(line.quantity)
        for i, line in enumerate(lines)
        if covered[i] and line.price and line.quantity == line.quantity.to_integral_value()
    }
    if member is None or not units:
        return Part(rule, tuple(off))
    stamped = sum(units.values())
    left = min(stamped, (member.stamps.get(gives.counter, 0) + stamped) // gives.n)
    base = _base(walk)
    for i in sorted(units, key=lambda i: Fraction(lines[i].price, units[i])):
        free[i] = min(left, units[i])
        left -= free[i]
        off[i] = min(walk.prices[i], half_up(free[i] * base[i], units[i]))
    return Part(rule, tuple(off), tuple(free), stamped)
