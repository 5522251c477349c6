"""The judgement: what each line costs this member, which points he spends and earns, and why.

In order: rules take money off, the guard lowers it, points are spent, points are earned. All sums are whole minor units
and whole points, and every total is the sum of its lines.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.loyalty.programme.basket import Basket, Line, Member
from regulars.loyalty.programme.case import Case
from regulars.loyalty.programme.conditions import Condition
from regulars.loyalty.programme.discounts import Lowered, Part, discounts
from regulars.loyalty.programme.earning import Earned, earn
from regulars.loyalty.programme.effects import NthFree
from regulars.loyalty.programme.margin import allowed
from regulars.loyalty.programme.rounding import spread
from regulars.loyalty.programme.rules import Rule, RuleSet

# what a step of the trace may say
TOOK = "took"  # a rule took `amount` off a line
LOWERED = "lowered"  # the guard took `amount` of the rule's discount on a line away
EARNED = "earned"  # a rule gave `points` on a line
TIMES = "times"  # a rule multiplied points; `points` are hundredths
STAMPED = "stamped"  # a rule counted `points` stamps and spent `spent` of them
NOT_A_MEMBER = "not_a_member"  # the rule is for members
NOT_MET = "not_met"  # `unmet` do not hold
GAVE_WAY = "gave_way"  # the rule `other` of its group acted
GAVE_NOTHING = "gave_nothing"  # it holds, but there was nothing for it to do
SPENT = "spent"  # `points` paid `amount`
SPENT_LESS = "spent_less"  # of `asked` points only `points`, because of `why`: share, goods, or guard
PRICE_RAISED = "price_raised"  # a line whose price was raised lately is discounted

OWN = ""  # instead of a rule: a discount that a till gave by itself


@dataclass(frozen=True)
class Step:
    """One thing that happened, or did not. `line` is the place of the line in the basket, from 0."""

    what: str
    rule: str = ""
    line: int | None = None
    amount: int = 0
    points: int = 0
    spent: int = 0
    asked: int = 0
    other: str = ""
    why: str = ""
    unmet: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class JudgedLine:
    """One line: money off and points by rule, and what points pay of it."""

    line: Line
    discounts: tuple[tuple[str, int], ...]
    by_points: int
    points: tuple[tuple[str, int], ...]
    is_price_raised: bool

    @property
    def discount(self) -> int:
        """Money that rules took off."""
        return sum(amount for _rule, amount in self.discounts)

    @property
    def to_pay(self) -> int:
        """What is left to pay in money."""
        return self.line.price - self.discount - self.by_points

    @property
    def earned(self) -> int:
        """Points for it."""
        return sum(points for _rule, points in self.points)


@dataclass(frozen=True)
class Stamps:
    """What happened to a counter of stamps."""

    rule: str
    counter: str
    added: int
    spent: int


@dataclass(frozen=True)
class Judged:
    """The whole answer; lines stand as in the basket. `points_as`: what spending points is, a discount or a payment.

    `most_points` could be spent on it by the rules, whoever has them.
    """

    lines: tuple[JudgedLine, ...]
    points_spent: int
    points_as: str
    stamps: tuple[Stamps, ...]
    trace: tuple[Step, ...]
    most_points: int = 0

    @property
    def discount(self) -> int:
        """Money that rules took off."""
        return sum(one.discount for one in self.lines)

    @property
    def by_points(self) -> int:
        """Money that points pay."""
        return sum(one.by_points for one in self.lines)

    @property
    def to_pay(self) -> int:
        """What is left to pay in money."""
        return sum(one.to_pay for one in self.lines)

    @property
    def earned(self) -> int:
        """Points for the purchase."""
        return sum(one.earned for one in self.lines)


def judge(basket: Basket, member: Member | None, rules: RuleSet, points_to_spend: int = 0) -> Judged:
    """What the basket costs by these rules. Of the points that he wants to spend it takes as many as the rules allow.

    Whether he has them is for the ledger to say.
    """
    if points_to_spend < 0 or (points_to_spend and member is None):
        raise InputError(
            _("{points} points cannot be spent: give a number from 0 up, and 0 for whoever is no member.").format(
                points=points_to_spend
            )
        )
    case = Case(rules.for_member(member.lot) if member else rules, basket, member)
    lowered = discounts(case)
    kept = _kept(lowered)
    prices = tuple(price - off for price, off in zip(case.prices, lowered.allowed, strict=True))
    spending = _spend(case, lowered.allowed, prices, points_to_spend)
    earned = earn(case, _base(case, prices, spending.off), prices)
    return _answer(case, lowered, kept, spending, earned)


def reward(told: Judged, basket: Basket, member: Member, rules: RuleSet) -> Judged:
    """The money as it was taken at a till without a line; points and stamps for it by what is known of the member.

    A discount of no rule (its name is empty) is one of the till's own: such money earns nothing. No stamps are spent,
    because no unit was free. The trace is of points and stamps alone; lines are those of the basket.
    """
    case = Case(rules.for_member(member.lot), basket, member)
    in_order = [told.lines[place] for place in case.places]
    prices = tuple(price - one.discount for price, one in zip(case.prices, in_order, strict=True))
    base = _base(case, prices, tuple(one.by_points for one in in_order))
    own = [dict(one.discounts).get(OWN, 0) if rules.accrual.basis == "before_discounts" else 0 for one in in_order]
    earned = earn(case, tuple(max(0, one - off) for one, off in zip(base, own, strict=True)), prices)
    if any(OWN in dict(one.discounts) for one in in_order) and not any(one.to_pay for one in in_order):
        earned = Earned({}, {}, {})
    lines = dict(zip(case.places, range(len(in_order)), strict=True))
    points = [tuple((rule, many[i]) for rule, many in earned.points.items() if many[i]) for i in range(len(in_order))]
    stamps = tuple(replace(one, spent=0) for one in judge(basket, member, rules).stamps if one.added)
    trace = [
        *_told_points(case, earned, prices), *(Step(STAMPED, one.rule, points=one.added) for one in stamps)
    ]  # fmt: skip
    return replace(
        told,
        lines=tuple(
            replace(one, line=basket.lines[place], points=points[lines[place]]) for place, one in enumerate(told.lines)
        ),
        stamps=stamps,
        trace=tuple(trace),
    )


@dataclass(frozen=True)
class _Spending:
    asked: int
    points: int
    most: int
    off: tuple[int, ...]
    why: str = ""


def _kept(lowered: Lowered) -> list[Part]:
    """What each rule's discount is after the guard: the last to act is the first to give up."""
    kept = []
    excess = [off - left for off, left in zip(lowered.walk.off(), lowered.allowed, strict=True)]
    for part in reversed(lowered.walk.parts):
        cut = [min(off, over) for off, over in zip(part.off, excess, strict=True)]
        excess = [over - one for over, one in zip(excess, cut, strict=True)]
        off = tuple(one - less for one, less in zip(part.off, cut, strict=True))
        kept.append(Part(part.rule, off, part.free, part.stamped))
    return kept[::-1]


