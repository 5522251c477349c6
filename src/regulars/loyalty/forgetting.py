"""What the ledger has kept of a person: a name in the reason of a correction. His points are nobody's, and stay."""

from regulars.customers.forgetting import Person, register
from regulars.customers.services.moving import allow_ledger
from regulars.loyalty.models import Transaction


def register_forgetting() -> None:
    """Called once, when the application is ready."""
    register(_forget)


def _forget(person: Person) -> None:
    allow_ledger("erasure")
    person.redact(Transaction, "reason")
    allow_ledger("")
