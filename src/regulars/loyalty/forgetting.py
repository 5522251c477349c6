"""What the programme has kept of a person: his privileges and his page go, and his name in the reasons of corrections.

His points are nobody's, and stay.
"""

from regulars.customers.forgetting import Person, register
from regulars.customers.services.moving import allow_ledger
from regulars.loyalty.models import Correction, CustomerPage, Privilege, Transaction


def register_forgetting() -> None:
    """Called once, when the application is ready."""
    register(_forget)


def _forget(person: Person) -> None:
    allow_ledger("erasure")
    person.redact(Transaction, "reason")
    allow_ledger("")
    person.redact(Correction, "reason")
    Privilege.objects.filter(customer__in=person.ids).delete()
    CustomerPage.objects.filter(customer__in=person.ids).delete()
