"""Keys, pages and errors, the same for all resources."""

import pytest
from django.test import Client

from regulars.api.models import ApiKey, Scope
from regulars.api.services import make_key, revoke_key
from regulars.purchases.models import Product

pytestmark = pytest.mark.django_db


@pytest.fixture
def key() -> str:
    return make_key(name="Till", scopes=[Scope.READ_PURCHASES], by=None)


def get(path: str, key: str | None = None, **query: object) -> "tuple[int, dict[str, object]]":
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = Client().get(f"/api/v1/{path}", query, headers=headers)
    return answer.status_code, answer.json()


def test_without_a_key_nothing_opens(key: str) -> None:
    assert get("products")[0] == 401
    assert get("products", "rg_wrong")[0] == 401
    assert get("products", key)[0] == 200


def test_a_key_opens_its_scopes_alone() -> None:
    other = make_key(name="Other", scopes=[Scope.READ_CUSTOMERS], by=None)
    status, answer = get("products", other)
    assert (status, "purchases:read" in str(answer)) == (403, True)


def test_a_revoked_key_opens_nothing(key: str) -> None:
    revoke_key(ApiKey.objects.get(), by=None)
    assert get("products", key)[0] == 401


def test_the_key_itself_is_not_kept(key: str) -> None:
    assert key not in str(list(ApiKey.objects.values()))


def test_pages_give_every_row_once(key: str) -> None:
    Product.objects.bulk_create(Product(code=f"P{number}", name=f"Product {number}") for number in range(25))
    seen: list[object] = []
    cursor: object = None
    while True:
        _status, answer = get("products", key, limit=10, **({"cursor": cursor} if cursor else {}))
        seen += [item["code"] for item in answer["items"]]  # type: ignore[attr-defined]
        cursor = answer["next"]
        if cursor is None:
            break
    assert sorted(map(str, seen)) == sorted(f"P{number}" for number in range(25))


@pytest.mark.parametrize("cursor", ["x", "W10=", "bnVsbA==", "WzEsMiwzXQ==", "%00", "WyJhIiwiYiJd"])
def test_a_cursor_that_is_not_ours_is_refused(key: str, cursor: str) -> None:
    status, answer = get("products", key, cursor=cursor)
    assert status == 400
    assert "cursor" in str(answer)


def test_a_wrong_value_is_named(key: str) -> None:
    status, answer = get("products", key, updated_after="yesterday")
    assert (status, "updated_after" in str(answer)) == (422, True)


def test_the_description_of_the_interface_is_open() -> None:
    assert get("openapi.json")[1]["openapi"]
