"""Forgetting a person: a case with a deadline, done with an act; keyed hashes keep an import from bringing him back.

Purchases stay as the business's figures, without a name. What says who he was goes: names, contacts, notes, files,
answers, consents, the history of changes, what merges had written down, and what other tables kept of him. Every
column of text is in docs/reference/personal-data.md with what becomes of it; a test holds the page against the models.
"""

import datetime as dt
import hashlib
import hmac
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from regulars.accounts.models import LogEntry, User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.forgetting import MASK, Person, forget_elsewhere
from regulars.customers.models import (
    Consent,
    Contact,
    Customer,
    Erasure,
    File,
    ForgottenContact,
    FormAnswer,
    FormLink,
    Likeness,
    Merge,
    Note,
    Relation,
    Tag,
)
from regulars.customers.selectors.family import family_of
from regulars.customers.services.files import path_of
from regulars.customers.services.moving import allow_ledger
from regulars.foundation.changes import acting
from regulars.foundation.models import Answer, Change, Happening
from regulars.foundation.outbox import Event, announce

DAYS = 30
_KEY = "key"  # his key in the till or in 1C


def ask_erasure(customer: Customer, *, asked_on: dt.date, due_on: dt.date | None, asked_by: str, by: User) -> Erasure:
    """Write down that he demands it. Until it is done he is left in peace."""
    due_on = due_on or asked_on + dt.timedelta(days=DAYS)
    if due_on < asked_on:
        raise InputError(_("The deadline is before the demand."))
    if not asked_by.strip():
        raise InputError(_("Write how the demand came: a letter, in person."))
    if Erasure.objects.filter(customer=customer, done_at=None).exists():
        raise InputError(_("This is asked for already."))
    with acting(by.pk, "web"):
        Customer.objects.filter(pk=customer.pk).update(
            is_quiet=True, quiet_reason=_("Asked to be erased"), quiet_until=None
        )
        return Erasure.objects.create(
            customer=customer, asked_on=asked_on, due_on=due_on, asked_by=asked_by.strip()[:200], registered_by=by
        )


def withdraw_erasure(case: Erasure, *, by: User) -> None:
    """He thought better of it; he stays left in peace until somebody lifts that."""
    with acting(by.pk, "web"):
        if case.done_at is not None:
            raise InputError(_("It is done: nothing can bring it back."))
        log("erasure_withdrawn", user=by, about=f"#{case.customer_id}")
        case.delete()


