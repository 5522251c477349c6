"""Whole lists as files: by the key that asked, harmless in a spreadsheet, gone after a day."""

import csv
import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.accounts.models import LogEntry
from regulars.api import export_files
from regulars.api.models import ApiKey, Export, Scope
from regulars.api.services import make_key, revoke_key
from regulars.customers.models import Contact, Customer
from regulars.insights.models import Segment
from regulars.purchases.models import Line, Product, Receipt
from tests.web.people import make_business

pytestmark = pytest.mark.django_db


class Program:
    """Another program with a key."""

    def __init__(self, name: str = "Sync", scope: Scope = Scope.EXPORT) -> None:
        self.headers = {"Authorization": f"Bearer {make_key(name=name, scopes=[scope], by=None)}"}

    def ask(self, **body: Any) -> tuple[int, Any]:
        answer = Client().post("/api/v1/exports", body, content_type="application/json", headers=self.headers)
        return answer.status_code, answer.json()

    def get(self, path: str) -> Any:
        return Client().get(f"/api/v1/exports{path}", headers=self.headers)

    def fetch(self, **body: Any) -> list[dict[str, str]]:
        """The rows of a list, from asking to reading."""
        number = self.ask(**body)[1]["id"]
        export_files.write_export(number)
        text = b"".join(self.get(f"/{number}/file").streaming_content).decode()
        return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Iterator[Path]:
    make_business()
    settings.EXPORTS_ROOT = tmp_path / "exports"
    yield settings.EXPORTS_ROOT


def vera() -> Customer:
    made = Customer.objects.create(name='=HYPERLINK("http://evil")', external_id="C-1", birth_date="1985-03-08")
    Contact.objects.create(customer=made, kind="phone", value="+79160000001", written="1")
    Contact.objects.create(customer=made, kind="phone", value="+79160000002", written="2", is_main=True)
    return made


def test_all_customers_with_their_main_contacts_and_no_formulas(folder: Path) -> None:
    vera()
    Customer.objects.create(name="Анна", merged_into=Customer.objects.create(name="Anna"))
    rows = Program().fetch(kind="customers")
    assert [row["name"] for row in rows] == ['\'=HYPERLINK("http://evil")', "Anna"]
    assert (rows[0]["phone"], rows[0]["external_id"], rows[0]["birth_date"]) == ("+79160000002", "C-1", "1985-03-08")
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_the_members_of_a_segment() -> None:
    vera()
    Customer.objects.create(name="Shop", kind="company")
    rule = {"join": "all", "not": False, "items": [{"what": "kind", "how": "in", "value": ["company"]}]}
    segment = Segment.objects.create(name="Companies", rule=rule)
    assert [row["name"] for row in Program().fetch(kind="segment", segment_id=segment.pk)] == ["Shop"]


def test_receipts_of_a_period_line_by_line() -> None:
    product = Product.objects.create(code="P1", name="-1+1")
    for day in (1, 2, 3):
        at = dt.datetime(2026, 3, day, tzinfo=dt.UTC)
        receipt = Receipt.objects.create(customer=None, purchased_at=at, amount=100, key=bytes([day]) * 32)
        Line.objects.create(receipt=receipt, position=1, product=product, amount=100, quantity=2)
    rows = Program().fetch(kind="receipts", purchased_from="2026-03-02T00:00:00Z", purchased_before="2026-03-03")
    assert [(row["purchased_at"], row["product"], row["amount"]) for row in rows] == [
        ("2026-03-02T00:00:00+00:00", "'-1+1", "100")
    ]


def test_another_key_does_not_know_that_it_exists() -> None:
    mine, other = Program(), Program("Other")
    number = mine.ask(kind="customers")[1]["id"]
    export_files.write_export(number)
    assert mine.get(f"/{number}").json()["state"] == "done"
    assert [other.get(f"/{number}{path}").status_code for path in ("", "/file")] == [404, 404]
    assert other.get("").json()["items"] == []
    assert Program("Reader", Scope.READ_CUSTOMERS).get(f"/{number}/file").status_code == 403


def test_a_file_is_there_when_it_is_done_and_for_a_day(folder: Path) -> None:
    program = Program()
    status, made = program.ask(kind="customers")
    assert (status, made["state"]) == (202, "waiting")
    assert ProcrastinateJob.objects.get(task_name=export_files.TASK).args == {"export_id": made["id"]}
    assert program.get(f"/{made['id']}/file").status_code == 409
    export_files.write_export(made["id"])
    export_files.write_export(made["id"])  # a job that is done again
    assert program.get(f"/{made['id']}").json()["rows"] == 0
    export_files.forget_old(before=timezone.now() + dt.timedelta(seconds=1))
    assert program.get(f"/{made['id']}").status_code == 404
    assert list(folder.iterdir()) == []


def test_who_asked_and_who_fetched_is_kept() -> None:
    Program().fetch(kind="customers")
    found = LogEntry.objects.order_by("id").values_list("event", "who", "about")
    assert list(found)[-2:] == [("export_asked", "API: Sync", "customers"), ("exported", "API: Sync", "customers")]


def test_a_key_waits_for_few_exports_at_once() -> None:
    program = Program()
    statuses = [program.ask(kind="customers")[0] for _ in range(export_files.MOST_OPEN + 1)]
    assert statuses == [202] * export_files.MOST_OPEN + [400]


def test_a_revoked_key_has_nothing_written(folder: Path) -> None:
    number = Program().ask(kind="customers")[1]["id"]
    revoke_key(ApiKey.objects.get(), by=None)
    export_files.write_export(number)
    assert Export.objects.get().state == "failed"
    assert not folder.exists()


@pytest.mark.parametrize(
    "body",
    [{"kind": "segment"}, {"kind": "customers", "segment_id": 1},
     {"kind": "customers", "purchased_from": "2026-01-01"}],
)  # fmt: skip
def test_a_question_without_sense_is_refused(body: dict[str, Any]) -> None:
    assert Program().ask(**body)[0] == 400
    assert not Export.objects.exists()
