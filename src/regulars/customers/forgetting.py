"""What an erasure takes out of the tables that are not about customers, but may name one.

Packages above this one register theirs in `AppConfig.ready`, as they do with the timeline.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models.functions import Cast

MASK = "•••"
# shorter words stand in too many texts that have nothing to do with him
_SHORTEST = 4
_PHONE = re.compile(r"\+\d{10,15}")
_OWN_DIGITS = 10


@dataclass(frozen=True)
class Person:
    """Who is forgotten: the numbers of his rows, and the words that tell who he was wherever they stand."""

    ids: tuple[int, ...]
    words: tuple[str, ...]

    @cached_property
    def pattern(self) -> str:
        """One regular expression for all words that Python and PostgreSQL read alike; "" when there is none."""
        return "|".join(_written(word) for word in sorted(set(self.words)) if len(word) >= _SHORTEST)

    def redacted(self, value: Any) -> Any:
        """The same text or JSON without him: objects that are about him keep his number alone."""
        if isinstance(value, str):
            return re.sub(self.pattern, MASK, value, flags=re.IGNORECASE) if self.pattern else value
        if isinstance(value, list):
            return [self.redacted(one) for one in value]
        if isinstance(value, dict):
            if value.get("id") in self.ids and value.keys() & {"external_id", "contacts", "family_name"}:
                return {"id": value["id"]}
            return {self.redacted(name): self.redacted(one) for name, one in value.items()}
        return value

    def redact(self, model: type[models.Model], *fields: str) -> int:
        """Take him out of these fields wherever they name him; how many rows did."""
        rows, named = model._base_manager.all(), models.Q(pk__in=[])
        for field in fields:
            if self.pattern:
                rows = rows.alias(**{f"{field}_text": Cast(field, models.TextField())})
                named |= models.Q(**{f"{field}_text__iregex": self.pattern})
            if isinstance(model._meta.get_field(field), models.JSONField):
                for number in self.ids:
                    named |= models.Q(**{f"{field}__id": number})
        found = list(rows.filter(named).select_for_update())
        for row in found:
            for field in fields:
                setattr(row, field, self.redacted(getattr(row, field)))
        model._base_manager.bulk_update(found, fields, batch_size=500)
        return len(found)


Forget = Callable[[Person], None]

_forgetters: list[Forget] = []


def register(forget: Forget) -> None:
    """Call this in the transaction of every erasure."""
    if forget not in _forgetters:
        _forgetters.append(forget)


def forget_elsewhere(person: Person) -> None:
    """Have all packages forget him."""
    for forget in _forgetters:
        forget(person)


def _written(word: str) -> str:
    """The word as people may have written it: a number with blanks and brackets, quotes as JSON has them."""
    if _PHONE.fullmatch(word):
        return r"\D{0,3}".join(word[-_OWN_DIGITS:])
    inner = "".join(".{1,2}" if letter in '"\\' else re.escape(letter) for letter in word)
    return rf"(?<!\w){inner}(?!\w)"
