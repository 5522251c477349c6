"""A till, its receipts and what comes back of them, as simply as it can be said; points are those of `model`.

Nothing here is taken from the application: prices are added up in whole numbers by what the rules say in words.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from tests.loyalty.model import Model, No

AFTER, LIFE, LATE = 24, 72, 48  # hours until points can be spent, that they live, and that late ones live on
NOBODY = ""

Item = tuple[str, int, int]  # the goods, how many units, and the price of them all


@dataclass(frozen=True)
class Terms:
    """What the rules say, in numbers."""

    percent: int = 5  # off, for members
    tea: int = 0  # per cent off tea besides
    is_running: bool = False  # whether that is of what the first left
    is_payment: bool = False  # whether points pay the price instead of lowering it
    worth: int = 100  # of a point
    most_share: int = 50  # per cent of a receipt by points
    per: int = 1_000  # money for a point
    cups: int = 1  # times as many points for cups
    is_on_full: bool = False  # whether points are for prices before discounts
    is_on_points: bool = False  # whether for what points paid, too


@dataclass
class Line:
    """One line of a receipt and how many of its units are back."""

    units: int
    to_pay: int
    by_points: int
    earned: int
    back: int = 0

    def share(self, whole: int, units: int) -> int:
        """Of the line's money or points what belongs to so many units, rounded down."""
        return int(Fraction(whole) * units / self.units)


@dataclass(frozen=True)
class Price:
    """What a basket costs."""

    discount: int
    points: int
    lines: tuple[Line, ...]

    @property
    def to_pay(self) -> int:
        return sum(one.to_pay for one in self.lines)

    @property
    def earned(self) -> int:
        return sum(one.earned for one in self.lines)


@dataclass
class Receipt:
    """One that was written; what came back of it is in its lines."""

    owner: str
    price: Price
    refund: int = 0
    points_back: int = 0
    points_taken: int = 0


