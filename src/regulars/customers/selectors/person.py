"""What this package tells a person about himself on the page of all his data."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from django.db.models import Q

from regulars.accounts.models import User
from regulars.core.i18n import LANGUAGE_NAMES, N_, format_date, format_moment, format_number
from regulars.core.i18n import gettext as _
from regulars.customers.contact_values import shown_phone
from regulars.customers.field_values import answered, shown_value
from regulars.customers.models import (
    Consent,
    Contact,
    Customer,
    Erasure,
    Field,
    File,
    FormAnswer,
    FormLink,
    Note,
    Purpose,
    Relation,
)
from regulars.customers.names import RELATION_NOUNS, shown_name, source_name
from regulars.customers.readable import Cells, Section, register
from regulars.customers.selectors.changes import title_of, told
from regulars.customers.selectors.consents import proof_of, texts_of
from regulars.foundation.models import Business, Change

ROWS = 1_000
T = TypeVar("T")
_PHONES = (Contact.Kind.PHONE, Contact.Kind.WHATSAPP, Contact.Kind.VIBER)


def register_sections() -> None:
    """Called once, when the application is ready."""
    register(
        Section(N_("Who he is"), ("customer", "customer_tags"), _who),
        Section(
            N_("Contacts"), ("contact",), _contacts,
            (N_("Kind"), N_("Value"), N_("Label"), N_("As it was written"), N_("Works"), N_("Added")),
        ),
        Section(
            N_("Belongs together with"), ("relation", "relation.other"), _relations,
            (N_("Relation"), N_("Who"), N_("Birthday"), N_("Note")),
        ),
        Section(
            N_("Consents"), ("consent", "purpose"), _consents,
            (
                N_("When"), N_("Purpose"), N_("Channel"), N_("Answer"), N_("Where he said it"), N_("Text"),
                N_("Recorded"),
            ),
        ),
        Section(N_("Notes"), ("note",), _notes, (N_("When"), N_("Who"), N_("Text"))),
        Section(
            N_("Questionnaires"), ("formanswer",), _answers,
            (N_("When"), N_("Questionnaire"), N_("Who filled it in"), N_("Answers")),
        ),
        Section(
            N_("Personal links"), ("formlink",), _links,
            (N_("Questionnaire"), N_("Good until"), N_("Used")),
        ),
        Section(N_("Files"), ("file",), _files, (N_("When"), N_("File"), N_("Size, kB"), N_("Who"))),
        Section(
            N_("Demands to erase"), ("erasure",), _erasures,
            (N_("Asked on"), N_("How it came"), N_("Due on"), N_("Done")),
        ),
        Section(N_("Changes"), ("change",), _changes, (N_("When"), N_("What"), N_("Who"), N_("Details"))),
    )  # fmt: skip


def clock() -> zoneinfo.ZoneInfo:
    """By which moments are told."""
    return Business.current().zone


def _who(ids: Sequence[int]) -> Iterator[Cells]:
    fields = {one.slug: one for one in Field.objects.all()}
    for one in Customer.objects.filter(pk__in=ids).select_related("owner").prefetch_related("tags").order_by("pk"):
        yield from ((label, value) for label, value in _facts(one, fields) if value)


def _facts(one: Customer, fields: dict[str, Field]) -> Iterator[Cells]:
    yield _("Customer number"), f"#{one.pk}"
    yield _("Full name") if one.is_person else _("Name of the company, or another one"), shown_name(one)
    yield _("Family name"), one.family_name
    yield _("Given name"), one.given_name
    yield _("Middle name"), one.middle_name
    yield _("Kind"), _(one.get_kind_display())
    yield _("Birthday"), _day(one.birth_date)
    yield _("Sex"), _(one.get_sex_display()) if one.sex else ""
    yield _("Language"), LANGUAGE_NAMES.get(one.language, one.language)
    yield _("Key in other programs"), one.external_id or ""
    yield _("Came from"), source_name(one)
    yield _("Manager"), _name(one.owner)
    yield _("Tags"), ", ".join(sorted(tag.name for tag in one.tags.all()))
    for slug, value in one.own_fields.items():
        field = fields.get(slug)
        yield field.title if field else slug, shown_value(field, value)
    if one.is_quiet:
        yield _("Left in peace because"), one.quiet_reason
        yield _("Left in peace until"), _day(one.quiet_until)
    yield _("Merged into"), f"#{one.merged_into_id}" if one.merged_into_id else ""
    yield _("Added"), format_moment(one.created_at, clock())
    yield _("Last change"), format_moment(one.updated_at, clock())


def _contacts(ids: Sequence[int]) -> Iterator[Cells]:
    zone = clock()
    for one in Contact.objects.filter(customer__in=ids).order_by("kind", "pk").iterator(ROWS):
        shown = shown_phone(one.value) if one.kind in _PHONES else one.value
        written = one.written if one.written not in (shown, one.value) else ""
        kind = _(one.get_kind_display())
        if one.is_main:
            kind += ", " + _("main contact")
        yield kind, shown, one.label, written, _truth(one.is_valid), format_moment(one.created_at, zone)


def _relations(ids: Sequence[int]) -> Iterator[Cells]:
    # of other customers their numbers alone: their names are their data
    for one in Relation.objects.filter(Q(customer__in=ids) | Q(other__in=ids)).order_by("pk").iterator(ROWS):
        own, other = one.customer_id in ids, one.other_id if one.customer_id in ids else one.customer_id
        kind = one.get_kind_display() if own and one.other_id else RELATION_NOUNS[one.kind]
        yield _(kind), one.name or _("customer #{number}").format(number=other), _day(one.birth_date), one.note


def _consents(ids: Sequence[int]) -> Iterator[Cells]:
    zone = clock()
    titles = dict(Purpose.objects.order_by("version").values_list("slug", "title"))
    rows = Consent.objects.filter(customer__in=ids).select_related("recorded_by").order_by("at", "pk")
    for some in _batches(rows.iterator(ROWS)):
        texts = texts_of(some)
        for one in some:
            text = texts.get((one.purpose, one.text_version), "")
            version = _("text {version}").format(version=one.text_version) + "\n" if one.text_version else ""
            by = ", ".join(filter(None, (format_moment(one.recorded_at, zone), _name(one.recorded_by), proof_of(one))))
            yield (
                format_moment(one.at, zone), titles.get(one.purpose, one.purpose), _(one.get_channel_display()),
                _("Agreed") if one.is_given else _("Refused"), one.source, version + text, by,
            )  # fmt: skip


def _notes(ids: Sequence[int]) -> Iterator[Cells]:
    zone = clock()
    for one in Note.objects.filter(customer__in=ids).select_related("author").order_by("at", "pk").iterator(ROWS):
        when = format_moment(one.at, zone)
        if one.edited_at:
            when += "\n" + _("changed later") + ": " + format_moment(one.edited_at, zone)
        yield when, _name(one.author), one.text


def _answers(ids: Sequence[int]) -> Iterator[Cells]:
    zone, fields = clock(), {one.slug: one for one in Field.objects.all()}
    rows = FormAnswer.objects.filter(customer__in=ids).select_related("form", "filled_by").order_by("at", "pk")
    for one in rows.iterator(ROWS):
        lines = [f"{label}: {value}" for label, value in answered(one, fields)]
        yield (
            format_moment(one.at, zone), one.form.title, _name(one.filled_by) or _("The customer himself"),
            "\n".join(lines),
        )  # fmt: skip


def _links(ids: Sequence[int]) -> Iterator[Cells]:
    zone = clock()
    for one in FormLink.objects.filter(customer__in=ids).select_related("form").order_by("pk").iterator(ROWS):
        yield one.form.title, format_moment(one.expires_at, zone), _moment(one.used_at, zone)


def _files(ids: Sequence[int]) -> Iterator[Cells]:
    zone = clock()
    for one in File.objects.filter(customer__in=ids).select_related("author").order_by("at", "pk").iterator(ROWS):
        yield format_moment(one.at, zone), one.name, format_number(one.size / 1_000, 1), _name(one.author)


def _erasures(ids: Sequence[int]) -> Iterator[Cells]:
    zone = clock()
    for one in Erasure.objects.filter(customer__in=ids).order_by("pk"):
        yield _day(one.asked_on), one.asked_by, _day(one.due_on), _moment(one.done_at, zone)


def _changes(ids: Sequence[int]) -> Iterator[Cells]:
    zone = clock()
    rows = Change.objects.filter(customer_id__in=ids).order_by("pk")
    for some in _batches(rows.iterator(ROWS)):
        words = told(some, see_contacts=True)
        for one in some:
            details = "\n".join(f"{label}: {text}" for label, text in words.lines(one))
            yield format_moment(one.at, zone), title_of(one), words.names.get(one.actor_id, ""), details


def _batches(rows: Iterable[T]) -> Iterator[list[T]]:
    some = iter(rows)
    while batch := list(islice(some, ROWS)):
        yield batch


def _day(day: dt.date | None) -> str:
    return "" if day is None else format_date(day)


def _moment(at: dt.datetime | None, zone: zoneinfo.ZoneInfo) -> str:
    return "" if at is None else format_moment(at, zone)


def _name(user: User | None) -> str:
    return user.name if user else ""


def _truth(value: bool) -> str:
    return _("yes") if value else _("no")
