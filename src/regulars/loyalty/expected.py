"""Which share of points was expected to be spent: estimated every night, and kept as it was."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from regulars.foundation.models import Business
from regulars.loyalty.breakage import Outlook, ending_share
from regulars.loyalty.lasting import lasting_share
from regulars.loyalty.members import points_unit
from regulars.loyalty.models import SpentShare

Outlooks = Mapping[bool, Outlook]  # of points that expire, and (True) of those that never do

_DIGITS = Decimal("0.000000001")


def keep_shares(at: dt.datetime) -> int:
    """Write down what is estimated on this day, as far as it is known; how many estimates that were.

    The first one of a day stands, and one before another that is there comes too late.
    """
    unit, day = points_unit(), _day(at)
    known = {
        lasts: found for lasts, found in live(at).items()
        if found.value is not None and not SpentShare.objects.filter(
            unit=unit, lasts=lasts, estimated_on__gte=day
        ).exists()
    }  # fmt: skip
    SpentShare.objects.bulk_create(
        [
            SpentShare(
                unit=unit, lasts=lasts, estimated_on=day, share=_exact(one.value or 0.0), low=_exact(one.low),
                high=_exact(one.high), members=one.members, points=one.points, days=one.days,
            )
            for lasts, one in known.items()
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    return len(known)


def stood(at: dt.datetime) -> Outlooks:
    """What was expected at the moment: the newest estimate that was kept by then; without one what the ledger tells."""
    kept = {
        one.lasts: Outlook(float(one.share), float(one.low), float(one.high), one.members, one.points, one.days)
        for one in SpentShare.objects.filter(unit=points_unit(), estimated_on__lte=_day(at))
        .order_by("lasts", "-estimated_on").distinct("lasts")
    }  # fmt: skip
    return kept if len(kept) == len(_OF) else {lasts: kept.get(lasts) or share(at) for lasts, share in _OF.items()}


def live(at: dt.datetime) -> Outlooks:
    """What the ledger tells, as it stood at the moment."""
    return {lasts: share(at) for lasts, share in _OF.items()}


_OF = {False: ending_share, True: lasting_share}


def _exact(share: float) -> Decimal:
    return Decimal(share).quantize(_DIGITS)


def _day(at: dt.datetime) -> dt.date:
    return at.astimezone(Business.current().zone).date()
