"""The rows of one import inside DuckDB: lines, the receipts that they make, and the names that they mention."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from regulars.analytics.purchases import CONTRACT, History
from regulars.purchases.keys import key_sql

_TYPES = dict.fromkeys(CONTRACT, "VARCHAR") | {"quantity": "DOUBLE", "discount": "BIGINT", "cost": "BIGINT"}
_TEXTS = ("receipt_id", "product_id", "product", "category", "store", "staff", "channel", "promotion", "customer_id")

# longer keys are cut, and their digest keeps them apart
_LONGEST_KEY = 200


@dataclass(frozen=True)
class Stage:
    """Tables `st_lines`, `st_receipts`, `st_products`, `st_stores`, `st_sellers`, `st_customers`."""

    connection: duckdb.DuckDBPyConnection
    folder: Path

    def value(self, sql: str) -> Any:
        """The one value that a statement gives."""
        row = self.connection.execute(sql).fetchone()
        return row[0] if row else None


def stage(history: History, folder: Path) -> Stage:
    """Split a history into what PostgreSQL keeps apart."""
    backend = history.lines.get_backend()
    connection = backend.con
    made = Stage(connection, folder)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE st_lines AS {_lines(history, backend)}")
    connection.execute(_PRODUCTS)
    connection.execute(_names("st_stores", "store"))
    connection.execute(_receipts())
    connection.execute(_names("st_sellers", "staff", "st_receipts"))
    connection.execute(_names("st_customers", "customer_id", "st_receipts"))
    return made


def _lines(history: History, backend: Any) -> str:
    """The contract with every column, clean texts, and what tells the receipts apart."""
    have = history.lines.columns
    names = [*CONTRACT, "receipt_name"]
    columns = ", ".join(
        _clean(name) if name in have else f"NULL::{_TYPES.get(name, 'VARCHAR')} AS {name}" for name in names
    )
    source = backend.compile(history.lines)
    return f"""SELECT {_GROUP} AS k, *, {key_cut("coalesce(product_id, product)")} AS code
        FROM (SELECT {columns} FROM ({source}))"""


# lines of one receipt find each other by this within one import; the digest that lasts is made once for a receipt,
# because making it for each line would cost a third of all the sorting
_GROUP = """CASE WHEN receipt_name IS NOT NULL THEN hash(receipt_name)
    WHEN receipt_id IS NULL THEN hash(purchased_at, store, customer_id)
    ELSE hash(purchased_at::DATE, store, receipt_id, customer_id) END"""


def _clean(name: str) -> str:
    """PostgreSQL keeps no zero byte; an empty text is none."""
    if name not in _TEXTS:
        return name
    return f"nullif(CASE WHEN contains({name}, chr(0)) THEN replace({name}, chr(0), '') ELSE {name} END, '') AS {name}"


def key_cut(text: str) -> str:
    """A key as it is kept: cut, where it is longer."""
    return f"""CASE WHEN length({text}) > {_LONGEST_KEY}
        THEN left({text}, {_LONGEST_KEY - 33}) || '-' || md5({text}) ELSE {text} END"""


_PRODUCTS = """CREATE OR REPLACE TEMP TABLE st_products AS
    SELECT row_number() OVER () AS n, code, left(coalesce(max(product), code), 500) AS name,
        left(coalesce(max(category), ''), 200) AS category
    FROM st_lines WHERE code IS NOT NULL GROUP BY code"""


def _names(table: str, column: str, source: str = "st_lines") -> str:
    return f"""CREATE OR REPLACE TEMP TABLE {table} AS SELECT row_number() OVER () AS n, {column} AS written,
        {key_cut(column)} AS name FROM (SELECT DISTINCT {column} FROM {source} WHERE {column} IS NOT NULL)"""


def _receipts() -> str:
    # a receipt that two people served counts for one of them, as in the rollup of the audit
    return f"""CREATE OR REPLACE TEMP TABLE st_receipts AS
        SELECT *, receipt_id AS number, purchased_at AS moment, md5({key_sql()}) AS key FROM (
            SELECT k, min(purchased_at) AS purchased_at, sum(amount)::BIGINT AS amount,
                any_value(customer_id) AS customer_id, any_value(store) AS store, max(staff) AS staff,
                max(channel) AS channel, any_value(receipt_id) AS receipt_id,
                any_value(receipt_name) AS receipt_name, count(*) AS lines
            FROM st_lines GROUP BY k)"""
