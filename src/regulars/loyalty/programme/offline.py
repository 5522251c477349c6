"""What a till decides without a line: a snapshot of the rules, and the judgement by it, the same on till and server.

The snapshot names no person, no promo code and no cost. Whoever shows a card gets what follows from the basket alone;
what depends on his past (tier, turnover, stamps) and his points are for the server, when it is told.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.loyalty.programme.basket import Basket, Line, Member
from regulars.loyalty.programme.conditions import (
    AllOf,
    Answered,
    AnyOf,
    Birthday,
    Condition,
    InSegment,
    Not,
    OfCard,
    OfTier,
    Privilege,
    PromoCode,
    PurchaseNumber,
    Repeat,
)
from regulars.loyalty.programme.effects import AmountOff, ByQuantity, BySum, PercentOff
from regulars.loyalty.programme.judging import OWN, Judged, JudgedLine, judge
from regulars.loyalty.programme.margin import least_part
from regulars.loyalty.programme.rounding import spread
from regulars.loyalty.programme.rules import Guard, Life, Rule, RuleSet, as_json, parse
from regulars.loyalty.programme.watch import Watch

FORMAT = 1
AHEAD = dt.timedelta(minutes=5)  # how far a till's clock may be off
_OF_MEMBERS = (Answered, Birthday, InSegment, OfCard, OfTier, Privilege, PromoCode, PurchaseNumber, Repeat)
_OF_BASKETS = (AmountOff, ByQuantity, BySum, PercentOff)
_NO_CODE = PromoCode(("-",))
_SOMEBODY = Member()


@dataclass(frozen=True)
class Goods:
    """What the shop knows of a product; `cost` is of one unit, in minor units."""

    code: str
    category: str = ""
    cost: int | None = None
    price_raised_on: dt.date | None = None


@dataclass(frozen=True)
class Version:
    """Rules from a moment on. `least` has the least prices of one unit: of a line, and the part in a receipt's."""

    programme: int
    valid_from: dt.datetime
    rules: RuleSet
    least: Mapping[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """What one till sells by, in one store, from one moment until another."""

    id: str
    till: str
    store: str
    zone: str
    partner: str
    made_at: dt.datetime
    valid_until: dt.datetime
    goods: Mapping[str, Any]
    versions: tuple[Version, ...]

    def version_at(self, at: dt.datetime) -> Version:
        """The rules of this moment. Raises `InputError` for one at which the snapshot could not be sold by."""
        self.check(at)
        begun = [one for one in self.versions if one.valid_from <= at]
        return begun[-1] if begun else self.versions[0]

    def check(self, at: dt.datetime) -> None:
        """Raise when nobody can have sold by it at this moment: then a clock is wrong, or it is over."""
        if at < self.made_at - AHEAD:
            raise InputError(
                _("{moment} is before the till's rules were fetched ({made}): the clock of the till is wrong.").format(
                    moment=at.isoformat(), made=self.made_at.isoformat()
                )
            )
        if at > self.valid_until:
            raise InputError(
                _(
                    "The till's rules were valid until {until}, and its clock says {moment}. Fetch them again, or set "
                    "the clock."
                ).format(until=self.valid_until.isoformat(), moment=at.isoformat())
            )

    def basket(self, lines: Sequence[Line], version: Version, *, at: dt.datetime, channel: str) -> Basket:
        """These goods with what the snapshot knows of them."""
        found = tuple(self._known(line, version) for line in lines)
        return Basket(
            store=self.store, store_zone=self.zone, channel=channel, purchased_at=at, lines=found, partner=self.partner
        )

    def _known(self, line: Line, version: Version) -> Line:
        known = self.goods.get(line.product)
        if known is None:
            return replace(line, cost=None, in_receipt=None, price_raised_on=None)
        raised, least = known.get("price_raised_on"), version.least.get(line.product)
        least = [least, least] if isinstance(least, str) else least
        parts = [Fraction(one) * Fraction(line.quantity) for one in least] if least else None
        return replace(
            line, category=known.get("category") or line.category, cost=parts[0] if parts else None,
            in_receipt=parts[1] if parts else None,
            price_raised_on=dt.date.fromisoformat(raised) if raised else None,
        )  # fmt: skip


# --- the till's judgement ---


def judge_offline(
    snapshot: Snapshot, lines: Sequence[Line], *, at: dt.datetime, has_card: bool, channel: str = "",
    points: int = 0, spent_before: int = 0,
) -> Judged:  # fmt: skip
    """What the goods cost. `spent_before`: on how many receipts of the day this till took points of this card.

    Raises `InputError` when the snapshot is over, a clock is wrong, or more points are asked for than may be taken.
    """
    caps = snapshot.version_at(at).rules.spending.offline
    if points and caps is None:
        raise InputError(_("Without a line no points are taken: the rules allow none."))
    if points and caps and points > caps.most_points:
        raise InputError(
            _("Without a line {most} points may be taken on a receipt, not {points}.").format(
                most=caps.most_points, points=points
            )
        )
    if points and caps and spent_before >= caps.most_receipts:
        raise InputError(_("No more points of this card may be taken today without a line."))
    return judge_by(snapshot, lines, at=at, has_card=has_card, channel=channel, points=points)


def judge_by(
    snapshot: Snapshot, lines: Sequence[Line], *, at: dt.datetime, has_card: bool, channel: str = "", points: int = 0
) -> Judged:
    """The same without a look at the caps: the server counts them itself."""
    version = snapshot.version_at(at)
    basket = snapshot.basket(lines, version, at=at, channel=channel)
    if not has_card:
        return judge(basket, None, version.rules)
    return judge(basket, _SOMEBODY, for_any_member(version.rules), points)


def for_any_member(rules: RuleSet) -> RuleSet:
    """The rules that act alike for every member: those that ask for his past, or draw lots, wait for the server.

    Somebody of whom nothing is known has bought nothing, so "the first purchase" would hold for him each time.
    """
    return replace(rules, rules=tuple(one for one in rules.rules if _is_for_any(one)))


def _is_for_any(rule: Rule) -> bool:
    asks = any(isinstance(leaf, _OF_MEMBERS) for leaf in rule.when.leaves())
    return isinstance(rule.gives, _OF_BASKETS) and not rule.holdout and not asks


def as_paid(judged: Judged, paid: int) -> Judged:
    """The judgement with the money that was taken: what is missing is a discount of the till's own, what is more than
    judged takes discounts away, the last first. `paid` is at most the price less what points pay."""
    gap = judged.to_pay - paid
    if gap >= 0:
        own = spread(gap, [one.to_pay for one in judged.lines])
        lines = [_lowered(one, off) for one, off in zip(judged.lines, own, strict=True)]
    else:
        less = spread(-gap, [one.discount for one in judged.lines])
        lines = [_raised(one, back) for one, back in zip(judged.lines, less, strict=True)]
    return replace(judged, lines=tuple(lines))


def _lowered(line: JudgedLine, off: int) -> JudgedLine:
    return replace(line, discounts=(*line.discounts, (OWN, off))) if off else line


def _raised(line: JudgedLine, back: int) -> JudgedLine:
    kept = []
    for rule, off in reversed(line.discounts):
        cut = min(off, back)
        back -= cut
        kept.append((rule, off - cut))
    return replace(line, discounts=tuple((rule, off) for rule, off in reversed(kept) if off))


# --- what a snapshot says ---


def facts(versions: Iterable[tuple[int, dt.datetime, RuleSet]], goods: Iterable[Goods]) -> dict[str, Any]:
    """What is the same for all tills, as JSON."""
    known = list(goods)
    return {
        "goods": {one.code: _good(one) for one in known},
        "versions": [
            {
                "programme": programme, "valid_from": valid_from.isoformat(), "rules": as_json(told(rules)),
                "least": {one.code: least for one in known if (least := _least(one, rules.guard)) is not None},
            } for programme, valid_from, rules in versions
        ],
    }  # fmt: skip


def read(text: str) -> Snapshot:
    """The snapshot of this text, whose signature was looked at before."""
    data = json.loads(text)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError(_("This is no snapshot of rules that this till understands: update the till."))
    return Snapshot(
        id=data["id"], till=data["till"], store=data["store"], zone=data["zone"], partner=data["partner"],
        made_at=dt.datetime.fromisoformat(data["made_at"]),
        valid_until=dt.datetime.fromisoformat(data["valid_until"]),
        goods=data["goods"], versions=read_versions(data),
    )  # fmt: skip


def read_versions(data: Mapping[str, Any]) -> tuple[Version, ...]:
    """The rules of a snapshot, the earliest first."""
    return tuple(
        Version(one["programme"], dt.datetime.fromisoformat(one["valid_from"]), parse(one["rules"]), one["least"])
        for one in data["versions"]
    )


def told(rules: RuleSet) -> RuleSet:
    """The rules as a till is told them: discounts alone, without codes, margins and what is watched."""
    guard = rules.guard and Guard(
        categories={name: None for name, margin in rules.guard.categories.items() if margin is None},
        unknown_cost=rules.guard.unknown_cost, unknown_most=rules.guard.unknown_most,
    )  # fmt: skip
    discounts = tuple(replace(one, when=_without_codes(one.when)) for one in rules.discounts)
    return replace(rules, rules=discounts, guard=guard, watch=Watch(), life=Life(), tiers=None, volume=())


def _without_codes(condition: Condition) -> Condition:
    if isinstance(condition, AllOf | AnyOf):
        return type(condition)(tuple(map(_without_codes, condition.items)))
    if isinstance(condition, Not):
        return Not(_without_codes(condition.item))
    return _NO_CODE if isinstance(condition, PromoCode) else condition


def _good(one: Goods) -> dict[str, str]:
    raised = {"price_raised_on": one.price_raised_on.isoformat()} if one.price_raised_on else {}
    return ({"category": one.category} if one.category else {}) | raised


def _least(one: Goods, guard: Guard | None) -> str | list[str] | None:
    """The least price of a unit as a fraction, and its part in the receipt's where that may ask for more than lines.

    Where it asks for no more, its part is not told: of a receipt that may be sold at cost it would be the cost. The
    till then counts with the least price, and takes less off where goods are sold below that already.
    """
    if guard is None or one.cost is None:
        return None
    margins = [guard.line, *(value for value in guard.categories.values() if value is not None)]
    # a till may call goods without a category as it likes
    margin = guard.categories.get(one.category, guard.line) if one.category else max(margins)
    if margin is None:
        return None
    line = str(least_part(one.cost, margin))
    return line if guard.receipt <= min(margins) else [line, str(least_part(one.cost, guard.receipt))]
