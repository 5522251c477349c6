"""What tills tell after it happened: stored at once, and written in the order in which it happened.

Tills send it in any order, in parts, and again. It waits until nothing more is coming, then all of it is written one
by one, by moment, till and number: so what comes out does not depend on how it came in. What cannot be written stays,
with the reason, until a person has it tried again.
"""

import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import DatabaseError, OperationalError, connection, transaction
from django.utils import timezone

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.loyalty.members import Segments
from regulars.loyalty.models import OfflineDocument, Sale, SaleReturn, WaitingReturn
from regulars.loyalty.offline_sale import Told, lines_of, record
from regulars.loyalty.partners import check_same_partner
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import Item, Order
from regulars.loyalty.snapshots import snapshot_named
from regulars.loyalty.telling import NotNow, OtherTold, checked_moment, digest_of, hold_number, repeated

Kind = OfflineDocument.Kind

QUIET = dt.timedelta(minutes=1)  # so long after the last word of a till that has told all
PATIENCE = dt.timedelta(hours=1)  # so long for a till that has more to tell, and for all of them together
_SHOWN = 100
_LOCK = 0x6F66666C  # of whoever writes what waits: two would mix up its order

_log = logging.getLogger("regulars.loyalty")


@dataclass(frozen=True)
class State:
    """What became of it: it waits, it could not be written (`problem`), or this was written."""

    problem: str = ""
    sale: Sale | None = None
    back: SaleReturn | WaitingReturn | None = None

    @property
    def name(self) -> str:
        """For programs."""
        return "written" if self.sale or self.back else "stuck" if self.problem else "waits"


# --- storing ---


MOST_STUCK = 100  # of one till


@transaction.atomic
def store_sale(told: Told, *, more: bool) -> State:
    """Keep a receipt until it is written; the same again changes nothing. `more`: the till has more to tell."""
    till, number = told.order.till, told.number
    digest = digest_of(told.order, number, told.snapshot, told.paid)
    hold_number(till, number)
    if sale := repeated(Sale, till, number, digest):
        return State(sale=sale)
    if known := _stored(till, Kind.SALE, number, digest):
        return known
    _check(told)
    _store(till, Kind.SALE, number, digest, _order_as_json(told), told.at, more=more)
    return State()


@transaction.atomic
def store_return(coming: Coming, *, more: bool) -> State:
    """Keep a return until it is written; the same again changes nothing."""
    till, number, digest = coming.till, coming.number, digest_of(coming)
    hold_number(till, number)
    back = repeated(SaleReturn, till, number, digest) or repeated(WaitingReturn, till, number, digest)
    if back:
        return State(back=back)
    if known := _stored(till, Kind.RETURN, number, digest):
        return known
    check_same_partner(till, coming.sale_till)
    assert coming.returned_at is not None
    at = checked_moment(coming.returned_at, timezone.now())
    _store(till, Kind.RETURN, number, digest, _return_as_json(coming), at, more=more)
    return State()


def hurry(till: str) -> None:
    """The till has told all: what waits for it does not wait for more."""
    soon = timezone.now() + QUIET
    OfflineDocument.objects.filter(till=till, due_at__gt=soon).update(due_at=soon)


def _stored(till: str, kind: str, number: str, digest: bytes) -> State | None:
    found = OfflineDocument.objects.filter(till=till, kind=kind, number=number).first()
    if found is None:
        return None
    if bytes(found.digest) != digest:
        raise OtherTold(_("This till has another receipt with the number {number!r}.").format(number=number))
    return State(problem=found.problem)


def _store(
    till: str, kind: str, number: str, digest: bytes, body: dict[str, Any], at: dt.datetime, *, more: bool
) -> None:
    now = timezone.now()
    stuck_there = OfflineDocument.objects.filter(till=till).exclude(problem="")
    if stuck_there[MOST_STUCK - 1 : MOST_STUCK].exists():
        # whoever tries cards and phones so learns of few, and nobody can bury what is stuck in earnest
        raise NotNow(
            _("{count} documents of this till wait on the page Review: somebody has to look at them first.").format(
                count=MOST_STUCK
            )
        )
    OfflineDocument.objects.create(
        till=till, kind=kind, number=number, digest=digest, body=body, happened_at=at, stored_at=now,
        due_at=now + (PATIENCE if more else QUIET),
    )  # fmt: skip


def _check(told: Told) -> None:
    """Raise for what cannot have been sold so: the till is told while it can still say what is right."""
    order, snapshot = told.order, snapshot_named(told.snapshot, told.order.till)
    checked_moment(told.at, timezone.now())
    version = snapshot.version_at(told.at)
    if order.store != snapshot.store:
        raise InputError(
            _("The till fetched the rules of the store {theirs!r}, and sold in {store!r}.").format(
                theirs=snapshot.store, store=order.store
            )
        )
    if order.promo_codes:
        raise InputError(_("Without a line promo codes count for nothing: leave them out."))
    if order.code:
        raise InputError(_("Without a line nobody can say whether a code is good: tell the card, or leave it out."))
    if order.hold:
        raise InputError(_("What was set aside for an order is spent with a line: tell this receipt to `receipts`."))
    if order.certificates:
        raise InputError(_("Without a line nobody can pay with certificates: another till may take the last of them."))
    if order.points and not order.card:
        raise InputError(
            _("Without a line points are taken with the card alone: tell the card, or the receipt without the points.")
        )
    goods = lines_of(order)
    snapshot.basket(goods, version, at=told.at, channel=order.channel)
    price, taken = sum(one.price for one in goods), told.paid + order.points * version.rules.spending.worth
    if taken > price:
        raise InputError(
            _("The goods cost {price} minor units, and {taken} were taken in money and points.").format(
                price=price, taken=taken
            )
        )


