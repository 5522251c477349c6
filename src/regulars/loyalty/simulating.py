"""A draft of the rules on the real history: what it would have cost, and whom it would have touched.

Purchases stay as they were: nobody buys more, or something else, because of the rules. Whoever was recognised counts as
a member. Judged are whole customers, drawn by lot when there are too many, so that each one's purchases, turnover, tier
and stamps follow from each other; totals are those of the lot, times how many customers stand for one, with the
interval of a simple random sample without replacement (Cochran 1977, sections 2.6 and 2.9). Of promo codes, of prices
raised before a discount, and of points spent, the history tells nothing: such rules give nothing here.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

import numpy as np
from django.db import connection
from django.utils import timezone

from regulars.analytics.estimate import Estimate
from regulars.analytics.intervals import mean_interval
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.loyalty.members import Segments, facts_of
from regulars.loyalty.periods import begin_of, windows
from regulars.loyalty.programme.basket import Basket, Line, Member
from regulars.loyalty.programme.judging import Judged, judge
from regulars.loyalty.programme.rules import RuleSet
from regulars.loyalty.programme.tiers import Place
from regulars.loyalty.programmes import valid_at
from regulars.purchases.models import Line as Bought
from regulars.purchases.models import Receipt

MOST_RECEIPTS = 4_000  # judged twice in some seconds
FEWEST_CUSTOMERS = 30
MOST_DAYS = 366
_MICRO = Decimal("0.000001")


class Past(NamedTuple):
    """One receipt of the history, in the order of time."""

    id: int
    at: dt.datetime
    amount: int
    store: str
    zone: str
    channel: str


@dataclass
class Spent:
    """What the rules would have given one customer, in minor units; points by what they can pay."""

    discount: int = 0
    on_costed: int = 0  # of the discounts: on goods of known cost
    points: int = 0
    receipts: int = 0
    by_rule: "Counter[str]" = field(default_factory=Counter)

    def add(self, judged: Judged, worth: int) -> None:
        """One more receipt."""
        self.discount += judged.discount
        self.points += judged.earned * worth
        self.receipts += bool(judged.discount or judged.earned)
        for line in judged.lines:
            self.on_costed += line.discount if line.line.cost is not None else 0
            self.by_rule.update(dict(line.discounts))
            self.by_rule.update({rule: points * worth for rule, points in line.points})

    @property
    def total(self) -> int:
        """Discounts and points together."""
        return self.discount + self.points


@dataclass(frozen=True)
class Effect:
    """What a set of rules would have done in the period. Money is in minor units, margin before points are spent."""

    customers: Estimate
    receipts: Estimate
    total: Estimate
    discount: Estimate
    points: Estimate
    margin: Estimate | None
    by_rule: Mapping[str, tuple[Estimate, Estimate]]  # customers and money


@dataclass(frozen=True)
class Simulation:
    """Both sets on the same purchases. `now` is None when no programme is valid; `more` is what the draft adds.

    `turnover` is before all discounts, of the `customers` who bought, of whom `looked_at` were judged; `costed` is the
    share of the turnover whose cost is known.
    """

    begin: dt.date
    days: int
    customers: int
    looked_at: int
    turnover: Estimate
    costed: float
    draft: Effect
    now: Effect | None
    more: Estimate


def simulate(rules: RuleSet, *, days: int, segments: Segments) -> Simulation:
    """Judge the purchases of the last days by the draft, and by the rules of now."""
    if not 1 <= days <= MOST_DAYS:
        raise InputError(_("Choose 1 to {most} days to look back.").format(most=MOST_DAYS))
    end, business = timezone.now(), Business.current()
    begin = end - dt.timedelta(days=days)
    count, ids = _drawn(begin, end)
    if len(ids) < min(FEWEST_CUSTOMERS, max(count, 1)) or count < FEWEST_CUSTOMERS:
        raise InputError(
            _("Too few recognised customers bought in this time: {count}; at least {least} are needed.").format(
                count=count, least=FEWEST_CUSTOMERS
            )
        )
    valid = valid_at(end)
    sets = [rules, *([valid[1]] if valid else [])]
    found = [_of_one(one, sets, begin, segments, business) for one in _histories(ids, begin, end, business)]
    totals = _Totals(count, len(found))
    effects = [_effect(rules, [one.spent[place] for one in found], found, totals) for place, rules in enumerate(sets)]
    before = [one.spent[1].total if valid else 0 for one in found]
    turnover = [one.turnover for one in found]
    return Simulation(
        begin.astimezone(business.zone).date(), days, count, len(found), totals.of(turnover),
        sum(one.costed for one in found) / max(1, sum(turnover)), effects[0], effects[1] if valid else None,
        totals.of([one.spent[0].total - was for one, was in zip(found, before, strict=True)]),
    )  # fmt: skip


@dataclass(frozen=True)
class _Totals:
    """From those who were drawn to all."""

    count: int
    drawn: int

    def of(self, values: Sequence[int]) -> Estimate:
        """The total of everybody. When all were drawn it is exact."""
        if self.drawn == self.count:
            return Estimate(sum(values), sum(values), sum(values))
        left = 1 - self.drawn / self.count  # of the variance, because nobody is drawn twice
        mean = mean_interval(float(np.mean(values)), float(np.var(values, ddof=1)) * left, self.drawn)
        least = 0.0 if min(values) >= 0 else mean.low
        return Estimate(mean.value * self.count, max(mean.low, least) * self.count, mean.high * self.count)


@dataclass
class _Found:
    """One customer: what he bought in the period, and what each set of rules gave him."""

    spent: list[Spent]
    turnover: int = 0
    costed: int = 0  # of the turnover: what goods of known cost made
    profit: int = 0  # of those goods, before discounts


def _effect(rules: RuleSet, spent: Sequence[Spent], found: Sequence[_Found], totals: _Totals) -> Effect:
    is_costed = any(one.costed for one in found)
    margin = [one.profit - mine.on_costed for one, mine in zip(found, spent, strict=True)]
    return Effect(
        customers=totals.of([int(one.receipts > 0) for one in spent]),
        receipts=totals.of([one.receipts for one in spent]),
        total=totals.of([one.total for one in spent]),
        discount=totals.of([one.discount for one in spent]),
        points=totals.of([one.points for one in spent]),
        margin=totals.of(margin) if is_costed else None,
        by_rule={
            rule.id: (
                totals.of([int(one.by_rule[rule.id] > 0) for one in spent]),
                totals.of([one.by_rule[rule.id] for one in spent]),
            )
            for rule in rules.rules
        },
    )


_BUYERS = """
FROM purchases_receipt
WHERE customer_id IS NOT NULL AND amount > 0 AND purchased_at >= %(begin)s AND purchased_at < %(end)s
"""


def _drawn(begin: dt.datetime, end: dt.datetime) -> tuple[int, list[int]]:
    """How many bought, and the ids of those who are judged: the same lot for every draft."""
    values = {"begin": begin, "end": end}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(DISTINCT customer_id), count(*) {_BUYERS}", values)
        ((customers, receipts),) = cursor.fetchall()
        fitting = max(FEWEST_CUSTOMERS, customers * MOST_RECEIPTS // max(1, receipts))
        cursor.execute(
            f"SELECT customer_id {_BUYERS} GROUP BY customer_id ORDER BY hashint8extended(customer_id, 0), customer_id"
            " LIMIT %(wanted)s",
            values | {"wanted": min(customers, fitting)},
        )
        return customers, [int(key) for (key,) in cursor.fetchall()]


@dataclass(frozen=True)
class _History:
    """All receipts of one customer, and the lines of those in the period."""

    customer: Customer
    receipts: tuple[Past, ...]
    lines: Mapping[int, tuple[Line, ...]]


def _histories(ids: Sequence[int], begin: dt.datetime, end: dt.datetime, business: Business) -> Iterator[_History]:
    people = Customer.objects.in_bulk(ids)
    names = ("customer", "id", "purchased_at", "amount", "store__name", "store__time_zone", "channel")
    rows = Receipt.objects.filter(customer__in=ids, purchased_at__lt=end).order_by("customer", "purchased_at", "id")
    lines = _lines(ids, begin, end)
    for customer, his in groupby(rows.values_list(*names), key=lambda row: row[0]):
        receipts = tuple(
            Past(key, at, amount, store or "", zone or business.time_zone, channel)
            for _customer, key, at, amount, store, zone, channel in his
        )
        yield _History(people[customer], receipts, lines)


def _lines(ids: Sequence[int], begin: dt.datetime, end: dt.datetime) -> dict[int, tuple[Line, ...]]:
    rows = Bought.objects.filter(
        receipt__customer__in=ids, receipt__purchased_at__gte=begin, receipt__purchased_at__lt=end, amount__gte=0
    ).order_by("receipt", "position")
    names = ("receipt", "product__code", "product__category", "product__cost", "quantity", "amount", "discount", "cost")
    found = defaultdict(list)
    for receipt, code, category, each, quantity, amount, discount, cost in rows.values_list(*names):
        many = max(_MICRO, Decimal(1 if quantity is None else abs(quantity)).quantize(_MICRO))
        known = round(each * many) if cost is None and each is not None else cost
        price = amount + max(0, discount or 0)
        found[receipt].append(Line(code or "-", category or "", many, price, None if known is None else abs(known)))
    return {receipt: tuple(one) for receipt, one in found.items()}


def _of_one(
    history: _History, sets: Sequence[RuleSet], begin: dt.datetime, segments: Segments, business: Business
) -> _Found:
    found = _Found([Spent() for _one in sets])
    knowing = [_Knowing(rules, history, segments, business) for rules in sets]
    for place, receipt in enumerate(history.receipts):
        lines = history.lines.get(receipt.id)
        if receipt.at < begin or receipt.amount <= 0 or not lines:
            continue
        basket = Basket(
            store=receipt.store, store_zone=receipt.zone, channel=receipt.channel, purchased_at=receipt.at, lines=lines
        )
        found.turnover += sum(line.price for line in lines)
        for line in lines:
            if line.cost is not None:
                found.costed += line.price
                found.profit += line.price - line.cost
        for spent, one in zip(found.spent, knowing, strict=True):
            judged = judge(basket, one.before(place), one.rules)
            one.count(judged)
            spent.add(judged, one.rules.spending.worth)
    return found


class _Knowing:
    """What the rules may know of one customer before each of his purchases."""

    def __init__(self, rules: RuleSet, history: _History, segments: Segments, business: Business) -> None:
        self.rules, self._receipts, self._zone = rules, history.receipts, business.zone
        self._always = facts_of(history.customer, rules, at=timezone.now(), segments=segments)
        self._stamps: Counter[str] = Counter()
        self._place = Place()

    def before(self, place: int) -> Member:
        """Before the receipt at this place of his history."""
        at, earlier = self._receipts[place].at, self._receipts[:place]
        bought = [one for one in earlier if one.amount > 0]
        return replace(
            self._always,
            tier=self._tier(at, earlier),
            purchases=len(bought),
            last_purchase_at=bought[-1].at if bought else None,
            turnover={one: _sum(earlier, begin_of(one, at.astimezone(self._zone)), at) for one in self.rules.periods},
            stamps=dict(self._stamps),
        )

    def count(self, judged: Judged) -> None:
        """Stamps go from one purchase to the next."""
        for one in judged.stamps:
            self._stamps[one.counter] += one.added - one.spent

    def _tier(self, at: dt.datetime, earlier: Sequence[Past]) -> str:
        if self.rules.tiers is None:
            return ""
        local = at.astimezone(self._zone)
        begin, before = windows(self.rules.tiers.period, local)
        best = max(_sum(earlier, begin, at), _sum(earlier, before, begin))
        self._place = self.rules.tiers.after(self._place, best, local.date())
        return self._place.tier


def _sum(receipts: Sequence[Past], begin: dt.datetime | None, end: dt.datetime) -> int:
    return max(0, sum(one.amount for one in receipts if (begin is None or one.at >= begin) and one.at < end))
