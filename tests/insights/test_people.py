"""The people behind a number: read page by page, narrowed, hidden from whom they must be hidden, taken out safely."""

import csv
import io
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from regulars.accounts.models import LogEntry, User
from regulars.customers.models import Contact, Customer
from regulars.insights.models import AuditRun, Score
from regulars.insights.results import chapter_of, index_of
from regulars.insights.selectors.people import Filters, narrowed, page_of, people_list

pytestmark = pytest.mark.django_db

LISTS = ("all", "state:lost", "state:slipping", "rfm:champions", "abc:A", "lost:any", "lost:lost", "pyramid:buys",
         "newcomers:never_returned", "opportunity:win_back_lost")  # fmt: skip


@pytest.mark.parametrize("list_id", LISTS)
def test_pages_of_a_list_hold_everybody_once(run: AuditRun, list_id: str) -> None:
    listed = people_list(list_id)
    assert listed is not None
    found: list[int] = []
    after = ""
    while True:
        page = page_of(listed.people, listed.money, after=after, rows=7)
        found += [one.pk for one in page.customers]
        after = page.after
        if not after:
            break
    assert len(found) == len(set(found)) == listed.people.count()
    amounts = [getattr(Score.objects.get(pk=key), listed.money or "") for key in found]
    assert amounts == sorted(amounts, reverse=True)


def test_every_number_of_people_in_the_chapters_opens_a_list_of_that_length(run: AuditRun) -> None:
    checked = 0
    for part in index_of(run, "en").parts:
        for heading in part.chapters:
            chapter = chapter_of(run, "en", heading.id)
            for people in _people_in(chapter):
                listed = people_list(people.list_id)
                assert listed is not None
                assert listed.people.count() == people.count, people.list_id
                checked += 1
    assert checked > 15


def _people_in(piece: object) -> list[object]:
    if isinstance(piece, list):
        return [found for one in piece for found in _people_in(one)]
    if not hasattr(piece, "__dict__"):
        return []
    own = [piece] if "whole_list" in vars(piece) and piece.list_id else []
    return own + [found for one in vars(piece).values() for found in _people_in(one)]


def test_a_list_that_cannot_be_is_no_page(run: AuditRun, client: Client, user: Callable[..., User]) -> None:
    client.force_login(user("owner"))
    for wrong in (
        "nothing",
        "state:",
        "newcomers:all",
        "newcomers:2026-13",
        "segment:x",
        "segment:99",
        "bought:2026-01-01",
        "bought:2026-01-01:never",
        "x:y",
    ):
        assert client.get(f"/insights/people/{wrong}/").status_code == 404, wrong


@pytest.mark.parametrize("query", ["?spent=lots", "?after=1", "?after=a:b", "?owner=x", "?spent=" + "9" * 40])
def test_a_wrong_filter_is_named(run: AuditRun, client: Client, user: Callable[..., User], query: str) -> None:
    client.force_login(user("owner"))
    response = client.get("/insights/people/state:lost/" + query)
    assert response.status_code == 422
    assert 'class="error"' in response.content.decode()


def test_filters_narrow_a_list(run: AuditRun, user: Callable[..., User]) -> None:
    owner = user("owner")
    Score.objects.filter(pk=3).update(state="lost", amount=999_999_900)
    listed = people_list("all")
    assert listed is not None
    assert [one.pk for one in narrowed(listed.people, Filters(spent="9999999", state="lost"), owner)] == [3]


def test_a_manager_of_own_customers_sees_no_others(run: AuditRun, user: Callable[..., User]) -> None:
    manager, other = user("manager"), user("marketer")
    Customer.objects.update(owner=other)
    Customer.objects.filter(pk=5).update(owner=manager)
    listed = people_list("all")
    assert listed is not None
    assert [one.pk for one in narrowed(listed.people, Filters(), manager)] == [5]


def test_an_analyst_sees_masked_contacts_and_cannot_take_lists_out(
    run: AuditRun, client: Client, user: Callable[..., User]
) -> None:
    Contact.objects.create(customer_id=1, kind="phone", value="+79161234567", written="1")
    client.force_login(user("analyst"))
    page = client.get("/insights/people/all/?columns=phone&spent=0").content.decode()
    assert "+79161234567" not in page
    assert client.post("/insights/export/all/").status_code == 403
    assert not LogEntry.objects.filter(event="exported").exists()


def test_a_list_is_taken_out_without_formulas_and_kept_in_the_log(
    run: AuditRun, client: Client, user: Callable[..., User]
) -> None:
    Customer.objects.filter(pk=1).update(name='=HYPERLINK("http://evil.example")')
    Contact.objects.create(customer_id=1, kind="phone", value="+79161234567", written="1")
    client.force_login(user("marketer"))
    response = client.post("/insights/export/all/", {"form": "csv", "columns": ["phone", "amount"]})
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["Customer", "Phone", "Spent"]
    assert len(rows) == 201
    mine = next(row for row in rows if "HYPERLINK" in row[0])
    assert mine[0].startswith("'=")
    assert mine[1] == "+79161234567"
    entry = LogEntry.objects.get(event="exported")
    assert (entry.about, entry.details["rows"], entry.details["columns"]) == ("all", 200, ["name", "phone", "amount"])


def test_a_look_at_phones_is_logged(run: AuditRun, client: Client, user: Callable[..., User]) -> None:
    for role in ("owner", "analyst"):
        client.force_login(user(role))
        client.get("/insights/people/all/?columns=phone&columns=amount")
        client.get("/insights/people/all/?columns=amount")
    entry = LogEntry.objects.get(event="contacts_seen")  # the analyst sees phones masked
    assert (entry.who, entry.about) == ("owner@example.com", "all")
    assert entry.details["columns"] == ["phone"]
    assert entry.details["rows"] > 10


def test_the_workbook_holds_text_as_text(run: AuditRun, client: Client, user: Callable[..., User]) -> None:
    import openpyxl

    Customer.objects.filter(pk=1).update(name="=1+1")
    client.force_login(user("owner"))
    response = client.post("/insights/export/state:lost/", {"form": "xlsx", "columns": ["amount", "last_on"]})
    book = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]
    sheet = book.active
    assert sheet.max_row - 1 == Score.objects.filter(state="lost").count()
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_a_page_takes_the_same_few_queries_for_any_length(
    run: AuditRun, client: Client, user: Callable[..., User]
) -> None:
    client.force_login(user("owner"))
    with CaptureQueriesContext(
        connection,
    ) as many:
        client.get("/insights/people/all/?columns=phone&columns=tags&columns=owner&columns=amount")
    Score.objects.exclude(pk__in=(1, 2)).delete()
    with CaptureQueriesContext(connection) as few:
        client.get("/insights/people/all/?columns=phone&columns=tags&columns=owner&columns=amount")
    assert len(many) <= len(few) + 1
    assert len(many) < 25


def test_hostile_names_stay_text_on_the_page(run: AuditRun, client: Client, user: Callable[..., User]) -> None:
    Customer.objects.filter(pk=1).update(name="<script>alert(1)</script>")
    Score.objects.filter(pk=1).update(amount=10**12)
    client.force_login(user("owner"))
    page = client.get("/insights/people/all/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