@dataclass
class Shop:
    """All receipts by their numbers, returns that wait, and who has which points."""

    points: Model = field(default_factory=lambda: Model(debt_limit=10**6))
    receipts: dict[str, Receipt] = field(default_factory=dict)
    waiting: dict[str, list[tuple[int, dict[int, int]]]] = field(default_factory=dict)
    became: dict[str, str] = field(default_factory=dict)
    terms: Terms = field(default_factory=Terms)

    def who(self, name: str) -> str:
        """Whoever has his points now."""
        while name in self.became:
            name = self.became[name]
        return name

    def price(self, owner: str, items: Sequence[Item], wish: int, now: int) -> Price:
        """For members so many per cent off, points up to a share of the rest, and points for what the terms say.

        What cannot be divided goes by what the lines are, not by the order in which they were rung up.
        """
        places = sorted(range(len(items)), key=lambda place: items[place])
        lines = self._lines(owner, [items[place] for place in places], wish, now)
        return Price(
            lines.discount, lines.points, tuple(lines.lines[places.index(place)] for place in range(len(items)))
        )

    def _lines(self, owner: str, items: Sequence[Item], wish: int, now: int) -> Price:
        terms, full = self.terms, [price for _goods, _units, price in items]
        off = [0] * len(items)
        if owner:
            off = _percent(full, terms.percent)
            on_tea = [price if goods == "tea" else 0 for goods, _units, price in items]
            base = [one - less if terms.is_running and one else one for one, less in zip(on_tea, off, strict=True)]
            off = [one + more for one, more in zip(off, _percent(base, terms.tea), strict=True)]
        left = [price - one for price, one in zip(full, off, strict=True)]
        has = self.points.balance(self.who(owner), now)[0] if owner else 0
        points = min(wish, has, sum(left) * terms.most_share // 100 // terms.worth)
        by_points = _shared(points * terms.worth, [(points * terms.worth * one, sum(left)) for one in left])
        paid = [one - part for one, part in zip(left, by_points, strict=True)]
        earned = self._earned(items, full if terms.is_on_full else left, by_points) if owner else [0] * len(paid)
        lines = [
            Line(units, *row) for (_goods, units, _price), *row in zip(items, paid, by_points, earned, strict=True)
        ]
        return Price(sum(off), points, tuple(lines))

    def _earned(self, items: Sequence[Item], prices: list[int], by_points: list[int]) -> list[int]:
        money = [
            (one if self.terms.is_on_points else one - part) * (self.terms.cups if goods == "cup" else 1)
            for (goods, _units, _price), one, part in zip(items, prices, by_points, strict=True)
        ]
        return _shared(sum(money) // self.terms.per, [(one, self.terms.per) for one in money])

    def sell(self, number: str, owner: str, price: Price, *, bought: int, now: int) -> None:
        """Points go out and in, and returns that waited for the number happen."""
        owner = self.who(owner) if owner else NOBODY
        self.receipts[number] = Receipt(owner, price)
        if owner:
            available = bought + AFTER
            self.points.sale(
                number, owner, spend=price.points, grant=price.earned, now=now, available=available,
                expires=available + LIFE,
            )  # fmt: skip
        for told, wanted in self.waiting.pop(number, []):
            try:
                if told < bought:
                    raise No("returned before it was sold")
                self.bring_back(number, wanted, now=now)
            except No:
                self.waiting.setdefault(f"refused {number}", []).append((told, wanted))

    def bring_back(
        self, number: str, wanted: dict[int, int], *, now: int, is_void: bool = False
    ) -> tuple[int, int, int]:
        """Money, points given back and points taken."""
        receipt = self.receipts[number]
        lines = dict(enumerate(receipt.price.lines, start=1))
        if is_void and any(one.back for one in lines.values()):
            raise No("some is back")
        wanted = wanted or {place: one.units - one.back for place, one in lines.items() if one.units > one.back}
        if not wanted or any(
            place not in lines or lines[place].units - lines[place].back < n for place, n in wanted.items()
        ):
            raise No("more than there is")
        before = self._back_of(receipt)
        for place, units in wanted.items():
            lines[place].back += units
        refund, spent, earned = (new - old for new, old in zip(self._back_of(receipt), before, strict=True))
        given, taken = self._move(number, spent, earned, now) if receipt.owner else (0, 0)
        receipt.refund, receipt.points_back, receipt.points_taken = (
            receipt.refund + refund, receipt.points_back + given, receipt.points_taken + taken
        )  # fmt: skip
        return refund, given, taken

    def kept(self) -> int:
        """What goods that did not come back were sold for."""
        kept = 0
        for line in (one for receipt in self.receipts.values() for one in receipt.price.lines):
            price = line.to_pay + (line.by_points if self.terms.is_payment else 0)
            kept += price - line.share(price, line.back)
        return kept

    def _back_of(self, receipt: Receipt) -> tuple[int, int, int]:
        lines = receipt.price.lines
        by_points = sum(one.by_points for one in lines)
        back = sum(one.share(one.by_points, one.back) for one in lines)
        return (
            sum(one.share(one.to_pay, one.back) for one in lines),
            receipt.price.points * back // by_points if by_points else 0,
            sum(one.share(one.earned, one.back) for one in lines),
        )

    def _move(self, number: str, spent: int, earned: int, now: int) -> tuple[int, int]:
        """What the books say of it: points that are back for good, and points that are void."""
        books = self.points.books
        before = dict(books)
        if spent:
            self.points.give_back(number, spent, now=now, late_until=now + LATE)
        if earned:
            self.points.take_back(number, earned, now=now)
        return spent - (books["expired"] - before["expired"]), books["void"] - before["void"]

    def merge(self, kept: str, gone: str) -> None:
        """Two are one; what they owe they owe together."""
        kept, gone = self.who(kept), self.who(gone)
        if kept == gone:
            raise No("the same")
        self.became[gone] = kept
        for lot in self.points.lots:
            lot.owner = self.who(lot.owner)
        for sale in self.points.sales.values():
            sale.owner = self.who(sale.owner)
        self.points.debts[kept] = self.points.debts.get(kept, 0) + self.points.debts.pop(gone, 0)

    def night(self, now: int) -> int:
        """How many people lost something."""
        lost = 0
        for owner in {one.owner for one in self.points.lots}:
            try:
                self.points.expire(owner, now)
            except No:
                continue
            lost += 1
        return lost


def _percent(prices: Sequence[int], percent: int) -> list[int]:
    return _shared(_nearest(sum(prices) * percent, 100), [(one * percent, 100) for one in prices])


def _nearest(above: int, below: int) -> int:
    return int(Fraction(above, below) + Fraction(1, 2))


def _shared(total: int, shares: Sequence[tuple[int, int]]) -> list[int]:
    """Whole parts of the total: each share rounded down, and what is missing to those that lost most by it."""
    exact = [Fraction(above, below) if above else Fraction(0) for above, below in shares]
    found = [int(one) for one in exact]
    by_loss = sorted(range(len(found)), key=lambda place: (found[place] - exact[place], place))
    for place in by_loss[: total - sum(found)]:
        found[place] += 1
    return found
