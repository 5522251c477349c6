"""What the programme owed at the end of a day: in points, in money, and as revenue that is not earned yet."""

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from django.db import connection

from regulars.analytics.estimate import Estimate
from regulars.loyalty.balances import Position, position
from regulars.loyalty.breakage import spent_share
from regulars.loyalty.members import points_unit
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.revenue import allocate, earned

_HELD = """
SELECT coalesce(sum(amount), 0)::bigint FROM loyalty_hold
WHERE unit_id = %(unit)s AND placed_at <= %(at)s AND (ended_at IS NULL OR ended_at > %(at)s)
"""

# A partner's goods are the partner's revenue. A lot that a return made of an older one is still a promise of the sale
# that gave the older one. What a person took by hand nobody can redeem any more, as if it had expired; so it is with
# what came back when its time was over.
_PROMISED = """
WITH sold AS (
    SELECT id, transaction_id, points_earned, price - discount - by_points AS paid FROM loyalty_sale
    WHERE customer_id IS NOT NULL AND partner_id IS NULL AND points_earned > 0 AND recorded_at <= %(at)s
), back AS (
    SELECT coalesce(sum(r.refund + r.to_certificates), 0) AS paid, coalesce(sum(r.points_taken), 0) AS points
    FROM loyalty_salereturn r JOIN sold ON sold.id = r.sale_id WHERE r.recorded_at <= %(at)s
), lot AS (
    SELECT l.id, l.expires_at FROM loyalty_lot l LEFT JOIN loyalty_lot older ON older.id = l.origin_id
    JOIN sold ON sold.transaction_id = coalesce(older.born_in_id, l.born_in_id)
), left_over AS (
    SELECT lot.expires_at, sum(p.amount) AS points,
        coalesce(-sum(p.amount) FILTER (WHERE t.kind IN ('expiry', 'correction')
            OR t.kind IN ('return', 'void') AND p.amount < 0 AND t.recorded_at >= lot.expires_at), 0) AS lapsed
    FROM lot JOIN loyalty_posting p ON p.lot_id = lot.id JOIN loyalty_transaction t ON t.id = p.transaction_id
    WHERE t.recorded_at <= %(at)s GROUP BY lot.id, lot.expires_at
)
SELECT (SELECT coalesce(sum(paid), 0) FROM sold) - back.paid,
    (SELECT coalesce(sum(points_earned), 0) FROM sold) - back.points,
    (SELECT coalesce(sum(points) FILTER (WHERE expires_at IS NULL OR expires_at > %(at)s), 0) FROM left_over),
    (SELECT coalesce(sum(lapsed), 0) + coalesce(sum(points) FILTER (WHERE expires_at <= %(at)s), 0) FROM left_over)
FROM back
"""


@dataclass(frozen=True)
class Worth:
    """Points that members have and can spend, now or later, and what a point takes off; money in minor units.

    `share` is the share of points that is spent in the end; None: too few are decided.
    """

    points: int
    worth: int
    share: Estimate | None

    @property
    def most(self) -> int:
        """If all of them are spent."""
        return self.points * self.worth

    @property
    def likely(self) -> Estimate | None:
        """At the share that is spent in the end."""
        share = self.share
        return share and Estimate(*(self.most * one for one in (share.value, share.low, share.high)))


@dataclass(frozen=True)
class Promised:
    """What receipts that gave points were paid, returns taken off, and what became of these points.

    `alive` can still be spent; `redeemed` is what is neither that nor lapsed.
    """

    paid: int
    points: int
    alive: int
    lapsed: int

    @property
    def redeemed(self) -> int:
        """Also what paid a debt: those points were spent before they came."""
        return max(0, self.points - self.alive - self.lapsed)

    def expected(self, share: float) -> int:
        """How many are redeemed in the end, in all: not fewer than were, not more than still can be."""
        return min(max(round(self.points * share), self.redeemed), self.redeemed + self.alive)

    def deferred(self, share: float, worth: int) -> "Deferred":
        """The part of the price that is the points', and what of it is earned."""
        expected = self.expected(share)
        standalone = (Fraction(self.paid), Fraction(expected * worth))
        part = allocate(self.paid, standalone)[1] if sum(standalone) else 0
        return Deferred(expected, part, earned(part, redeemed=self.redeemed, expected=expected) if expected else part)


@dataclass(frozen=True)
class Deferred:
    """Of so many points expected to be redeemed in all: their part of the price, and what of it is revenue already."""

    expected: int
    part: int
    earned: int

    @property
    def left(self) -> int:
        """What is revenue only when more of them are redeemed."""
        return self.part - self.earned


@dataclass(frozen=True)
class Revenue:
    """The promise, and what is deferred: `likely`, and between which figures it lies."""

    promised: Promised
    share: Estimate | None
    likely: Deferred | None
    low: Deferred
    high: Deferred


def points_at(at: dt.datetime) -> tuple[Position, int]:
    """What became of all points up to the moment, and how many of those that can be spent were set aside."""
    unit = points_unit()
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"unit": unit.pk, "at": at})
        held = int(cursor.fetchone()[0])
    return position(unit, at=at), held


def worth_at(at: dt.datetime) -> Worth | None:
    """None: no rules were valid then, so nobody knows what a point is worth."""
    worth = _worth(at)
    if worth is None:
        return None
    owed = position(points_unit(), at=at).outstanding
    return Worth(owed.available + owed.pending, worth, spent_share(at))


def promised_at(at: dt.datetime) -> Promised:
    """Of the business's own receipts that the ledger knew by then."""
    with connection.cursor() as cursor:
        cursor.execute(_PROMISED, {"at": at})
        return Promised(*(max(0, int(one)) for one in cursor.fetchone()))


def revenue_at(at: dt.datetime) -> Revenue | None:
    """Deferred revenue as IFRS 15 has it; None: no rules were valid then."""
    worth = _worth(at)
    if worth is None:
        return None
    promised, share = promised_at(at), spent_share(at)
    ends = (share.low, share.high) if share else (0.0, 1.0)
    low, high = (promised.deferred(one, worth) for one in ends)
    return Revenue(promised, share, promised.deferred(share.value, worth) if share else None, low, high)


def _worth(at: dt.datetime) -> int | None:
    valid = valid_at(at)
    return None if valid is None else valid[1].spending.worth
