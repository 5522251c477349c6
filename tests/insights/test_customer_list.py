"""The list of customers with what the audit says of them: columns, filters, orders, the file, and whose eyes see it."""

import csv
import io
import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from regulars.accounts.models import LogEntry, User
from regulars.customers.models import Contact, Customer
from regulars.insights.models import AuditRun, Score

pytestmark = pytest.mark.django_db


def _names(page: str) -> list[int]:
    return [int(key) for key in re.findall(r'who-cell"><a href="/customers/(\d+)/"', page)]


def test_state_and_value_stand_in_the_list(run: AuditRun, client: Client, user: Callable[..., User]) -> None:
    client.force_login(user("owner"))
    page = client.get("/customers/").content.decode()
    assert "Expected in 12 months" in page
    assert ">Regular<" in page
    lost = client.get("/customers/?state=lost&column=state&column=rfm").content.decode()
    found = _names(lost)
    assert len(found) == min(50, Score.objects.filter(state="lost").count())
    assert set(Score.objects.filter(pk__in=found).values_list("state", flat=True)) == {"lost"}
    assert 'value="lost" selected' in lost


@pytest.mark.parametrize(
    ("order", "field"), [("amount", "amount"), ("value", "expected_value_12"), ("latest", "last_on")]
)
def test_orders_of_the_audit_go_through_all_pages(
    run: AuditRun, client: Client, user: Callable[..., User], order: str, field: str
) -> None:
    client.force_login(user("owner"))
    Customer.objects.create(pk=9001, name="Never bought")
    address: str | None = f"/customers/?order={order}"
    found: list[int] = []
    while address:
        page = client.get(address).content.decode()
        found += _names(page)
        following = re.search(r'href="(\?[^"]+)" rel="next"', page)
        address = "/customers/" + following[1].replace("&amp;", "&") if following else None
    values = {score.pk: getattr(score, field) for score in Score.objects.all()}
    assert len(found) == len(set(found)) == sum(value is not None for value in values.values())
    assert [values[key] for key in found] == sorted((values[key] for key in found), reverse=True)


@pytest.mark.parametrize("after", ["x~1", "1~x", "9" * 40 + "~1", "2026-01-01~2", "~"])
def test_a_wrong_place_begins_anew(run: AuditRun, client: Client, user: Callable[..., User], after: str) -> None:
    client.force_login(user("owner"))
    for order in ("amount", "latest", "newest"):
        assert client.get(f"/customers/?order={order}&after={after}").status_code == 200


def test_orders_enter_their_index(run: AuditRun) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        for field, index in (
            ("amount", "score_amount"),
            ("expected_value_12", "score_value"),
            ("last_on", "score_latest"),
        ):
            query = Score.objects.filter(**{f"{field}__isnull": False}).order_by(f"-{field}", "-customer_id")[:51]
            sql, parameters = query.query.sql_with_params()
            cursor.execute(f"EXPLAIN {sql}", parameters)
            assert index in "\n".join(line for (line,) in cursor.fetchall())


def test_a_cashier_learns_nothing_of_purchases(run: AuditRun, client: Client, user: Callable[..., User]) -> None:
    client.force_login(user("cashier"))
    page = client.get("/customers/?state=lost&order=amount&column=value&column=state").content.decode()
    assert _names(page)[0] == 200  # the newest first, nobody filtered out
    assert "Expected in 12 months" not in page
    assert 'name="state"' not in page


def test_the_list_is_taken_out_as_it_was_chosen(run: AuditRun, client: Client, user: Callable[..., User]) -> None:
    Customer.objects.filter(pk=1).update(name="=1+1")
    Score.objects.filter(pk=1).update(state="lost", amount=10**9)
    Contact.objects.create(customer_id=1, kind="card", value="12345678", written="1")
    client.force_login(user("marketer"))
    chosen = {"form": "csv", "state": "lost", "order": "amount", "column": ["card", "state", "amount", "password"]}
    response = client.post("/customers/take/", chosen)
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["Customer", "Card", "State", "Spent"]
    assert rows[1] == ["'=1+1", "12345678", "Lost", "10000000.00"]
    assert len(rows) - 1 == Score.objects.filter(state="lost").count()
    entry = LogEntry.objects.get(event="exported")
    assert (entry.about, entry.details["filters"]) == ("customers", {"state": "lost"})


def test_who_may_not_take_out_does_not(run: AuditRun, client: Client, user: Callable[..., User]) -> None:
    for role in ("manager", "cashier", "analyst"):
        client.force_login(user(role))
        assert client.post("/customers/take/", {"form": "csv"}).status_code == 403
        assert "/customers/take/" not in client.get("/customers/").content.decode()
    assert not LogEntry.objects.filter(event="exported").exists()


def test_own_customers_only_holds_in_the_file_too(run: AuditRun, client: Client, user: Callable[..., User]) -> None:
    from regulars.accounts.models import Role

    manager = user("manager")
    role = Role.objects.get(slug="manager")
    role.rights = [*role.rights, "customers.export"]
    role.save()
    Customer.objects.update(owner=user("owner"))
    Customer.objects.filter(pk=7).update(owner=manager)
    client.force_login(manager)
    assert _names(client.get("/customers/?order=amount").content.decode()) == [7]
    response = client.post("/customers/take/", {"form": "csv"})
    assert len(b"".join(response.streaming_content).decode().splitlines()) == 2  # type: ignore[attr-defined]


def test_the_list_takes_a_fixed_number_of_queries(run: AuditRun, client: Client, user: Callable[..., User]) -> None:
    client.force_login(user("owner"))
    with CaptureQueriesContext(connection) as queries:
        client.get("/customers/?column=state&column=value&column=amount&column=opportunity&column=phone")
    assert len(queries) < 25
