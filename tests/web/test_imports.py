"""A file through the browser: dropped, looked at, started, watched, undone; and one receipt."""

import datetime as dt
import gzip
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from regulars.accounts.models import Role, User
from regulars.accounts.services import create_owner, make_preset_roles
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.purchases.importing import files
from regulars.purchases.importing import preview as preview_module
from regulars.purchases.importing import preview_documents as documents_module
from regulars.purchases.importing.runs import import_now
from regulars.purchases.jobs import run_import, undo_import
from regulars.purchases.models import Import, Receipt
from regulars.purchases.selectors import purchases_of

CSV = (
    "Дата;Номер чека;Карта;Товар;Сумма;Магазин\n"
    "03.03.2026 10:15;1;C-100;Молоко;180,00;<b>Центр</b>\n"
    "04.03.2026 11:15;2;C-200;Хлеб;45,50;Юг\n"
    "вчера;3;C-200;=1+1;45,50;Юг\n"
).encode()


@pytest.fixture
def owner(db: None, tmp_path: Path, settings: Any) -> User:
    settings.MEDIA_ROOT = tmp_path / "files"
    make_preset_roles()
    Business.objects.create(name="Shop", currency="RUB", time_zone="Europe/Moscow", language="en", region="RU")
    return create_owner(email="owner@example.com", name="Anna", language="en", password="correct horse battery")


@pytest.fixture
def browser_of(client: Client) -> Any:
    def enter(user: User) -> Client:
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return enter


def colleague(slug: str) -> User:
    return User.objects.create(email=f"{slug}@example.com", name=slug, language="en", role=Role.objects.get(slug=slug))


def drop(client: Client, content: bytes = CSV, name: str = "march.csv") -> Any:
    return client.post("/imports/new/", {"file": SimpleUploadedFile(name, content)})


def test_from_the_drop_to_the_undo(owner: User, browser_of: Any) -> None:
    client = browser_of(owner)
    response = drop(client)
    imported = Import.objects.get()
    assert response.headers["Location"] == f"/imports/{imported.pk}/"

    draft = client.get(f"/imports/{imported.pk}/").content.decode()
    assert "&lt;b&gt;Центр&lt;/b&gt;" in draft and "<b>Центр" not in draft
    assert re.search(r'<option value="customer_id" selected>', draft)
    assert "the date cannot be read" in draft

    client.post(f"/imports/{imported.pk}/start/", {"accept_rejects": "on"})
    assert "hx-get" in client.get(f"/imports/{imported.pk}/").content.decode()
    run_import(imported.pk)
    assert client.get(f"/imports/{imported.pk}/state/").headers["HX-Refresh"] == "true"
    result = client.get(f"/imports/{imported.pk}/").content.decode()
    assert "the date cannot be read" in result
    rejects = client.get(f"/imports/{imported.pk}/rejects/")
    assert "attachment" in rejects.headers["Content-Disposition"]
    assert rejects.streaming  # however many rows there are
    assert "вчера" in b"".join(rejects.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]

    client.post(f"/imports/{imported.pk}/undo/")
    undo_import(imported.pk, owner.pk)
    assert "receipts 2, customers 2" in client.get(f"/imports/{imported.pk}/").content.decode()
    assert not Receipt.objects.exists()
    assert "march.csv" in client.get("/imports/").content.decode()


