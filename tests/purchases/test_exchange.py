"""Rows move between DuckDB and PostgreSQL while both are at work; what one of them refuses is an error of the other."""

from pathlib import Path

import duckdb
import pytest
from django.db import IntegrityError, connection, transaction

from regulars.purchases.importing.exchange import execute, pull, push, value

pytestmark = pytest.mark.django_db
ROWS = 300_000  # several pieces of the stream


class Told:
    def __init__(self) -> None:
        self.steps: list[tuple[int | None, int | None]] = []

    def step(self, label: str, done: int | None, total: int | None) -> None:  # noqa: ARG002
        self.steps.append((done, total))


def test_rows_arrive_in_pieces_and_come_back(tmp_path: Path) -> None:
    duck, told = duckdb.connect(), Told()
    execute("CREATE TEMP TABLE taken (n bigint, word text)")
    query = f"SELECT i AS n, CASE WHEN i % 3 = 0 THEN '' ELSE 'say \"' || i || '\"' END AS word FROM range({ROWS}) t(i)"
    push(duck, query, "taken", ("n", "word"), texts=("word",), folder=tmp_path, progress=told, rows=ROWS)
    assert len(told.steps) > 1
    assert told.steps[-1] == (ROWS, ROWS)
    pull(duck, "SELECT * FROM taken", "back", {"n": "BIGINT", "word": "VARCHAR"}, folder=tmp_path)
    assert duck.execute("SELECT count(*), sum(n), max(word) FROM back").fetchone() == (
        ROWS, ROWS * (ROWS - 1) // 2, 'say "99998"',
    )  # fmt: skip
    assert not list(tmp_path.iterdir())


def test_what_postgresql_refuses_ends_the_work_of_the_engine(tmp_path: Path) -> None:
    duck = duckdb.connect()
    execute("CREATE TEMP TABLE strict (n bigint CHECK (n <> 1000))")
    with pytest.raises(IntegrityError), transaction.atomic():
        push(duck, f"SELECT i FROM range({ROWS}) t(i)", "strict", ("n",), folder=tmp_path)
    # both are free for the next
    assert duck.execute("SELECT 1").fetchone() == (1,)
    assert value("SELECT count(*) FROM strict") == 0


def test_what_the_engine_refuses_leaves_nothing(tmp_path: Path) -> None:
    execute("CREATE TEMP TABLE empty (n bigint)")
    with pytest.raises(duckdb.Error), transaction.atomic():
        query = f"SELECT CASE WHEN i = {ROWS - 1} THEN error('broken') ELSE i END FROM range({ROWS}) t(i)"
        push(duckdb.connect(), query, "empty", ("n",), folder=tmp_path)
    assert connection.is_usable()
    assert value("SELECT count(*) FROM empty") == 0
