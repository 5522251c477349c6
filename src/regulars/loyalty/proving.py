"""Privileges that another program has seen the proof of: a till, or whoever gives out certificates of pensioners."""

import datetime as dt

from django.db import transaction

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.loyalty.members import hold_member
from regulars.loyalty.models import Privilege
from regulars.loyalty.privileges import give_privilege, names_of_privileges, standing_privileges


@transaction.atomic
def prove_privilege(customer: Customer, *, name: str, proof: str, until: dt.date | None, source: str) -> Privilege:
    """He has it from now on, until the proof runs out; the same again changes nothing.

    A name for which the rules do not ask is refused: it would be a misspelt one, and he would get nothing for it.
    """
    name, proof = (" ".join(one.split()) for one in (name, proof))
    if name not in (known := names_of_privileges()):
        raise InputError(
            _("The rules ask for no privilege {name!r}. They know: {known}.").format(
                name=name, known=", ".join(known) or "—"
            )
        )
    if not proof:
        raise InputError(_("Say by what he has proven it, such as the number of a certificate."))
    customer = hold_member(customer)
    for one in standing_privileges(customer):
        if (one.name, one.proof, one.until) == (name, proof, until):
            return one
    return give_privilege(customer, name=name, proof=proof, until=until, by=None, source=source)