def test_the_chosen_columns_are_the_ones_that_are_read(owner: User, browser_of: Any) -> None:
    client = browser_of(owner)
    drop(client, "когда;что;сколько;кто\n03.03.2026;Молоко;180,00;7\n".encode())
    imported = Import.objects.get()
    chosen = {"heading-0": "когда", "role-0": "purchased_at", "heading-1": "что", "role-1": "product"}
    chosen |= {"heading-2": "сколько", "role-2": "amount", "heading-3": "кто", "role-3": ""}
    part = client.get(f"/imports/{imported.pk}/", chosen, headers={"HX-Request": "true"}).content.decode()
    # words of the command line help nobody here
    assert "customer_id" in part and "--map" not in part
    chosen["role-3"] = "customer_id"
    part = client.get(f"/imports/{imported.pk}/", chosen, headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith("<") and "<html" not in part
    client.post(f"/imports/{imported.pk}/start/", chosen)
    run_import(imported.pk)
    assert Receipt.objects.get().lines.get().product.name == "Молоко"  # type: ignore[union-attr]


def test_the_same_file_is_recognised_before_it_starts(owner: User, browser_of: Any, tmp_path: Path) -> None:
    path = tmp_path / "march.csv"
    path.write_bytes(CSV.replace("вчера".encode(), b"05.03.2026"))
    import_now(path)
    client = browser_of(owner)
    drop(client, path.read_bytes())
    page = client.get(f"/imports/{Import.objects.latest('id').pk}/").content.decode()
    assert "This very file was imported" in page


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PNG\r\n", b"PK\x03\x04 no zip at all", b"<?xml version='1.0'?><a/>", b"{}", b"\0\0\0", b"a\n"],
)
def test_files_of_no_use_are_answered_with_a_reason(owner: User, browser_of: Any, content: bytes) -> None:
    client = browser_of(owner)
    response = drop(client, content, "x")
    if response.status_code == 302:
        assert client.get(response.headers["Location"]).status_code == 200
    else:
        assert response.status_code == 400
        assert 'role="alert"' in response.content.decode()
        assert list(files.folder().iterdir()) == []


def test_a_file_over_the_limit_is_not_taken_in(owner: User, browser_of: Any, settings: Any) -> None:
    from dataclasses import replace

    settings.CONFIG = replace(settings.CONFIG, upload_limit_mb=1)
    client = browser_of(owner)
    response = drop(client, b"x" * (1 << 20) + b"y")
    assert response.status_code == 400
    assert not Import.objects.exists()


@pytest.mark.parametrize("slug", ["manager", "cashier", "analyst"])
def test_who_may_not_import_changes_nothing(owner: User, browser_of: Any, slug: str) -> None:
    stored = files.store([CSV], most=1 << 20)
    draft = Import.objects.create(kind="purchases", file_name="x", stored_as=stored.name, digest=stored.digest)
    client = browser_of(colleague(slug))
    for path in ("", f"{draft.pk}/", f"{draft.pk}/state/", f"{draft.pk}/rejects/"):
        assert client.get(f"/imports/{path}").status_code == 403
    for path in ("new/", f"{draft.pk}/start/", f"{draft.pk}/undo/", f"{draft.pk}/discard/"):
        assert client.post(f"/imports/{path}").status_code == 403
    draft.refresh_from_db()
    assert (draft.state, Import.objects.count()) == ("draft", 1)


def test_a_receipt_of_somebody_elses_customer_is_not_there(owner: User, browser_of: Any) -> None:
    manager = colleague("manager")
    theirs = Customer.objects.create(name="Anna", owner=owner)
    receipt = Receipt.objects.create(
        customer=theirs, purchased_at=dt.datetime(2026, 3, 1, tzinfo=dt.UTC), amount=500, key=b"1", number="7"
    )
    receipt.lines.create(position=1, amount=500, quantity=1.5)
    assert browser_of(manager).get(f"/receipts/{receipt.pk}/").status_code == 404
    assert browser_of(colleague("cashier")).get(f"/receipts/{receipt.pk}/").status_code == 403
    page = browser_of(owner).get(f"/receipts/{receipt.pk}/").content.decode()
    assert "Anna" in page and "1.5" in page


def test_the_timeline_has_the_newest_purchases_first_and_goes_on(owner: User, tmp_path: Path) -> None:
    rows = [f"{day:02}.03.2026 10:00;{day};C-1;Молоко;{day},00;Центр" for day in range(1, 8)]
    path = tmp_path / "march.csv"
    path.write_text("\n".join(["Дата;Номер чека;Карта;Товар;Сумма;Магазин", *rows]), encoding="utf-8")
    import_now(path)
    customer = Customer.objects.get()
    first = purchases_of(customer, limit=4)
    assert [one.receipt.number for one in first] == ["7", "6", "5", "4"]
    assert (first[0].products, first[0].lines, first[0].others) == (("Молоко",), 1, 0)
    rest = purchases_of(customer, before=(first[-1].at, first[-1].receipt.pk), limit=4)
    assert [one.receipt.number for one in rest] == ["3", "2", "1"]
    kept = Customer.objects.create(name="kept")
    Customer.objects.filter(pk=customer.pk).update(merged_into=kept)
    assert len(purchases_of(kept)) == 7


