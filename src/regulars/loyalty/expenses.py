"""Expenses of the programme that nothing else here knows: typed by people, and taken out again; the log has both."""

import datetime as dt
import secrets
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import format_date
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.loyalty.models import Expense

Kind = Expense.Kind

MOST_MONEY = 10**13
_EARLIEST = dt.date(1990, 1, 1)
_LONGEST_NOTE = 200
_SHOWN = 200


@dataclass(frozen=True)
class Spent:
    """What somebody types: a day, for what, how much in minor units, and words about it."""

    day: dt.date
    kind: str
    amount: int
    note: str = ""


def new_key() -> str:
    """Of a form that is shown."""
    return secrets.token_hex(16)


@transaction.atomic
def add_expense(spent: Spent, *, key: str, by: User, address: str | None = None) -> Expense:
    """Write it down; the same key again is the same expense. Raises `InputError`."""
    note = " ".join(spent.note.replace("\0", "").encode(errors="replace").decode().split())
    _check(spent, note, key)
    values = {"spent_on": spent.day, "kind": spent.kind, "amount": spent.amount, "note": note}
    made, is_new = Expense.objects.get_or_create(
        key=key, defaults=values | {"typed_at": timezone.now(), "typed_by": by}
    )
    if not is_new and ({name: getattr(made, name) for name in values}, made.typed_by_id) != (values, by.pk):
        raise InputError(_("This form was sent before with something else: open the page again."))
    if is_new:
        log("expense_added", user=by, about=_about(made), details={"amount": made.amount}, address=address)
    return made


@transaction.atomic
def remove_expense(expense: int, *, by: User, address: str | None = None) -> None:
    """It was a mistake. A second time changes nothing."""
    found = Expense.objects.select_for_update().filter(pk=expense).first()
    if found is not None:
        found.delete()
        log("expense_removed", user=by, about=_about(found), details={"amount": found.amount}, address=address)


def expenses_between(first: dt.date, last: dt.date) -> list[Expense]:
    """Of these days, the newest first."""
    found = Expense.objects.filter(spent_on__range=(first, last)).select_related("typed_by")
    return list(found.order_by("-spent_on", "-pk")[:_SHOWN])


def sums_between(first: dt.date, last: dt.date) -> dict[str, int]:
    """Of these days, by kind, in the order of kinds."""
    kinds = Expense.objects.filter(spent_on__range=(first, last)).order_by().values("kind")
    found = dict(kinds.annotate(sum=Sum("amount")).values_list("kind", "sum"))
    return {kind: int(found[kind]) for kind in Kind.values if kind in found}


def _check(spent: Spent, note: str, key: str) -> None:
    today = timezone.now().astimezone(Business.current().zone).date()
    if spent.day > today:
        raise InputError(_("{day} is still to come.").format(day=format_date(spent.day)))
    if spent.day < _EARLIEST:
        raise InputError(_("{day} is too far away.").format(day=spent.day.isoformat()))
    if spent.kind not in Kind.values:
        raise InputError(_("Choose what the money was for."))
    if not 0 < spent.amount <= MOST_MONEY:
        raise InputError(_("Say how much was spent, more than nothing."))
    if len(note) > _LONGEST_NOTE:
        raise InputError(_("Write at most {most} signs about it.").format(most=_LONGEST_NOTE))
    if not 0 < len(key) <= 64 or not key.isalnum():
        raise InputError(_("The form was not sent whole: open the page again."))


def _about(expense: Expense) -> str:
    return f"{expense.spent_on.isoformat()} {expense.kind}"
