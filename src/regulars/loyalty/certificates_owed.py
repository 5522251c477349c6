"""What the business owes on certificates, now or on any day of the past: added up from movements."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection

from regulars.foundation.models import Business
from regulars.loyalty.models import CertificateMovement

# as it stood at the moment: who had expired by then owed nothing any more, whether or not the night had written it down
_OWED = """
SELECT coalesce(sum(balance), 0)::bigint, count(*) FROM (
    SELECT DISTINCT ON (certificate_id) balance, until FROM loyalty_certificatemovement
    WHERE moved_at <= %(at)s ORDER BY certificate_id, id DESC
) AS last WHERE balance > 0 AND (until IS NULL OR until > %(at)s)
"""

_DAYS = """
SELECT (moved_at AT TIME ZONE %(zone)s)::date AS day, kind, sum(amount)::bigint FROM loyalty_certificatemovement
WHERE moved_at >= %(begin)s AND moved_at < %(end)s GROUP BY day, kind
"""


@dataclass(frozen=True)
class Owed:
    """Money on certificates that can still be spent, and on how many of them."""

    amount: int
    certificates: int


@dataclass(frozen=True)
class Day:
    """What came to certificates and left them on a day, and what was written on them at its end."""

    day: dt.date
    sold: int
    spent: int
    returned: int
    expired: int
    cancelled: int
    balance: int


def owed_on_certificates(*, at: dt.datetime) -> Owed:
    """The liability at the moment."""
    with connection.cursor() as cursor:
        cursor.execute(_OWED, {"at": at})
        return Owed(*map(int, cursor.fetchone()))


def days_of_certificates(last: dt.date, *, days: int = 31) -> list[Day]:
    """Of so many days up to this one those on which something moved, the newest first."""
    zone = Business.current().zone
    begin, end = (dt.datetime.combine(one, dt.time.min, zone) for one in (
        last - dt.timedelta(days=days - 1), last + dt.timedelta(days=1)
    ))  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(amount), 0) FROM loyalty_certificatemovement WHERE moved_at < %s", [begin])
        balance = int(cursor.fetchone()[0])
        cursor.execute(_DAYS, {"zone": zone.key, "begin": begin, "end": end})
        moved: dict[dt.date, dict[str, int]] = {}
        for day, kind, amount in cursor.fetchall():
            moved.setdefault(day, {})[kind] = int(amount)
    found = []
    for day in sorted(moved):
        balance += sum(moved[day].values())
        sums = {kind.value: abs(moved[day].get(kind, 0)) for kind in CertificateMovement.Kind}
        found.append(Day(day, balance=balance, **sums))
    return found[::-1]
