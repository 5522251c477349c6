"""Hostile words in every field of every form: no page breaks, and none shows them as anything but words.

The forms are found on the pages themselves, so a new one is tried without being named here.
"""

import csv
import datetime as dt
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import openpyxl
import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from regulars.accounts.models import Role, User
from regulars.customers.models import Contact, Customer, Field, File, Form, Purpose, Relation
from regulars.customers.services.customers import add_note, set_tags
from regulars.customers.services.erasing import ask_erasure, erase
from regulars.customers.services.files import store_file
from regulars.insights.models import Segment
from regulars.purchases.importing import files
from regulars.purchases.importing.runs import Wishes, import_now
from regulars.purchases.models import Import, Product, Receipt
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db
TAG, ATTRIBUTE, SUM = "<script>alert(1)</script>", '" onmouseover="alert(2)', "{{ 1234*1111 }}{% now %}"
_BIDI, _EMOJI = "\u202eevil\u2066", "👩‍👩‍👧🏴‍☠️"
# short enough for most fields, with everything that some language takes for its own
WORD = f"=1+1{TAG}{ATTRIBUTE}{SUM}'; DROP TABLE x;--{_BIDI}{_EMOJI}%s{{0.__class__}}"
HOSTILE = (WORD, "a\x00b\r\nSet-Cookie: x=1", "9" * 10_000)
BROKEN = b"%ED%A0%80%FF%FE"  # half of a surrogate pair, and bytes that are no UTF-8
_TEXTS = {
    "text",
    "search",
    "email",
    "tel",
    "url",
    "number",
    "date",
    "textarea",
    "hidden",
    "select",
    "checkbox",
    "radio",
}


@dataclass
class Found:
    """A form of a page, as a browser would send it."""

    page: str
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


