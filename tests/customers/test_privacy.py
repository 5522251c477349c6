"""All data of a person in one file; erasure leaves no word of him; strategy keeps its versions."""

import datetime as dt
import io
import json
import os
import re
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from regulars.accounts.models import LogEntry, User
from regulars.core.errors import InputError
from regulars.core.i18n import use_language
from regulars.customers.models import Consent, Customer, Erasure, ForgottenContact, Note, Strategy
from regulars.customers.readable import sections
from regulars.customers.selectors.export import all_about, archive
from regulars.customers.services.consents import write_purpose
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.customers import add_customer, add_note, edit_customer, relate, set_tags
from regulars.customers.services.erasing import ask_erasure, erase, forgotten, withdraw_erasure
from regulars.customers.services.fields import add_field, set_own_fields
from regulars.customers.services.files import folder, store_file
from regulars.customers.services.merging import merge, unmerge
from regulars.customers.services.questionnaires import answer_form, make_link, write_form
from regulars.customers.services.strategy import write_strategy
from regulars.insights.models import Audience, Member, Score
from regulars.purchases.models import Line, Product, Receipt, Store
from tests.planting import plant

pytestmark = pytest.mark.django_db
SECRET = "Zebrastripe"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def anna(owner: User, settings: Any, tmp_path: Path) -> Customer:
    settings.MEDIA_ROOT = tmp_path
    anna = add_customer(
        by=owner, family_name=SECRET, given_name="Anna", birth_date=dt.date(1990, 5, 1), external_id=f"{SECRET}-1",
        own_fields={"a": SECRET},
    )  # fmt: skip
    twin = add_customer(by=owner, family_name=SECRET, external_id=f"{SECRET}-2")
    for one, phone in ((anna, "+79161234567"), (twin, "+79161234568")):
        add_contact(one, kind="phone", written=phone, by=owner)
    add_contact(anna, kind="email", written=f"{SECRET}@example.com", by=owner)
    add_note(anna, f"likes {SECRET}", by=owner)
    relate(anna, kind="pet", name=f"{SECRET} the dog", by=owner)
    set_tags(anna, ["plain"], by=owner)
    store_file(anna, name=f"{SECRET}.txt", size=1, chunks=iter([b"x"]), by=owner)
    Consent.objects.create(
        customer=anna, purpose="p", channel="sms", is_given=True, source=SECRET, at="2026-01-01T00:00Z"
    )
    receipt = Receipt.objects.create(
        customer=anna, purchased_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), amount=777, key=b"k" * 32
    )
    numbered = {"position": 1} if any(one.name == "position" for one in Line._meta.fields) else {}
    Line.objects.create(receipt=receipt, amount=777, **numbered)
    edit_customer(anna, by=owner, middle_name=f"{SECRET}ovna")
    merge(anna, twin, by=owner, reasons=[SECRET])
    anna.refresh_from_db()
    return anna


def asked(customer: Customer, by: User) -> Erasure:
    return ask_erasure(customer, asked_on=dt.date(2026, 3, 1), due_on=None, asked_by="a letter", by=by)


def test_the_file_tells_everything_to_programs_and_to_people(client: Client, anna: Customer, owner: User) -> None:
    client.force_login(owner, backend=BACKEND)
    answer = client.post(f"/customers/{anna.pk}/export/")
    archive = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    data = json.loads(archive.read("data.json"))
    assert len(data["contact"]) == 3
    assert data["note"][0]["text"] == f"likes {SECRET}"
    assert data["receipt"][0]["amount"] == data["receipt line"][0]["amount"] == 777
    assert {one["external_id"] for one in data["customer"]} == {f"{SECRET}-1", f"{SECRET}-2"}
    assert any(f"{SECRET}ovna" in str(one["fields"]) for one in data["change"])
    page = archive.read("readable.html").decode()
    assert SECRET in page
    assert "<script" not in page
    assert any(name.startswith("files/") for name in archive.namelist())
    assert LogEntry.objects.filter(event="person_exported", user=owner).exists()


