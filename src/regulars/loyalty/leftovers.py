"""Points that wait to be used: members who have enough for a gift, and those whose points will expire soon."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL

from regulars.customers.models import Customer
from regulars.customers.models.customer import CustomerSet
from regulars.foundation.models import Business
from regulars.loyalty.members import points_unit

ENOUGH, EXPIRING = "enough", "expiring"
SOON_DAYS = 30

# of each member: what he can spend, and what of it expires soon
_HAVE = """
WITH given AS (SELECT %s::bigint AS unit, %s::timestamptz AS at, %s::timestamptz AS soon, %s::date AS day), have AS (
    SELECT a.customer_id AS id, sum(l.remaining - l.held) AS points,
        coalesce(sum(l.remaining - l.held) FILTER (WHERE l.expires_at <= given.soon), 0) AS expiring,
        min(l.expires_at) FILTER (WHERE l.expires_at <= given.soon) AS expires_at
    FROM given JOIN loyalty_account a ON a.unit_id = given.unit JOIN loyalty_lot l ON l.account_id = a.id
    WHERE l.remaining > 0 AND l.remaining > l.held AND l.available_at <= given.at
        AND (l.expires_at IS NULL OR l.expires_at > given.at) {whom}
    GROUP BY 1
)
"""

# the gifts that he can take at this moment
_GIFTS = """
    FROM given, loyalty_gift g
    WHERE g.points <= have.points AND g.stock > 0
        AND (g.begins_on IS NULL OR g.begins_on <= given.day) AND (g.ends_on IS NULL OR g.ends_on >= given.day)
        AND (g.tiers = '[]' OR g.tiers ? coalesce((
            SELECT t.tier FROM loyalty_tierchange t WHERE t.customer_id = have.id AND t.since <= given.at
            ORDER BY t.since DESC, t.id DESC LIMIT 1
        ), ''))
        AND (g.most_each IS NULL OR g.most_each > (
            SELECT count(*) FROM loyalty_reward r
            WHERE r.customer_id = have.id AND r.gift_id = g.id AND r.cancelled_at IS NULL
        ))
"""

_WHOM = {
    ENOUGH: f"{_HAVE.format(whom='')} SELECT id FROM have WHERE EXISTS (SELECT 1 {_GIFTS})",
    EXPIRING: f"{_HAVE.format(whom='')} SELECT id FROM have WHERE expiring > 0",
}
_OF_SOME = f"""{_HAVE.format(whom="AND a.customer_id = ANY (%s)")}
SELECT id, points, expiring, expires_at, (SELECT g.name {_GIFTS} ORDER BY g.points DESC, g.id LIMIT 1) FROM have
"""


@dataclass(frozen=True)
class Leftover:
    """What one member has: `expiring` of his points go within a month, the first of them on `expires_at`."""

    points: int = 0
    expiring: int = 0
    expires_at: dt.datetime | None = None
    gift: str = ""  # the dearest that he can take now


def with_leftovers(kind: str, *, at: dt.datetime) -> CustomerSet:
    """The members with points of this kind: enough for a gift, or expiring within a month."""
    placed = RawSQL(*keys_with(kind, at=at))  # noqa: S611 - nobody's words are in it
    found: CustomerSet = Customer.objects.whole().filter(is_erased=False, pk__in=placed)
    return found


def keys_with(kind: str, *, at: dt.datetime) -> tuple[str, list[Any]]:
    """The query of their numbers, and its parameters."""
    return _WHOM[kind], _values(at)


def leftovers_of(customers: Sequence[int], *, at: dt.datetime) -> dict[int, Leftover]:
    """Of each of these customers; nothing of those who have no points."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_SOME, [*_values(at), list(customers)])
        return {key: Leftover(int(points), int(expiring), moment, gift or "")
                for key, points, expiring, moment, gift in cursor.fetchall()}  # fmt: skip


def _values(at: dt.datetime) -> list[Any]:
    day = at.astimezone(Business.current().zone).date()
    return [points_unit().pk, at, at + dt.timedelta(days=SOON_DAYS), day]