class Forms(HTMLParser):
    """Reads the forms of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page, self.forms, self._select, self._area = page, list[Found](), "", ""

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in pairs}
        if tag == "form":
            action = given.get("action") or given.get("hx-post") or self.page
            method = "post" if "hx-post" in given else given.get("method", "get").lower()
            self.forms.append(Found(self.page, action, method))
        elif self.forms and given.get("name") and tag in ("input", "textarea", "select"):
            kind = given.get("type", "text") if tag == "input" else tag
            form = self.forms[-1]
            form.kinds[given["name"]] = kind
            if kind not in ("checkbox", "radio") or "checked" in given:
                form.fields[given["name"]] = given.get("value", "")
            self._select, self._area = (given["name"] if tag == one else "" for one in ("select", "textarea"))
        elif tag == "option" and self._select:
            known = self.forms[-1].fields
            if not known.get(self._select) or "selected" in given:
                known[self._select] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1].fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        if tag == "select":
            self._select = ""


@pytest.fixture
def owner(tmp_path: Path, settings: Any) -> User:
    settings.MEDIA_ROOT = tmp_path / "files"
    call_command("createcachetable", verbosity=0)
    cache.clear()
    return make_user("owner")


@pytest.fixture
def client(owner: User) -> Client:
    client = logged_in(owner)
    client.raise_request_exception = False
    return client


def furnish(owner: User) -> Customer:
    """One of everything that has a form."""
    anna = Customer.objects.create(name="Anna", family_name="Smirnova", given_name="Anna", external_id="K-1")
    twin = Customer.objects.create(name="Anna S")
    Contact.objects.create(customer=anna, kind="phone", value="+79161234567", written="8 916", is_main=True)
    Contact.objects.create(customer=anna, kind="email", value="a@example.com", written="a@example.com")
    Relation.objects.create(customer=anna, other=twin, kind="family")
    for kind in Field.Type.values:
        Field.objects.create(slug=f"own_{kind}", title=kind, type=kind, choices=["a", "b"] if "choice" in kind else [])
    Form.objects.create(title="Tastes", questions=[{"key": "own_text", "field": "own_text", "title": "text"}])
    Purpose.objects.create(slug="news", title="News", text="I agree")
    everybody = {"join": "all", "not": False, "items": [{"what": "kind", "how": "in", "value": ["person"]}]}
    Segment.objects.create(name="All", rule=everybody)
    Role.objects.create(slug="own-1", name="Trainee", rights=["customers.see"])
    ask_erasure(twin, asked_on=twin.created_at.date() if twin.created_at else None, due_on=None, asked_by="x", by=owner)  # type: ignore[arg-type]
    stored = files.store(["Дата;Карта;Сумма\n03.03.2026;1;1,00\n".encode()], most=1 << 20)
    Import.objects.create(kind="purchases", file_name="a.csv", stored_as=stored.name, digest=stored.digest)
    return anna


def pages(anna: Customer) -> list[str]:
    """Pages with forms; the rest is reached by the links of these."""
    draft, segment, form = Import.objects.get(), Segment.objects.get(), Form.objects.get()
    twin = Customer.objects.get(name="Anna S")
    return [
        "/", "/find/", "/customers/", "/customers/new/", f"/customers/{anna.pk}/", f"/customers/{anna.pk}/edit/",
        f"/customers/{anna.pk}/erasure/", f"/customers/{twin.pk}/erasure/", f"/customers/{anna.pk}/forms/{form.pk}/",
        "/customers/fields/", f"/customers/fields/{Field.objects.first().pk}/",  # type: ignore[union-attr]
        "/customers/consents/", "/customers/questionnaires/", f"/customers/questionnaires/{form.pk}/",
        "/customers/duplicates/", "/strategy/", "/strategy/person/edit/", "/profile/", "/settings/people/",
        "/settings/roles/new/", "/settings/roles/own-1/", "/settings/business/", "/settings/log/", "/imports/",
        f"/imports/{draft.pk}/", "/segments/", "/segments/new/", f"/segments/{segment.pk}/",
        f"/segments/{segment.pk}/edit/", f"/segments/people/segment:{segment.pk}/",
        "/insights/", "/insights/audits/", "/account/password/",
    ]  # fmt: skip


def forms_of(client: Client, anna: Customer) -> Iterator[Found]:
    seen = set()
    for page in pages(anna):
        answer = client.get(page)
        assert answer.status_code in (200, 302), (page, answer.status_code)
        reader = Forms(page)
        reader.feed(answer.content.decode())
        for form in reader.forms:
            address = urlsplit(form.action).path or page
            mark = (address, form.method, tuple(sorted(form.kinds)))
            if mark not in seen and not address.endswith("/logout/"):
                seen.add(mark)
                form.action = address
                yield form


def harm_of(answer: Any) -> list[str]:
    """What is wrong with an answer."""
    found = [f"status {answer.status_code}"] if answer.status_code >= 500 else []
    found += [f"header {name}" for name, value in answer.headers.items() if "\n" in value or "\r" in value]
    if answer.streaming:
        # read to its end the client closes it, and leaves the connection of the test alone
        b"".join(answer.streaming_content)
    elif answer.headers.get("Content-Type", "").startswith("text/html"):
        text = answer.content.decode()
        shown = (TAG, ATTRIBUTE, "<img src=x", "1370974", "\x00", "<class 'str'>")
        found += [f"shows {one!r}" for one in shown if one in text]
    return found


def send(client: Client, form: Found, values: dict[str, str]) -> Any:
    if form.method == "post":
        return client.post(form.action, values)
    return client.get(form.action, values)


def test_the_forms_are_found(client: Client, owner: User) -> None:
    found = list(forms_of(client, furnish(owner)))
    posted = [one for one in found if one.method == "post"]
    assert len(posted) > 35
    assert sum(len(one.kinds) for one in posted) > 80


def test_no_word_in_any_field_breaks_a_page_or_becomes_part_of_it(client: Client, owner: User) -> None:
    anna = furnish(owner)
    problems = []
    for form in list(forms_of(client, anna)):
        for name, kind in form.kinds.items():
            if kind not in _TEXTS:
                continue
            for word in HOSTILE if kind in ("text", "search", "tel", "email", "textarea") else HOSTILE[:1]:
                with tried():
                    answer = send(client, form, form.fields | {name: word})
                    told = harm_of(answer)
                    if answer.status_code == 302 and word == WORD:
                        for page in (answer.headers["Location"], f"/customers/{anna.pk}/", "/customers/"):
                            told += [f"{page}: {one}" for one in harm_of(client.get(page))]
                    problems += [f"{form.method} {form.action} {name} {word[:30]!r}: {one}" for one in told]
            with tried():
                told = harm_of(send_broken(client, form, name))
                problems += [f"{form.method} {form.action} {name} broken: {one}" for one in told]
    assert not problems, "\n".join(problems)


@contextmanager
def tried() -> Iterator[None]:
    """Each attempt begins with the same base."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def send_broken(client: Client, form: Found, name: str) -> Any:
    plain = urlencode({key: value for key, value in form.fields.items() if key != name})
    body = f"{plain}&{name}=".encode() + BROKEN
    if form.method == "post":
        return client.post(form.action, body, content_type="application/x-www-form-urlencoded")
    return client.get(f"{form.action}?{body.decode()}")


