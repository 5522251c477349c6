"""All that a member sees of himself: read in a fixed number of statements, each bounded, whatever his history."""

import datetime as dt
import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from regulars.customers.models import Customer
from regulars.loyalty.members import slug_of
from regulars.loyalty.models import Programme, Sale, SaleReturn, Transaction, Unit
from regulars.loyalty.privileges import privileges_at
from regulars.loyalty.programme.effects import NthFree
from regulars.loyalty.programme.rules import RuleSet
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.tiers import TierWay, tier_way
from regulars.loyalty.volume import Way, way_of
from regulars.purchases.models import Receipt

DAYS_SHOWN = 5
FEW, MANY = 10, 200  # entries of the history
_MOVEMENTS = 2_000  # of points, through which those without a receipt are looked for

# lots that hold something are few: an index keeps them apart from all that were spent
_UNITS = """
SELECT u.slug, coalesce(sum(l.remaining - l.held) FILTER (
        WHERE l.available_at <= %(at)s AND (l.expires_at IS NULL OR l.expires_at > %(at)s)), 0),
    coalesce(sum(l.remaining) FILTER (WHERE l.available_at > %(at)s), 0), (
        SELECT sum(debt) FROM loyalty_account mine WHERE mine.customer_id = %(customer)s AND mine.unit_id = u.id),
    coalesce(sum(l.held), 0)
FROM loyalty_account a JOIN loyalty_unit u ON u.id = a.unit_id
LEFT JOIN loyalty_lot l ON l.account_id = a.id AND l.remaining > 0
WHERE a.customer_id = %(customer)s GROUP BY u.id
"""

_DAYS = """
WITH lots AS (
    SELECT l.remaining, l.available_at, l.expires_at FROM loyalty_account a
    JOIN loyalty_unit u ON u.id = a.unit_id JOIN loyalty_lot l ON l.account_id = a.id AND l.remaining > 0
    WHERE a.customer_id = %(customer)s AND u.slug = 'points'
), days AS (
    SELECT 'pending' AS what, (available_at AT TIME ZONE %(zone)s)::date AS day, sum(remaining) AS points
    FROM lots WHERE available_at > %(at)s GROUP BY day
    UNION ALL
    SELECT 'expiring', (expires_at AT TIME ZONE %(zone)s)::date AS day, sum(remaining)
    FROM lots WHERE expires_at > %(at)s GROUP BY day
)
SELECT what, day, points FROM (
    SELECT *, row_number() OVER (PARTITION BY what ORDER BY day) AS place FROM days
) AS ordered WHERE place <= %(most)s ORDER BY day
"""

# what moved points without a receipt: gifts, expiry, corrections, and bonuses for volume, given or taken back
_MOVED = """
SELECT t.kind, t.recorded_at, sum(p.amount) FROM loyalty_account a JOIN loyalty_unit u ON u.id = a.unit_id
CROSS JOIN LATERAL (
    SELECT amount, transaction_id FROM loyalty_posting WHERE account_id = a.id ORDER BY seq DESC LIMIT %(movements)s
) AS p JOIN loyalty_transaction t ON t.id = p.transaction_id
WHERE a.customer_id = %(customer)s AND u.slug = 'points'
    AND (t.kind NOT IN ('sale', 'return', 'void') OR t.source = 'volume')
    AND t.recorded_at >= %(since)s
GROUP BY t.id HAVING sum(p.amount) <> 0 ORDER BY t.id DESC LIMIT %(most)s
"""


@dataclass(frozen=True)
class Points:
    """What he has. `pending` and `expiring` are the nearest days with how many points; `worth` is money.

    What is `held` waits for an order of his that is not paid yet, and can be spent on nothing else.
    """

    available: int
    later: int
    debt: int
    held: int
    worth: int
    pending: tuple[tuple[dt.date, int], ...]
    expiring: tuple[tuple[dt.date, int], ...]


@dataclass(frozen=True)
class StampCard:
    """How many of the stamps there are that make one piece free."""

    title: str
    has: int
    of: int


