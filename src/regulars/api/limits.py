"""How often a key may ask, counted in the database so that all web processes see one count.

A bucket of tokens for each key: it holds `BURST`, `PER_SECOND` flow in, each request takes one. The table is not
logged, so a request does not wait for the disk; a crash of the database empties it, which only forgives.
"""

from django.db import connection
from django.http import HttpRequest
from ninja.throttling import BaseThrottle

from regulars.api.models import ApiKey

BURST = 600
PER_SECOND = 20.0
# whoever tries cards or phones that nobody has may ask seldom: a dozen at once, then one in three seconds
A_MISS = 50
# codes of customers' own pages are short: three at once, then one in ten seconds
A_WRONG_CODE = 200
# all goods of the shop are read for it, and it is needed every few hours
A_SNAPSHOT = 20

# a refusal finds no row to change: it writes nothing
_TAKE = """
INSERT INTO api_bucket AS bucket (key_id, tokens, at) VALUES (%(key)s, %(burst)s - 1, clock_timestamp())
ON CONFLICT (key_id) DO UPDATE SET
    tokens = least(%(burst)s, bucket.tokens + extract(epoch FROM excluded.at - bucket.at) * %(flow)s) - 1,
    at = greatest(bucket.at, excluded.at)
WHERE least(%(burst)s, bucket.tokens + extract(epoch FROM excluded.at - bucket.at) * %(flow)s) >= 1
"""


def take(key_id: int, *, burst: int = BURST, per_second: float = PER_SECOND) -> bool:
    """Whether the key may ask now; counts the request."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"key": key_id, "burst": burst, "flow": per_second})
        return bool(cursor.rowcount)


def of_user(user_id: int) -> int:
    """The bucket of somebody who serves at the page of the till: keys of programs have numbers above nought."""
    return -user_id


def charge(key_id: int, tokens: int) -> None:
    """Take more for the request that was let in; below nothing, too: then the key has to wait."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE api_bucket SET tokens = tokens - %s WHERE key_id = %s", [tokens, key_id])


class Limit(BaseThrottle):
    """429 for a key that asks too often."""

    def allow_request(self, request: HttpRequest) -> bool:
        """The description has no key and no limit."""
        key = getattr(request, "auth", None)
        return take(key.pk) if isinstance(key, ApiKey) else True

    def wait(self) -> float:
        """The next token is never further away."""
        return max(1.0, 1 / PER_SECOND)
