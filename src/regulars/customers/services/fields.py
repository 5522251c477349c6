"""Own fields: what a business wants to know besides, and each customer's values."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.field_values import read_value
from regulars.customers.models import Customer, Field
from regulars.customers.services.living import lock_living
from regulars.foundation.changes import acting
from regulars.foundation.outbox import Event, announce

MOST_FIELDS = 100
MOST_CHOICES = 100
_LATIN = "a b v g d e e zh z i y k l m n o p r s t u f h ts ch sh sch - y - e yu ya"
_LETTERS = dict(zip("абвгдеёжзийклмнопрстуфхцчшщъыьэюя", _LATIN.split(" "), strict=True))
_WITH_CHOICES = (Field.Type.CHOICE, Field.Type.CHOICES)


def slug_of(title: str, taken: set[str], otherwise: str = "field") -> str:
    """A short name in Latin letters that no other has; `otherwise` of a title without a letter or a digit."""
    letters = "".join(_LETTERS.get(letter, letter) for letter in title.casefold()).replace("-", "")
    base = re.sub(r"[^a-z0-9]+", "_", letters).strip("_")[:32] or otherwise
    number, slug = 1, base
    while slug in taken:
        number += 1
        slug = f"{base}_{number}"
    return slug


@transaction.atomic
def add_field(*, title: str, type: str, choices: Sequence[str] = ()) -> Field:  # noqa: A002
    """A new field at the end."""
    title = " ".join(title.split())
    if not title or len(title) > 120:
        raise InputError(_("A field needs a title of at most {count} characters.").format(count=120))
    if type not in Field.Type.values:
        raise InputError(_("There is no type {value!r}.").format(value=type))
    taken = set(Field.objects.select_for_update().values_list("slug", flat=True))
    if len(taken) >= MOST_FIELDS:
        raise InputError(_("There are {count} fields already: more than anybody fills.").format(count=len(taken)))
    last = Field.objects.aggregate(last=Max("position"))["last"] or 0
    return Field.objects.create(
        slug=slug_of(title, taken), title=title, type=type, choices=_choices(type, choices), position=last + 1
    )


def change_field(field: Field, *, title: str, choices: Sequence[str], is_archived: bool) -> None:
    """Another title, other choices, or out of use; the type stays, because values of it are there."""
    title = " ".join(title.split())
    if not title or len(title) > 120:
        raise InputError(_("A field needs a title of at most {count} characters.").format(count=120))
    field.title, field.choices, field.is_archived = title, _choices(field.type, choices), is_archived
    field.save(update_fields=["title", "choices", "is_archived"])


def set_own_fields(customer: Customer, typed: Mapping[str, Any], *, by: User | None, source: str = "web") -> None:
    """Write the fields that are given; an empty value takes one away."""
    fields = {one.slug: one for one in Field.objects.filter(is_archived=False)}
    unknown = typed.keys() - fields.keys()
    if unknown:
        raise InputError(_("There is no field {name!r}.").format(name=sorted(unknown)[0]))
    read = {slug: read_value(fields[slug], value) for slug, value in typed.items()}
    with acting(by.pk if by else None, source):
        lock_living(customer)
        locked = Customer.objects.select_for_update().only("own_fields").get(pk=customer.pk)
        values = locked.own_fields | read
        customer.own_fields = {slug: value for slug, value in values.items() if value is not None}
        Customer.objects.filter(pk=customer.pk).update(own_fields=customer.own_fields)
        announce(Event.CUSTOMER_CHANGED, {"id": customer.pk})


def _choices(type: str, choices: Sequence[str]) -> list[str]:  # noqa: A002
    if type not in _WITH_CHOICES:
        return []
    found = list(dict.fromkeys(" ".join(one.split())[:120] for one in choices if one.strip()))
    if not 1 <= len(found) <= MOST_CHOICES:
        raise InputError(_("Give from 1 to {count} choices, one a line.").format(count=MOST_CHOICES))
    return found
