"""Jobs that a killed worker has left: none is lost, and none stands in the way of the next one of its kind."""

import asyncio
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.foundation.jobs import take_stalled_jobs_again

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_others() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs CASCADE")


def left(*locks: str) -> None:
    """Jobs with these locks, at which a worker was that is gone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '5 minutes') RETURNING id"
        )
        (worker,) = cursor.fetchone()
        for lock in locks:
            put(lock, "doing", worker)


def put(lock: str, status: str = "todo", worker: int | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, status, worker_id)
            VALUES ('default', %s, %s, %s, %s, %s)""",
            [lock, lock, lock, status, worker],
        )


def look() -> None:
    async def inside() -> None:
        connector = app.connector.get_worker_connector()  # type: ignore[attr-defined]
        with app.replace_connector(connector) as replaced:
            async with replaced.open_async():
                await take_stalled_jobs_again(Mock(app=replaced), timestamp=0)

    asyncio.run(inside())


def jobs() -> list[Any]:
    return sorted(ProcrastinateJob.objects.values_list("task_name", "status"))


def test_one_whose_next_waits_already_gives_way_and_holds_up_no_other() -> None:
    left("tiers", "exports")
    put("tiers")
    look()
    assert jobs() == [("exports", "todo"), ("tiers", "todo")]


def test_two_that_were_left_of_one_kind_become_one() -> None:
    left("exports")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET lock = NULL")
    left("exports")
    look()
    assert jobs() == [("exports", "todo")]
