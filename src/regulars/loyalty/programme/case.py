"""One basket before the judge: its lines in an order of their own, so that the order of scanning changes nothing."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.loyalty.programme.basket import Basket, Line, Member
from regulars.loyalty.programme.conditions import Condition, Scope, Seen
from regulars.loyalty.programme.rules import Rule, RuleSet


@dataclass(frozen=True)
class Case:
    """The basket, the member and the rules; `lines` are the basket's, sorted by what they are."""

    rules: RuleSet
    basket: Basket
    member: Member | None

    def __post_init__(self) -> None:
        for period in self.rules.periods if self.member else ():
            if period not in self.member.turnover:  # type: ignore[union-attr]
                raise InputError(
                    _("A rule asks for the turnover of the period {period!r}: add it to what is known of the member.")
                    .format(period=period)
                )  # fmt: skip
        if self.member and (unknown := self.rules.floating - self.member.floating.keys()):
            raise InputError(
                _("A rule asks for the floating points by {terms}: add them to what is known of the member.").format(
                    terms=min(map(str, unknown))
                )
            )

    @cached_property
    def places(self) -> tuple[int, ...]:
        """Where each of the sorted lines stands in the basket."""
        lines = self.basket.lines
        return tuple(sorted(range(len(lines)), key=lambda place: _content(lines[place])))

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The lines in the order of what they are."""
        return tuple(self.basket.lines[place] for place in self.places)

    @cached_property
    def prices(self) -> tuple[int, ...]:
        """Before any discount."""
        return tuple(line.price for line in self.lines)

    def is_for_him(self, rule: Rule) -> bool:
        """Whether the rule speaks of members, and he is one, or of everybody."""
        return self.member is not None or rule.for_ == "everybody"

    def unmet(self, rule: Rule, prices: tuple[int, ...]) -> tuple[Condition, ...]:
        """Which conditions do not hold while the goods cost so much; none: the rule holds."""
        if self._may_change(rule):
            return rule.when.unmet(Seen(self.basket, self.lines, self.member, prices))
        if rule.id not in self._settled:
            self._settled[rule.id] = rule.when.unmet(Seen(self.basket, self.lines, self.member, self.prices))
        return self._settled[rule.id]

    def _may_change(self, rule: Rule) -> bool:
        """Whether other rules may give or take what it needs."""
        return rule.has_threshold and self.rules.stacking.running_thresholds

    @cached_property
    def _settled(self) -> dict[str, tuple[Condition, ...]]:
        return {}

    def is_possible(self, rule: Rule) -> bool:
        """Whether it can hold at all, whatever other rules do to the prices."""
        return self.is_for_him(rule) and (self._may_change(rule) or not self.unmet(rule, self.prices))

    def covered(self, scope: Scope, *, discounting: bool) -> tuple[bool, ...]:
        """Which lines are in the scope, less those that are never discounted."""
        key = (scope, discounting)
        if key not in self._covered:
            self._covered[key] = self._covers(scope, discounting=discounting)
        return self._covered[key]

    @cached_property
    def _covered(self) -> dict[tuple[Scope, bool], tuple[bool, ...]]:
        return {}

    def _covers(self, scope: Scope, *, discounting: bool) -> tuple[bool, ...]:
        never = self.rules.never_discounted if discounting else None
        return tuple(scope.covers(line) and not (never and never.covers(line)) for line in self.lines)


def _content(line: Line) -> tuple[object, ...]:
    return (
        line.product, line.category, line.quantity, line.price, -1 if line.cost is None else line.cost,
        line.price_raised_on or dt.date.min,
    )  # fmt: skip
