"""What the programme cost in a period, to whom it went, and how much more members must buy for it to pay."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from regulars.analytics.estimate import Estimate
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.loyalty.breakage import UNKNOWN, Outlook, spent_shares
from regulars.loyalty.expenses import sums_between
from regulars.loyalty.lasting import lasting_share
from regulars.loyalty.members import points_unit
from regulars.loyalty.tier_spells import SPELLS, TIERED


@dataclass(frozen=True)
class Cost:
    """Of some receipts of members, money in minor units, what came back taken off.

    `members` are those who bought. `turnover` is before all discounts; `discount` is what rules took off it,
    `by_points` what points paid, `earned` the points that were promised, bonuses for volume too. `costed` is the part
    of the turnover whose cost is known, `profit` what it leaves before discounts. `gifts` is what gifts cost that were
    taken and not cancelled, `gifts_beyond` what each of them cost more than its points are worth, `cards` what cards
    cost that were given out, `fees` what members paid for cards.
    """

    members: int = 0
    receipts: int = 0
    turnover: int = 0
    discount: int = 0
    by_points: int = 0
    earned: int = 0
    costed: int = 0
    profit: int = 0
    gifts: int = 0
    gifts_beyond: int = 0
    cards: int = 0
    fees: int = 0


@dataclass(frozen=True)
class Outcome:
    """What some receipts cost in the end, and what they would have to bring.

    `spent_share` is the share of points that is spent in the end (the rest is breakage), from members whose points
    were either spent or expired; None: too few. `promised` is what the earned points will take off at that share; of a
    tier or a segment with too few at the share of all members, then of points that never expire, and while that is not
    known somewhere between the least and all. `cost` is discounts, promised points, what gifts cost beyond their
    points, cards less what members paid for them, and expenses. `uplift` is how much more members must have bought
    because of the programme for it to pay: cost / (margin - cost); None: the margin is not known, infinite: it cannot.
    """

    spent_share: Estimate | None
    promised: Estimate
    cost: Estimate
    margin: int | None  # of the whole turnover, before discounts, at the rate of the goods of known cost
    uplift: Estimate | None


@dataclass(frozen=True)
class Economics(Outcome):
    """The period as a whole and by the tier that the buyer had then: of points, when he earned them.

    `expenses` are sums by kind that people typed: of some customers their share by the number of members who bought.
    `share_of_all` is true where too few of the chosen customers show what share they spend: it is that of all members.
    `lasting` is what is known of points that never expire, where too few show it of points that do.
    """

    whole: Cost
    by_tier: dict[str, Cost]
    worth: int
    expenses: dict[str, int]
    shares: dict[str, dict[str, int]]  # of the expenses: by tier, then by kind
    outcomes: dict[str, Outcome]  # by tier
    share_of_all: bool
    lasting: Outlook


def economics(
    begin: dt.datetime, end: dt.datetime, *, worth: int, among: "QuerySet[Customer] | None" = None
) -> Economics:
    """Of receipts of members from `begin` up to `end`, without those of partners; a point is worth `worth` minor units.

    `among` are the customers who are looked at; all members when it is None.
    """
    asked = _Asked(begin, end, among)
    members, by_tier = asked.sales()
    for fact, values in ((_GIFTS, [worth]), (_CARDS, []), (_FEES, [])):
        for tier, more in asked.by_tier(fact, values).items():
            by_tier[tier] = replace(by_tier.get(tier, Cost()), **more)
    for tier, more in asked.by_tier(_BONUSES, [points_unit().pk]).items():
        before = by_tier.get(tier, Cost())
        by_tier[tier] = replace(before, earned=before.earned + more["bonuses"])
    whole = replace(_together(by_tier.values()), members=members)
    zone = Business.current().zone
    first, last = (at.astimezone(zone).date() for at in (begin, end - dt.timedelta(microseconds=1)))
    expenses = sums_between(first, last)
    if among is not None and expenses:
        everybody = _Asked(begin, end, None).members()
        expenses = {kind: round(sum_ * members / everybody) if everybody else 0 for kind, sum_ in expenses.items()}
    return _weighed(whole, by_tier, worth, expenses, among)


_SUMS = {
    "receipts": "bool_or(l.returned < l.quantity)::int",
    "turnover": "sum(l.price * k.kept)",
    "discount": "sum(l.discount * k.kept)",
    "by_points": "sum(l.by_points * k.kept)",
    "earned": "sum(l.earned * k.kept)",
    "costed": "coalesce(sum(l.price * k.kept) FILTER (WHERE l.cost IS NOT NULL), 0)",
    "profit": "coalesce(sum((l.price - l.cost) * k.kept) FILTER (WHERE l.cost IS NOT NULL), 0)",
}
_SALES = f"""
SELECT s.customer_id, s.purchased_at AS at, {", ".join(f"{sum_} AS {name}" for name, sum_ in _SUMS.items())}
FROM loyalty_sale s JOIN loyalty_saleline l ON l.sale_id = s.id
CROSS JOIN LATERAL (SELECT CASE WHEN l.returned = 0 THEN 1 ELSE 1 - l.returned / l.quantity END AS kept) k
WHERE s.customer_id IS NOT NULL AND s.partner_id IS NULL AND s.purchased_at >= %s AND s.purchased_at < %s
    {{among}} GROUP BY s.id
