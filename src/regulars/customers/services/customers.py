"""Adding and changing customers: who they are, whose they are, what is written about them."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer, Note, Relation, Tag
from regulars.customers.names import assembled
from regulars.customers.services.erasing import refuse_forgotten
from regulars.customers.services.living import lock_living
from regulars.foundation.changes import acting
from regulars.foundation.clashes import or_told
from regulars.foundation.models import Business
from regulars.foundation.outbox import Event, announce

MOST_TAGS = 50
LONGEST_NOTE = 20_000
# what a form or the API may write; everything else has a function of its own
EDITABLE = frozenset(
    {"kind", "external_id", "name", "family_name", "given_name", "middle_name", "birth_date", "sex", "language",
     "source", "own_fields"}
)  # fmt: skip


def add_customer(*, by: User | None, source: str = "web", **values: Any) -> Customer:
    """A new customer; a person's shown name is put together from its words."""
    customer = Customer(**_checked(values))
    _name_person(customer)
    if not customer.name:
        raise InputError(_("Give a name: it is how you will find this customer."))
    if by is None and customer.external_id:
        refuse_forgotten([("key", customer.external_id)])
    with acting(by.pk if by else None, source), or_told(_key_taken(customer)):
        customer.save(force_insert=True)
        announce(Event.CUSTOMER_CREATED, {"id": customer.pk})
    return customer


def edit_customer(customer: Customer, *, by: User | None, source: str = "web", **values: Any) -> None:
    """Change what is given and nothing else."""
    for name, value in _checked(values).items():
        setattr(customer, name, value)
    if values.keys() & {"family_name", "given_name", "middle_name", "kind"}:
        _name_person(customer)
    if not customer.name:
        raise InputError(_("Give a name: it is how you will find this customer."))
    if by is None and values.get("external_id"):
        refuse_forgotten([("key", values["external_id"])])
    with acting(by.pk if by else None, source):
        lock_living(customer)
        with or_told(_key_taken(customer)):
            customer.save(update_fields=sorted({*values, "name"}))
        announce(Event.CUSTOMER_CHANGED, {"id": customer.pk})


def set_owner(customer: Customer, owner: User | None, *, by: User) -> None:
    """Whose customer he is from now on."""
    if owner is not None and not owner.is_active:
        raise InputError(_("{name} works here no more.").format(name=owner.name))
    with acting(by.pk, "web"):
        lock_living(customer)
        customer.owner = owner
        customer.save(update_fields=["owner"])
        announce(Event.CUSTOMER_CHANGED, {"id": customer.pk})


def leave_in_peace(customer: Customer, *, reason: str, until: dt.date | None, by: User | None) -> None:
    """Do not disturb: from now to the day, or for good."""
    if not reason.strip():
        raise InputError(_("Write why: somebody will ask in a year."))
    with acting(by.pk if by else None, "web"):
        lock_living(customer)
        customer.is_quiet, customer.quiet_reason, customer.quiet_until = True, reason.strip()[:300], until
        customer.save(update_fields=["is_quiet", "quiet_reason", "quiet_until"])
        announce(Event.CUSTOMER_CHANGED, {"id": customer.pk})


def end_peace(customer: Customer, *, by: User) -> None:
    """He may be addressed again, as far as he agreed."""
    with acting(by.pk, "web"):
        lock_living(customer)
        customer.is_quiet, customer.quiet_reason, customer.quiet_until = False, "", None
        customer.save(update_fields=["is_quiet", "quiet_reason", "quiet_until"])
        announce(Event.CUSTOMER_CHANGED, {"id": customer.pk})


def set_tags(customer: Customer, names: Iterable[str], *, by: User | None) -> None:
    """Exactly these words; new ones come into being."""
    wanted = {name for name in (" ".join(one.split())[:60] for one in names) if name}
    if len(wanted) > MOST_TAGS:
        raise InputError(_("A customer has at most {count} tags.").format(count=MOST_TAGS))
    with acting(by.pk if by else None, "web"):
        lock_living(customer)
        Tag.objects.bulk_create([Tag(name=name) for name in sorted(wanted)], ignore_conflicts=True)
        customer.tags.set(Tag.objects.filter(name__in=wanted))


def add_note(customer: Customer, text: str, *, by: User | None) -> Note:
    """A note in the timeline."""
    text = _note_text(text)
    with acting(by.pk if by else None, "web"):
        lock_living(customer)
        return Note.objects.create(customer=customer, text=text, author=by)


def edit_note(note: Note, text: str, *, by: User) -> None:
    """Say it better; what it said before stays in the history."""
    _check_author(note, by)
    text = _note_text(text)
    if text == note.text:
        return
    with acting(by.pk, "web"):
        note.text, note.edited_at = text, timezone.now()
        note.save(update_fields=["text", "edited_at"])


def delete_note(note: Note, *, by: User) -> None:
    """Take it back; the history keeps that it was there."""
    _check_author(note, by)
    with acting(by.pk, "web"):
        note.delete()


def _note_text(text: str) -> str:
    text = text.replace("\0", "").strip()
    if not text or len(text) > LONGEST_NOTE:
        raise InputError(_("A note has from 1 to {count} characters.").format(count=LONGEST_NOTE))
    return text


def _check_author(note: Note, by: User) -> None:
    if note.author_id != by.pk:
        raise InputError(_("A note is changed by whoever wrote it. Write your own beside it."))


def relate(
    customer: Customer, *, kind: str, by: User, other: Customer | None = None, name: str = "",
    birth_date: dt.date | None = None, note: str = "",
) -> Relation:  # fmt: skip
    """Say how two belong together: another customer, or a child or a pet by name."""
    name = name.strip()
    if (other is None) == (not name):
        raise InputError(_("Choose a customer, or write a name: one of the two."))
    if other is not None and other.pk == customer.pk:
        raise InputError(_("This is the same customer."))
    if other is not None and Relation.objects.filter(customer=customer, other=other, kind=kind).exists():
        raise InputError(_("This is known already."))
    with acting(by.pk, "web"):
        lock_living(*filter(None, (customer, other)))
        return Relation.objects.create(
            customer=customer, other=other, kind=kind, name=name[:200], birth_date=birth_date, note=note.strip()[:300]
        )


def unrelate(relation: Relation, *, by: User) -> None:
    """They do not belong together after all."""
    with acting(by.pk, "web"):
        relation.delete()


def _key_taken(customer: Customer) -> str:
    return _("The key {value!r} belongs to another customer already.").format(value=customer.external_id)


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    unknown = values.keys() - EDITABLE
    if unknown:
        raise ValueError(f"not editable: {sorted(unknown)}")
    made: dict[str, Any] = {
        name: value.replace("\0", "").strip() if isinstance(value, str) else value for name, value in values.items()
    }
    if "external_id" in made:
        made["external_id"] = made["external_id"] or None
    if (birth := made.get("birth_date")) is not None:
        check_birthday(birth)
    return made


def check_birthday(day: dt.date) -> None:
    """Raise `InputError` for one on which nobody who lives was born."""
    if not dt.date(1850, 1, 1) <= day <= dt.datetime.now(dt.UTC).date():
        raise InputError(_("{day} is no day of birth.").format(day=day.isoformat()))


def _name_person(customer: Customer) -> None:
    if customer.is_person and (customer.family_name or customer.given_name):
        language = customer.language or Business.objects.values_list("language", flat=True).first() or "en"
        customer.name = assembled(customer.family_name, customer.given_name, customer.middle_name, language=language)[
            :300
        ]
