"""Tills whose clocks may be hours behind: what they tell is written, and a person looks at the clock.

Ahead of the server nothing is taken, and nobody tells later than five weeks. In between a till that was without a line
and one whose clock is behind look alike, and the rules of the told moment are others. A till that says what its clock
shows is known for the one or the other; of one that does not, people are told once a day.
"""

from collections.abc import Sequence

from regulars.foundation.models import Business
from regulars.loyalty.alerts import hold_newest, key_of
from regulars.loyalty.models import Alert, Sale
from regulars.loyalty.telling import AHEAD


def note_late(sales: Sequence[Sale]) -> None:
    """Let people look at a till that dated these back without its clock; the last thing of the caller's transaction."""
    late = [one for one in sales if one.recorded_at - one.purchased_at > AHEAD]
    if not late:
        return
    first, seconds = late[0], max(int((one.recorded_at - one.purchased_at).total_seconds()) for one in late)
    day = first.recorded_at.astimezone(Business.current().zone).date()
    key = key_of(Alert.Kind.CLOCK, first.till, day.isoformat())
    known = hold_newest(key)
    if known is None:
        Alert.objects.create(
            key=key, kind=Alert.Kind.CLOCK, per="day", subject=first.till, sale=first, begins_at=first.recorded_at,
            found_at=first.recorded_at, figures={"receipts": len(late), "seconds": seconds},
        )  # fmt: skip
    elif not known.decision:
        known.figures["receipts"] += len(late)
        known.figures["seconds"] = max(seconds, known.figures["seconds"])
        known.save(update_fields=["figures"])
