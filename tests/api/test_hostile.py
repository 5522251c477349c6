"""What somebody may try who has a key, or who has none."""

import base64
import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from django.test import Client

from regulars.api import receipts
from regulars.api.models import ApiKey, Scope
from regulars.api.services import make_key
from regulars.customers.models import Customer, Erasure
from regulars.customers.services.erasing import erase
from regulars.purchases.importing.load import LOCK
from regulars.purchases.models import Import, Product, Receipt
from tests.web.people import make_business, make_user

pytestmark = pytest.mark.django_db(transaction=True)

RECEIPT = {"customer": "C-1", "number": "1", "purchased_at": "2026-03-03T12:00:00", "lines": [{"amount": 100}]}


@pytest.fixture
def headers() -> dict[str, str]:
    make_business()
    return {"Authorization": f"Bearer {make_key(name='Till', scopes=list(Scope), by=None)}"}


def send(headers: dict[str, str], method: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = body if isinstance(body, (str, bytes)) or body is None else json.dumps(body)
    answer = getattr(Client(), method)(f"/api/v1/{path}", data, content_type="application/json", headers=headers)
    return answer.status_code, answer.json()


def put(headers: dict[str, str], external_id: str, **body: Any) -> tuple[int, Any]:
    return send(headers, "put", f"customers/by-external-id/{external_id}", body)


@pytest.mark.parametrize("name", ["id", "owner_id", "is_quiet", "merged_into", "import_id", "is_demo", "source", "nme"])
def test_a_field_that_is_not_offered_is_refused(headers: dict[str, str], name: str) -> None:
    assert put(headers, "A", name="Anna", **{name: 1})[0] == 422
    assert not Customer.objects.exists()


@pytest.mark.parametrize("key", ["%20", "%20A", "A%09", "%00", "a%00b", "A" * 201, "%7F"])
def test_an_id_that_would_not_be_found_again_is_refused(headers: dict[str, str], key: str) -> None:
    assert put(headers, key, name="Anna")[0] == 422
    assert not Customer.objects.exists()


@pytest.mark.parametrize("key", ["a/b", "a%2Fb", "Ключ 1", "😀", "A" * 200, "'; DROP TABLE x;--"])
def test_an_odd_id_is_found_again(headers: dict[str, str], key: str) -> None:
    assert put(headers, key, name="Anna")[0] == 201
    assert put(headers, key, name="Vera")[0] == 200
    status, found = send(headers, "get", f"customers/by-external-id/{key}")
    assert (status, found["name"]) == (200, "Vera")


def test_two_requests_for_one_new_customer_make_one(headers: dict[str, str]) -> None:
    def ask(number: int) -> int:
        try:
            return put(headers, "A", name=f"Anna {number}")[0]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(ask, range(8))) == [200] * 7 + [201]
    assert Customer.objects.count() == 1


def test_two_batches_at_one_moment_are_one_import(headers: dict[str, str]) -> None:
    def ask(number: int) -> int:
        try:
            return send(headers, "post", "receipts", {"receipts": [RECEIPT | {"number": str(number)}]})[0]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(ask, range(4))) == {201}
    assert Import.objects.get().result["receipts"] == 4


def test_a_large_import_does_not_keep_the_web_server_waiting(
    headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "_PATIENCE", "100ms")
    parameters = connection.get_connection_params()
    parameters = {name: value for name, value in parameters.items() if name in {"dbname", "user", "host", "port"}}
    with psycopg.connect(**parameters) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        answer = Client().post(
            "/api/v1/receipts", {"receipts": [RECEIPT]}, content_type="application/json", headers=headers
        )
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert not Receipt.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [("[" * 100_000, 400), ('{"a":' * 50_000, 400), ("9" * 10_000, 400), ('{"name": "\\ud800"}', 422),
     (b'\xff\xfe{"name": 1}', 400), ('{"name": NaN}', 422), ("null", 422), ('{"own_fields": {"a\\u0000": 1}}', 400),
     (b" " * 6_000_000, 413), ('{"birth_date": "9999-12-31"}', 400), ('{"birth_date": "0001-01-01"}', 400)],
)  # fmt: skip
def test_a_body_that_is_no_body_is_refused(headers: dict[str, str], body: Any, status: int) -> None:
    assert send(headers, "put", "customers/by-external-id/A", body)[0] == status
    assert not Customer.objects.exists()


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01", 1e30, -1])
def test_a_moment_at_the_end_of_time_is_refused(headers: dict[str, str], at: Any) -> None:
    customer = put(headers, "A", name="Anna")[1]["id"]
    said = {"purpose": "news", "channel": "any", "is_given": False, "source": "site", "at": at}
    assert send(headers, "post", f"customers/{customer}/consents", said)[0] in {400, 422}
    assert send(headers, "post", "receipts", {"receipts": [RECEIPT | {"purchased_at": at}]})[0] in {400, 422}
    assert send(headers, "get", f"customers?updated_after={str(at).replace('+', '%2B')}")[0] in {200, 400, 422}


def cursor_of(values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize(
    "values",
    [["2026-01-01", 1], ["2026-01-01T00:00:00", 1], ["0001-01-01T00:00:00+14:00", 1], [1, 1], ["x", 1], [None, None],
     ["2026-01-01T00:00:00+00:00", True], ["2026-01-01T00:00:00+00:00", 2**70], ["2026-01-01T00:00:00+00:00", "1"],
     ["2026-01-01T00:00:00+00:00", -1], {"a": 1}, [[[[]]]], 7],
)  # fmt: skip
def test_a_cursor_of_ones_own_making_is_refused(headers: dict[str, str], values: Any) -> None:
    status, answer = send(headers, "get", f"customers?cursor={cursor_of(values)}")
    assert (status, "cursor" in answer["detail"]) == (400, True)


def test_a_cursor_that_nests_is_refused(headers: dict[str, str]) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 290).decode()
    assert send(headers, "get", f"customers?cursor={deep}")[0] == 400
    assert send(headers, "get", f"customers?cursor={deep * 10}")[0] == 422


