"""When a rule holds. Every condition is data; what a basket has to do with it is decided here and nowhere else."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.loyalty.programme.basket import MOST_MONEY, Basket, Line, Member
from regulars.loyalty.programme.reading import (
    CLOCK,
    DAY,
    FLAG,
    TEXT,
    TEXTS,
    WEEKDAYS,
    Codec,
    Record,
    has,
    one_of,
    read_object,
    record,
    refuse,
    whole,
)

DEEPEST = 4
MOST_CONDITIONS = 30
MOST_DAYS = 3_660


@dataclass(frozen=True)
class Scope(Record):
    """Which lines: those of the products or categories, all when none is named, less what is excluded."""

    products: tuple[str, ...] = has(TEXTS, default=())
    categories: tuple[str, ...] = has(TEXTS, default=())
    not_products: tuple[str, ...] = has(TEXTS, default=())
    not_categories: tuple[str, ...] = has(TEXTS, default=())

    def covers(self, line: Line) -> bool:
        """Whether the line is one of them."""
        return self.names(line.product, line.category)

    def names(self, product: str, category: str) -> bool:
        """Whether goods of this product and category are meant."""
        if product in self.not_products or category in self.not_categories:
            return False
        named = self.products or self.categories
        return not named or product in self.products or category in self.categories


EVERYTHING = Scope()
SCOPE = record(Scope)


@dataclass(frozen=True)
class Seen:
    """What conditions look at: the basket, the member, and what the lines cost at this moment of the judgement."""

    basket: Basket
    lines: tuple[Line, ...]
    member: Member | None
    prices: tuple[int, ...]

    @property
    def known(self) -> Member:
        """The member, or somebody of whom nothing is known."""
        return self.member or _NOBODY


_NOBODY = Member()


class Condition(Record):
    """Something that holds or does not."""

    def holds(self, seen: Seen) -> bool:
        """Whether it does."""
        raise NotImplementedError

    def unmet(self, seen: Seen) -> tuple["Condition", ...]:
        """The parts that are the reason why it does not hold."""
        return () if self.holds(seen) else (self,)

    def leaves(self) -> Iterator["Condition"]:
        """It, or what it is made of."""
        yield self


@dataclass(frozen=True)
class AllOf(Condition):
    """Every one of them."""

    items: tuple[Condition, ...]
    kind = "all"

    def holds(self, seen: Seen) -> bool:
        return all(one.holds(seen) for one in self.items)

    def unmet(self, seen: Seen) -> tuple[Condition, ...]:
        return tuple(part for one in self.items for part in one.unmet(seen))

    def leaves(self) -> Iterator[Condition]:
        for one in self.items:
            yield from one.leaves()


@dataclass(frozen=True)
class AnyOf(Condition):
    """At least one of them."""

    items: tuple[Condition, ...]
    kind = "any"

    def holds(self, seen: Seen) -> bool:
        return any(one.holds(seen) for one in self.items)

    def leaves(self) -> Iterator[Condition]:
        for one in self.items:
            yield from one.leaves()


@dataclass(frozen=True)
class Not(Condition):
    """Turned round."""

    item: Condition
    kind = "not"

    def holds(self, seen: Seen) -> bool:
        return not self.item.holds(seen)

    def leaves(self) -> Iterator[Condition]:
        yield from self.item.leaves()


@dataclass(frozen=True)
class ReceiptSum(Condition):
    """What the receipt, or some of its goods, costs: before discounts or as it stands, as the rule set says."""

    kind: ClassVar[str] = "receipt_sum"
    at_least: int = has(whole(1, MOST_MONEY))
    of: Scope = has(SCOPE, default=EVERYTHING)

    def holds(self, seen: Seen) -> bool:
        found = zip(seen.lines, seen.prices, strict=True)
        return sum(price for line, price in found if self.of.covers(line)) >= self.at_least


@dataclass(frozen=True)
class HasProduct(Condition):
    """One of the products is in the basket."""

    kind: ClassVar[str] = "product"
    any_of: tuple[str, ...] = has(TEXTS)

    def holds(self, seen: Seen) -> bool:
        return any(line.product in self.any_of for line in seen.lines)


@dataclass(frozen=True)
class HasCategory(Condition):
    """Something of one of the categories is in the basket."""

    kind: ClassVar[str] = "category"
    any_of: tuple[str, ...] = has(TEXTS)

    def holds(self, seen: Seen) -> bool:
        return any(line.category in self.any_of for line in seen.lines)


@dataclass(frozen=True)
class InStore(Condition):
    """Bought in one of the stores."""

    kind: ClassVar[str] = "store"
    any_of: tuple[str, ...] = has(TEXTS)

    def holds(self, seen: Seen) -> bool:
        return seen.basket.store in self.any_of


@dataclass(frozen=True)
class AtPartner(Condition):
    """Bought at one of the partners of the coalition."""

    kind: ClassVar[str] = "partner"
    any_of: tuple[str, ...] = has(TEXTS)

    def holds(self, seen: Seen) -> bool:
        return seen.basket.partner in self.any_of


@dataclass(frozen=True)
class ByChannel(Condition):
    """Bought through one of the channels."""

    kind: ClassVar[str] = "channel"
    any_of: tuple[str, ...] = has(TEXTS)

    def holds(self, seen: Seen) -> bool:
        return seen.basket.channel in self.any_of


@dataclass(frozen=True)
class Hours(Condition):
    """By the shop's clock, from one time up to the other. Past midnight a night belongs to the day that it began on.

    An hour that the clock shows twice counts both times; one that it leaps over never comes.
    """

    kind: ClassVar[str] = "hours"
    weekdays: tuple[int, ...] = has(WEEKDAYS, default=(1, 2, 3, 4, 5, 6, 7))
    from_: dt.time = has(CLOCK, default=dt.time(0))
    to: dt.time = has(CLOCK, default=dt.time(0))

    def holds(self, seen: Seen) -> bool:
        local = seen.basket.local
        clock, today = local.time(), local.isoweekday()
        if self.from_ < self.to:
            return today in self.weekdays and self.from_ <= clock < self.to
        if clock >= self.from_:
            return today in self.weekdays
        return clock < self.to and (today - 2) % 7 + 1 in self.weekdays


@dataclass(frozen=True)
class Dates(Condition):
    """By the shop's calendar, both days included."""

    kind: ClassVar[str] = "dates"
    from_: dt.date = has(DAY)
    to: dt.date = has(DAY)

    def holds(self, seen: Seen) -> bool:
        return self.from_ <= seen.basket.day <= self.to


