"""Privileges that another program has seen the proof of: a till, or whoever gives out certificates of pensioners."""

import datetime as dt

from django.db import transaction

from regulars.customers.models import Customer
from regulars.loyalty.members import hold_member
from regulars.loyalty.models import Privilege
from regulars.loyalty.privileges import give_privilege, standing_privileges


@transaction.atomic
def prove_privilege(customer: Customer, *, name: str, proof: str, until: dt.date | None, source: str) -> Privilege:
    """He has it from now on, until the proof runs out; the same again changes nothing."""
    name, proof = (" ".join(one.split()) for one in (name, proof))
    customer = hold_member(customer)
    for one in standing_privileges(customer):
        if (one.name, one.proof, one.until) == (name, proof, until):
            return one
    return give_privilege(customer, name=name, proof=proof, until=until, by=None, source=source)
