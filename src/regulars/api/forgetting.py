"""What web-hooks and exports have kept of a person; the files of exports are gone within a day."""

from regulars.api.models import Delivery, Export
from regulars.customers.forgetting import Person, register


def register_forgetting() -> None:
    """Called once, when the application is ready."""
    register(_forget)


def _forget(person: Person) -> None:
    person.redact(Delivery, "content", "last_error", "last_answer")
    person.redact(Export, "error")
