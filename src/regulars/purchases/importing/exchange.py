"""Rows between DuckDB, which reads the files, and PostgreSQL, which keeps them: CSV streams through COPY.

Everything goes over the one connection of Django, so an import is one transaction whatever moves in it.
"""

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
from django.db import connection

from regulars.core.progress import Progress, Silent
from regulars.ingest.engine import literal

_CHUNK = 1 << 20
_LOOK_SECONDS = 0.02
_FORMAT = "FORMAT csv, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULL ''"


def push(
    source: duckdb.DuckDBPyConnection,
    query: str,
    table: str,
    columns: Sequence[str],
    *,
    texts: Sequence[str] = (),
    folder: Path,
    progress: Progress | None = None,
    label: str = "",
    rows: int | None = None,
) -> None:
    """Copy the rows of a DuckDB query into a table of PostgreSQL. `texts` are columns where "" is not null.

    While PostgreSQL takes one piece, DuckDB makes the next. `rows` are how many there will be, for the progress.
    """
    file = folder / f"{table}.csv"
    told, done = progress or Silent(), 0
    copy = f"COPY {table} ({', '.join(columns)}) FROM STDIN ({_FORMAT})"
    with (
        closing(_pieces(source, query, texts, file)) as pieces,
        connection.cursor() as cursor,
        # COPY is not Django's own: a receipt that was recorded meanwhile is an `IntegrityError` all the same
        connection.wrap_database_errors,
        cursor.cursor.copy(copy) as target,
    ):
        for piece in pieces:
            target.write(piece)
            done += piece.count(b"\n")
            told.step(label, min(done, rows or done), rows)
    file.unlink()


def _pieces(source: duckdb.DuckDBPyConnection, query: str, texts: Sequence[str], file: Path) -> Generator[bytes]:
    """The rows as CSV, read from the file while it is still being written."""
    quoted = f", FORCE_QUOTE ({', '.join(texts)})" if texts else ""
    form = f"FORMAT csv, HEADER false, DELIMITER ','{quoted}, USE_TMP_FILE false"
    file.touch()
    with ThreadPoolExecutor(1) as pool, file.open("rb") as stream:
        writing = pool.submit(source.execute, f"COPY ({query}) TO {literal(str(file))} ({form})")
        try:
            is_whole = False
            while not is_whole:
                is_whole = writing.done()
                while piece := stream.read(_CHUNK):
                    yield piece
                wait([writing], _LOOK_SECONDS)
        finally:
            # the reader failed: nobody needs the rest
            if not writing.done():
                source.interrupt()
        writing.result()


def pull(
    target: duckdb.DuckDBPyConnection,
    query: str,
    table: str,
    columns: dict[str, str],
    *,
    folder: Path,
    parameters: Sequence[Any] = (),
) -> None:
    """Make a DuckDB table of the rows of a PostgreSQL query; `columns` are their names and types."""
    file = folder / f"{table}.pulled.csv"
    copy = f"COPY ({query}) TO STDOUT ({_FORMAT})"
    with connection.cursor() as cursor, file.open("wb") as stream, cursor.cursor.copy(copy, parameters) as source:
        for piece in source:
            stream.write(piece)
    listed = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns.items())
    target.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM read_csv({literal(str(file))}, header=false, "
        f"columns={{{listed}}}, delim=',', quote='\"', escape='\"', nullstr='', auto_detect=false)"
    )
    file.unlink()


@contextmanager
def trusted_rows() -> Iterator[None]:
    """Load rows whose references were resolved a moment ago without looking each of them up again.

    The look-up costs five times the loading itself. Only a superuser, or who was granted it, may leave it out; for
    others the block is slower and no less right.
    """
    may = may_trust()
    execute("SET LOCAL session_replication_role = replica" if may else "SET CONSTRAINTS ALL IMMEDIATE")
    yield
    if may:
        execute("SET LOCAL session_replication_role = origin")


def may_trust() -> bool:
    """Whether `trusted_rows` saves anything here."""
    return bool(value("SELECT has_parameter_privilege('session_replication_role', 'SET')"))


def execute(sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> int:
    """Run one statement; how many rows it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return int(cursor.rowcount)


def value(sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> Any:
    """The one value that a statement gives."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        row = cursor.fetchone()
    return row[0] if row else None