def everywhere(owner: User) -> Customer:
    """A base in which every word is hostile."""
    word = WORD.replace("\r", "")
    anna = Customer.objects.create(
        name=word, family_name=word[:120], external_id=word, own_fields={"own_text": word}, owner=owner,
        quiet_reason=word, is_quiet=True, source=word[:100],
    )  # fmt: skip
    Field.objects.create(slug="own_text", title=word[:120], type="text")
    for kind in Contact.Kind.values:
        Contact.objects.create(customer=anna, kind=kind, value=word, written=word, label=word[:60])
    add_note(anna, word * 10, by=owner)
    set_tags(anna, [word], by=owner)
    Relation.objects.create(customer=anna, kind="pet", name=word, note=word)
    store_file(anna, name=f'x{word}".pdf', size=1, chunks=[b"x"], by=owner)
    User.objects.filter(pk=owner.pk).update(name=word)
    everybody = {"join": "all", "not": False, "items": [{"what": "kind", "how": "in", "value": ["person"]}]}
    Segment.objects.create(name=word, rule=everybody)
    Form.objects.create(title=word, intro=word, questions=[{"key": "own_text", "field": "own_text", "title": word}])
    Purpose.objects.create(slug="news", title=word, text=word)
    Role.objects.create(slug="own-1", name=word[:100], rights=[])
    return anna


def test_a_base_of_hostile_words_is_shown_as_words(client: Client, owner: User) -> None:
    anna = everywhere(owner)
    form, segment = Form.objects.get(), Segment.objects.get()
    for page in (
        "/", "/customers/", "/customers/?q=script", "/find/?q=script", f"/customers/{anna.pk}/",
        f"/customers/{anna.pk}/edit/", f"/customers/{anna.pk}/erasure/", f"/customers/{anna.pk}/forms/{form.pk}/",
        "/customers/fields/", "/customers/consents/", "/customers/questionnaires/", "/customers/duplicates/",
        "/segments/", f"/segments/{segment.pk}/", f"/segments/people/segment:{segment.pk}/", "/settings/people/",
        "/settings/log/", "/settings/roles/own-1/", "/settings/business/", "/profile/", "/imports/",
    ):  # fmt: skip
        answer = client.get(page)
        assert (answer.status_code, harm_of(answer)) == (200, []), page


def exported(client: Client, kind: str) -> bytes:
    segment = Segment.objects.get()
    values = {"form": kind, "columns": ["name", "phone", "email", "tags", "owner", "source"]}
    answer = client.post(f"/insights/export/segment:{segment.pk}/", values)
    assert harm_of(answer) == [] if not answer.streaming else True
    return b"".join(answer.streaming_content)


def test_in_files_for_spreadsheets_words_are_no_formulas(client: Client, owner: User) -> None:
    everywhere(owner)
    rows = list(csv.reader(io.StringIO(exported(client, "csv").decode("utf-8-sig"))))
    assert len(rows) == 2
    assert any(TAG in cell for cell in rows[1])
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    sheet = openpyxl.load_workbook(io.BytesIO(exported(client, "xlsx"))).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert any(TAG in str(cell.value) for cell in cells)
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert not [cell for cell in cells if cell.hyperlink]