def erase(case: Erasure, *, by: User) -> Erasure:
    """Do it, for him and for all rows that became part of him."""
    with acting(by.pk, "web"):
        case = Erasure.objects.select_for_update().get(pk=case.pk)
        if case.done_at is not None:
            raise InputError(_("It is done already."))
        ids = family_of(case.customer_id)
        people = list(Customer.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
        person, own_words = _person(people), _own_words(people)
        ForgottenContact.objects.bulk_create(_forgotten(case, people), ignore_conflicts=True)
        what = {name: count for name, count in _delete_rows(ids).items() if count}
        _empty(ids)
        _forget_in_foundation(person)
        forget_elsewhere(person)
        _forget_in_cases(ids, own_words)
        # at the end, because all that was done above was written into it
        _forget_changes(ids, own_words)
        Merge.objects.filter(Q(kept__in=ids) | Q(gone__in=ids)).update(moved={}, reasons=[])
        case.refresh_from_db()
        case.what, case.done_at, case.done_by = what, timezone.now(), by
        case.save(update_fields=["done_at", "done_by", "what"])
        announce(Event.CUSTOMER_ERASED, {"id": case.customer_id})
        log("erased", user=by, about=f"#{case.customer_id}", details=dict(what))
    return case


def digest_of(kind: str, value: str) -> bytes:
    """A keyed hash: without the installation's key nobody can try all phone numbers against it."""
    key = hashlib.sha256(b"regulars.forgotten" + settings.SECRET_KEY.encode()).digest()
    return hmac.digest(key, f"{kind}\x1f{value}".encode(), "sha256")


def forgotten(values: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these (kind, normalised value) belonged to erased people: an import leaves such people out.

    The kind is that of a contact, or "key" for the key in the till.
    """
    digests = {digest_of(kind, value): (kind, value) for kind, value in values}
    if not ForgottenContact.objects.exists():
        return set()
    found: set[tuple[str, str]] = set()
    keys = list(digests)
    for start in range(0, len(keys), 10_000):
        some = ForgottenContact.objects.filter(digest__in=keys[start : start + 10_000])
        found |= {digests[bytes(digest)] for digest in some.values_list("digest", flat=True)}
    return found


def refuse_forgotten(values: Iterable[tuple[str, str]]) -> None:
    """`InputError` when one of these belonged to an erased person: a program must not bring him back.

    Somebody of the business may: he does it when the person himself comes again.
    """
    if forgotten(values):
        raise InputError(_("This person asked to be erased, so no program may bring him back."))


def _person(people: list[Customer]) -> Person:
    """What tells who he was in any text. A phone that the family shares tells of the others too, and stays."""
    ids = [one.pk for one in people]
    his = list(Contact.objects.filter(customer__in=ids))
    values = {one.value for one in his}
    shared = set(Contact.objects.filter(value__in=values).exclude(customer__in=ids).values_list("value", flat=True))
    words = {word for one in his if one.value not in shared for word in (one.value, one.written)}
    for one in people:
        parts = (one.family_name, one.given_name, one.middle_name)
        orders = (parts, (parts[1], parts[0]), (parts[0], parts[1]), (parts[1], parts[2], parts[0]))
        words |= {" ".join(filter(None, order)) for order in orders if all(order[:2])}
        words |= {one.name, one.external_id or ""}
    return Person(tuple(ids), tuple(words))


def _own_words(people: list[Customer]) -> frozenset[str]:
    """Single words too: they tell who he was only in what was written about him."""
    words = {word for one in people for word in (one.name, one.family_name, one.given_name, one.middle_name)}
    words |= {one.birth_date.isoformat() for one in people if one.birth_date} | {
        one.external_id or "" for one in people
    }
    for one in Contact.objects.filter(customer__in=people):
        words |= {one.value, one.written}
    return frozenset(words - {""})


def _forget_in_foundation(person: Person) -> None:
    """Answers kept for repetitions, what waits to be told to other programs, and the log of safety."""
    for number in person.ids:
        # the whole answer was about him: a repetition is refused like any other attempt to bring him back
        Answer.objects.filter(content__id=number, content__has_key="external_id").delete()
    person.redact(Answer, "content")
    person.redact(Happening, "content")
    person.redact(LogEntry, "about", "details")


def _forget_in_cases(ids: list[int], words: frozenset[str]) -> None:
    for case in Erasure.objects.filter(customer__in=ids):
        text = Person((), tuple(words)).redacted(case.asked_by)
        Erasure.objects.filter(pk=case.pk).update(asked_by=text[:200])


def _forget_changes(ids: list[int], words: frozenset[str]) -> None:
    """His history, and what a merge that was taken back has left of him in the other's."""
    Change.objects.filter(customer_id__in=ids).delete()
    merges = Merge.objects.filter(Q(kept__in=ids) | Q(gone__in=ids)).values_list("kept_id", "gone_id")
    others = {one for pair in merges for one in pair} - set(ids)
    for change in Change.objects.filter(customer_id__in=others).iterator():
        fields = {name: [_unless_his(value, words) for value in pair] for name, pair in change.fields.items()}
        if fields != change.fields:
            Change.objects.filter(pk=change.pk).update(fields=fields)


def _unless_his(value: Any, words: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {name: _unless_his(one, words) for name, one in value.items()}
    return MASK if isinstance(value, str) and value in words else value


_PHONES = (Contact.Kind.WHATSAPP, Contact.Kind.VIBER)


def _forgotten(case: Erasure, people: list[Customer]) -> list[ForgottenContact]:
    values = set(Contact.objects.filter(customer__in=people).values_list("kind", "value"))
    # a number that he gave for a messenger is his phone too
    values |= {(str(Contact.Kind.PHONE), value) for kind, value in values if kind in _PHONES}
    values |= {(_KEY, one.external_id) for one in people if one.external_id}
    return [ForgottenContact(erasure=case, digest=digest_of(kind, value)) for kind, value in sorted(values)]


def _delete_rows(ids: list[int]) -> dict[str, int]:
    files = list(File.objects.filter(customer__in=ids))
    paths = [path_of(one) for one in files]
    transaction.on_commit(lambda: _unlink(paths))
    mine = Q(customer__in=ids)
    counts: dict[str, int] = {}
    for model in (Contact, Note, File, FormAnswer, FormLink):
        counts[model._meta.model_name or ""] = model._base_manager.filter(mine).delete()[0]
    counts["relation"] = Relation.objects.filter(mine | Q(other__in=ids)).delete()[0]
    Likeness.objects.filter(Q(first__in=ids) | Q(second__in=ids)).delete()
    counts["tag"] = _delete_tags(ids)
    allow_ledger("erasure")
    counts["consent"] = Consent.objects.filter(mine).delete()[0]
    allow_ledger("")
    return counts


def _delete_tags(ids: list[int]) -> int:
    """His tags; a word that nobody else has may be his name, and goes."""
    put = Customer.tags.through.objects.filter(customer__in=ids)
    tags = set(put.values_list("tag_id", flat=True))
    count = put.delete()[0]
    Tag.objects.filter(pk__in=tags, customers=None).delete()
    return count


def _empty(ids: list[int]) -> None:
    Customer.objects.filter(pk__in=ids).update(
        external_id=None, name="", family_name="", given_name="", middle_name="", birth_date=None, sex="", language="",
        source="", own_fields={}, is_quiet=True, quiet_reason=_("Erased"), quiet_until=None, owner=None,
        is_erased=True,
    )  # fmt: skip


def _unlink(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