@dataclass(frozen=True)
class Privilege(Condition):
    """One of the privileges, with a proof that has not run out on this day."""

    kind: ClassVar[str] = "privilege"
    any_of: tuple[str, ...] = has(TEXTS)

    def holds(self, seen: Seen) -> bool:
        had = seen.known.privileges
        return any(name in had and self._lasts(had[name], seen.basket.day) for name in self.any_of)

    @staticmethod
    def _lasts(until: dt.date | None, day: dt.date) -> bool:
        return until is None or until >= day


@dataclass(frozen=True)
class Birthday(Condition):
    """So many days before and after. Of a 29 February it is 1 March in a common year."""

    kind: ClassVar[str] = "birthday"
    before: int = has(whole(0, 180), default=0)
    after: int = has(whole(0, 180), default=0)

    def holds(self, seen: Seen) -> bool:
        born, day = seen.known.birthday, seen.basket.day
        if born is None:
            return False
        away = [(day - birthday_in(year, born)).days for year in range(max(1, day.year - 1), day.year + 2)]
        return any(-self.before <= days <= self.after for days in away)


def birthday_in(year: int, born: dt.date) -> dt.date:
    """The birthday of that year."""
    try:
        return born.replace(year=year)
    except ValueError:
        return dt.date(year, 3, 1)


@dataclass(frozen=True)
class Repeat(Condition):
    """Days of the shop's calendar since the last purchase. The same day is no repeat: one purchase is easily two."""

    kind: ClassVar[str] = "repeat"
    within_days: int = has(whole(1, MOST_DAYS))
    same_day: bool = has(FLAG, default=False)

    def holds(self, seen: Seen) -> bool:
        last = seen.known.last_purchase_at
        if last is None:
            return False
        days = (seen.basket.day - seen.basket.day_of(last)).days
        return (0 if self.same_day else 1) <= days <= self.within_days and last <= seen.basket.purchased_at


@dataclass(frozen=True)
class PurchaseNumber(Condition):
    """His first purchase, his tenth, or each tenth; this one counts."""

    kind: ClassVar[str] = "purchase_number"
    number: int | None = has(whole(1, 10**6), default=None)
    every: int | None = has(whole(2, 10**6), default=None)

    def holds(self, seen: Seen) -> bool:
        number = seen.known.purchases + 1
        return seen.member is not None and (number == self.number if self.every is None else number % self.every == 0)


@dataclass(frozen=True)
class OfTier(Condition):
    """One of the tiers."""

    kind: ClassVar[str] = "tier"
    any_of: tuple[str, ...] = has(TEXTS)

    def holds(self, seen: Seen) -> bool:
        return seen.known.tier in self.any_of


CARDS = ("plastic", "virtual", "paid", "corporate")


