"""How often a key may ask: one count for all processes."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.test import Client

from regulars.api import limits
from regulars.api.models import ApiKey, Scope
from regulars.api.services import make_key

pytestmark = pytest.mark.django_db(transaction=True)


def empty_at(key: int, seconds: float) -> None:
    """As if the last request had been so long ago."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE api_bucket SET at = at - %s * interval '1 second' WHERE key_id = %s", [seconds, key])


def test_a_burst_then_as_many_as_flow_in() -> None:
    slow = {"burst": 3, "per_second": 0.5}
    assert [limits.take(1, **slow) for _ in range(5)] == [True] * 3 + [False] * 2  # type: ignore[arg-type]
    assert limits.take(2, **slow)  # type: ignore[arg-type] # another key has its own
    empty_at(1, 4)
    assert [limits.take(1, **slow) for _ in range(3)] == [True, True, False]  # type: ignore[arg-type]
    empty_at(1, 3600)
    assert [limits.take(1, **slow) for _ in range(4)] == [True] * 3 + [False]  # type: ignore[arg-type]


def test_several_connections_are_allowed_no_more_than_one() -> None:
    def ask(_number: int) -> bool:
        try:
            return limits.take(7, burst=20, per_second=0.001)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(ask, range(60))) == 20


def test_one_too_many_is_told_when_to_come_again() -> None:
    key = make_key(name="Till", scopes=[Scope.READ_PURCHASES], by=None)
    headers = {"Authorization": f"Bearer {key}"}
    with connection.cursor() as cursor:
        # no key refers to the table, so what an earlier key of the same number left may still be there
        cursor.execute("DELETE FROM api_bucket")
        cursor.execute("INSERT INTO api_bucket VALUES (%s, 1, clock_timestamp())", [ApiKey.objects.get().pk])
    statuses = []
    for _ in range(30):
        answer = Client().get("/api/v1/products", headers=headers)
        statuses.append(answer.status_code)
        if answer.status_code == 429:
            break
    assert statuses[0] == 200
    assert statuses[-1] == 429
    assert int(answer.headers["Retry-After"]) >= 1
