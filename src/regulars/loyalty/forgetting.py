"""What the programme has kept of a person: privileges, cards and his page go, and his name in reasons.

His points are nobody's, and stay.
"""

from regulars.customers.forgetting import Person, register
from regulars.customers.services.moving import allow_ledger
from regulars.loyalty.models import (
    Card,
    CardHolder,
    CertificateMovement,
    Correction,
    CustomerPage,
    Expense,
    OfflineDocument,
    Privilege,
    Transaction,
)


def register_forgetting() -> None:
    """Called once, when the application is ready."""
    register(_forget)


def _forget(person: Person) -> None:
    allow_ledger("erasure")
    person.redact(Transaction, "reason")
    allow_ledger("")
    person.redact(Correction, "reason")
    person.redact(OfflineDocument, "body", "problem")
    person.redact(Expense, "note")
    Card.objects.filter(number__in=person.words).delete()
    person.redact(Card, "reason")
    person.redact(CertificateMovement, "reason")
    person.redact(CardHolder, "name")
    Privilege.objects.filter(customer__in=person.ids).delete()
    CustomerPage.objects.filter(customer__in=person.ids).delete()
