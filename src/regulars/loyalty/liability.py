"""What the programme owed at the end of a day: in points, and in money. Its revenue is in `deferring`."""

import datetime as dt
from dataclasses import dataclass, field

from django.db import connection

from regulars.analytics.estimate import Estimate
from regulars.loyalty.balances import Position, position
from regulars.loyalty.expected import Outlooks, stood
from regulars.loyalty.members import points_unit
from regulars.loyalty.programmes import valid_at

_HELD = """
SELECT coalesce(sum(amount), 0)::bigint FROM loyalty_hold
WHERE unit_id = %(unit)s AND placed_at <= %(at)s AND (ended_at IS NULL OR ended_at > %(at)s)
"""

_SPENDABLE = """
SELECT l.expires_at IS NULL, sum(p.amount)::bigint
FROM loyalty_posting p JOIN loyalty_transaction t ON t.id = p.transaction_id JOIN loyalty_lot l ON l.id = p.lot_id
WHERE t.unit_id = %(unit)s AND t.recorded_at <= %(at)s AND (l.expires_at IS NULL OR l.expires_at > %(at)s) GROUP BY 1
"""


@dataclass(frozen=True)
class Worth:
    """Points that members have and can spend, now or later, and what a point takes off; money in minor units.

    `share` is the share of points that is spent in the end; None: it is not known, and what is spent lies between
    `least` and all. `lasting` of the points never expire; `shares` is what is known of both kinds.
    """

    points: int
    worth: int
    share: Estimate | None
    least: float = 0.0
    lasting: int = 0
    shares: Outlooks = field(default_factory=dict, compare=False)

    @property
    def most(self) -> int:
        """If all of them are spent."""
        return self.points * self.worth

    @property
    def likely(self) -> Estimate | None:
        """At the share that is spent in the end."""
        share = self.share
        return share and Estimate(*(self.most * one for one in (share.value, share.low, share.high)))


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
    with connection.cursor() as cursor:
        cursor.execute(_SPENDABLE, {"unit": points_unit().pk, "at": at})
        points = {lasts: int(count) for lasts, count in cursor.fetchall() if count}
    shares, whole = stood(at), sum(points.values())
    # without points nothing has to be weighed
    weights = {lasts: count / whole for lasts, count in points.items()} if whole else {False: 1.0}
    low, high = (sum(getattr(shares[one], end) * weight for one, weight in weights.items()) for end in ("low", "high"))
    values = [(shares[one].value, weight) for one, weight in weights.items()]
    known = sum(value * weight for value, weight in values if value is not None)
    share = Estimate(known, low, high) if all(value is not None for value, _weight in values) else None
    return Worth(whole, worth, share, low, points.get(True, 0), shares)


def _worth(at: dt.datetime) -> int | None:
    valid = valid_at(at)
    return None if valid is None else valid[1].spending.worth