# --- writing ---


def write_waiting(now: dt.datetime, *, segments: Segments) -> int:
    """Write all that waits, when nothing more is coming; how many were written.

    Whoever waits for longer than an hour waits for no other till.
    """
    with _alone() as is_mine:
        waiting = OfflineDocument.objects.filter(problem="")
        first = waiting.order_by("stored_at").first()
        if not is_mine or first is None:
            return 0
        if first.stored_at > now - PATIENCE and waiting.filter(due_at__gt=now).exists():
            return 0
        in_order = waiting.order_by("happened_at", "-kind", "till", "number").values_list("pk", flat=True)
        return sum(_write(key, segments=segments) for key in list(in_order))


def try_again(key: int, *, by: User, segments: Segments, without_card: bool = False, address: str | None = None) -> str:
    """Try one that could not be written, also as that of nobody; why it still cannot be, empty when it is written."""
    found = OfflineDocument.objects.filter(pk=key).exclude(problem="").first()
    if found is None:
        raise InputError(_("It is written already."))
    details = {"number": found.number, "without_card": without_card}
    log("offline_tried", user=by, about=found.till, details=details, address=address)
    if without_card and found.kind == Kind.SALE:
        found.body |= {"card": "", "phone": ""}
        found.save(update_fields=["body"])
    _write(key, segments=segments)
    left = OfflineDocument.objects.filter(pk=key).first()
    return left.problem if left else ""


def stuck() -> list[OfflineDocument]:
    """Those that could not be written, the oldest first."""
    return list(OfflineDocument.objects.exclude(problem="").order_by("happened_at", "pk")[:_SHOWN])


def _write(key: int, *, segments: Segments) -> bool:
    try:
        with transaction.atomic():
            return _written(key, segments)
    except InputError as refused:
        problem = str(refused)
    except OperationalError:
        # two writes met: it waits for the next time
        _log.warning("what a till told was not written", exc_info=True)
        return False
    except DatabaseError:
        _log.warning("what a till told was not written", exc_info=True)
        problem = _("The database refused it: see the log of the server.")
    OfflineDocument.objects.filter(pk=key).update(problem=problem)
    return False


def _written(key: int, segments: Segments) -> bool:
    found = OfflineDocument.objects.filter(pk=key).first()
    if found is None:
        return False  # somebody else was faster
    if found.kind == Kind.RETURN:
        bring_back(_return_of(found))
    else:
        told, digest = _told_of(found), bytes(found.digest)
        hold_number(found.till, found.number)
        if repeated(Sale, found.till, found.number, digest) is None:
            record(told, snapshot_named(told.snapshot, found.till), digest, segments=segments)
    return bool(OfflineDocument.objects.filter(pk=key).delete()[0])


@contextmanager
def _alone() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        is_mine = bool(cursor.fetchone()[0])
    try:
        yield is_mine
    finally:
        if is_mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


# --- as JSON ---


def _order_as_json(told: Told) -> dict[str, Any]:
    order = told.order
    return {
        "store": order.store, "channel": order.channel, "cashier": order.cashier, "card": order.card,
        "phone": order.phone, "points": order.points, "snapshot": told.snapshot, "paid": told.paid,
        "as_member": told.as_member, "purchased_at": told.at.isoformat(),
        "lines": [[one.product, str(one.quantity), one.price, one.name, one.category] for one in order.items],
    }  # fmt: skip


def _told_of(found: OfflineDocument) -> Told:
    body = found.body
    order = Order(
        till=found.till, store=body["store"], channel=body["channel"], cashier=body["cashier"], card=body["card"],
        phone=body["phone"], points=body["points"], purchased_at=dt.datetime.fromisoformat(body["purchased_at"]),
        items=tuple(
            Item(product, Decimal(quantity), price, name, category)
            for product, quantity, price, name, category in body["lines"]
        ),
    )  # fmt: skip
    return Told(order, found.number, body["snapshot"], body["paid"], body["as_member"])


def _return_as_json(coming: Coming) -> dict[str, Any]:
    assert coming.returned_at is not None
    return {
        "sale_till": coming.sale_till, "sale_number": coming.sale_number, "cashier": coming.cashier,
        "returned_at": coming.returned_at.isoformat(),
        "lines": [[place, str(quantity)] for place, quantity in coming.lines],
    }  # fmt: skip


def _return_of(found: OfflineDocument) -> Coming:
    body = found.body
    return Coming(
        found.till, found.number, body["sale_till"], body["sale_number"],
        tuple((place, Decimal(quantity)) for place, quantity in body["lines"]),
        dt.datetime.fromisoformat(body["returned_at"]), body["cashier"],
    )  # fmt: skip
