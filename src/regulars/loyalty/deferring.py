"""Revenue that waits for points to be spent (IFRS 15), from the ledger: at a moment, and between two days.

The price of a sale is split between goods and points by the estimate that stood when it was made, and that split stays.
What is expected today only says how much of the points' part is revenue by now. Sales of a month are one portfolio
(IFRS 15.4): their points have the same past before them.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from django.db import connection

from regulars.foundation.days import end_of_day
from regulars.foundation.models import Business
from regulars.loyalty.breakage import Outlook
from regulars.loyalty.expected import Outlooks, stood
from regulars.loyalty.members import points_unit
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.revenue import earned

_ENDS = ("value", "low", "high")

# A partner's goods are the partner's revenue. A lot that a return made of an older one, or of one of these, is still
# a promise of the sale that gave the first one. What a person took by hand nobody can redeem any more, as if it had
# expired; so it is with what came back when its time was over. The first estimate serves the sales before it, too.
# Sums of parts are rounded once, for each month: of `numeric` they are the same in whatever order they are added.
_MONTHS = """
WITH RECURSIVE version AS (
    SELECT id, (rules -> 'spending' ->> 'worth')::numeric AS worth, rules -> 'life' ->> 'days' IS NULL AS lasts
    FROM loyalty_programme
), stood AS (
    SELECT lasts, share, lead(estimated_on) OVER series AS until, min(estimated_on) OVER series AS first,
        CASE WHEN lag(estimated_on) OVER series IS NULL THEN '-infinity' ELSE estimated_on END AS since
    FROM loyalty_spentshare WHERE unit_id = %(unit)s WINDOW series AS (PARTITION BY lasts ORDER BY estimated_on)
), sold AS (
    SELECT s.id, s.transaction_id, s.points_earned, s.price - s.discount - s.by_points AS paid,
        (s.purchased_at AT TIME ZONE %(zone)s)::date AS day, v.worth, v.lasts
    FROM loyalty_sale s JOIN version v ON v.id = s.programme_id
    WHERE s.customer_id IS NOT NULL AND s.partner_id IS NULL AND s.points_earned > 0 AND s.recorded_at <= %(at)s
), back AS (
    SELECT r.sale_id AS id, sum(r.refund + r.to_certificates) AS paid, sum(r.points_taken) AS points
    FROM loyalty_salereturn r WHERE r.recorded_at <= %(at)s GROUP BY 1
), late AS (
    SELECT id, origin_id AS older FROM loyalty_lot WHERE origin_id IS NOT NULL
    UNION ALL SELECT late.id, l.origin_id FROM late JOIN loyalty_lot l ON l.id = late.older
    WHERE l.origin_id IS NOT NULL
), lot AS (
    SELECT sold.id AS sale, l.id, l.expires_at
    FROM loyalty_lot l LEFT JOIN (SELECT id, min(older) AS id_of_first FROM late GROUP BY id) late USING (id)
    LEFT JOIN loyalty_lot first ON first.id = late.id_of_first
    JOIN sold ON sold.transaction_id = coalesce(first.born_in_id, l.born_in_id)
), left_over AS (
    SELECT lot.sale, lot.expires_at, sum(p.amount) AS points,
        coalesce(-sum(p.amount) FILTER (WHERE t.kind IN ('expiry', 'correction')
            OR t.kind IN ('return', 'void') AND p.amount < 0 AND t.recorded_at >= lot.expires_at), 0) AS lapsed
    FROM lot JOIN loyalty_posting p ON p.lot_id = lot.id JOIN loyalty_transaction t ON t.id = p.transaction_id
    WHERE t.recorded_at <= %(at)s GROUP BY lot.sale, lot.id, lot.expires_at
), became AS (
    SELECT sale AS id, coalesce(sum(points) FILTER (WHERE expires_at IS NULL OR expires_at > %(at)s), 0) AS alive,
        sum(lapsed) + coalesce(sum(points) FILTER (WHERE expires_at <= %(at)s), 0) AS lapsed
    FROM left_over GROUP BY 1
), promise AS (
    SELECT sold.lasts, date_trunc('month', sold.day) AS month, coalesce(became.alive, 0) AS alive,
        coalesce(became.lapsed, 0) AS lapsed, greatest(sold.paid - coalesce(back.paid, 0), 0) AS paid,
        greatest(sold.points_earned - coalesce(back.points, 0), 0) AS points, sold.worth, stood.share,
        coalesce(sold.day < stood.first, true) AS is_early
    FROM sold LEFT JOIN back USING (id) LEFT JOIN became USING (id) LEFT JOIN stood ON stood.lasts = sold.lasts
        AND sold.day >= stood.since AND (stood.until IS NULL OR sold.day < stood.until)
)
SELECT lasts, sum(paid), sum(points), sum(alive), sum(lapsed), bool_or(is_early), {parts}
FROM promise CROSS JOIN LATERAL (SELECT {standalone}) s GROUP BY lasts, month ORDER BY month, lasts
"""
_STANDALONE = "points * worth * coalesce(share, CASE WHEN lasts THEN %(last_{0})s ELSE %(end_{0})s END::numeric) AS {0}"
# by stand-alone prices (IFRS 15.74-76); what was given for nothing has no price to split
_PART = "CASE WHEN bool_or({0} IS NULL) THEN NULL ELSE coalesce(sum(paid * {0} / nullif(paid + {0}, 0)), 0) END"
_QUERY = _MONTHS.format(
    parts=", ".join(_PART.format(one) for one in _ENDS), standalone=", ".join(_STANDALONE.format(one) for one in _ENDS)
)


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

    def deferred(self, share: float, part: int) -> "Deferred":
        """What is earned of the points' part of the price, when this share is expected to be spent in all."""
        expected = self.expected(share)
        return Deferred(expected, part, earned(part, redeemed=self.redeemed, expected=expected) if expected else part)


