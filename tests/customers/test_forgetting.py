"""Erasure against every column of every table: the page of the reference says what goes, and it goes."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import DatabaseError, connection, models, transaction

from regulars.accounts.models import LogEntry, User
from regulars.api.models import ApiKey, Delivery, Endpoint, Export
from regulars.core.errors import InputError
from regulars.customers.models import Contact, Customer, Erasure, FormAnswer, Likeness, Merge, Note
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.customers import add_customer, add_note, edit_customer, relate, set_tags
from regulars.customers.services.erasing import ask_erasure, erase
from regulars.customers.services.files import store_file
from regulars.customers.services.merging import merge, unmerge
from regulars.foundation.models import Answer, Change, Happening
from regulars.insights.models import Audience, AuditRun, Segment
from regulars.loyalty.certificate_deals import Deal, sell_certificates
from regulars.loyalty.certificates import cancel, make_certificates
from regulars.loyalty.models import (
    Card,
    CardHolder,
    Correction,
    CustomerPage,
    Expense,
    OfflineDocument,
    Privilege,
    Transaction,
    Unit,
)
from regulars.purchases.importing import files
from regulars.purchases.models import Filled, Import

pytestmark = pytest.mark.django_db
MOMENT = "2026-01-01T00:00Z"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "personal-data.md"
PHONE = "+79161234567"
MAIL = "zebrastripe@example.com"
_TOLD = (models.CharField, models.TextField, models.JSONField, models.BinaryField, models.GenericIPAddressField)


def page() -> Iterator[tuple[str, str, str]]:
    """(table, column, what becomes of it) as the page says."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4:
            for column in re.findall(r"`(\w+)`", cells[1]):
                yield cells[0].strip("`"), column, cells[3]


def columns() -> set[tuple[str, str]]:
    """What can hold a word or a day."""
    found = set()
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            day = isinstance(field, models.DateField) and not isinstance(field, models.DateTimeField)
            if day or isinstance(field, (*_TOLD, ArrayField)):
                found.add((model._meta.db_table, field.column))
    return found


def test_the_page_names_every_column_once() -> None:
    told = [(table, column) for table, column, _fate in page()]
    assert len(told) == len(set(told))
    assert set(told) == columns()
    assert {fate for *_rest, fate in page()} == {"deleted", "emptied", "masked", "stays"}


@pytest.fixture
def anna(owner: User, settings: Any, tmp_path: Path) -> Customer:
    settings.MEDIA_ROOT = tmp_path
    anna = add_customer(by=owner, family_name="Zebrastripe", given_name="Anna", external_id="KEY-77-01")
    add_contact(anna, kind="phone", written="8 (916) 123-45-67", by=owner)
    add_contact(anna, kind="email", written=MAIL, by=owner)
    return anna


def asked(customer: Customer, owner: User) -> Erasure:
    return ask_erasure(customer, asked_on=dt.date(2026, 3, 1), due_on=None, asked_by=f"letter of {MAIL}", by=owner)


def forget(customer: Customer, owner: User) -> None:
    erase(asked(customer, owner), by=owner)


