"""Points given and taken by hand. What is more than one person may move alone in a day waits for another.

Nothing is posted before; nobody agrees with himself; whoever decides second finds it decided.
"""

import datetime as dt
from typing import Any

from django.db import connection, transaction
from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Abs
from django.utils import timezone

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Contact, Customer
from regulars.customers.selectors.family import family_of
from regulars.loyalty.ledger import Document, Kind, grant, take, write_one
from regulars.loyalty.members import hold_member, hold_survivor, points_unit
from regulars.loyalty.models import Correction
from regulars.loyalty.programme.effects import MOST_POINTS
from regulars.loyalty.programme.watch import Watch
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.selling import expiry

State = Correction.State

_LONGEST_REASON = 300
_LONGEST_KEY = 64
_SHOWN = 100


@transaction.atomic
def correct(
    customer: Customer, points: int, *, reason: str, key: str, by: User, address: str | None = None
) -> Correction:
    """Give points, or take them when the number is negative; the same key again is the same correction.

    It is done at once, or waits when it takes two.
    """
    reason = " ".join(reason.replace("\0", "").encode(errors="replace").decode().split())
    if not reason or len(reason) > _LONGEST_REASON:
        raise InputError(_("Say why, with 1 to {most} signs.").format(most=_LONGEST_REASON))
    if not 0 < abs(points) <= MOST_POINTS:
        raise InputError(_("Give or take 1 to {most} points, not {points}.").format(most=MOST_POINTS, points=points))
    if not 0 < len(key) <= _LONGEST_KEY:
        raise InputError(_("The form was not sent whole: open the page again."))
    # one after another: each counts what he moved before, and a form that was sent twice meets itself
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 4))", [f"correction\x1f{by.pk}"])
    if known := Correction.objects.filter(key=key).first():
        _check_same(known, customer, points, reason, by)
        return known
    held, now = hold_member(customer), timezone.now()
    made = Correction.objects.create(
        key=key, customer=held, points=points, reason=reason, needs_two=_needs_two(held, points, by, now),
        asked_by=by, asked_at=now,
    )  # fmt: skip
    if made.needs_two:
        _check_can_be_posted(made, now)
        log("points_asked", user=by, address=address, **_told(made))
    else:
        _post(made, by=by, address=address)
    return made


@transaction.atomic
def agree(correction: int, *, by: User, address: str | None = None) -> Correction:
    """Post what another person asked for. Raises `InputError` when it was decided, or was asked for by himself."""
    found = _held(correction)
    if found.asked_by_id == by.pk:
        raise InputError(_("You asked for it yourself: another person has to agree."))
    if is_his_own(found.customer_id, by):
        raise InputError(_("This is about your own card: somebody else has to look at it."))
    hold_member(found.customer)  # nobody gives points to whoever was erased meanwhile
    _post(found, by=by, address=address)
    return found


@transaction.atomic
def decline(correction: int, *, by: User, address: str | None = None) -> Correction:
    """It is not done; whoever asked may take it back so himself."""
    found = _held(correction)
    found.state, found.decided_by, found.decided_at = State.DECLINED, by, timezone.now()
    found.save(update_fields=["state", "decided_by", "decided_at"])
    log("points_declined", user=by, address=address, **_told(found))
    return found


def waiting_corrections(user: User) -> list[Correction]:
    """Those of customers whom this user may see, the newest first."""
    found = seen_corrections(user).filter(state=State.WAITING).select_related("customer", "asked_by")
    return list(found.order_by("-pk")[:_SHOWN])


def seen_corrections(user: User) -> QuerySet[Correction]:
    """All of customers whom this user may see."""
    return Correction.objects.filter(customer__in=Customer.objects.seen_by(user))


def waiting_of(customer: int) -> list[Correction]:
    """What waits for a second person on this card."""
    return list(Correction.objects.filter(state=State.WAITING, customer=customer).order_by("pk")[:_SHOWN])


def _check_same(known: Correction, customer: Customer, points: int, reason: str, by: User) -> None:
    same = (known.points, known.reason, known.asked_by_id) == (points, reason, by.pk)
    if not same or known.customer_id not in family_of(customer.pk):
        raise InputError(_("This form was sent before with something else: open the page again."))


def is_his_own(customer: int, by: User) -> bool:
    """Whether the card has the address by which this person signs in."""
    return Contact.objects.filter(
        customer__in=family_of(customer), kind=Contact.Kind.EMAIL, value__iexact=by.email
    ).exists()


def _needs_two(customer: Customer, points: int, by: User, now: dt.datetime) -> bool:
    """Whether it is more than he may move alone in a day, in many small parts too, or a card of his own."""
    valid = valid_at(now)
    alone = (valid[1].watch if valid else Watch()).alone
    moved = Correction.objects.filter(
        asked_by=by, needs_two=False, state=State.DONE, asked_at__gt=now - dt.timedelta(days=1)
    ).aggregate(sum=Sum(Abs(F("points"))))["sum"]
    return is_his_own(customer.pk, by) or (moved or 0) + abs(points) > alone


def _check_can_be_posted(made: Correction, now: dt.datetime) -> None:
    """Refuse at once what the ledger would refuse after somebody has agreed."""
    mark = transaction.savepoint()
    write_one(_document(made, now), at=now)
    transaction.savepoint_rollback(mark)


def _held(correction: int) -> Correction:
    # the person first, as a merge does: neither waits for the other in a circle
    hold_survivor(Correction.objects.get(pk=correction).customer_id)
    found = (
        Correction.objects.select_for_update(of=("self",)).select_related("decided_by", "customer").get(pk=correction)
    )
    if found.state != State.WAITING:
        raise InputError(_("{name} has decided this already.").format(name=found.decided_by or _("Somebody")))
    return found


def _post(found: Correction, *, by: User, address: str | None) -> None:
    now = timezone.now()
    written = write_one(_document(found, now), at=now)
    found.state, found.decided_by, found.decided_at = State.DONE, by, now
    found.transaction_id = written.transaction
    found.save(update_fields=["state", "decided_by", "decided_at", "transaction"])
    log("points_corrected", user=by, address=address, **_told(found))


def _document(found: Correction, now: dt.datetime) -> Document:
    customer, points = found.customer_id, found.points
    valid = valid_at(now)
    until = expiry(now, valid[1].life.days) if valid else None
    movement = grant(customer, points, expires_at=until) if points > 0 else take(customer, -points)
    return Document(
        points_unit(), Kind.CORRECTION, "correction", str(found.pk), f"user:{found.asked_by_id}", (movement,),
        reason=found.reason,
    )  # fmt: skip


def _told(found: Correction) -> dict[str, Any]:
    """What the log of safety keeps of it."""
    return {"about": f"#{found.customer_id}", "details": {"points": found.points, "correction": found.pk}}
