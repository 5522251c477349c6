"""What web-hooks have kept of a person."""

from regulars.api.models import Delivery
from regulars.customers.forgetting import Person, register


def register_forgetting() -> None:
    """Called once, when the application is ready."""
    register(_forget)


def _forget(person: Person) -> None:
    person.redact(Delivery, "content", "last_error")