def plant(anna: Customer, owner: User) -> None:
    """Name her in every column that the page wants erased."""
    other = add_customer(by=owner, name="Somebody")
    add_note(anna, "likes rye", by=owner)
    relate(anna, kind="pet", name="Rex", by=owner)
    relate(other, kind="family", other=anna, by=owner)
    set_tags(anna, ["of her own"], by=owner)
    store_file(anna, name="a.txt", size=1, chunks=iter([b"x"]), by=owner)
    anna.consents.create(purpose="p", channel="sms", is_given=True, source="x", at="2026-01-01T00:00Z")
    form = apps.get_model("customers.Form").objects.create(title="f")
    FormAnswer.objects.create(form=form, customer=anna, answers={})
    anna.form_links.create(form=form, token_hash="0", expires_at="2026-01-01T00:00Z")
    Likeness.objects.create(first=anna, second=other, score=70)
    Merge.objects.create(kept=anna, gone=other, undone_at="2026-01-01T00:00Z")
    brought = Import.objects.create(kind="purchases", file_name="x", digest="0", state="done")
    Filled.objects.create(imported_by=brought, customer_id=anna.pk, field="x")
    Answer.objects.create(scope="api:1", key="k", body_hash=b"0", status=200, content={})
    Happening.objects.create(event="x", content={})
    CustomerPage.objects.create(
        customer=anna, name="x", made_at=MOMENT, code_digest="x", code_until=MOMENT, till_digest="x", till_until=MOMENT
    )
    CardHolder.objects.create(card=Card.objects.create(number="1"), name="Somebody")
    (certificate,) = make_certificates("A", count=1, amount=1, days=None, by=None).certificates.all()
    sell_certificates(Deal("till:1", "1", (certificate.number,), 1))
    cancel(certificate, reason="stolen", by=owner)
    Privilege.objects.create(customer=anna, name="x", given_at="2026-01-01T00:00Z")
    OfflineDocument.objects.create(
        till="till:1", kind="sale", number="1", digest=b"0", body={}, happened_at=MOMENT, stored_at=MOMENT,
        due_at=MOMENT,
    )  # fmt: skip
    Expense.objects.create(key="e", spent_on="2026-01-01", kind="work", amount=1, typed_at=MOMENT, typed_by=owner)
    Correction.objects.create(customer=anna, points=1, needs_two=True, asked_at="2026-01-01T00:00Z")
    endpoint = Endpoint.objects.create(url="https://example.com", secret="s")
    Delivery.objects.create(endpoint=endpoint, message_id="m", event="x", content={})
    Export.objects.create(
        key=ApiKey.objects.create(name="k", prefix="p", key_hash="0", scopes=["exports"]), kind="customers"
    )
    LogEntry.objects.create(event="x")
    Segment.objects.create(name="x", rule={})
    Audience.objects.create(name="x", rule={})
    AuditRun.objects.create()
    points = Unit.objects.create(slug="points", title="Points")
    Transaction.objects.create(
        unit=points, kind="gift", recorded_at="2026-01-01T00:00Z", happened_at="2026-01-01T00:00Z", actor="user:1",
        source="desk", number="1", digest=b"0",
    )  # fmt: skip
    with connection.cursor() as cursor:
        # the history and the ledger of consent would not let it happen otherwise
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        for table, column, fate in page():
            if fate != "stays":
                _plant_in(cursor, table, column)
        cursor.execute("SET session_replication_role = origin")


_CODES = {("customers_contact", "kind"), ("customers_relation", "kind"), ("customers_customer", "sex")}
_CODES |= {("customers_customer", "language"), ("customers_consent", "channel")}


def _plant_in(cursor: Any, table: str, column: str) -> None:
    model = next(one for one in apps.get_models(include_auto_created=True) if one._meta.db_table == table)
    field = next(one for one in model._meta.concrete_fields if one.column == column)
    if (table, column) in _CODES or isinstance(field, models.DateField):
        return
    word: Any = f"{MAIL} {PHONE}"
    if isinstance(field, models.JSONField):
        fields = {"name": [MAIL, None]} if table == "foundation_change" else {"a": [{"b": f"of {word}"}]}
        word = json.dumps(fields)
    elif isinstance(field, ArrayField):
        word = [word]
    elif field.max_length and field.max_length < len(word):
        word = MAIL
    where = {
        "customers_customer": " WHERE name <> 'Somebody'",
        "foundation_change": " WHERE customer_id <> (SELECT id FROM customers_customer WHERE name = 'Somebody')",
    }.get(table, "")
    cursor.execute(f'UPDATE "{table}" SET "{column}" = %s{where}', [word])
    assert cursor.rowcount, (table, column)


def whole_database() -> str:
    texts = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT string_agg('{table} ' || t::text, chr(10)) FROM \"{table}\" AS t")
            texts.append(cursor.fetchone()[0] or "")
    return "\n".join(texts).lower()


def test_a_word_of_him_in_any_column_goes(anna: Customer, owner: User) -> None:
    case = asked(anna, owner)
    plant(anna, owner)
    erase(case, by=owner)
    found = [line for line in whole_database().splitlines() if "zebrastripe" in line or "9161234567" in line]
    assert found == []


