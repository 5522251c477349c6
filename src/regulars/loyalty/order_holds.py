"""Points set aside for an order that is not paid yet: nobody else spends them, and a receipt that names them does.

The member shows that it is he when they are set aside, for later nobody may be there to show anything. What the rules
let them pay is judged when the receipt is written; the rest is free again then. Each ends once: spent, let go, or over.

An order is of whose till it was told by, the operator or a partner: it is made on a site and paid at a counter, by keys
of one owner. His orders have their numbers once; of another's nobody learns that they are there.
"""

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.loyalty import ledger, members, till_codes
from regulars.loyalty.members import Shown
from regulars.loyalty.models import Hold, HoldPart, Partner, Unit
from regulars.loyalty.partners import partner_at
from regulars.loyalty.telling import NotNow, OtherTold, digest_of, hold_number

LONGEST = dt.timedelta(days=30)
LONGEST_NUMBER = 150  # with its owner it is the key of the ledger's hold
MOST_SHOWN = 100
_OF_PARTNER = "partner:"


class NoHold(InputError):
    """The owner of the till has set nothing aside under this number."""


@dataclass(frozen=True)
class Aside:
    """What a till asks for: so many points for the order of this number, until then."""

    till: str
    number: str
    points: int
    until: dt.datetime
    shown: Shown


@dataclass(frozen=True)
class Waiting:
    """Points of a member that wait for an order; `partner` is whose order it is, empty for the operator's own."""

    pk: int
    number: str
    points: int
    placed_at: dt.datetime
    until: dt.datetime
    partner: str


def set_points_aside(wanted: Aside) -> Hold:
    """Set them aside, once for each number of an owner; the same request again tells how they stand."""
    owner = _owner(partner_at(wanted.till))
    key, digest = _key(owner, wanted.number), digest_of(replace(wanted, till=owner))
    with transaction.atomic():
        hold_number(owner, f"hold\x1f{wanted.number}")
        if known := Hold.objects.filter(key=key).first():
            if bytes(known.digest or b"") != digest:
                raise OtherTold(
                    _("Points are set aside otherwise with the number {number!r}.").format(number=wanted.number)
                )
            return known
        now, shown = timezone.now(), wanted.shown
        _check_until(wanted.until, now)
        members.check_proof(shown)
        # held before its points are looked at: a receipt that is judged at this moment counts on them
        customer = members.hold_member(members.find(till=wanted.till, **vars(shown)))
        ledger.hold(customer.pk, members.points_unit(), wanted.points, key=key, at=now, until=wanted.until)
        if shown.code and not till_codes.use_up(shown.code):
            raise members.code_is_over()
        Hold.objects.filter(key=key).update(digest=digest)
        return Hold.objects.get(key=key)


def let_points_go(till: str, number: str) -> Hold:
    """They are free again. Twice is the same as once. Raises `NoHold`."""
    owner = _owner(partner_at(till))
    with transaction.atomic():
        hold_number(owner, f"hold\x1f{number}")
        found = _found(owner, number)
        # it may have ended before, or at this moment: how it ended is what counts
        with suppress(ledger.Refused):
            ledger.release(found.key, at=timezone.now())
        return _not_spent(found)


@transaction.atomic
def let_go_by_hand(hold: Hold, *, by: User, about: int, address: str | None = None) -> None:
    """Somebody of the business lets them go, whichever till set them aside. Only who did it first is in the log."""
    try:
        ledger.release(hold.key, at=timezone.now())
    except ledger.Refused:
        _not_spent(hold)
        return
    details = {"points": hold.amount, "order": number_of(hold)}
    log("points_let_go", user=by, about=f"#{about}", details=details, address=address)


def holds_of(customer: int) -> QuerySet[Hold]:
    """All with points of this customer in them, however they stand."""
    return Hold.objects.filter(pk__in=HoldPart.objects.filter(lot__account__customer=customer).values("hold"))


def waiting_orders(customer: int, unit: Unit) -> list[Waiting]:
    """The orders for which his points wait now, the next to end first."""
    waiting = holds_of(customer).filter(unit=unit, state=Hold.State.OPEN)
    found = list(waiting.order_by("until", "pk")[:MOST_SHOWN])
    # two who were merged and parted again may have one order together
    his = (
        HoldPart.objects.filter(hold__in=found, lot__account__customer=customer).values("hold").annotate(Sum("amount"))
    )
    points = dict(his.values_list("hold", "amount__sum"))
    names = {_owner(one): one.name for one in Partner.objects.filter(pk__in=_partners(found))}
    return [
        Waiting(one.pk, number_of(one), points[one.pk], one.placed_at, one.until, names.get(_owner_of(one), ""))
        for one in found if one.pk in points
    ]  # fmt: skip


def hold_for(partner: Partner | None, number: str, customer: Customer | None, *, wanted: int, now: dt.datetime) -> Hold:
    """What is set aside for this member at the tills of this owner. Raises `NotNow` when it is not any more."""
    if wanted:
        raise InputError(_("Say either how many points he spends, or the number under which they are set aside."))
    found = _found(_owner(partner), number)
    owners = set(HoldPart.objects.filter(hold=found).values_list("lot__account__customer", flat=True))
    if customer is None or owners != {customer.pk}:
        raise InputError(_("The points {number!r} are set aside for another member: name him.").format(number=number))
    if found.state != Hold.State.OPEN or found.until <= now:
        raise NotNow(
            _("The points {number!r} are not set aside any more: quote again without them.").format(number=number)
        )
    return found


def _not_spent(hold: Hold) -> Hold:
    """As it stands now."""
    hold.refresh_from_db()
    if hold.state == Hold.State.SPENT:
        raise NotNow(_("A receipt has spent these points: bring it back instead."))
    return hold


def _found(owner: str, number: str) -> Hold:
    found = Hold.objects.filter(key=_key(owner, number)).first()
    if found is None:
        raise NoHold(_("No points are set aside with the number {number!r}.").format(number=number))
    return found


def _owner(partner: Partner | None) -> str:
    """Whose the tills are; a till is nobody else's ever."""
    return "operator" if partner is None else f"{_OF_PARTNER}{partner.pk}"


def _key(owner: str, number: str) -> str:
    return f"{owner}\x1f{number}"


def number_of(hold: Hold) -> str:
    """As the till named it."""
    return hold.key.partition("\x1f")[2]


def _owner_of(hold: Hold) -> str:
    return hold.key.partition("\x1f")[0]


def _partners(holds: list[Hold]) -> list[int]:
    owners = {_owner_of(one) for one in holds}
    return [int(one.removeprefix(_OF_PARTNER)) for one in owners if one.startswith(_OF_PARTNER)]


def _check_until(until: dt.datetime, now: dt.datetime) -> None:
    if until.utcoffset() is None:
        raise InputError(_("The moment {value} has no time zone.").format(value=until.isoformat()))
    if not now < until <= now + LONGEST:
        raise InputError(
            _("Points are set aside until a moment to come, within {days} days: {moment} is not.").format(
                days=LONGEST.days, moment=until.isoformat()
            )
        )