@dataclass(frozen=True)
class Happened:
    """A purchase, a return, or what moved points besides; `kind` is that of a transaction."""

    at: dt.datetime
    kind: Transaction.Kind
    place: str = ""
    money: int | None = None
    earned: int = 0  # below nothing: taken back with goods
    spent: int = 0  # below nothing: given back with goods
    stamps: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Overview:
    """A member at a moment. `following` is the next version of the rules, when there is one already."""

    points: Points
    stamps: tuple[StampCard, ...]
    tier: TierWay | None
    volume: list[Way]
    privileges: dict[str, dt.date | None]
    rules: RuleSet | None
    following: Programme | None


def overview(customer: Customer, *, at: dt.datetime, zone: zoneinfo.ZoneInfo) -> Overview | None:
    """What he has and how he stands; None for somebody who is no member."""
    values = {"customer": customer.pk, "at": at, "zone": zone.key, "most": DAYS_SHOWN}
    units = {slug: tuple(map(int, figures)) for slug, *figures in _rows(_UNITS, values)}
    if Unit.POINTS not in units:
        return None
    valid = valid_at(at)
    # of rules that the lot leaves him out of he is not told
    rules = valid[1].for_member(str(customer.pk)) if valid else None
    return Overview(
        _points(units[Unit.POINTS], rules, _rows(_DAYS, values)),
        tuple(_stamp_cards(units, rules)) if rules else (),
        tier_way(customer.pk, rules.tiers, at=at) if rules and rules.tiers else None,
        way_of(customer, at=at),
        {name: until for name, until in privileges_at(customer.pk, at).items()
         if until is None or until >= at.astimezone(zone).date()},
        rules,
        Programme.objects.filter(valid_from__gt=at).order_by("valid_from").first(),
    )  # fmt: skip


def history(customer: Customer, *, most: int) -> tuple[list[Happened], bool]:
    """What happened last, the newest first, and whether there is more."""
    found = list(
        Receipt.objects.filter(customer=customer).select_related("store").order_by("-purchased_at", "-id")[: most + 1]
    )
    bought = list(_bought(found))
    # before the oldest receipt that is shown nothing else is shown either: the order would lie
    since = found[most - 1].purchased_at if len(found) > most else dt.datetime(1, 1, 2, tzinfo=dt.UTC)
    moved = _rows(_MOVED, {"customer": customer.pk, "since": since, "movements": _MOVEMENTS, "most": most + 1})
    others = [Happened(at, Transaction.Kind(kind), earned=int(points)) for kind, at, points in moved]
    entries = sorted([*bought, *others], key=lambda one: one.at, reverse=True)
    return entries[:most], len(entries) > most


def _points(now: tuple[int, ...], rules: RuleSet | None, days: Sequence[Any]) -> Points:
    available, later, debt, held = now
    by_day = {what: tuple((day, int(n)) for kind, day, n in days if kind == what) for what in ("pending", "expiring")}
    return Points(available, later, debt, held, available * rules.spending.worth if rules else 0, **by_day)


def _stamp_cards(units: dict[str, tuple[int, ...]], rules: RuleSet) -> Iterator[StampCard]:
    for rule in rules.discounts:
        if isinstance(rule.gives, NthFree):
            has, *_others = units.get(slug_of(rule.gives.counter), (0,))
            yield StampCard(rule.title or rule.gives.counter, has, rule.gives.n)


def _bought(receipts: Sequence[Receipt]) -> Iterator[Happened]:
    ids = [one.pk for one in receipts]
    sales = {one.receipt_id: one for one in Sale.objects.filter(receipt__in=ids)}
    returns = {one.receipt_id: one for one in SaleReturn.objects.filter(receipt__in=ids)}
    for one in receipts:
        sale, back = sales.get(one.pk), returns.get(one.pk)
        kind = Transaction.Kind.RETURN if back or one.amount < 0 else Transaction.Kind.SALE
        yield Happened(
            one.purchased_at, kind, str(one.store or ""), one.amount,
            earned=sale.points_earned if sale else -back.points_taken if back else 0,
            spent=sale.points_spent if sale else -back.points_back if back else 0,
            stamps=tuple((counter, added - spent) for counter, added, spent, _key in sale.stamps) if sale else (),
        )  # fmt: skip


def _rows(query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())
