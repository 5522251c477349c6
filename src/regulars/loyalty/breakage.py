"""Which share of the points is spent in the end: breakage is the rest. Of all members, of some of them, and by tier."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from regulars.analytics.estimate import Estimate
from regulars.customers.models import Customer
from regulars.loyalty.members import points_unit
from regulars.loyalty.tier_spells import SPELLS, TIERED

FEWEST_DECIDED = 30  # members whose points were spent or expired: below, nobody knows the share that is spent

# Of lots whose time is over: the points that were spent, less what came back for them, and those that expired. What
# came back for points that were owed, and were earned since, is a lot of its own: nothing was spent of it before.
_ENDED = """
    coalesce(-sum(p.amount) FILTER (
        WHERE t.kind IN ('sale', 'capture', 'reward') AND p.amount < 0
        OR t.kind IN ('return', 'void', 'unreward') AND p.amount > 0
            AND (l.born_in_id <> t.id OR l.origin_id IS NOT NULL)
    ), 0)::float8 AS spent,
    coalesce(-sum(p.amount) FILTER (WHERE t.kind = 'expiry'), 0)::float8 AS expired
FROM loyalty_lot l JOIN loyalty_posting p ON p.lot_id = l.id
JOIN loyalty_transaction t ON t.id = p.transaction_id
"""
_OVER = "WHERE l.expires_at <= %s AND t.recorded_at <= %s AND t.unit_id = %s"
# of each member, and all of these with those that expired
_SUMS = "count(*), sum(spent), sum(decided), sum(spent * spent), sum(decided * decided), sum(spent * decided)"
_DECIDED = f"""
SELECT {_SUMS} FROM (
    SELECT spent, spent + expired AS decided FROM (SELECT {_ENDED} {_OVER} GROUP BY p.account_id) AS member
) AS decided WHERE decided > 0
"""
# a member counts once in the whole, and in each tier in which he earned
_BY_TIER = f"""
WITH {{among}} {SPELLS}, fact AS (
    SELECT a.id AS account_id, a.customer_id, born.recorded_at AS at, {_ENDED}
    JOIN loyalty_account a ON a.id = p.account_id
    -- what lives on after a return was earned with the lot that it came from
    JOIN loyalty_lot first ON first.id = coalesce(l.origin_id, l.id)
    JOIN loyalty_transaction born ON born.id = first.born_in_id
    {_OVER} {{only}} GROUP BY a.id, l.id, born.id
), member AS (
    SELECT tier, grouping(tier) AS is_whole, sum(spent) AS spent, sum(spent + expired) AS decided
    FROM (SELECT fact.*, coalesce(spell.tier, '') AS tier {TIERED}) AS tiered
    GROUP BY GROUPING SETS ((account_id, tier), (account_id))
)
SELECT is_whole, coalesce(tier, ''), {_SUMS} FROM member WHERE decided > 0 GROUP BY is_whole, tier
"""
_LONG_AGO = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Outlook:
    """Which share of some points is spent in the end: `value` with its 95 % interval, from so many members' points.

    `value` is None while it is not known, and then the share lies somewhere between `low` and `high`. `days` is for how
    long points that never expire were watched.
    """

    value: float | None
    low: float
    high: float
    members: int = 0
    points: int = 0
    days: int = 0

    @property
    def estimate(self) -> Estimate | None:
        """The share, where it is known."""
        return None if self.value is None else Estimate(self.value, self.low, self.high)


UNKNOWN = Outlook(None, 0.0, 1.0)


def ending_share(at: dt.datetime) -> Outlook:
    """Of points that expire, and whose fate was known by then, those that were spent.

    A ratio of sums over members (Cochran 1977, 6.3).
    """
    with connection.cursor() as cursor:
        cursor.execute(_DECIDED, [at, at, points_unit().pk])
        sums = cursor.fetchone()
    found = _ratio(sums)
    return Outlook(found.value, found.low, found.high, sums[0], round(sums[2])) if found else UNKNOWN


def spent_share(at: dt.datetime | None = None) -> Estimate | None:
    """The same as an estimate, as it was known at the moment; None: now."""
    return ending_share(at or timezone.now()).estimate


def spent_shares(
    at: dt.datetime, among: "QuerySet[Customer] | None"
) -> tuple[Estimate | None, dict[str, Estimate | None]]:
    """The same of these customers (None: of all), as a whole and by the tier in which they earned the points."""
    named: Sequence[Any]
    query, named, only = "", (), ""
    if among is not None:
        asked, named = among.order_by().values("pk").query.sql_with_params()
        query, only = f"among (id) AS MATERIALIZED ({asked}),", "AND a.customer_id IN (SELECT id FROM among)"
    whole = _BY_TIER.replace("{among}", query).replace("{only}", only)
    with connection.cursor() as cursor:
        cursor.execute(whole, [*named, at, _LONG_AGO, at, at, points_unit().pk])
        rows = cursor.fetchall()
    return (
        next((_ratio(sums) for is_whole, _tier, *sums in rows if is_whole), None),
        {tier: _ratio(sums) for is_whole, tier, *sums in rows if not is_whole},
    )


def _ratio(sums: Sequence[Any]) -> Estimate | None:
    count, spent, decided, spent_2, decided_2, both = sums
    if count < FEWEST_DECIDED:
        return None
    share = spent / decided
    variance = max(0.0, spent_2 - 2 * share * both + share**2 * decided_2) * count / (count - 1)
    half = 1.96 * math.sqrt(variance) / decided
    return Estimate(share, max(0.0, share - half), min(1.0, share + half))
