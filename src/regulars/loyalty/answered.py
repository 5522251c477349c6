"""What members answered where the answers were given to choose from: own fields of a choice, and of yes or no.

Free text never counts, nor a field that is archived, nor an answer that is no longer among the choices.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from regulars.customers.field_values import shown_value
from regulars.customers.models import Customer, Field

_YES_NO = {"yes": True, "no": False}


@dataclass(frozen=True)
class Answer:
    """A question and one of its answers. `stored` is the JSON that `Customer.own_fields` has of it."""

    field: Field
    value: str
    stored: str

    @property
    def shown(self) -> str:
        """As a person reads it."""
        return shown_value(self.field, json.loads(self.stored))

    @property
    def names(self) -> str:
        """The category of goods that it may name, folded; a yes names nothing."""
        return "" if self.field.type == Field.Type.YES_NO else folded(self.value)


def folded(text: str) -> str:
    """Equal for what reads alike: “Green  tea” and “green tea”."""
    return " ".join(text.split()).casefold()


def possible_answers() -> list[Answer]:
    """All that can be answered today, by the order of the fields."""
    return [one for field in _fields() for one in _answers(field)]


def answers_of(customer: Customer) -> list[Answer]:
    """What he answered, by the order of the fields."""
    if not customer.own_fields:
        return []
    return [one for field in _fields() if (said := _said(customer.own_fields.get(field.slug)))
            for one in _answers(field) if one.stored in said]  # fmt: skip


def _fields() -> Iterator[Field]:
    types = (Field.Type.CHOICE, Field.Type.CHOICES, Field.Type.YES_NO)
    yield from Field.objects.filter(is_archived=False, type__in=types)


def _answers(field: Field) -> Iterator[Answer]:
    values: dict[str, Any] = _YES_NO if field.type == Field.Type.YES_NO else {one: one for one in field.choices}
    for value, stored in values.items():
        yield Answer(field, value, json.dumps(stored))


def _said(value: Any) -> set[str]:
    several = value if isinstance(value, list) else [value]
    return {json.dumps(one) for one in several}
