"""A till, its receipts and what comes back of them, as simply as it can be said; points are those of `model`.

Nothing here is taken from the application: prices are added up in whole numbers by what the rules say in words.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from tests.loyalty.model import Model, No

PERCENT, POINT, MOST_SHARE, PER = 5, 100, 50, 1_000  # off; money of a point; percent by points; money for a point
AFTER, LIFE, LATE = 24, 72, 48  # hours until points can be spent, that they live, and that late ones live on
NOBODY = ""

Item = tuple[str, int, int]  # the goods, how many units, and the price of them all


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

    def who(self, name: str) -> str:
        """Whoever has his points now."""
        while name in self.became:
            name = self.became[name]
        return name

    def price(self, owner: str, items: Sequence[Item], wish: int, now: int) -> Price:
        """For members five per cent off, points up to half of the rest, and a point for each thousand that is paid.

        What cannot be divided goes by what the lines are, not by the order in which they were rung up.
        """
        places = sorted(range(len(items)), key=lambda place: items[place])
        lines = self._lines(owner, [items[place] for place in places], wish, now)
        return Price(
            lines.discount, lines.points, tuple(lines.lines[places.index(place)] for place in range(len(items)))
        )

    def _lines(self, owner: str, items: Sequence[Item], wish: int, now: int) -> Price:
        full, percent = [price for _goods, _units, price in items], PERCENT if owner else 0
        off = _shared(_nearest(sum(full) * percent, 100), [(price * percent, 100) for price in full])
        left = [price - one for price, one in zip(full, off, strict=True)]
        has = self.points.balance(self.who(owner), now)[0] if owner else 0
        points = min(wish, has, sum(left) * MOST_SHARE // 100 // POINT)
        by_points = _shared(points * POINT, [(points * POINT * one, sum(left)) for one in left])
        paid = [one - part for one, part in zip(left, by_points, strict=True)]
        earned = _shared(sum(paid) // PER, [(one, PER) for one in paid]) if owner else [0] * len(paid)
        lines = [
            Line(units, *row) for (_goods, units, _price), *row in zip(items, paid, by_points, earned, strict=True)
        ]
        return Price(sum(off), points, tuple(lines))

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
