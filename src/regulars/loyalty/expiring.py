"""What time ends: points that nobody spent, and points set aside for a purchase that was never paid."""

import datetime as dt

from django.db.models import F

from regulars.loyalty.ledger import Document, Kind, Refused, Written, expire, release, write
from regulars.loyalty.models import Hold, Lot

SOURCE = "job:expiry"
_AT_ONCE = 500  # few enough that tills wait for a moment only


def expire_points(at: dt.datetime) -> int:
    """Write down every lot whose time is over, some hundred people at a time; how many documents that took.

    Nobody could spend these points before either: the balance leaves them out from the moment on which they expire.
    """
    written = 0
    while documents := _due(at):
        done = sum(isinstance(one, Written) for one in write(documents, at=at))
        written += done
        if not done:
            # others are at work on the same people, and do the same
            break
    return written


def _due(at: dt.datetime) -> list[Document]:
    lots = Lot.objects.filter(remaining__gt=F("held"), expires_at__lte=at).order_by("expires_at", "id")
    owners = {(one.account.unit, one.account.customer_id) for one in lots.select_related("account__unit")[:_AT_ONCE]}
    moment = at.isoformat()
    return [
        Document(unit, Kind.EXPIRY, SOURCE, f"{moment} {customer}", SOURCE, (expire(customer),))
        for unit, customer in sorted(owners, key=lambda one: (one[0].pk, one[1]))
    ]


def release_holds(at: dt.datetime) -> int:
    """Let go what waited too long for its purchase; how many holds that were."""
    released = 0
    for key in (
        Hold.objects.filter(state=Hold.State.OPEN, until__lte=at).order_by("until").values_list("key", flat=True)
    ):
        try:
            release(key, at=at)
        except Refused:
            continue  # it was paid, or let go, at this moment
        released += 1
    return released