"""
_BUYERS = """
SELECT count(DISTINCT s.customer_id) FROM loyalty_sale s
WHERE s.customer_id IS NOT NULL AND s.partner_id IS NULL AND s.purchased_at >= %s AND s.purchased_at < %s
"""
_GIFTS = """
SELECT s.customer_id, s.taken_at AS at, s.cost AS gifts, greatest(s.cost - s.points * %s, 0) AS gifts_beyond
FROM loyalty_reward s WHERE s.cancelled_at IS NULL AND s.taken_at >= %s AND s.taken_at < %s {among}
"""
_CARDS = """
SELECT s.customer_id, s.created_at AS at, batch.cost AS cards
FROM customers_contact s JOIN loyalty_card card ON card.number = s.value
JOIN loyalty_cardbatch batch ON batch.id = card.batch_id AND batch.cost > 0
WHERE s.kind = 'card' AND s.created_at >= %s AND s.created_at < %s {among}
"""
# bonuses for volume: they belong to no receipt, and count on the day on which they are given or taken back
_BONUSES = """
SELECT s.customer_id, t.recorded_at AS at, p.amount AS bonuses
FROM loyalty_transaction t
JOIN loyalty_posting p ON p.transaction_id = t.id JOIN loyalty_account s ON s.id = p.account_id
WHERE t.unit_id = %s AND t.source = 'volume' AND t.recorded_at >= %s AND t.recorded_at < %s {among}
"""
_FEES = """
SELECT s.customer_id, s.at, s.price AS fees FROM (
    SELECT customer_id, sold_at AS at, price FROM loyalty_cardsale
    UNION ALL SELECT customer_id, cancelled_at, -price FROM loyalty_cardsale WHERE cancelled_at IS NOT NULL
) s WHERE s.at >= %s AND s.at < %s {among}
"""
_OF = {_FEES: ("fees",), _GIFTS: ("gifts", "gifts_beyond"), _CARDS: ("cards",), _BONUSES: ("bonuses",)}


@dataclass(frozen=True)
class _Asked:
    """A period, and the customers who are looked at."""

    begin: dt.datetime
    end: dt.datetime
    among: "QuerySet[Customer] | None"

    def sales(self) -> tuple[int, dict[str, Cost]]:
        """How many bought, each counted once, and the costs of each tier, in one pass over the receipts."""
        sums = ", ".join(f"sum({name}) AS {name}" for name in _SUMS)
        query = f"""tiered AS (
            SELECT fact.customer_id, coalesce(spell.tier, '') AS tier, {sums} {TIERED} GROUP BY 1, 2
        ) SELECT tier, count(DISTINCT customer_id), {sums} FROM tiered GROUP BY GROUPING SETS ((tier), ())"""
        rows = self._rows(_SALES, [], f", {query}")
        members = next(row[1] for row in rows if row[0] is None)
        by_tier = {row[0]: _whole(("members", *_SUMS), row[1:]) for row in rows if row[0] is not None}
        return members, {tier: Cost(**one) for tier, one in by_tier.items()}

    def by_tier(self, fact: str, values: list[Any]) -> dict[str, dict[str, int]]:
        """Sums of the facts by the tier of the customer at their moments."""
        sums = ", ".join(f"sum({name})" for name in _OF[fact])
        rows = self._rows(fact, values, f"SELECT coalesce(spell.tier, ''), {sums} {TIERED} GROUP BY 1")
        return {row[0]: _whole(_OF[fact], row[1:]) for row in rows}

    def members(self) -> int:
        """How many bought."""
        with connection.cursor() as cursor:
            cursor.execute(_BUYERS, [self.begin, self.end])
            return int(cursor.fetchone()[0])

    def _rows(self, fact: str, values: list[Any], rest: str) -> list[tuple[Any, ...]]:
        named: Sequence[Any]
        who, named = "", ()
        if self.among is not None:
            query, named = self.among.order_by().values("pk").query.sql_with_params()
            who = f"among (id) AS MATERIALIZED ({query}), "
        among = "AND s.customer_id IN (SELECT id FROM among)" if who else ""
        whole = f"WITH {who}{SPELLS}, fact AS ({fact.replace('{among}', among)}) {rest}"
        with connection.cursor() as cursor:
            cursor.execute(whole, [*named, self.end, self.begin, *values, self.begin, self.end])
            return list(cursor.fetchall())


def _whole(names: tuple[str, ...], values: Any) -> dict[str, int]:
    return {name: round(value) for name, value in zip(names, values, strict=True)}


def _together(costs: Any) -> Cost:
    whole = Cost()
    for one in costs:
        whole = Cost(*(a + b for a, b in zip(_values(whole), _values(one), strict=True)))
    return whole


def _values(cost: Cost) -> tuple[int, ...]:
    return tuple(getattr(cost, name) for name in Cost.__dataclass_fields__)


def _weighed(
    whole: Cost, by_tier: dict[str, Cost], worth: int, expenses: dict[str, int], among: "QuerySet[Customer] | None"
) -> Economics:
    own, tiers = spent_shares(timezone.now(), among)
    usual = own or (None if among is None else spent_shares(timezone.now(), None)[0])
    lasting = UNKNOWN if usual else lasting_share(timezone.now())
    # nobody knows yet how many of them are spent: somewhere between the least and all
    guess = usual or lasting.estimate or Estimate(1.0, lasting.low, 1.0)
    parts = _shares(by_tier, expenses)
    outcomes = {
        tier: _outcome(one, sum(parts[tier].values()), tiers.get(tier), guess, worth) for tier, one in by_tier.items()
    }
    all_of_it = _outcome(whole, sum(expenses.values()), own, guess, worth)
    return Economics(
        **vars(all_of_it), whole=whole, by_tier=by_tier, worth=worth, expenses=expenses, shares=parts,
        outcomes=outcomes, share_of_all=own is None and usual is not None, lasting=lasting,
    )  # fmt: skip


def _outcome(of: Cost, expenses: int, own: Estimate | None, usual: Estimate, worth: int) -> Outcome:
    share = own or usual
    most = of.earned * worth
    promised = Estimate(most * share.value, most * share.low, most * share.high)
    fixed = of.discount + of.gifts_beyond + of.cards - of.fees + expenses
    cost = Estimate(fixed + promised.value, fixed + promised.low, fixed + promised.high)
    margin = round(of.turnover * of.profit / of.costed) if of.costed else None
    uplift = None if margin is None else Estimate(*(_uplift(one, margin) for one in (cost.value, cost.low, cost.high)))
    return Outcome(own, promised, cost, margin, uplift)


def _shares(by_tier: Mapping[str, Cost], expenses: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """What is spent for everybody, by the number of members who bought: whole units that add up."""
    found: dict[str, dict[str, int]] = {tier: {} for tier in by_tier}
    for kind, sum_ in expenses.items():
        given = so_far = 0
        everybody = sum(one.members for one in by_tier.values())
        for tier, one in by_tier.items():
            so_far += one.members
            part = round(sum_ * so_far / everybody) - given if everybody else 0
            found[tier][kind] = part
            given += part
    return found


def _uplift(cost: float, margin: int) -> float:
    # margin less cost is what the same goods would have left without the programme, had they been bought
    return cost / (margin - cost) if cost < margin else math.inf
