"""The limit of every import: COPY of the very same rows into tables of the same shape, and nothing else."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from bench.application.installation import Spent, clocked, sql

# what an import of purchases writes, in the order of its references
TABLES = ("customers_customer", "purchases_product", "purchases_receipt", "purchases_line")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Copied:
    """Seconds of COPY alone, with the indexes of the application and without any."""

    with_indexes: Spent
    bare: Spent


@contextmanager
def copies(folder: Path) -> Iterator[Copied]:
    """The rows of the application copied again; the tables with indexes stay until the block ends."""
    folder.mkdir(exist_ok=True)
    files = {table: _written(table, folder) for table in TABLES}
    try:
        bare = _all(_copied(table, files[table], "INCLUDING DEFAULTS") for table in TABLES)
        sql(*(f"DROP TABLE {copy_of(table)}" for table in TABLES))
        with_indexes = _all(_copied(table, files[table], "INCLUDING DEFAULTS INCLUDING INDEXES") for table in TABLES)
        for file in files.values():
            file.unlink()
        yield Copied(with_indexes, bare)
    finally:
        sql(*(f"DROP TABLE IF EXISTS {copy_of(table)}" for table in TABLES))


def copy_of(table: str) -> str:
    """What the table is called that takes the rows again."""
    return f"bench_{table}"


def _written(table: str, folder: Path) -> Path:
    file = folder / f"{table}.csv"
    with file.open("wb") as stream:
        for piece in out_of(f"SELECT * FROM {table}"):
            stream.write(piece)
    return file


def out_of(query: str) -> Iterator[bytes]:
    """The rows of a query as CSV."""
    with connection.cursor() as cursor, cursor.cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as source:
        for piece in source:
            yield bytes(piece)


def into(table: str, pieces: Iterable[bytes]) -> Spent:
    """Copy CSV into a table, as one transaction."""
    with (
        clocked() as spent,
        connection.cursor() as cursor,
        cursor.cursor.copy(f"COPY {table} FROM STDIN (FORMAT csv)") as target,
    ):
        for piece in pieces:
            target.write(piece)
    return spent


def _copied(table: str, file: Path, including: str) -> Spent:
    copy = copy_of(table)
    sql(f"DROP TABLE IF EXISTS {copy}", f"CREATE TABLE {copy} (LIKE {table} {including})", "CHECKPOINT")
    with file.open("rb") as stream:
        return into(copy, iter(lambda: stream.read(_CHUNK), b""))


def _all(parts: Iterable[Spent]) -> Spent:
    return sum(parts, Spent())
