"""Tills whose clocks may be hours behind: what they tell is written, and a person looks at the clock.

Ahead of the server nothing is taken, and nobody tells later than five weeks. In between a till that was without a line
and one whose clock is behind look alike, and the rules of the told moment are others. A till that says what its clock
shows is known for the one or the other; of one that does not, people are told once a day.
"""

import hashlib
from collections.abc import Sequence

from django.db import connection

from regulars.foundation.models import Business
from regulars.loyalty.models import Alert, Sale
from regulars.loyalty.telling import AHEAD


def note_late(sales: Sequence[Sale]) -> None:
    """Let people look at a till that dated these back without its clock; the last thing of the caller's transaction."""
    late = [one for one in sales if one.recorded_at - one.purchased_at > AHEAD]
    if not late:
        return
    first, seconds = late[0], max(int((one.recorded_at - one.purchased_at).total_seconds()) for one in late)
    day = first.recorded_at.astimezone(Business.current().zone).date()
    told = "\x1f".join(("clock", first.till, day.isoformat()))
    key = hashlib.md5(told.encode(errors="replace"), usedforsecurity=False).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 3))", [key])
    known = Alert.objects.select_for_update(of=("self",)).filter(key=key).order_by("-pk").first()
    if known is None:
        Alert.objects.create(
            key=key, kind=Alert.Kind.CLOCK, per="day", subject=first.till, sale=first, begins_at=first.recorded_at,
            found_at=first.recorded_at, figures={"receipts": len(late), "seconds": seconds},
        )  # fmt: skip
    elif not known.decision:
        known.figures["receipts"] += len(late)
        known.figures["seconds"] = max(seconds, known.figures["seconds"])
        known.save(update_fields=["figures"])