def _workbook(rows: int) -> bytes:
    book = xlsxwriter.Workbook(made := io.BytesIO(), {"in_memory": True})
    book.add_worksheet("Empty")
    sheet = book.add_worksheet("Sales")
    sheet.write_row(0, 0, ["Дата", "Номер чека", "Карта", "Товар", "Сумма"])
    for number in range(1, rows + 1):
        day = "вчера" if number == 3 else f"{number % 28 + 1:02}.03.2026"
        sheet.write_row(number, 0, [day, number, f"C-{number}", f"Молоко\n{number}", 180.5])
    book.close()
    return made.getvalue()


def test_a_large_workbook_shows_its_first_rows_with_what_is_wrong(
    owner: User, browser_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_module, "SMALL_FILE", 1_000)
    client = browser_of(owner)
    drop(client, _workbook(1_500), "march.xlsx")
    draft = client.get(f"/imports/{Import.objects.get().pk}/").content.decode()
    assert "180.50" in draft and "Молоко 1" in draft
    rejected = re.search(r"<td class=\"number\">(\d+)</td><td>[^<]*</td><td class=\"wrap\">вчера</td>", draft)
    assert rejected and rejected[1] == "4"  # as Excel counts them
    assert "Shown is the beginning of the file" in draft and "Start the import" in draft


def test_a_large_packed_file_says_that_its_rows_are_not_looked_at(
    owner: User, browser_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_module, "SMALL_FILE", 100)
    client = browser_of(owner)
    drop(client, gzip.compress(CSV), "march.csv.gz")
    draft = client.get(f"/imports/{Import.objects.get().pk}/").content.decode()
    assert "its rows are not looked at before the import" in draft and "Start the import" in draft


def test_a_file_of_documents_says_what_it_would_bring(
    owner: User, browser_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = {"fiscalDriveNumber": "9999078900001341", "fiscalDocumentNumber": 1, "fiscalSign": 7, "operationType": 1,
            "dateTime": "2026-03-01T10:00:00", "items": [{"name": "<b>Кофе", "sum": 18050, "quantity": 2}]}  # fmt: skip
    content = json.dumps([good, good | {"fiscalDocumentNumber": 2, "items": []}]).encode()
    client = browser_of(owner)
    drop(client, content, "ofd.json")
    address = f"/imports/{Import.objects.get().pk}/"
    draft = client.get(address).content.decode()
    assert "&lt;b&gt;Кофе" in draft and "180.50" in draft
    assert "no key, no moment or no lines: 1" in draft
    assert re.search(r'<div class="figure">1</div>Documents that would be left out', draft)

    monkeypatch.setattr(documents_module, "SMALL_FILE", 100)
    assert "its rows are not looked at before the import" in client.get(address).content.decode()


def test_a_file_of_1c_says_what_it_would_bring(owner: User, browser_of: Any) -> None:
    goods = "".join(f"<Товар><Ид>{n}</Ид><Наименование>Товар {n}</Наименование></Товар>" for n in range(3))
    content = f'<?xml version="1.0"?><КоммерческаяИнформация><Каталог><Товары>{goods}</Товары></Каталог>'
    client = browser_of(owner)
    drop(client, f"{content}</КоммерческаяИнформация>".encode(), "import.xml")
    draft = client.get(f"/imports/{Import.objects.latest('id').pk}/").content.decode()
    assert '<div class="figure">3</div>Products' in draft
    drop(client, f"{content}<broken".encode(), "import.xml")
    draft = client.get(f"/imports/{Import.objects.latest('id').pk}/").content.decode()
    assert 'role="alert"' in draft and "Start the import" not in draft