@dataclass(frozen=True)
class Deferred:
    """Of so many points expected to be redeemed in all: their part of the price, and what of it is revenue already."""

    expected: int = 0
    part: int = 0
    earned: int = 0

    @property
    def left(self) -> int:
        """What is revenue only when more of them are redeemed."""
        return self.part - self.earned


@dataclass(frozen=True)
class Month:
    """Sales of one month whose points live alike; `parts` are the points' parts of their prices, likely and between.

    `is_early`: some were made before there was an estimate of their own.
    """

    lasts: bool
    promised: Promised
    is_early: bool
    parts: tuple[int | None, int, int]


@dataclass(frozen=True)
class Revenue:
    """The promise, and what is deferred: `likely` (None: not known), and between which figures it lies.

    `shares` is what was expected then; `is_early`: for some sales no estimate of their own time was kept.
    """

    promised: Promised
    shares: Outlooks
    is_early: bool
    likely: Deferred | None
    low: Deferred
    high: Deferred


_NOTHING = Revenue(Promised(0, 0, 0, 0), {}, False, Deferred(), Deferred(), Deferred())


@dataclass(frozen=True)
class Amount:
    """Minor units: what is likely (None: not known), and between which figures it lies."""

    likely: int | None
    low: int
    high: int


@dataclass(frozen=True)
class Flow:
    """From the first day to the last: begin + added - earned = end.

    `added` is the points' part of the prices of the time's sales, returns taken off. `earned` became revenue, also what
    a new estimate made of points that were spent before: in the time of the change, and never in the years before.
    """

    first: dt.date
    last: dt.date
    begin: Amount
    added: Amount
    earned: Amount
    end: Amount


def promised_at(at: dt.datetime) -> Promised:
    """Of the business's own receipts that the ledger knew by then."""
    return _promised(_months(at, stood(at)))


def revenue_at(at: dt.datetime, *, fallback: Outlooks | None = None) -> Revenue | None:
    """Deferred revenue as IFRS 15 has it; None: no rules were valid then.

    Where no estimate was ever kept, prices are split by `fallback` (None: by what the ledger tells of the moment).
    """
    if valid_at(at) is None:
        return None
    shares = stood(at)
    months = _months(at, fallback or shares)
    likely, low, high = (_deferred(months, shares, place) for place in range(len(_ENDS)))
    assert low is not None and high is not None
    return Revenue(_promised(months), shares, any(one.is_early for one in months), likely, low, high)


def flow(first: dt.date, last: dt.date) -> Flow | None:
    """Revenue from the beginning of the first day to the end of the last; None: no rules were valid by then.

    Raises InputError for a day to come.
    """
    at = end_of_day(last)
    end = revenue_at(at)
    if end is None:
        return None
    begin = revenue_at(end_of_day(first - dt.timedelta(days=1)), fallback=end.shares) or _NOTHING
    return Flow(first, last, _left(begin), _moved(begin, end, "part"), _moved(begin, end, "earned"), _left(end))


def _months(at: dt.datetime, fallback: Outlooks) -> list[Month]:
    asked: dict[str, Any] = {"at": at, "unit": points_unit().pk, "zone": str(Business.current().zone)}
    for lasts, name in ((False, "end"), (True, "last")):
        asked |= {f"{name}_{one}": _exact(getattr(fallback[lasts], one)) for one in _ENDS}
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, asked)
        return [_month(*row) for row in cursor.fetchall()]


def _month(lasts: bool, *row: Any) -> Month:
    *sums, is_early, likely, low, high = row
    promised = Promised(*map(int, sums))
    return Month(lasts, promised, is_early, (None if likely is None else round(likely), round(low), round(high)))


def _exact(share: float | None) -> Decimal | None:
    return None if share is None else Decimal(repr(share))


def _promised(months: Iterable[Month]) -> Promised:
    found = [one.promised for one in months]
    return Promised(*(sum(getattr(one, name.name) for one in found) for name in fields(Promised)))


def _deferred(months: Iterable[Month], shares: Outlooks, place: int) -> Deferred | None:
    """All months together, at the likely share (place 0), the lowest or the highest; None: it is not known."""
    whole = Deferred()
    for one in months:
        share, part = _at(shares[one.lasts], place), one.parts[place]
        if share is None or part is None:
            return None
        found = one.promised.deferred(share, part)
        whole = Deferred(whole.expected + found.expected, whole.part + found.part, whole.earned + found.earned)
    return whole


def _at(share: Outlook, place: int) -> float | None:
    found: float | None = getattr(share, _ENDS[place])
    return found


def _left(of: Revenue) -> Amount:
    return _amount(of.likely.left if of.likely else None, of.low.left, of.high.left)


def _moved(begin: Revenue, end: Revenue, what: str) -> Amount:
    """By how much it grew. What was likely at the beginning is in the books; else both ends go by the same share."""
    if begin.likely is not None and end.likely is not None:
        booked = getattr(begin.likely, what)
        return _amount(*(getattr(one, what) - booked for one in (end.likely, end.low, end.high)))
    ends = ((begin.low, end.low), (begin.high, end.high))
    return _amount(None, *(getattr(then, what) - getattr(before, what) for before, then in ends))


def _amount(likely: int | None, *ends: int) -> Amount:
    return Amount(likely, min(ends), max(ends))
