"""What partners owe, added up from the rows of the ledger and the contracts alone: no row of the settlement is read.

It says in lists and fractions what `0001_coalition.sql` says in rows, as a bookkeeper would.
"""

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from regulars.foundation.models import Business
from regulars.loyalty.models import Contract, Partner, PartnerTill, Posting, SettlementDay, Transaction

LATE = dt.timedelta(hours=72)
Part = tuple[int, int]  # the sale whose points are owed, and how many


class Debts:
    """Who owes the points of which sale. The oldest are paid first; what a purchase has paid opens again with it."""

    def __init__(self) -> None:
        self.owed: dict[int, dict[int, int]] = defaultdict(dict)  # by account
        self.paid: dict[int, list[list[int]]] = defaultdict(list)  # by the sale whose points paid

    def pay(self, account: int, sale: int, points: int) -> list[Part]:
        """Points of this sale pay what he owes."""
        done = []
        for root, owed in self.owed[account].items():
            part = min(points, owed)
            if part:
                self.owed[account][root] -= part
                self.paid[sale].append([root, part])
                done.append((root, part))
                points -= part
        assert points == 0, "more was paid than was owed"
        return done

    def owe(self, account: int, sale: int, points: int) -> tuple[list[Part], int]:
        """Points of this sale cannot be taken back: what is owed for others again, and what for the sale itself."""
        again, stack = [], self.paid[sale]
        while points and stack:
            part = min(points, stack[-1][1])
            again.append((stack[-1][0], part))
            stack[-1][1] -= part
            points -= part
            if not stack[-1][1]:
                stack.pop()
        for root, part in [*again, (sale, points)]:
            if part:
                self.owed[account][root] = self.owed[account].get(root, 0) + part
        return again, points


@dataclass
class Side:
    """What one sale gave or took: its contract, and how many points of it are out."""

    contract: Contract
    is_issued: bool
    due: dt.date
    points: int = 0

    @property
    def amount(self) -> int:
        """What the partner owes for it."""
        if self.is_issued:
            return math.ceil(Fraction(self.points * self.contract.issue_price, 1000))
        return -math.floor(Fraction(self.points * self.contract.redeem_price, 1000))


@dataclass
class Row:
    """One that should have been settled."""

    contract: Contract
    kind: str
    points: int
    amount: int
    due: dt.date
    written_at: dt.datetime

    def day(self, closed: Iterable[SettlementDay]) -> dt.date | None:
        """The first day that is not before it, and was closed after it."""
        fit = [one.day for one in closed if one.day >= self.due and one.closed_at > self.written_at]  # type: ignore[operator]
        return min(fit, default=None)


@dataclass
class Books:
    """All partners' rows."""

    zone: dt.tzinfo = field(default_factory=lambda: Business.current().zone)
    owners: dict[str, int] = field(default_factory=lambda: dict(PartnerTill.objects.values_list("till", "partner")))
    sides: dict[tuple[int, bool], Side] = field(default_factory=dict)
    debts: Debts = field(default_factory=Debts)
    rows: list[Row] = field(default_factory=list)

    def add(self, made: Transaction, legs: list[Posting]) -> None:
        """One transaction of points."""
        own_debt = 0
        for leg in legs:
            if leg.account_id is not None and leg.lot_id is None:
                own_debt += self._debt(made, leg)
            elif leg.book == "issued" or (leg.book == "redeemed" and leg.amount > 0):
                self._new(made, leg)
            elif leg.book == "redeemed":
                self._move(made, made.reverses_id, "redeemed", leg.amount)
        void = sum(leg.amount for leg in legs if leg.book == "void")
        if void:
            self._move(made, made.reverses_id, "issued", own_debt - void)

    def _debt(self, made: Transaction, leg: Posting) -> int:
        assert leg.account_id is not None
        if leg.amount > 0:
            for root, points in self.debts.pay(leg.account_id, made.pk, leg.amount):
                self._move(made, root, "owed", -points)
            return 0
        assert made.reverses_id is not None
        again, own = self.debts.owe(leg.account_id, made.reverses_id, -leg.amount)
        for root, points in again:
            self._move(made, root, "owed", points)
        return own

    def _new(self, made: Transaction, leg: Posting) -> None:
        partner = self.owners.get(made.source)
        if partner is None:
            return
        is_issued, bought = leg.book == "issued", made.happened_at.astimezone(self.zone).date()
        contract = self._contract(partner, made, bought, is_issued)
        due = bought + dt.timedelta(days=contract.settled_after_days)
        self.sides[made.pk, is_issued] = Side(contract, is_issued, due)
        self._move(made, made.pk, leg.book, abs(leg.amount))

    def _contract(self, partner: int, made: Transaction, bought: dt.date, is_issued: bool) -> Contract:
        found = list(Contract.objects.filter(partner=partner).order_by("begins_on"))
        first = max(one.begins_on for one in found if one.begins_on <= bought)
        fit = [one for one in found if one.begins_on == first or (
            one.begins_on > first and self._midnight(one.begins_on) + LATE <= made.recorded_at
        )]  # fmt: skip
        return max(fit, key=lambda one: one.issue_price) if is_issued else min(fit, key=lambda one: one.redeem_price)

    def _midnight(self, day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(), self.zone)

    def _move(self, made: Transaction, root: int | None, kind: str, points: int) -> None:
        """`points` above zero are out, below it are back."""
        side = self.sides.get((root or 0, kind != "redeemed"))
        if side is None or points == 0:
            return
        before = side.amount
        side.points += points
        side.due = max(side.due, made.happened_at.astimezone(self.zone).date()) if made.pk != root else side.due
        self.rows.append(Row(side.contract, kind, points, side.amount - before, side.due, made.recorded_at))


def books() -> Books:
    """As the ledger stands."""
    found = Books()
    legs: dict[int, list[Posting]] = defaultdict(list)
    for leg in Posting.objects.order_by("id"):
        legs[leg.transaction_id].append(leg)
    for made in Transaction.objects.filter(unit__slug="points").order_by("id"):
        found.add(made, legs[made.pk])
    return found


def lines(partner: Partner, first: dt.date, last: dt.date) -> list[list[Any]]:
    """The lines of a statement of these days, but for how many rows each has."""
    closed, sums = list(SettlementDay.objects.all()), dict[tuple[int, str, bool], list[int]]()
    for one in books().rows:
        day = one.day(closed)
        if one.contract.partner_id == partner.pk and day is not None and first <= day <= last:
            found = sums.setdefault((one.contract.pk, one.kind, one.points < 0), [0, 0])
            found[0] += one.points
            found[1] += one.amount
    return [[*key, *sums[key]] for key in sorted(sums)]
