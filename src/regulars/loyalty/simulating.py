"""A draft of the rules on the real history: what it would have cost, and whom it would have touched.

Purchases stay as they were: nobody buys more, or something else, because of the rules. Whoever was recognised counts as
a member. Judged are whole customers, drawn by lot when there are too many, so that each one's purchases, turnover, tier
and stamps follow from each other; totals are those of the lot, times how many customers stand for one. Money has the
interval of a simple random sample without replacement (Cochran 1977, sections 2.6 and 2.9), and none at all when fewer
than `FEWEST_TOUCHED` of the lot had any: a spread that was not seen cannot be told. Numbers of customers have that of a
share (Wilson 1927). Of promo codes, of cards that were shown, of prices raised before a discount, and of points spent,
the history tells nothing: such rules give nothing here, those for whoever shows no such card included. Segments,
privileges and own fields are those of now; stamps begin with the period.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from django.db import connection
from django.utils import timezone

from regulars.analytics.estimate import Estimate
from regulars.analytics.intervals import mean_interval, wilson
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.loyalty.members import Segments, facts_of
from regulars.loyalty.past import Past, TierWalk
from regulars.loyalty.periods import begin_of
from regulars.loyalty.programme.basket import Basket, Line, Member
from regulars.loyalty.programme.judging import Judged, judge
from regulars.loyalty.programme.rules import RuleSet
from regulars.loyalty.programme.volume import Volume
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.unguarded import Unguarded, unguarded
from regulars.loyalty.volume import Outcome, would_give
from regulars.purchases.models import Line as Bought
from regulars.purchases.models import Receipt

MOST_RECEIPTS = 4_000  # judged twice in some seconds
MOST_CUSTOMERS = 2_000
MOST_OF_ONE = 1_000  # receipts: a card with more is that of a cashier, and would be half of the work
FEWEST_CUSTOMERS = 30
FEWEST_TOUCHED = 5
MOST_DAYS = 366
MOST_NAMED = 10  # of each group: whom the draft would give most
_MICRO = Decimal("0.000001")


class Receipted(NamedTuple):
    """One receipt of the period with all that a basket needs."""

    at: dt.datetime
    store: str
    zone: str
    channel: str
    lines: tuple[Line, ...]
    partner: str


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


Money = Estimate | None  # None: too few of the lot had any to tell


@dataclass(frozen=True)
class Effect:
    """What a set of rules would have done in the period. Money is in minor units, margin before points are spent."""

    customers: Estimate
    total: Money
    discount: Money
    points: Money
    margin: Money
    by_rule: Mapping[str, tuple[Estimate, Money]]  # customers and money


@dataclass(frozen=True)
class Group:
    """Some of the customers, and what the draft would have done for them. `people`: whom it would give most, by id."""

    name: str
    effect: Effect
    people: tuple[int, ...]


@dataclass(frozen=True)
class Simulation:
    """Both sets on the same purchases. `now` is None when no programme is valid; `more` is what the draft adds.

    `turnover` is before all discounts, of the `customers` who bought, of whom `looked_at` were judged; `left_out`
    receipts could not be; `costed` is the share of the turnover whose cost is known. `volume`: what each bonus of the
    draft for volume would have given for the last whole period, whatever `days` are. `by_tier` is by the tier of the
    draft that the buyer had at each purchase; who bought in two is in both. `unguarded` is what tills could not guard
    by the costs of now, while the margin here knows those of past receipts too.
    """

    begin: dt.date
    days: int
    customers: int
    looked_at: int
    left_out: int
    turnover: Estimate
    costed: float
    draft: Effect
    now: Effect | None
    more: Money
    volume: Sequence[tuple[Volume, Outcome]]
    by_tier: Sequence[Group] = ()
    by_segment: Sequence[Group] = ()
    unguarded: Unguarded | None = None


Membership = Callable[[Sequence[int]], Sequence[tuple[str, Collection[int]]]]


def simulate(rules: RuleSet, *, days: int, segments: Segments, among: Membership | None = None) -> Simulation:
    """Judge the purchases of the last days by the draft, and by the rules of now.

    `among` names segments and who of some customers is in each: the draft is told for each of them too.
    """
    if not 1 <= days <= MOST_DAYS:
        raise InputError(_("Choose 1 to {most} days to look back.").format(most=MOST_DAYS))
    end, business = timezone.now(), Business.current()
    begin = end - dt.timedelta(days=days)
    count, ids = _drawn(begin, end)
    if count < FEWEST_CUSTOMERS:
        raise InputError(
            _("Too few recognised customers bought in this time: {count}; at least {least} are needed.").format(
                count=count, least=FEWEST_CUSTOMERS
            )
        )
    valid = valid_at(end)
    sets = [rules, *([valid[1]] if valid else [])]
    judging = [_without_cards(one) for one in sets]
    found = [_of_one(one, judging, segments) for one in _histories(ids, begin, end, business)]
    totals = _Totals(count, len(found))
    effects = [
        replace(
            _effect(one, parts := [each.parts[place] for each in found], totals), by_rule=_by_rule(one, parts, totals)
        )
        for place, one in enumerate(sets)
    ]
    before = [one.parts[1].spent.total if valid else 0 for one in found]
    turnover = [one.turnover for one in found]
    return Simulation(
        begin.astimezone(business.zone).date(), days, count, len(found), sum(one.left_out for one in found),
        totals.of(turnover), sum(one.parts[0].costed for one in found) / max(1, sum(turnover)), effects[0],
        effects[1] if valid else None,
        totals.money([one.parts[0].spent.total - was for one, was in zip(found, before, strict=True)]),
        would_give(rules, at=end), _by_tier(rules, found, totals),
        _by_segment(rules, found, totals, among(ids)) if among else (), unguarded(rules.guard, at=end),
    )  # fmt: skip


def _without_cards(rules: RuleSet) -> RuleSet:
    """Less the rules that ask for the card: of one that nobody saw `not` would hold for everybody."""
    return replace(rules, rules=tuple(one for one in rules.rules if not one.asks_for_card))


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

    def money(self, values: Sequence[int]) -> Money:
        """The same where most may have none: of a handful nothing can be told."""
        if self.drawn < self.count and sum(1 for one in values if one) < FEWEST_TOUCHED:
            return None
        return self.of(values)

    def people(self, number: int) -> Estimate:
        """How many of all, when so many of the lot; never fewer than were seen, nor more than there are."""
        share = wilson(number, self.drawn)
        if self.drawn == self.count or share is None:
            return Estimate(number, number, number)
        most = self.count - (self.drawn - number)
        return Estimate(
            share.value * self.count, max(share.low * self.count, number), min(share.high * self.count, most)
        )


@dataclass
class _Part:
    """What one customer bought, or some of it, and what one set of rules gave him for it."""

    spent: Spent = field(default_factory=Spent)
    costed: int = 0  # of the turnover: what goods of known cost made
    profit: int = 0  # of those goods, before discounts

    def add(self, receipt: Receipted, judged: Judged, worth: int) -> None:
        """One more receipt."""
        self.spent.add(judged, worth)
        for line in receipt.lines:
            if line.cost is not None:
                self.costed += line.price
                self.profit += line.price - round(line.cost)


@dataclass
class _Found:
    """One customer: what he bought in the period under each set of rules, and under the draft by his tier."""

    key: int
    parts: list[_Part]
    by_tier: "defaultdict[str, _Part]" = field(default_factory=lambda: defaultdict(_Part))
    turnover: int = 0
    left_out: int = 0


def _effect(rules: RuleSet, parts: Sequence[_Part], totals: _Totals) -> Effect:
    """Of all who were drawn, in their order; whoever is in none of it has an empty part."""
    spent, nothing = [one.spent for one in parts], Estimate(0, 0, 0)
    margin = [one.profit - one.spent.on_costed for one in parts]
    return Effect(
        customers=totals.people(sum(one.receipts > 0 for one in spent)),
        total=totals.money([one.total for one in spent]),
        # what no rule gives is nothing, however few were drawn
        discount=totals.money([one.discount for one in spent]) if rules.discounts else nothing,
        points=totals.money([one.points for one in spent]) if rules.for_points else nothing,
        margin=totals.money(margin) if any(one.costed for one in parts) else None,
        by_rule={},
    )


def _by_rule(rules: RuleSet, parts: Sequence[_Part], totals: _Totals) -> dict[str, tuple[Estimate, Money]]:
    money = {rule.id: [one.spent.by_rule[rule.id] for one in parts] for rule in rules.rules}
    return {rule: (totals.people(sum(one > 0 for one in each)), totals.money(each)) for rule, each in money.items()}


def _by_tier(rules: RuleSet, found: Sequence[_Found], totals: _Totals) -> tuple[Group, ...]:
    tiers = ("", *rules.tiers.ids) if rules.tiers else ()
    return tuple(
        _group(rules, tier, found, [one.by_tier.get(tier, _Part()) for one in found], totals) for tier in tiers
    )


def _by_segment(
    rules: RuleSet, found: Sequence[_Found], totals: _Totals, among: Sequence[tuple[str, Collection[int]]]
) -> tuple[Group, ...]:
    return tuple(
        _group(rules, name, found, [one.parts[0] if one.key in his else _Part() for one in found], totals)
        for name, his in among
    )


def _group(rules: RuleSet, name: str, found: Sequence[_Found], parts: Sequence[_Part], totals: _Totals) -> Group:
    touched = [(part.spent.total, one.key) for part, one in zip(parts, found, strict=True) if part.spent.total > 0]
    most = sorted(touched, key=lambda one: (-one[0], one[1]))[:MOST_NAMED]
    return Group(name, _effect(rules, parts, totals), tuple(key for _total, key in most))


_BUYERS = """
FROM purchases_receipt
WHERE customer_id IS NOT NULL AND amount > 0 AND purchased_at >= %(begin)s AND purchased_at < %(end)s
GROUP BY customer_id HAVING count(*) <= %(most)s
"""


def _drawn(begin: dt.datetime, end: dt.datetime) -> tuple[int, list[int]]:
    """How many bought, and the ids of those who are judged: the same lot for every draft."""
    values: dict[str, Any] = {"begin": begin, "end": end, "most": MOST_OF_ONE}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), sum(many) FROM (SELECT count(*) AS many {_BUYERS}) each", values)
        ((customers, receipts),) = cursor.fetchall()
        fitting = max(FEWEST_CUSTOMERS, min(MOST_CUSTOMERS, customers * MOST_RECEIPTS // max(1, int(receipts or 0))))
        cursor.execute(
            f"SELECT customer_id {_BUYERS} ORDER BY hashint8extended(customer_id, 0), customer_id LIMIT %(wanted)s",
            values | {"wanted": min(customers, fitting)},
        )
        return customers, [int(key) for (key,) in cursor.fetchall()]


@dataclass(frozen=True)
class _History:
    """One customer: all that he ever bought in sums, and the receipts of the period with their lines."""

    customer: Customer
    past: Past
    receipts: tuple[Receipted, ...]
    left_out: int


def _histories(ids: Sequence[int], begin: dt.datetime, end: dt.datetime, business: Business) -> Iterator[_History]:
    people = Customer.objects.in_bulk(ids)
    names = (
        "customer", "id", "purchased_at", "amount", "store__name", "store__time_zone", "channel",
        "store__of_partner__partner__slug",
    )  # fmt: skip
    rows = Receipt.objects.filter(customer__in=ids, purchased_at__lt=end).order_by("customer", "purchased_at", "id")
    lines = _lines(ids, begin, end)
    for customer, each in groupby(rows.values_list(*names).iterator(), key=lambda row: row[0]):
        his = list(each)
        wanted = [row for row in his if row[2] >= begin and row[3] > 0]
        receipts = tuple(
            Receipted(at, store or "", zone or business.time_zone, channel, lines[key], partner or "")
            for _customer, key, at, _amount, store, zone, channel, partner in wanted if lines.get(key)
        )  # fmt: skip
        past = Past([(row[2], row[3]) for row in his], business.zone)
        yield _History(people[customer], past, receipts, len(wanted) - len(receipts))


def _lines(ids: Sequence[int], begin: dt.datetime, end: dt.datetime) -> dict[int, tuple[Line, ...]]:
    rows = Bought.objects.filter(
        receipt__customer__in=ids, receipt__purchased_at__gte=begin, receipt__purchased_at__lt=end, amount__gte=0
    ).order_by("receipt", "position")
    names = (
        "receipt", "product__code", "product__category", "product__cost", "quantity", "amount", "discount", "cost",
        "receipt__store__of_partner",
    )  # fmt: skip
    found, odd = defaultdict(list), set()
    for receipt, code, category, each, quantity, amount, discount, cost, others in rows.values_list(*names).iterator():
        many = max(_MICRO, Decimal(1 if quantity is None else abs(quantity)).quantize(_MICRO))
        # what the goods cost a partner nobody here knows
        known = round(each * many) if cost is None and each is not None and others is None else cost
        price = amount + max(0, discount or 0)
        try:
            found[receipt].append(Line(code or "-", category or "", many, price, None if known is None else abs(known)))
        except InputError:
            odd.add(receipt)  # more of it than a till may sell: counted as left out
    return {receipt: tuple(one) for receipt, one in found.items() if receipt not in odd}


def _of_one(history: _History, sets: Sequence[RuleSet], segments: Segments) -> _Found:
    found = _Found(history.customer.pk, [_Part() for _one in sets], left_out=history.left_out)
    knowing = [_Knowing(rules, history, segments) for rules in sets]
    for receipt in history.receipts:
        try:
            basket = Basket(
                store=receipt.store, store_zone=receipt.zone, channel=receipt.channel, purchased_at=receipt.at,
                lines=receipt.lines, partner=receipt.partner,
            )  # fmt: skip
        except InputError:
            found.left_out += 1
            continue
        found.turnover += sum(line.price for line in receipt.lines)
        for place, one in enumerate(knowing):
            member = one.before(receipt.at)
            judged = judge(basket, member, one.rules)
            one.count(judged)
            parts = [found.parts[place], *([found.by_tier[member.tier]] if place == 0 else [])]
            for part in parts:
                part.add(receipt, judged, one.rules.spending.worth)
    return found


class _Knowing:
    """What the rules may know of one customer before each of his purchases, asked in the order of time."""

    def __init__(self, rules: RuleSet, history: _History, segments: Segments) -> None:
        self.rules, self._past = rules, history.past
        self._always = facts_of(history.customer, rules, at=timezone.now(), segments=segments)
        self._tiers = None if rules.tiers is None else TierWalk(rules.tiers, history.past)
        self._stamps: Counter[str] = Counter()

    def before(self, at: dt.datetime) -> Member:
        """Before a receipt of this moment."""
        count, last = self._past.purchases(at)
        local = at.astimezone(self._past.zone)
        return replace(
            self._always,
            tier="" if self._tiers is None else self._tiers.before(at),
            purchases=count,
            last_purchase_at=last,
            turnover={one: self._past.turnover(begin_of(one, local), at) for one in self.rules.periods},
            floating={one: one.standing(self._past.days(at), local.date()) for one in self.rules.floating},
            stamps=dict(self._stamps),
        )

    def count(self, judged: Judged) -> None:
        """Stamps go from one purchase to the next."""
        for one in judged.stamps:
            self._stamps[one.counter] += one.added - one.spent