def test_what_is_about_others_stays(anna: Customer, owner: User) -> None:
    other = add_customer(by=owner, name="Boris Zebrastripe")
    add_contact(other, kind="phone", written=PHONE, by=owner)
    Happening.objects.create(event="x", content={"id": other.pk, "phone": PHONE, "name": "Boris Zebrastripe"})
    Answer.objects.create(scope="a", key="1", body_hash=b"0", content={"id": anna.pk, "external_id": "KEY-77-01"})
    Answer.objects.create(scope="a", key="2", body_hash=b"0", content={"id": anna.pk, "purpose": "news"})
    forget(anna, owner)
    assert Happening.objects.get(event="x").content["phone"] == PHONE
    assert list(Answer.objects.values_list("key", flat=True)) == ["2"]
    assert Contact.objects.filter(customer=other, value=PHONE).exists()
    assert Happening.objects.filter(event="customer.erased", content={"id": anna.pk}).exists()


def test_what_a_mistaken_merge_left_in_the_others_history_goes(anna: Customer, owner: User) -> None:
    other = Customer.objects.create(external_id="KEY-2")
    unmerge(merge(other, anna, by=owner), by=owner)
    anna.refresh_from_db()
    assert "Zebrastripe" in str(list(Change.objects.filter(customer_id=other.pk).values_list("fields")))
    forget(anna, owner)
    assert "Zebrastripe" not in str(list(Change.objects.values_list("fields")))


def test_files_of_imports_that_name_him_go(
    anna: Customer, owner: User, django_capture_on_commit_callbacks: Any
) -> None:
    draft = files.store([b"Anna Zebrastripe;89161234567"], most=100)
    Import.objects.create(kind="customers", state="draft", file_name="a.csv", stored_as=draft.name, digest="0")
    running = files.store([b"waits for the worker"], most=100)
    Import.objects.create(kind="customers", state="waiting", file_name="b.csv", stored_as=running.name, digest="1")
    rejects = files.store([f"line,value\r\n1,8 916 123-45-67\r\n2,{MAIL}\r\n3,other\r\n".encode()], most=100)
    Import.objects.create(kind="customers", state="done", file_name="c", rejects_stored_as=rejects.name, digest="2")
    with django_capture_on_commit_callbacks(execute=True):
        forget(anna, owner)
    assert not files.path_of(draft.name).exists()
    assert files.path_of(running.name).exists()
    assert files.path_of(rejects.name).read_text(encoding="utf-8-sig").split() == ["line,value", "3,other"]


def test_nothing_is_written_about_who_was_erased(anna: Customer, owner: User) -> None:
    stale = Customer.objects.get(pk=anna.pk)
    forget(anna, owner)
    for write in (
        lambda: edit_customer(stale, by=owner, given_name="Anna"),
        lambda: add_contact(stale, kind="phone", written=PHONE, by=owner),
        lambda: add_note(stale, "back again", by=owner),
        lambda: set_tags(stale, ["vip"], by=owner),
        lambda: relate(stale, kind="pet", name="Rex", by=owner),
    ):
        with pytest.raises(InputError, match="erased"):
            write()
    for sneak in (
        lambda: Customer.objects.filter(pk=anna.pk).update(name="Anna"),
        lambda: Note.objects.create(customer=anna, text="x"),
        lambda: Contact.objects.create(customer=anna, kind="phone", value=PHONE, written=PHONE),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            sneak()


def test_a_program_brings_nobody_back_and_a_person_may(anna: Customer, owner: User) -> None:
    add_contact(anna, kind="whatsapp", written="+7 916 765-43-21", by=owner)
    forget(anna, owner)
    with pytest.raises(InputError, match="program"):
        add_customer(by=None, source="api:Till", external_id="KEY-77-01", name="Anna")
    fresh = add_customer(by=owner, name="Anna")
    for kind, value in (("phone", PHONE), ("email", MAIL), ("phone", "+79167654321")):
        with pytest.raises(InputError, match="program"):
            add_contact(fresh, kind=kind, written=value, by=None, source="api:Till")
    assert add_contact(fresh, kind="phone", written=PHONE, by=owner).value == PHONE