def test_a_person_reads_names_money_and_days_and_no_numbers_of_ours(anna: Customer, owner: User) -> None:
    """One of everything, told in Russian as people write it."""
    add_field(title="Размер обуви", type="number")
    set_own_fields(anna, {"razmer_obuvi": "38"}, by=owner)
    write_purpose("p", title="Новости", text="Согласна получать новости.")
    form = write_form(None, title="Анкета", intro="", fields=["razmer_obuvi"], purpose="p", channels=["sms"])
    answer_form(form, anna, {"razmer_obuvi": "38"}, by=owner, agrees=["sms"], text="p/1")
    make_link(form, anna)
    store, product = Store.objects.create(name="На Арбате"), Product.objects.create(code="k-17", name="Капучино")
    bought = dt.datetime(2026, 3, 3, 11, 5, tzinfo=dt.UTC)
    receipt = Receipt.objects.create(
        customer=anna, store=store, number="А-5", purchased_at=bought, amount=77_700, key=b"r" * 32
    )
    Line.objects.create(receipt=receipt, position=1, product=product, quantity=2, amount=77_700, cost=98_765)
    Score.objects.create(customer=anna, state="regular", loyalty_stage="prefers", amount=77_700, last_on=bought)
    freeze_for(anna)
    asked(anna, owner)
    with use_language("ru"):
        made = zipfile.ZipFile(io.BytesIO(b"".join(archive(anna))))
    page, data = made.read("readable.html").decode(), json.loads(made.read("data.json"))

    told = re.sub(r"[^\S\n]", " ", re.sub(r"<[^>]+>", "\n", page[page.index("<h1>") :]))
    for words in (
        "Размер обуви", "38", "Новости", "Согласна получать новости.", "На Арбате", "Капучино × 2: 777,00 ₽", "А-5",
        "777,00 ₽", "3 мар. 2026 г., 14:05", "1 мая 1990 г.", "+7 916 123-45-67", "plain", "Анкета", "Тёплые",
        owner.name,
    ):  # fmt: skip
        assert words in told, words
    for raw in ("True", "False", "None", "{'", "['", "_id", "own_fields", "+00:00", "77700", "98765", "prefers"):
        assert raw not in told, raw
    assert not re.search(r"\d{4}-\d\d-\d\d|\b[a-z]+_[a-z]+\b", told.replace("razmer_obuvi", ""))

    assert data["receipt"][-1]["store_name"] == "На Арбате"
    assert data["receipt line"][-1]["product_name"] == "Капучино"
    assert data["customer_tags"][0]["tag_name"] == "plain"
    assert data["purpose"][0]["text"] == "Согласна получать новости."
    assert data["score"][0]["amount"] == 77_700
    assert data["about"][0]["currency"] == "RUB"
    assert "cost" not in data["receipt line"][-1]


def freeze_for(customer: Customer) -> None:
    audience = Audience.objects.create(name="Тёплые", rule={}, size=1)
    Member.objects.create(audience=audience, customer=customer)


def test_the_page_tells_of_every_table_that_the_programs_get(anna: Customer) -> None:
    told = {name for one in sections() for name in one.tables}
    assert told == set(all_about(anna)) - {"about"}


def test_the_file_goes_out_while_it_is_made(anna: Customer, owner: User) -> None:
    size = 8_000_000
    store_file(anna, name="scan.pdf", size=size, chunks=iter([os.urandom(1 << 20)] * (size >> 20)), by=owner)
    plant(Note(customer=anna, text=f"{number} {'x' * 1000}") for number in range(4_000))
    whole, largest = io.BytesIO(), 0
    tracemalloc.start()
    for piece in archive(anna):
        whole.write(piece)
        largest = max(largest, len(piece))
    held = tracemalloc.get_traced_memory()[1] - len(whole.getvalue())
    tracemalloc.stop()
    made = zipfile.ZipFile(whole)
    assert made.testzip() is None
    assert len(json.loads(made.read("data.json"))["note"]) == 4_001
    assert largest < 4 << 20
    # what was written is in memory twice here; what makes it takes little beside
    assert held < 16 << 20


