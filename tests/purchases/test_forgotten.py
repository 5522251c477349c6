"""Nobody who was erased comes back, whatever way his purchases and contacts take into the base."""

import datetime as dt
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from regulars.accounts.models import User
from regulars.api.models import Scope
from regulars.api.services import make_key
from regulars.customers.models import Contact, Customer
from regulars.customers.services import files as customer_files
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.customers import add_customer
from regulars.customers.services.erasing import ask_erasure, erase
from regulars.purchases.importing import files, runs
from regulars.purchases.importing.runs import import_now
from regulars.purchases.models import Import, Receipt

Write = Callable[..., Path]
PHONE = "+79161234567"


@pytest.fixture
def erased(owner: User) -> Customer:
    anna = add_customer(by=owner, name="Anna", external_id="K-77")
    for kind, value in (("phone", PHONE), ("email", "anna@example.com"), ("card", "C-5000")):
        add_contact(anna, kind=kind, written=value, by=owner)
    erase(ask_erasure(anna, asked_on=dt.date(2026, 1, 1), due_on=None, asked_by="letter", by=owner), by=owner)
    return anna


def nobody_came(erased: Customer) -> None:
    assert list(Customer.objects.values_list("pk", flat=True)) == [erased.pk]
    assert not Contact.objects.exists()
    assert set(Receipt.objects.values_list("customer", flat=True)) <= {None}


@pytest.mark.parametrize(
    ("heading", "key"),
    [("Телефон", "8 916 123 45 67"), ("E-mail", "Anna@Example.com"), ("Карта", "c5000"), ("Код клиента", "K-77"),
     ("Код клиента", "C-5000")],
)  # fmt: skip
def test_not_with_a_file_of_purchases(erased: Customer, write: Write, heading: str, key: str) -> None:
    done = import_now(write("a.csv", [f"06.03.2026 09:00;{key};10,00"], headings=f"Дата;{heading};Сумма"))
    assert (done.state, done.result["receipts"], done.result["customers_forgotten"]) == ("done", 1, 1)
    nobody_came(erased)


@pytest.mark.parametrize("row", [f"Анна;{PHONE};;", "Анна;;anna@example.com;", "Анна;;;K-77", f"Анна;{PHONE};;NEW-1"])
def test_not_with_a_list_of_customers(erased: Customer, write: Write, row: str) -> None:
    done = import_now(write("a.csv", [row], headings="ФИО;Телефон;Почта;Код"), kind=Import.Kind.CUSTOMERS)
    assert (done.state, done.result["customers"], done.result["customers_forgotten"]) == ("done", 0, 1)
    nobody_came(erased)


ORDER = """<?xml version="1.0" encoding="UTF-8"?><КоммерческаяИнформация><Документ><Ид>d-1</Ид><Номер>1</Номер>
<Дата>2026-03-03</Дата><Контрагенты><Контрагент><Ид>{key}</Ид><Наименование>Анна</Наименование>
<Контакты><Контакт><Тип>Телефон</Тип><Значение>{phone}</Значение></Контакт></Контакты></Контрагент></Контрагенты>
<Товары><Товар><Ид>p-1</Ид><Наименование>Хлеб</Наименование><Сумма>10</Сумма></Товар></Товары>
</Документ></КоммерческаяИнформация>"""


@pytest.mark.parametrize(("key", "phone"), [("K-77", ""), ("NEW-9", PHONE), ("K-77", "8 916 000-00-00")])
def test_not_with_orders_of_1c(erased: Customer, tmp_path: Path, key: str, phone: str) -> None:
    path = tmp_path / "orders.xml"
    path.write_text(ORDER.format(key=key, phone=phone), encoding="utf-8")
    done = import_now(path, kind=Import.Kind.COMMERCEML)
    assert (done.state, done.result["receipts"], done.result["customers_forgotten"]) == ("done", 1, 1)
    nobody_came(erased)


def test_not_with_fiscal_receipts(erased: Customer, tmp_path: Path) -> None:
    path = tmp_path / "ofd.json"
    told = {"fiscalDriveNumber": "9", "fiscalDocumentNumber": 1, "fiscalSign": 2, "dateTime": "2026-03-03T10:15:00"}
    path.write_text(json.dumps(told | {"buyerPhoneOrAddress": PHONE, "items": [{"name": "x", "sum": 100}]}))
    assert import_now(path, kind=Import.Kind.FISCAL).result["receipts"] == 1
    nobody_came(erased)


def call(method: str, path: str, body: Any) -> Any:
    key = make_key(name="Till", scopes=list(Scope), by=None)
    headers = {"Authorization": f"Bearer {key}"}
    return getattr(Client(), method)(f"/api/v1/{path}", body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("customer", [PHONE, "anna@example.com", "C-5000", "K-77"])
def test_not_with_receipts_of_a_till(erased: Customer, customer: str) -> None:
    one = {"customer": customer, "purchased_at": "2026-03-03T10:00:00Z", "number": "1", "lines": [{"amount": 100}]}
    assert call("post", "receipts", {"receipts": [one]}).status_code == 201
    nobody_came(erased)


@pytest.mark.parametrize(
    ("key", "contacts"), [("K-77", []), ("NEW-1", [{"kind": "phone", "value": PHONE}])], ids=["key", "phone"]
)
def test_not_with_customers_of_a_program(erased: Customer, key: str, contacts: list[dict[str, str]]) -> None:
    answer = call("put", f"customers/by-external-id/{key}", {"name": "Anna", "contacts": contacts})
    assert answer.status_code == 400
    assert "erased" in answer.json()["detail"]
    nobody_came(erased)


def test_files_that_nobody_needs_go_with_time(owner: User, settings: Any) -> None:
    failed, listed, running = (files.store([b"x"], most=9).name for _one in range(3))
    Import.objects.create(kind="customers", state="failed", file_name="a", stored_as=failed, digest="1")
    done = Import.objects.create(kind="customers", state="done", file_name="b", rejects_stored_as=listed, digest="2")
    Import.objects.create(kind="customers", state="running", file_name="c", stored_as=running, digest="3")
    assert runs.forget_old_files(before=timezone.now() - dt.timedelta(days=1)) == 0
    assert runs.forget_old_files(before=timezone.now() + dt.timedelta(days=1)) == 2
    done.refresh_from_db()
    assert (done.state, done.rejects_stored_as) == ("done", "")
    assert [one.name for one in files.folder().iterdir()] == [running]


def test_what_a_crash_has_left_is_swept_away(owner: User) -> None:
    customer = add_customer(by=owner, name="Vera")
    kept = customer_files.store_file(customer, name="a.txt", size=1, chunks=[b"x"], by=owner)
    stray = customer_files.folder() / "stray"
    stray.write_bytes(b"x")
    imported = files.store([b"x"], most=9).name
    for path in (stray, customer_files.path_of(kept), files.path_of(imported)):
        os.utime(path, (time.time() - 9e5,) * 2)
    (files.folder() / "young").write_bytes(b"x")
    before = timezone.now() - dt.timedelta(days=1)
    assert (customer_files.sweep(before=before), runs.sweep(before=before)) == (1, 1)
    assert customer_files.path_of(kept).exists()
    assert [one.name for one in files.folder().iterdir()] == ["young"]
