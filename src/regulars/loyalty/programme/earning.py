"""Points for a purchase. A rule's points are rounded down once for the whole receipt, after they were multiplied.

Of a group of which one rule acts, `best_for_customer` takes the combination with the most points; of equals, the one
whose rule ids come first in the alphabet. `priority` takes the first by order that holds for something in the basket.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from regulars.loyalty.programme.case import Case
from regulars.loyalty.programme.discounts import combinations
from regulars.loyalty.programme.effects import (
    Earning,
    Multiplier,
    PointsByTier,
    PointsGift,
    PointsPer,
    PointsPercent,
    PointsTimes,
)
from regulars.loyalty.programme.rounding import parts, spread
from regulars.loyalty.programme.rules import Rule


@dataclass(frozen=True)
class Earned:
    """Points of each rule on each line; how many hundredfold each multiplier made them; who acted for his group."""

    points: Mapping[str, tuple[int, ...]]
    times: Mapping[str, int]
    acted: Mapping[str, str]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(sum(one) for one in self.points.values())


def earn(case: Case, base: tuple[int, ...], prices: tuple[int, ...]) -> Earned:
    """The points for so much money on each line, while the goods cost `prices`."""
    holding = [rule for rule in case.rules.for_points if case.member is not None and not case.unmet(rule, prices)]
    if case.rules.stacking.choose == "priority":
        return _earned(case, _first(case, holding), base)
    choices = combinations(case, tuple(holding))
    found = ((_earned(case, _chosen(holding, chosen), base), chosen) for chosen in choices)
    return min(found, key=lambda one: (-one[0].total, sorted(one[1].values())))[0]


def _chosen(rules: list[Rule], chosen: Mapping[str, str]) -> list[Rule]:
    return [rule for rule in rules if not rule.group or chosen.get(rule.group) == rule.id]


def _first(case: Case, rules: list[Rule]) -> list[Rule]:
    found, taken = [], set()
    for rule in rules:
        if rule.group in taken or not _touches(case, rule):
            continue
        found.append(rule)
        if rule.group:
            taken.add(rule.group)
    return found


def _touches(case: Case, rule: Rule) -> bool:
    return any(case.covered(rule.on, discounting=False)) and (
        not isinstance(rule.gives, Multiplier) or _times(case, rule.gives) > 100
    )


def _earned(case: Case, rules: list[Rule], base: tuple[int, ...]) -> Earned:
    multipliers = [rule for rule in rules if isinstance(rule.gives, Multiplier) and _touches(case, rule)]
    times = {rule.id: _times(case, rule.gives) for rule in multipliers}
    factors, whole = _factors(case, multipliers)
    points = {rule.id: _points(case, rule, base, factors, whole) for rule in rules if rule.id not in times}
    points = {rule: found for rule, found in points.items() if any(found)}
    acted = {rule.group: rule.id for rule in rules if rule.group and (rule.id in points or rule.id in times)}
    return Earned(points, times, acted)


def _times(case: Case, gives: object) -> int:
    if isinstance(gives, PointsTimes):
        return gives.times
    assert isinstance(gives, PointsByTier)
    return gives.times.get(case.member.tier, 100) if case.member else 100


def _factors(case: Case, multipliers: list[Rule]) -> tuple[list[int], int]:
    """By how much points of each line are multiplied, and what of it is one."""
    on_line = [
        [_times(case, rule.gives) if one else 100 for one in case.covered(rule.on, discounting=False)]
        for rule in multipliers
    ]
    if case.rules.stacking.multipliers == "greatest":
        return [max((times[i] for times in on_line), default=100) for i in range(len(case.lines))], 100
    return [prod(times[i] for times in on_line) for i in range(len(case.lines))], 100 ** len(multipliers)


def _points(case: Case, rule: Rule, base: tuple[int, ...], factors: list[int], whole: int) -> tuple[int, ...]:
    gives, covered = rule.gives, case.covered(rule.on, discounting=False)
    if isinstance(gives, PointsGift):
        return _gift(case, gives.points, covered)
    if not isinstance(gives, Earning):
        return ()
    if isinstance(gives, PointsPer):
        points, per = gives.points, gives.per
    else:
        assert isinstance(gives, PointsPercent)
        points, per = gives.percent, 100_00 * case.rules.spending.worth
    exact = [points * money * factor if one else 0 for money, factor, one in zip(base, factors, covered, strict=True)]
    return tuple(parts(exact, per * whole, sum(exact) // (per * whole)))


def _gift(case: Case, points: int, covered: tuple[bool, ...]) -> tuple[int, ...]:
    if not any(covered):
        return tuple(0 for _one in covered)
    weights = [line.price if one else 0 for line, one in zip(case.lines, covered, strict=True)]
    return tuple(spread(points, weights if any(weights) else list(map(int, covered))))