def test_after_erasure_no_table_holds_a_word_of_him(
    anna: Customer, owner: User, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        erase(asked(anna, owner), by=owner)
    texts = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            cursor.execute(f"SELECT coalesce(string_agg(t::text, chr(10)), '') FROM \"{model._meta.db_table}\" AS t")
            texts.append(cursor.fetchone()[0])
    whole = "\n".join(texts).lower()
    for word in (SECRET.lower(), "9161234567", "9161234568", "1990-05-01"):
        assert word not in whole
    assert list(folder().iterdir()) == []
    assert Receipt.objects.get().customer == anna  # figures stay, without a name


def test_an_import_can_ask_who_must_not_come_back(anna: Customer, owner: User) -> None:
    erase(asked(anna, owner), by=owner)
    values = [
        ("phone", "+79161234567"),
        ("phone", "+79160000000"),
        ("key", f"{SECRET}-2"),
        ("card", "+79161234567"),
    ]
    assert forgotten(values) == {("phone", "+79161234567"), ("key", f"{SECRET}-2")}
    assert all(len(bytes(one)) == 32 for one in ForgottenContact.objects.values_list("digest", flat=True))


def test_a_case_has_a_deadline_is_done_once_and_cannot_be_undone(anna: Customer, owner: User) -> None:
    case = asked(anna, owner)
    assert case.due_on == dt.date(2026, 3, 31)
    anna.refresh_from_db()
    assert anna.is_quiet
    with pytest.raises(InputError):
        asked(anna, owner)
    erase(case, by=owner)
    with pytest.raises(InputError):
        erase(case, by=owner)
    from regulars.customers.models import Merge

    with pytest.raises(InputError):
        unmerge(Merge.objects.get(), by=owner)


def test_a_demand_can_be_withdrawn(anna: Customer, owner: User) -> None:
    withdraw_erasure(asked(anna, owner), by=owner)
    assert not Erasure.objects.exists()
    assert Customer.objects.get(pk=anna.pk).given_name == "Anna"


def test_the_pages_ask_for_the_number_and_give_the_act(client: Client, anna: Customer, owner: User) -> None:
    client.force_login(owner, backend=BACKEND)
    base = f"/customers/{anna.pk}/erasure/"
    assert client.get(base).status_code == 200
    assert client.post(f"{base}ask/", {"asked_on": "2026-03-01", "asked_by": ""}).status_code == 422
    assert client.post(f"{base}ask/", {"asked_on": "2026-03-01", "asked_by": "in person"}).status_code == 302
    case = Erasure.objects.get()
    assert "Erase his data" in client.get(f"/customers/{anna.pk}/").content.decode()
    assert client.post(f"{base}{case.pk}/do/", {"word": "yes"}).status_code == 422
    assert client.get(f"{base}{case.pk}/act/").status_code == 404
    assert client.post(f"{base}{case.pk}/do/", {"word": str(anna.pk)}).status_code == 302
    act = client.get(f"{base}{case.pk}/act/")
    assert act.content.startswith(b"%PDF")
    for address in (base, f"/customers/{anna.pk}/", "/customers/"):
        page = client.get(address)
        assert page.status_code == 200
        assert SECRET not in page.content.decode()


def test_only_who_may_erase_erases(client: Client, anna: Customer, owner: User, manager: User) -> None:
    case = asked(anna, owner)
    client.force_login(manager, backend=BACKEND)
    word = {"word": str(anna.pk)}
    assert client.post(f"/customers/{anna.pk}/erasure/{case.pk}/do/", word).status_code == 403
    assert client.post(f"/customers/{anna.pk}/export/").status_code == 403
    assert Customer.objects.get(pk=anna.pk).given_name == "Anna"


def test_every_version_of_a_strategy_stays(client: Client, owner: User) -> None:
    client.force_login(owner, backend=BACKEND)
    assert client.get("/strategy/").status_code == 200
    first = {"why": "They feed us", "how": "Politely", "what": "Call back in an hour", "based_on": "0"}
    assert client.post("/strategy/person/edit/", first).status_code == 302
    assert client.post("/strategy/person/edit/", first).status_code == 422  # somebody else was quicker
    assert client.post("/strategy/person/edit/", first | {"based_on": "1", "why": "Newer"}).status_code == 302
    assert "Newer" in client.get("/strategy/person/").content.decode()
    assert "They feed us" in client.get("/strategy/person/?version=1").content.decode()
    assert client.get("/strategy/martians/").status_code == 404
    assert Strategy.objects.count() == 2
    with pytest.raises(InputError):
        write_strategy("person", why="x" * 20_001, how="", what="", based_on=2, by=owner)
