"""When a manager leaves, or is away for long: all of his customers get another, in one step."""

from dataclasses import dataclass

from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.foundation.changes import acting
from regulars.foundation.outbox import Event, announce_each

TASK = "customers.hand_over"
AT_ONCE = 1_000  # customers in one transaction: a second of work


@dataclass(frozen=True)
class Handed:
    """How many customers there were to give, and whether the worker still gives them."""

    count: int
    is_going_on: bool


def may_hand_over(user: User) -> bool:
    """Whether this user could give each of them away one by one."""
    return user.may(Right.EDIT_CUSTOMERS) and not user.role.own_customers_only


def hand_over(leaver: User, heir: User | None, *, by: User) -> Handed:
    """All of his customers are the heir's from now on, or nobody's; of many the worker gives those after the first."""
    if not may_hand_over(by):
        raise InputError(_("Who hands customers over must see all of them and may change them."))
    if heir is not None and not heir.is_active:
        raise InputError(_("{name} works here no more.").format(name=heir.name))
    if heir == leaver:
        raise InputError(_("Choose somebody else."))
    if _is_going_on(leaver):
        raise InputError(_("His customers are being handed over already. Wait until it is done."))
    count = Customer.objects.filter(owner=leaver, merged_into=None).count()
    heir_id = None if heir is None else heir.pk
    given = give_some(leaver.pk, heir_id, by_id=by.pk)
    if given == AT_ONCE:
        app.configure_task(TASK).defer(leaver_id=leaver.pk, heir_id=heir_id, by_id=by.pk)
    details: dict[str, object] = {"people": count, "heir": heir.email if heir else "nobody"}
    log("customers_handed_over", user=by, about=leaver.email, details=details)
    return Handed(count, is_going_on=given == AT_ONCE)


def _is_going_on(leaver: User) -> bool:
    waiting = ProcrastinateJob.objects.filter(task_name=TASK, status__in=["todo", "doing"])
    return waiting.filter(args__leaver_id=leaver.pk).exists()


def give_some(leaver_id: int, heir_id: int | None, *, by_id: int) -> int:
    """Give the next of his customers; how many records they were, `AT_ONCE` when there may be more."""
    with acting(by_id, "web"):
        # held in the order in which every other write holds them; those who became part of others come too
        his = Customer.objects.select_for_update().filter(owner=leaver_id).order_by("pk")[:AT_ONCE]
        found = list(his.values_list("pk", "merged_into"))
        Customer.objects.filter(pk__in=[pk for pk, _kept in found]).update(owner=heir_id)
        announce_each(Event.CUSTOMER_CHANGED, [{"id": pk} for pk, kept in found if kept is None])
    return len(found)