def _spend(case: Case, off: tuple[int, ...], prices: tuple[int, ...], asked: int) -> _Spending:
    """As many of the points as pay for something, within the share of the receipt and the floors."""
    rules = case.rules
    as_discount = rules.spending.as_ == "discount"
    on = case.covered(rules.spending.on, discounting=as_discount)
    goods = [price if one else 0 for price, one in zip(prices, on, strict=True)]
    room = allowed(case.lines, rules.guard, goods, off) if as_discount else goods
    limits = {
        "share": sum(prices) * rules.spending.most_share // 100_00,
        "goods": sum(goods),
        "guard": sum(room),
    }
    why = min(limits, key=lambda name: limits[name])
    most = limits[why] // rules.spending.worth
    points = min(asked, most)
    return _Spending(
        asked, points, most, tuple(spread(points * rules.spending.worth, room)), why if points < asked else ""
    )


def _base(case: Case, prices: tuple[int, ...], by_points: tuple[int, ...]) -> tuple[int, ...]:
    """The money that earns points."""
    accrual = case.rules.accrual
    money = prices if accrual.basis == "after_discounts" else case.prices
    if accrual.on_part_paid_with_points:
        return money
    return tuple(one - points for one, points in zip(money, by_points, strict=True))


def _answer(case: Case, lowered: Lowered, kept: list[Part], spending: _Spending, earned: Earned) -> Judged:
    stamps = tuple(_stamps(case, kept))
    raised = _raised(case)
    lines: dict[int, JudgedLine] = {}
    for i, place in enumerate(case.places):
        off = sum(part.off[i] for part in kept)
        is_lower = off > 0 or (case.rules.spending.as_ == "discount" and spending.off[i] > 0)
        lines[place] = JudgedLine(
            case.lines[i],
            tuple((part.rule, part.off[i]) for part in kept if part.off[i]),
            spending.off[i],
            tuple((rule, points[i]) for rule, points in earned.points.items() if points[i]),
            raised[i] and is_lower,
        )
    prices = tuple(price - off for price, off in zip(case.prices, lowered.allowed, strict=True))
    trace = [
        *_told_discounts(case, lowered, kept, stamps), *_told_spending(spending), *_told_points(case, earned, prices),
        *(Step(PRICE_RAISED, line=place) for place in case.places if lines[place].is_price_raised),
    ]  # fmt: skip
    in_order = tuple(lines[place] for place in range(len(lines)))
    return Judged(in_order, spending.points, case.rules.spending.as_, stamps, tuple(trace), spending.most)


