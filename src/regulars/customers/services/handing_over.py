"""When a manager leaves, or is away for long: all of his customers get another, in one step."""

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.foundation.changes import acting
from regulars.foundation.outbox import Event, announce_each


def may_hand_over(user: User) -> bool:
    """Whether this user could give each of them away one by one."""
    return user.may(Right.EDIT_CUSTOMERS) and not user.role.own_customers_only


def hand_over(leaver: User, heir: User | None, *, by: User) -> int:
    """All of his customers are the heir's from now on, or nobody's; how many they were."""
    if not may_hand_over(by):
        raise InputError(_("Who hands customers over must see all of them and may change them."))
    if heir is not None and not heir.is_active:
        raise InputError(_("{name} works here no more.").format(name=heir.name))
    if heir == leaver:
        raise InputError(_("Choose somebody else."))
    with acting(by.pk, "web"):
        # held in the order in which every other write holds them; those who became part of others come too
        his = Customer.objects.select_for_update().filter(owner=leaver).order_by("pk")
        found = list(his.values_list("pk", "merged_into"))
        Customer.objects.filter(pk__in=[pk for pk, _kept in found]).update(owner=heir)
        whole = [pk for pk, kept in found if kept is None]
        announce_each(Event.CUSTOMER_CHANGED, [{"id": pk} for pk in whole])
        details: dict[str, object] = {"people": len(whole), "heir": heir.email if heir else "nobody"}
        log("customers_handed_over", user=by, about=leaver.email, details=details)
    return len(whole)
