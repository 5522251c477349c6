"""Writing to the ledger: documents in, what was done out. All rules of points live in the database's own functions."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, connection, transaction

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.loyalty.models import Account, Transaction, Unit

Kind = Transaction.Kind


class Refused(InputError):
    """The ledger did not write the document. `code` is for programs, `figures` are the numbers behind it."""

    def __init__(self, code: str, figures: dict[str, Any]) -> None:
        super().__init__(_reason(code, figures))
        self.code, self.figures = code, figures


@dataclass(frozen=True)
class Document:
    """One fact, written whole or not at all. `source` and `number` name it; a unit has each pair once."""

    unit: Unit
    kind: Transaction.Kind
    source: str
    number: str
    actor: str
    movements: tuple[dict[str, Any], ...]
    reason: str = ""
    happened_at: dt.datetime | None = None
    reverses: int | None = None

    def as_json(self) -> dict[str, Any]:
        """As the database reads it."""
        return {
            "unit": self.unit.pk, "kind": self.kind.value, "source": self.source, "number": self.number,
            "actor": self.actor, "reason": self.reason, "movements": [_plain(one) for one in self.movements],
            "happened_at": self.happened_at and self.happened_at.isoformat(), "reverses": self.reverses,
        }  # fmt: skip


@dataclass(frozen=True)
class Written:
    """What became of a document: the transaction, and how many points went where."""

    transaction: int
    points: dict[str, int] = field(default_factory=dict)


def grant(
    customer: int, amount: int, *, available_at: dt.datetime | None = None, expires_at: dt.datetime | None = None
) -> dict[str, Any]:
    """New points. They pay his debt first; the rest lives from `available_at` (None: at once) to `expires_at`."""
    return {
        "do": "grant", "customer": customer, "amount": amount, "available_at": available_at, "expires_at": expires_at
    }  # fmt: skip


def spend(customer: int, amount: int, *, owe: bool = False) -> dict[str, Any]:
    """Points for goods: the soonest to expire first, then the oldest, then those that never expire.

    With `owe` what he has not is his debt, up to its limit: a till without a line could not look.
    """
    return {"do": "spend", "customer": customer, "amount": amount, "owe": owe or None}


def take(customer: int, amount: int) -> dict[str, Any]:
    """Points that somebody takes by hand, in the order in which they would be spent; they are not redeemed."""
    return {"do": "take", "customer": customer, "amount": amount}


def give_back(
    amount: int, *, late_until: dt.datetime | None = None, expires_at: dt.datetime | None = None
) -> dict[str, Any]:
    """Of the points that the reversed document spent. Expired ones are lost, or live until `late_until`.

    Points that he owed for it pay the debt; those that he has paid since are new, and live until `expires_at`.
    """
    return {"do": "give_back", "amount": amount, "late_until": late_until, "expires_at": expires_at}


def take_back(amount: int) -> dict[str, Any]:
    """Of the points that the reversed document granted; what is spent already is taken from others, then owed."""
    return {"do": "take_back", "amount": amount}


def expire(customer: int) -> dict[str, Any]:
    """All of his points whose time is over."""
    return {"do": "expire", "customer": customer}


def capture(hold: str, amount: int | None = None) -> dict[str, Any]:
    """Spend what was set aside, or so much of it: the rest is free again."""
    return {"do": "capture", "hold": hold, "amount": amount}


def write(documents: Sequence[Document], *, at: dt.datetime) -> list[Written | Refused]:
    """Write documents in one database transaction; one answer for each, in order.

    A refused document leaves nothing, the others are written. Two writers wait for each other only where they are
    about the same customer.
    """
    found = _call("loyalty_write", json.dumps([one.as_json() for one in documents]), at)
    return [_answer(one) for one in found]


def write_one(document: Document, *, at: dt.datetime) -> Written:
    """Write one document, or raise `Refused`."""
    (answer,) = write([document], at=at)
    if isinstance(answer, Refused):
        raise answer
    return answer


def hold(customer: int, unit: Unit, amount: int, *, key: str, at: dt.datetime, until: dt.datetime) -> None:
    """Set points aside for a purchase that is not paid yet. Raises `Refused`."""
    if amount <= 0:
        raise Refused("not_positive", {})
    _call("loyalty_hold_points", customer, unit.pk, amount, key, at, until)


def release(key: str, *, at: dt.datetime) -> None:
    """Held points are free again. Raises `Refused` when the hold ended before."""
    _call("loyalty_release", key, at)


def open_account(customer: int, unit: Unit, *, at: dt.datetime, debt_limit: int = 0) -> Account:
    """A place for his points; the one he has when he has one."""
    with transaction.atomic():
        # two tills may see him first at one moment
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM customers_customer WHERE id = %s FOR NO KEY UPDATE", [customer])
        found = Account.objects.filter(customer=customer, unit=unit).order_by("pk").first()
        return found or Account.objects.create(customer_id=customer, unit=unit, opened_at=at, debt_limit=debt_limit)


@contextmanager
def refusals() -> Iterator[None]:
    """What the database refuses by its rules is raised as `Refused`, whichever of its functions or triggers says so."""
    try:
        yield
    except DatabaseError as error:
        told = getattr(error.__cause__, "diag", None)
        if told is None or told.sqlstate != "LY001":
            raise
        raise Refused(told.message_primary, json.loads(told.message_detail)) from error


def _call(function: str, *arguments: Any) -> Any:
    marks = ", ".join(["%s"] * len(arguments))
    with refusals(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}({marks})", arguments)
        return json.loads(cursor.fetchone()[0])


def _answer(one: dict[str, Any]) -> Written | Refused:
    if "refused" in one:
        return Refused(one["refused"], one["figures"])
    return Written(one.pop("transaction"), one)


def _plain(movement: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, dt.datetime) else value
        for name, value in movement.items() if value is not None
    }  # fmt: skip


def _reason(code: str, figures: dict[str, Any]) -> str:
    known = {
        "no_account": _("The customer has no account for these points: open one first."),
        "not_enough": _("There are {available} points that can be spent, {wanted} were asked for."),
        "more_than_spent": _("{left} points are left to give back, {wanted} were asked for."),
        "more_than_granted": _("{left} points are left to take back, {wanted} were asked for."),
        "expires_before_available": _("Points must expire after the moment from which they can be spent."),
        "written_before": _("This document was written before."),
        "nothing_expired": _("Nothing has expired."),
        "hold_is_over": _("These points are not held any more, or never were."),
        "no_contract": _("The partner has no contract for {day}."),
        "partner_limit": _("By its contract the partner may move {left} more points, {wanted} were asked for."),
        "not_positive": _("The number of points must be greater than zero."),
    }
    return known[code].format(**figures)