def _stamps(case: Case, kept: list[Part]) -> Iterator[Stamps]:
    """A unit that the guard left no money off is not free, and costs no stamps."""
    effects = {rule.id: rule.gives for rule in case.rules.discounts}
    for part in kept:
        gives = effects[part.rule]
        if isinstance(gives, NthFree):
            free = sum(units for units, off in zip(part.free, part.off, strict=True) if off)
            yield Stamps(part.rule, gives.counter, part.stamped, free * gives.n)


def _raised(case: Case) -> list[bool]:
    days = case.rules.price_watch_days
    return [
        line.price_raised_on is not None and 0 <= (case.basket.day - line.price_raised_on).days < days
        for line in case.lines
    ]


def _told_discounts(case: Case, lowered: Lowered, kept: list[Part], stamps: Sequence[Stamps]) -> Iterator[Step]:
    walk = lowered.walk
    wanted = {part.rule: part for part in walk.parts}
    left = {part.rule: part for part in kept}
    moves = {one.rule: one for one in stamps}
    for rule in case.rules.discounts:
        if rule.id not in wanted:
            yield _idle(case, rule, walk.before[rule.id], walk.acted)
            continue
        for i, off in enumerate(wanted[rule.id].off):
            if off:
                yield Step(TOOK, rule.id, case.places[i], amount=off)
            if less := off - left[rule.id].off[i]:
                yield Step(LOWERED, rule.id, case.places[i], amount=less)
        if rule.id in moves:
            yield Step(STAMPED, rule.id, points=moves[rule.id].added, spent=moves[rule.id].spent)


def _told_spending(spending: _Spending) -> Iterator[Step]:
    if spending.points:
        yield Step(SPENT, points=spending.points, amount=sum(spending.off))
    if spending.why:
        yield Step(SPENT_LESS, points=spending.points, asked=spending.asked, why=spending.why)


def _told_points(case: Case, earned: Earned, prices: tuple[int, ...]) -> Iterator[Step]:
    for rule in case.rules.for_points:
        if rule.id in earned.times:
            yield Step(TIMES, rule.id, points=earned.times[rule.id])
        elif rule.id in earned.points:
            for i, points in enumerate(earned.points[rule.id]):
                if points:
                    yield Step(EARNED, rule.id, case.places[i], points=points)
        else:
            yield _idle(case, rule, prices, earned.acted)


def _idle(case: Case, rule: Rule, prices: tuple[int, ...], acted: Mapping[str, str]) -> Step:
    if not case.is_for_him(rule):
        return Step(NOT_A_MEMBER, rule.id)
    if unmet := case.unmet(rule, prices):
        return Step(NOT_MET, rule.id, unmet=unmet)
    if other := acted.get(rule.group, ""):
        return Step(GAVE_WAY, rule.id, other=other)
    return Step(GAVE_NOTHING, rule.id)
