"""Histories with any column of the purchase contract, on any kind of Ibis table."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from regulars.analytics.purchases import CONTRACT, History, connect
from regulars.analytics.rollup import Rollup, roll_up

START = dt.date(2024, 1, 1)

Row = Mapping[str, Any]


def day(number: int) -> dt.date:
    """The day `number` days after 1 January 2024."""
    return START + dt.timedelta(days=number)


def noon(number: int) -> dt.datetime:
    """Noon of that day."""
    return dt.datetime.combine(day(number), dt.time(12))


def bought(customer: str | None, number: int, amount: int = 100, **columns: Any) -> Row:
    """One line at noon of day `number`; `columns` may replace the moment."""
    return {"customer_id": customer, "purchased_at": noon(number), "amount": amount, **columns}


def visits(customer: str, *days: int, amount: int = 100) -> list[Row]:
    """One line of `amount` on each of the days."""
    return [bought(customer, number, amount) for number in days]


def as_table(rows: Iterable[Row]) -> pa.Table:
    """The rows in the types of the contract, with the columns that any of them has."""
    rows = list(rows)
    names = {name for row in rows for name in row} | {"customer_id", "purchased_at", "amount"}
    return pa.Table.from_pylist(
        rows, pa.schema([(name, CONTRACT[name].to_pyarrow()) for name in CONTRACT if name in names])
    )


def in_duckdb(table: pa.Table) -> ir.Table:
    """The table in a DuckDB of its own."""
    connection = connect()
    connection.create_table("lines", table)
    return connection.table("lines")


def history(rows: Iterable[Row] | pa.Table, *, currency: str = "RUB") -> History:
    """A history in a DuckDB of its own."""
    return History.of_table(in_duckdb(rows if isinstance(rows, pa.Table) else as_table(rows)), currency=currency)


def rolled(rows: Iterable[Row] | pa.Table, *, as_of: int) -> Rollup:
    """The rollup of the rows at the end of day `as_of`."""
    return roll_up(history(rows), as_of=day(as_of))


def records(table: ir.Table, *keys: str) -> list[dict[str, Any]]:
    """The rows of a table, ordered by `keys` or else by all columns."""
    found: list[dict[str, Any]] = table.to_pyarrow().to_pylist()
    return sorted(found, key=lambda row: tuple(str(row[key]) for key in (keys or table.columns)))


def by_customer(table: ir.Table) -> dict[str, dict[str, Any]]:
    """The rows of a table by `customer_id`."""
    return {row.pop("customer_id"): row for row in table.to_pyarrow().to_pylist()}


def memory_table(rows: Iterable[Row]) -> ir.Table:
    """The rows as an Ibis table in memory, bound to no engine."""
    return ibis.memtable(as_table(rows))
