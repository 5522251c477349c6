"""Points set aside for an order that is not paid yet: nobody else spends them, and a receipt that names them does.

The member shows that it is he when they are set aside, for later nobody may be there to show anything. What the rules
let them pay is judged when the receipt is written; the rest is free again then. Each ends once: spent, let go, or over.
"""

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.loyalty import ledger, members, till_codes
from regulars.loyalty.members import Shown
from regulars.loyalty.models import Hold, HoldPart
from regulars.loyalty.telling import NotNow, OtherTold, digest_of, hold_number

LONGEST = dt.timedelta(days=30)
LONGEST_NUMBER = 150  # with the name of the till it is the key of the ledger's hold


@dataclass(frozen=True)
class Aside:
    """What a till asks for: so many points for the order of this number, until then."""

    till: str
    number: str
    points: int
    until: dt.datetime
    shown: Shown

    @property
    def key(self) -> str:
        """By which the ledger knows it: a number is its till's own."""
        return _key(self.till, self.number)


def set_points_aside(wanted: Aside) -> Hold:
    """Set them aside, once for each (till, number); the same request again tells how they stand."""
    digest = digest_of(wanted)
    with transaction.atomic():
        hold_number(wanted.till, f"hold\x1f{wanted.number}")
        if known := Hold.objects.filter(key=wanted.key).first():
            if bytes(known.digest or b"") != digest:
                raise OtherTold(
                    _("This till has set points aside otherwise with the number {number!r}.").format(
                        number=wanted.number
                    )
                )
            return known
        now, shown = timezone.now(), wanted.shown
        _check_until(wanted.until, now)
        members.check_proof(shown)
        # held before its points are looked at: a receipt that is judged at this moment counts on them
        customer = members.hold_member(members.find(till=wanted.till, **vars(shown)))
        ledger.hold(customer.pk, members.points_unit(), wanted.points, key=wanted.key, at=now, until=wanted.until)
        if shown.code and not till_codes.use_up(shown.code):
            raise members.code_is_over()
        Hold.objects.filter(key=wanted.key).update(digest=digest)
        return Hold.objects.get(key=wanted.key)


def let_points_go(till: str, number: str) -> Hold:
    """They are free again. Twice is the same as once."""
    with transaction.atomic():
        hold_number(till, f"hold\x1f{number}")
        key = _found(till, number).key
        # it may have ended before, or at this moment: how it ended is what counts
        with suppress(ledger.Refused):
            ledger.release(key, at=timezone.now())
        found = Hold.objects.get(key=key)
        if found.state == Hold.State.SPENT:
            raise NotNow(_("A receipt has spent these points: bring it back instead."))
        return found


def hold_for(till: str, number: str, customer: Customer | None, *, wanted: int, now: dt.datetime) -> Hold:
    """What this till has set aside for this member. Raises `NotNow` when it is not any more."""
    if wanted:
        raise InputError(_("Say either how many points he spends, or the number under which they are set aside."))
    found = _found(till, number)
    owners = set(HoldPart.objects.filter(hold=found).values_list("lot__account__customer", flat=True))
    if customer is None or owners != {customer.pk}:
        raise InputError(_("The points {number!r} are set aside for another member: name him.").format(number=number))
    if found.state != Hold.State.OPEN or found.until <= now:
        raise NotNow(
            _("The points {number!r} are not set aside any more: quote again without them.").format(number=number)
        )
    return found


def _found(till: str, number: str) -> Hold:
    found = Hold.objects.filter(key=_key(till, number)).first()
    if found is None:
        raise InputError(_("This till has set no points aside with the number {number!r}.").format(number=number))
    return found


def _key(till: str, number: str) -> str:
    return f"{till}\x1f{number}"


def number_of(hold: Hold) -> str:
    """As the till named it."""
    return hold.key.partition("\x1f")[2]


def _check_until(until: dt.datetime, now: dt.datetime) -> None:
    if until.utcoffset() is None:
        raise InputError(_("The moment {value} has no time zone.").format(value=until.isoformat()))
    if not now < until <= now + LONGEST:
        raise InputError(
            _("Points are set aside until a moment to come, within {days} days: {moment} is not.").format(
                days=LONGEST.days, moment=until.isoformat()
            )
        )
