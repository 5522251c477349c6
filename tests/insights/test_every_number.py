"""A whole shop in the database, audited from there: every number of people on its pages opens exactly these people."""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.backends.utils import CursorWrapper
from django.test import Client

from regulars.accounts.models import User
from regulars.customers.models import Customer, Field, Tag
from regulars.demo.shops import generate_shop
from regulars.foundation.models import Business
from regulars.insights import warehouse
from regulars.insights.models import AuditRun, AuditSettings, Score
from regulars.insights.results import chapter_of, index_of, periods_of
from regulars.insights.selectors.people import people_list
from regulars.insights.services import perform
from regulars.insights.titles import title_of
from regulars.purchases.models import Store
from regulars.report import words
from tests.insights.selling import sell

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def shop(django_db_setup: Any, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditRun]:
    """A supermarket of 450 customers, one of its stores by another clock, two customers merged, and its audit."""
    from django.conf import settings
    from django.db import connection, transaction

    root = tmp_path_factory.mktemp("shop")
    before = settings.AUDITS_ROOT, settings.MEDIA_ROOT
    with django_db_blocker.unblock(), transaction.atomic():
        settings.AUDITS_ROOT, settings.MEDIA_ROOT = root / "audits", root / "files"
        values = {"name": "Corner", "currency": "RUB", "time_zone": "Europe/Moscow", "language": "ru", "region": "RU"}
        business = Business.objects.create(id=1, **values)
        lines = generate_shop("grocery", customers=450, seed=3, language="en").lines
        Store.objects.create(name=str(lines["store"][0]), time_zone="Asia/Yekaterinburg")
        sell(lines, business)
        _know_more()
        warehouse.rebuild()
        run = AuditRun.objects.create()
        perform(run.pk, warehouse.history)
        run.refresh_from_db()
        assert run.state == "done", run.error
        with connection.cursor() as cursor:
            # what waits for the end would be judged at the end of each test, by plans made for empty tables. Of tables
            # with rows alone: what ANALYZE finds is not rolled back, and one that has nothing but rolled back rows of
            # other tests would count as empty for ever
            tables = connection.introspection.table_names(cursor)
            full = [name for name in tables if _has_rows(cursor, connection.ops.quote_name(name))]
            cursor.execute(f"ANALYZE {', '.join(full)}; SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        yield run
        transaction.set_rollback(True)
    settings.AUDITS_ROOT, settings.MEDIA_ROOT = before


def _has_rows(cursor: CursorWrapper, table: str) -> bool:
    cursor.execute(f"SELECT EXISTS (SELECT FROM {table})")
    return bool(cursor.fetchone()[0])


def _know_more() -> None:
    """Somebody is two rows of the base, women are tagged, and the district is an own field."""
    first, second, third = Customer.objects.order_by("pk")[:3]
    Customer.objects.filter(pk=second.pk).update(merged_into=first)
    Customer.objects.filter(pk=third.pk).update(merged_into=second)
    Field.objects.create(slug="district", title="District", type="choice", choices=["North", "South"])
    tag = Tag.objects.create(name="VIP")
    for one in Customer.objects.all():
        one.sex, one.own_fields = "fm"[one.pk % 2], {"district": "North" if one.pk % 3 else "South"}
        one.save(update_fields=["sex", "own_fields"])
    tag.customers.add(*Customer.objects.filter(pk__in=[one.pk for one in Customer.objects.all() if one.pk % 5 == 0]))
    AuditSettings.objects.create(margin_pct=30, budget=1_000_000, contact_cost=500)


def _linked(piece: Any) -> Iterator[tuple[str, int, str]]:
    """List, number and all that is written beside, of every piece of a page that opens a list."""
    if isinstance(piece, list):
        for one in piece:
            yield from _linked(one)
    elif isinstance(piece, dict):
        if piece.get("list_id") and piece.get("count") is not None:
            texts = [piece.get(name) or "" for name in ("text", "value", "note", "interval", "title")]
            yield piece["list_id"], piece["count"], " ".join(map(str, texts))
        for one in piece.values():
            yield from _linked(one)


def _pages(run: AuditRun, language: str) -> Iterator[tuple[str, Any]]:
    from django.conf import settings

    for file in sorted((Path(settings.AUDITS_ROOT) / run.folder / language).glob("*.json")):
        yield file.stem, json.loads(file.read_text())


def test_every_number_of_people_opens_exactly_these_people(shop: AuditRun) -> None:
    seen: dict[str, int] = {}
    for chapter, content in _pages(shop, "en"):
        for list_id, count, text in _linked(content):
            listed = people_list(list_id)
            assert listed is not None, (chapter, list_id)
            assert listed.people.count() == count, (chapter, list_id, text)
            assert title_of(listed).name
            seen[list_id] = count
    kinds = {list_id.partition(":")[0] for list_id, count in seen.items() if count}
    assert kinds >= {"all", "state", "rfm", "abc", "lost", "newcomers", "opportunity", "finding", "stage", "paced",
                     "group", "first", "bought", "cohort", "pyramid"}  # fmt: skip
    groups = {list_id.split(":")[1] for list_id in seen if list_id.startswith("group:")}
    assert groups >= {"newcomers", "in_time", "became_regular", "habit", "best", "began"}
    assert any(name.startswith("first_") for name in groups)


def test_the_numbers_that_open_lists_are_the_numbers_that_are_shown(shop: AuditRun) -> None:
    for chapter, content in _pages(shop, "en"):
        for list_id, count, text in _linked(content):
            if list_id.startswith(("cohort", "group:in_time", "group:became")):
                continue  # there the share of them is shown
            assert count in {int(one.replace(",", "")) for one in re.findall(r"\d[\d,]*", text)} | (
                {0} if count == 0 else set()
            ) or list_id.startswith(("pyramid", "finding", "could")), (chapter, list_id, count, text)


def test_no_count_of_customers_in_a_table_is_without_its_list(shop: AuditRun) -> None:
    """Tables whose column is headed by customers or newcomers: each of their cells is a link."""
    headed = {"Customers", "Newcomers", "Never back", "For the first time"}
    found = 0
    for chapter, content in _pages(shop, "en"):
        for table in _tables(content):
            for place, column in enumerate(table["columns"]):
                if column["title"] in headed:
                    assert all(row[place]["list_id"] for row in table["rows"]), (chapter, table["caption"])
                    found += 1
    assert found >= 5


def _tables(piece: Any) -> Iterator[dict[str, Any]]:
    if isinstance(piece, list):
        for one in piece:
            yield from _tables(one)
    elif isinstance(piece, dict):
        if piece.get("kind") == "table":
            yield piece
        for one in piece.values():
            yield from _tables(one)


def test_pages_of_chapters_link_their_lists(shop: AuditRun, client: Client, user: Callable[..., User]) -> None:
    client.force_login(user("owner"))
    opened = set()
    for part in index_of(shop, "en").parts:
        for heading in part.chapters:
            text = client.get(f"/insights/chapter/{heading.id}/").content.decode()
            links = set(re.findall(r'href="(/insights/people/[^"]+)"', text))
            wanted = {one for one, count, _text in _linked(_json(shop, heading.id)) if count}
            assert len(links) >= len(wanted) > -1, heading.id
            opened |= set(sorted(links)[:2])
    for link in sorted(opened):
        assert client.get(link).status_code == 200, link


def _json(run: AuditRun, chapter: str) -> Any:
    return dict(_pages(run, "en"))[chapter]


def test_every_reason_is_said_in_the_language_of_the_reader(shop: AuditRun) -> None:
    """The audit ran in Russian over English goods: nothing Russian is left on the English pages."""
    for chapter, content in _pages(shop, "en"):
        found = re.findall(r"[^\"]*[а-яё][^\"]*", json.dumps(content, ensure_ascii=False), re.IGNORECASE)
        assert not found, (chapter, found[:3])


def test_attributes_of_the_base_reach_the_audit(shop: AuditRun) -> None:
    levels = json.dumps(_json(shop, "profile"))
    assert "District" in levels
    assert "Sex" in levels
    assert "#" not in levels.replace("&#", "")
    assert Score.objects.filter(details__look_alike__isnull=False).exists()


def test_the_settings_reach_the_audit(shop: AuditRun) -> None:
    assert "Within the budget" in json.dumps(_json(shop, "first"))


def test_the_owners_figures_are_those_of_the_audit(shop: AuditRun) -> None:
    found, headlines = periods_of(shop), shop.headlines
    year = found["year"]
    assert headlines["revenue_change"] is None or year["now"]["revenue"] > 0
    table = next(
        table for table in _tables(_json(shop, "have")) if table["caption"] == "Customers who bought, by month"
    )
    months = {row[0]["text"]: (row[1]["count"], row[2]["count"]) for row in table["rows"]}
    month = dt.date.fromisoformat(found["last_month"]["days"][0])
    now = found["last_month"]["now"]
    assert months[words.month(month)] == (now["customers"], now["new"])
    for period, days in ((name, one) for name, one in found.items() if one["before"] is not None):
        moved, span = days["movement"], ":".join(days["days"])
        lists = {f"bought:{span}": days["now"]["customers"], f"first:{span}": days["now"]["new"]}
        lists |= {f"{kind}:{span}:{days['days_before'][0]}": moved[kind] for kind in ("returned", "stopped")}
        for list_id, count in lists.items():
            listed = people_list(list_id)
            assert listed is not None
            assert listed.people.count() == count, (period, list_id)


def test_needs_are_told_or_the_reason_why_not(shop: AuditRun, client: Client, user: Callable[..., User]) -> None:
    reason = index_of(shop, "en").no_needs
    told = Score.objects.exclude(needs=[])
    assert bool(reason) != told.exists()
    client.force_login(user("owner"))
    page = client.get(f"/customers/{Score.objects.filter(state='regular').first().pk}/").content.decode()  # type: ignore[union-attr]
    assert "Will need next" in page
    assert chapter_of(shop, "en", "needs") is not None