def test_the_act_the_archive_and_the_names_of_downloads_hold_words_alone(client: Client, owner: User) -> None:
    anna = everywhere(owner)
    answer = client.post(f"/customers/{anna.pk}/export/")
    archive = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    assert archive.testzip() is None
    page = archive.read("readable.html").decode()
    assert TAG not in page and ATTRIBUTE not in page
    assert json.loads(archive.read("data.json"))["customer"][0]["name"] == WORD
    for name in archive.namelist():
        assert not name.startswith(("/", "..")) and "/.." not in name and "\\" not in name
    download = client.get(f"/customers/{anna.pk}/files/{File.objects.get().pk}/")
    disposition = download.headers["Content-Disposition"]
    assert disposition.startswith("attachment;")
    assert "\n" not in disposition and "\u202e" not in disposition
    b"".join(download.streaming_content)
    case = erase(ask_erasure(anna, asked_on=anna_day(), due_on=None, asked_by=WORD, by=owner), by=owner)
    act = client.get(f"/customers/{anna.pk}/erasure/{case.pk}/act/")
    assert (act.status_code, act.content[:5]) == (200, b"%PDF-")
    assert b"/JavaScript" not in act.content and b"/JS" not in act.content


def anna_day() -> dt.date:
    return dt.date(2026, 3, 1)


def test_hostile_words_of_a_file_arrive_as_words(client: Client, owner: User, tmp_path: Path) -> None:
    quoted = '"' + WORD.replace('"', '""') + '"'
    path = tmp_path / "a.csv"
    path.write_text(
        "Дата;Номер чека;Карта;Товар;Сумма;Магазин;Кассир\n"
        f"03.03.2026 10:15;{quoted};{quoted};{quoted};1,00;{quoted};{quoted}\n"
        f"03.03.2026 10:15;2;7;{'x' * 10_000};1,00;{'y' * 10_000};z\n"
        f"{quoted};3;7;a;1,00;b;c\n",
        encoding="utf-8",
    )
    done = import_now(path, wishes=Wishes(accept_rejects=True))
    assert (done.state, done.error, done.result["receipts"]) == ("done", "", 2)
    customer = Customer.objects.get(external_id__contains="script")
    receipt = Receipt.objects.get(customer=customer)
    assert Product.objects.filter(name=WORD).exists()
    for page in (f"/imports/{done.pk}/", "/imports/", f"/customers/{customer.pk}/", f"/receipts/{receipt.pk}/"):
        answer = client.get(page)
        assert (answer.status_code, harm_of(answer)) == (200, []), page
    rejects = client.get(f"/imports/{done.pk}/rejects/")
    rows = list(csv.reader(io.StringIO(b"".join(rejects.streaming_content).decode("utf-8-sig"))))
    assert any("script" in cell for row in rows for cell in row)
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]


def test_half_a_letter_in_fiscal_receipts_is_no_trouble(client: Client, owner: User, tmp_path: Path) -> None:
    path = tmp_path / "ofd.json"
    told = {"fiscalDriveNumber": "9", "fiscalDocumentNumber": 1, "fiscalSign": 2, "dateTime": "2026-03-03T10:15:00"}
    items = [{"name": "a\ud800b\x00c", "sum": 100}]
    path.write_text(json.dumps(told | {"operator": "\udfff", "buyer": "x\ud800@example.com", "items": items}))
    done = import_now(path, kind="fiscal")
    assert (done.state, done.error) == ("done", "")
    assert Product.objects.get().name == "a\N{REPLACEMENT CHARACTER}bc"


def test_the_name_of_a_file_that_was_dropped_is_shown_as_a_word(client: Client, owner: User) -> None:
    given = SimpleUploadedFile(f"../../x{WORD[:60]}.csv", "Дата;Карта;Сумма\n03.03.2026;1;1,00\n".encode())
    answer = client.post("/imports/new/", {"file": given})
    for page in (answer.headers["Location"], "/imports/"):
        assert harm_of(client.get(page)) == []
    assert "/" not in Import.objects.get().file_name
