"""What partners of the campaign owe: contracts, days that are closed, and a model that adds up what each sale costs.

The model is told what became of points; it knows sales, prices and days, and nothing of rows.
"""

import datetime as dt
import math
import random
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

PARTNERS = ("bread", "books", "toys")
ZONE = "Europe/Riga"
_TILLS = (*PARTNERS, "campaign", "campaign", "campaign")


@dataclass(slots=True)
class Side:
    """Points that one sale gave or took, as many as are out, and the price of a thousand."""

    partner: str
    price: int
    is_issued: bool
    due: dt.date
    points: int = 0

    @property
    def amount(self) -> int:
        """What the partner owes for it; a part of a minor unit is the operator's."""
        exact = Fraction(self.points * self.price, 1_000)
        return math.ceil(exact) if self.is_issued else -math.floor(exact)


class Nets:
    """Three partners with a contract each, and what waits to be settled with them."""

    def __init__(self, lot: random.Random, start: dt.datetime) -> None:
        from regulars.foundation.models import Business
        from regulars.loyalty.models import Contract, Partner, PartnerTill
        from tests.loyalty.rebuilt import Debts

        values = {"name": "Campaign", "currency": "EUR", "time_zone": ZONE, "language": "en"}
        Business.objects.get_or_create(id=1, defaults=values)
        self.lot, self.zone, self.debts = lot, ZoneInfo(ZONE), Debts()
        self.terms: dict[str, tuple[int, int, int]] = {}
        self.sides: dict[tuple[str, bool], Side] = {}
        self.waiting: dict[dt.date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.last = self.day_of(start)
        for slug in PARTNERS:
            issue = lot.randint(700, 1_500)
            self.terms[slug] = issue, lot.randint(1, 700), lot.randint(0, 3)
            partner = Partner.objects.create(slug=slug, name=slug.title())
            PartnerTill.objects.create(partner=partner, till=slug)
            Contract.objects.create(
                partner=partner, begins_on=self.last, agreed_at=start, currency="EUR", issue_price=issue,
                redeem_price=self.terms[slug][1], settled_after_days=self.terms[slug][2],
            )  # fmt: skip

    def till(self) -> str:
        """Where somebody buys: half of it is the operator's."""
        return self.lot.choice(_TILLS)

    def day_of(self, at: dt.datetime) -> dt.date:
        """By the clock of the business."""
        return at.astimezone(self.zone).date()

    def sold(self, name: str, till: str, owner: int, *, given: int, taken: int, paid: int, at: dt.datetime) -> None:
        """A sale gave and took points; of those that it gave so many paid a debt."""
        day = self.day_of(at)
        if till in self.terms:
            issue, redeem, wait = self.terms[till]
            due = day + dt.timedelta(days=wait)
            # a sale that spends alone, or gives alone, has one side
            self.sides |= {(name, True): Side(till, issue, True, due)} if given else {}
            self.sides |= {(name, False): Side(till, redeem, False, due)} if taken else {}
            self._move(name, True, given, due)
            self._move(name, False, taken, due)
        for root, points in self.debts.pay(owner, int(name[1:]), paid):
            self._move(f"n{root}", True, -points, day)

    def came_back(self, of: str, owner: int, *, given: int, void: int, owed: int, at: dt.datetime) -> None:
        """Of a sale so many points were given back, and so many are void, of which he owes some."""
        day = self.day_of(at)
        self._move(of, False, -given, day)
        again, own = self.debts.owe(owner, int(of[1:]), owed)
        for root, points in again:
            self._move(f"n{root}", True, points, day)
        self._move(of, True, own - void, day)

    def closed(self, day: dt.date) -> dict[str, int]:
        """What is netted on this day: all that is due by then."""
        sums: dict[str, int] = defaultdict(int)
        for due in [one for one in self.waiting if one <= day]:
            for slug, amount in self.waiting.pop(due).items():
                sums[slug] += amount
        return {**sums, "operator": -sum(sums.values())}

    def close(self, at: dt.datetime) -> list[str]:
        """Close what is over, and say where a day is not what the model has."""
        if self.day_of(at) == self.last:
            return []
        from regulars.loyalty.settling import close_days

        self.last = self.day_of(at)
        return [said for day in close_days(at=at) if (said := self._compare(day))]

    def _compare(self, day: dt.date) -> str:
        from regulars.loyalty.models import SettlementNet

        rows = SettlementNet.objects.filter(day=day).values_list("partner__slug", "amount")
        found = {slug or "operator": amount for slug, amount in rows}
        wanted = self.closed(day)
        if sum(found.values()) == 0 and _without_nothing(found) == _without_nothing(wanted):
            return ""
        return f"{day} was closed with {found}, the model has {wanted}"

    def compare_all(self) -> list[str]:
        """What was settled in all, closed or not, is what is left of all sales costs."""
        from django.db.models import Sum

        from regulars.loyalty.models import Settlement

        wanted: dict[str, int] = defaultdict(int)
        for one in self.sides.values():
            wanted[one.partner] += one.amount
        found = dict(Settlement.objects.order_by().values_list("partner__slug").annotate(sum=Sum("amount")))
        return [] if found == wanted else [f"settled is {found}, the model has {dict(wanted)}"]

    def _move(self, name: str, is_issued: bool, points: int, day: dt.date) -> None:
        side = self.sides.get((name, is_issued))
        if side is None or not points:
            return
        before = side.amount
        side.points += points
        side.due = max(side.due, day)
        self.waiting[side.due][side.partner] += side.amount - before


def _without_nothing(sums: dict[str, Any]) -> dict[str, Any]:
    return {slug: amount for slug, amount in sums.items() if amount}
