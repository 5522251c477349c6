"""Writes that a client may repeat: the same key gets the same answer, and the write happens once."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Answer

LONGEST_KEY = 200


class OtherBody(InputError):
    """The key was used for another request."""


@dataclass(frozen=True)
class Answered:
    """An answer, and whether it is that of an earlier request."""

    status: int
    content: Any
    is_repeated: bool


def once(scope: str, key: str, body: bytes, write: Callable[[], tuple[int, Any]]) -> Answered:
    """Run `write` in one transaction with the note that it happened; a repetition gets its answer.

    Two at one moment: the second waits for the first. A `write` that fails leaves no note, so it can be tried again.
    Raises `OtherBody` when the key was used with another body.
    """
    if not 1 <= len(key) <= LONGEST_KEY:
        raise InputError(_("Idempotency-Key must have 1 to {count} characters.").format(count=LONGEST_KEY))
    digest = hashlib.sha256(body).digest()
    with transaction.atomic():
        earlier = _claim(scope, key, digest)
        if earlier is not None:
            if bytes(earlier.body_hash) != digest:
                raise OtherBody(_("Idempotency-Key {key!r} was used with another body.").format(key=key))
            assert earlier.status is not None
            return Answered(earlier.status, earlier.content, is_repeated=True)
        status, content = write()
        Answer.objects.filter(scope=scope, key=key).update(status=status, content=content)
    return Answered(status, content, is_repeated=False)


def _claim(scope: str, key: str, digest: bytes) -> Answer | None:
    """Take the key; the earlier answer when it is taken already."""
    with connection.cursor() as cursor:
        # waits for another transaction that has just taken it
        cursor.execute(
            "INSERT INTO foundation_answer (scope, key, body_hash) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [scope, key, digest],
        )
        if cursor.rowcount:
            return None
    return Answer.objects.get(scope=scope, key=key)