@pytest.mark.parametrize("limit", [0, -1, 1001, 10**30, "x"])
def test_a_page_has_a_size(headers: dict[str, str], limit: Any) -> None:
    assert send(headers, "get", f"customers?limit={limit}")[0] == 422


def test_a_new_contact_is_a_change_of_the_customer(headers: dict[str, str]) -> None:
    customer = put(headers, "A", name="Anna")[1]
    since = customer["updated_at"].replace("+", "%2B")
    assert send(headers, "get", f"customers?updated_after={since}")[1]["items"] == []
    put(headers, "A", contacts=[{"kind": "email", "value": "anna@example.com"}])
    assert [one["id"] for one in send(headers, "get", f"customers?updated_after={since}")[1]["items"]] == [
        customer["id"]
    ]


def test_who_asked_to_be_erased_is_not_brought_back(headers: dict[str, str]) -> None:
    phone = {"kind": "phone", "value": "+7 916 123-45-67"}
    customer = put(headers, "A", name="Anna", contacts=[phone])[1]["id"]
    day = dt.date(2026, 1, 1)
    erase(Erasure.objects.create(customer_id=customer, asked_on=day, due_on=day), by=make_user("owner"))
    assert put(headers, "A", name="Anna")[0] == 400
    assert put(headers, "B", name="Anna", contacts=[phone])[0] == 400
    assert send(headers, "post", "receipts", {"receipts": [RECEIPT | {"customer": "A"}]})[1]["customers_forgotten"] == 1


def test_a_key_in_the_address_opens_nothing_and_is_in_no_log(
    headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    key = headers["Authorization"].removeprefix("Bearer ")
    assert Client().get("/api/v1/products", {"key": key, "token": key}).status_code == 401
    for scheme in ("Basic", "bearer ", "Token"):
        assert Client().get("/api/v1/products", headers={"Authorization": f"{scheme} {key}"}).status_code == 401
    send(headers, "put", "customers/by-external-id/A", {"name": ["x"]})
    assert key not in caplog.text


def test_a_key_is_looked_up_by_its_hash_alone(headers: dict[str, str]) -> None:
    """No secret is compared letter by letter, so the time of an answer tells nothing."""
    digest = ApiKey.objects.get().key_hash
    assert send({"Authorization": f"Bearer {digest}"}, "get", "products")[0] == 401


def test_a_repetition_at_another_address_is_refused(headers: dict[str, str]) -> None:
    same = headers | {"Idempotency-Key": "k"}
    assert send(same, "put", "products/by-code/A", {"name": "Coffee"})[0] == 201
    assert send(same, "put", "products/by-code/B", {"name": "Coffee"})[0] == 422
    assert send(headers | {"Idempotency-Key": "a\x00"}, "put", "products/by-code/B", {"name": "Tea"})[0] == 422
    assert Product.objects.get().code == "A"


def test_a_product_is_added_and_changed_by_its_code(headers: dict[str, str]) -> None:
    status, made = send(headers, "put", "products/by-code/4600/1", {"name": "Coffee", "category": "Drinks"})
    assert (status, made["code"], made["category"]) == (201, "4600/1", "Drinks")
    status, changed = send(headers, "put", "products/by-code/4600/1", {"category": "Hot drinks"})
    assert (status, changed["name"], changed["category"]) == (200, "Coffee", "Hot drinks")
    assert changed["updated_at"] > made["updated_at"]
    assert send(headers, "put", "products/by-code/4600/1", {"name": " "})[0] == 400


def test_receipts_and_statements_are_followed_by_their_numbers(headers: dict[str, str]) -> None:
    send(headers, "post", "receipts", {"receipts": [RECEIPT | {"number": str(number)} for number in range(3)]})
    ids = [one["id"] for one in send(headers, "get", "receipts")[1]["items"]]
    assert [one["id"] for one in send(headers, "get", f"receipts?after_id={ids[0]}")[1]["items"]] == ids[1:]
    assert send(headers, "get", f"receipts/{ids[0]}")[1]["id"] == ids[0]
    later = "receipts?purchased_from=2026-03-04T00:00:00Z"
    assert send(headers, "get", later)[1]["items"] == []
    first = send(headers, "get", "receipts?purchased_before=2026-03-04&limit=2")[1]
    rest = send(headers, "get", f"receipts?purchased_before=2026-03-04&limit=2&cursor={first['next']}")[1]
    assert sorted(one["id"] for one in first["items"] + rest["items"]) == ids
    customer = send(headers, "get", "customers")[1]["items"][0]["id"]
    said = {"purpose": "news", "channel": "any", "is_given": False, "source": "site"}
    made = [send(headers, "post", f"customers/{customer}/consents", said)[0] for _ in range(2)]
    statements = send(headers, "get", "consents")[1]["items"]
    assert made == [201, 201]
    assert [one["customer_id"] for one in statements] == [customer] * 2
    assert len(send(headers, "get", f"consents?after_id={statements[0]['id']}")[1]["items"]) == 1


def test_an_address_that_is_not_there_answers_as_json(headers: dict[str, str]) -> None:
    for path in ("nothing", "customers/x", "customers/1/", "a%0Ab"):
        status, answer = send(headers, "get", path)
        assert (status, bool(answer["detail"])) == (404, True), path
