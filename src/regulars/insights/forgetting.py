"""What segments have kept of a person: a name in a rule. Figures of his purchases are nobody's by now, and stay."""

from regulars.customers.forgetting import Person, register
from regulars.insights.models import Audience, AuditRun, Segment


def register_forgetting() -> None:
    """Called once, when the application is ready."""
    register(_forget)


def _forget(person: Person) -> None:
    for model in (Segment, Audience):
        person.redact(model, "name", "rule")
    person.redact(AuditRun, "error", "reasons")