@dataclass(frozen=True)
class OfCard(Condition):
    """The card that he shows is of one of the kinds. Who says his phone or a code shows none, so `not` holds of him."""

    kind: ClassVar[str] = "card"
    any_of: tuple[str, ...] = has(TEXTS)

    def holds(self, seen: Seen) -> bool:
        return not seen.known.card.isdisjoint(self.any_of)


@dataclass(frozen=True)
class InSegment(Condition):
    """One of the segments."""

    kind: ClassVar[str] = "segment"
    any_of: tuple[str, ...] = has(TEXTS)

    def holds(self, seen: Seen) -> bool:
        return not seen.known.segments.isdisjoint(self.any_of)


@dataclass(frozen=True)
class Answered(Condition):
    """What he answered in the questionnaire."""

    kind: ClassVar[str] = "answer"
    question: str = has(TEXT)
    any_of: tuple[str, ...] = has(TEXTS)

    def holds(self, seen: Seen) -> bool:
        return not seen.known.answers.get(self.question, frozenset()).isdisjoint(self.any_of)


@dataclass(frozen=True)
class PromoCode(Condition):
    """One of the codes was given. Capitals do not matter, nor do spaces around."""

    kind: ClassVar[str] = "promo_code"
    any_of: tuple[str, ...] = has(TEXTS)

    def holds(self, seen: Seen) -> bool:
        given = {code.strip().casefold() for code in seen.basket.promo_codes}
        return any(code.casefold() in given for code in self.any_of)


LEAVES: dict[str, type[Condition]] = {
    one.kind: one
    for one in (
        ReceiptSum, HasProduct, HasCategory, InStore, ByChannel, Hours, Dates, Privilege, Birthday, Repeat,
        PurchaseNumber, OfTier, OfCard, InSegment, Answered, PromoCode, AtPartner,
    )
}  # fmt: skip
_LEAF = one_of("is", LEAVES)
_GROUPS: dict[str, Callable[[tuple[Condition, ...]], Condition]] = {"all": AllOf, "any": AnyOf}

# a whole of no parts: always true
ALWAYS = AllOf(())


def _read(raw: Any, where: str) -> Condition:
    found = _item(raw, where, depth=1)
    if sum(1 for _leaf in found.leaves()) > MOST_CONDITIONS:
        raise InputError(_("{where}: a rule may have {most} conditions.").format(where=where, most=MOST_CONDITIONS))
    return found


def _item(raw: Any, where: str, *, depth: int) -> Condition:
    data = read_object(raw, where)
    if depth > DEEPEST and not data.keys().isdisjoint((*_GROUPS, "not")):
        raise InputError(_("{where}: groups may lie {most} deep in one another.").format(where=where, most=DEEPEST))
    for name, made in _GROUPS.items():
        if name in data:
            _alone(data, name, where)
            inner = _list(data[name], f"{where}.{name}")
            return made(tuple(_item(one, f"{where}.{name}[{i}]", depth=depth + 1) for i, one in enumerate(inner)))
    if "not" in data:
        _alone(data, "not", where)
        return Not(_item(data["not"], f"{where}.not", depth=depth + 1))
    found = _LEAF.read(data, where)
    _check(found, where)
    return found  # type: ignore[no-any-return]


def _alone(data: Any, name: str, where: str) -> None:
    if len(data) > 1:
        raise InputError(
            _(
                "{where}: {name!r} stands alone in its braces; put what stands beside it inside, or into a group."
            ).format(where=where, name=name)
        )


def _list(raw: Any, where: str) -> list[Any]:
    if not isinstance(raw, list) or not 1 <= len(raw) <= MOST_CONDITIONS:
        refuse(where, raw, _("a list of 1 to {most} conditions").format(most=MOST_CONDITIONS))
    return raw


def _check(found: Condition, where: str) -> None:
    if isinstance(found, Dates) and found.to < found.from_:
        refuse(f"{where}.to", found.to.isoformat(), _("{day} or later").format(day=found.from_.isoformat()))
    if isinstance(found, OfCard) and (unknown := [one for one in found.any_of if one not in CARDS]):
        refuse(f"{where}.any_of", unknown[0], _("one of {known}").format(known=", ".join(CARDS)))
    if isinstance(found, PurchaseNumber) and (found.number is None) == (found.every is None):
        raise InputError(_("{where}: say either 'number' or 'every'.").format(where=where))


def _write(condition: Condition) -> dict[str, Any]:
    if isinstance(condition, AllOf | AnyOf):
        return {condition.kind: [_write(one) for one in condition.items]}
    if isinstance(condition, Not):
        return {"not": _write(condition.item)}
    return _LEAF.write(condition)  # type: ignore[no-any-return]


CONDITION = Codec(_read, _write)
