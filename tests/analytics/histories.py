"""Small histories for tests: each row is one line of one receipt."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from hypothesis import strategies as st

from regulars.analytics.purchases import History
from regulars.analytics.rollup import Rollup, roll_up

TYPES = {
    "customer_id": pa.string(),
    "purchased_at": pa.timestamp("us"),
    "amount": pa.int64(),
    "receipt_id": pa.string(),
    "product_id": pa.string(),
    "product": pa.string(),
    "quantity": pa.float64(),
    "cost": pa.int64(),
}

START = dt.date(2024, 1, 1)


class Line(NamedTuple):
    """One line, with the optional columns that a test needs."""

    customer_id: str | None
    on: dt.date
    amount: int
    receipt_id: str = "1"
    more: dict[str, Any] = {}  # noqa: RUF012 - never written to


def day(number: int) -> dt.date:
    """The day `number` days after 1 January 2024."""
    return START + dt.timedelta(days=number)


def rolled(lines: Sequence[Line], *, as_of: dt.date | None = None) -> Rollup:
    """Roll up the lines as of their last day, or of `as_of`."""
    rows = [
        {
            "customer_id": line.customer_id,
            "purchased_at": dt.datetime.combine(line.on, dt.time(12)),
            "amount": line.amount,
            "receipt_id": line.receipt_id,
            **line.more,
        }
        for line in lines
    ]
    names = {name for row in rows for name in row}
    schema = pa.schema([(name, dtype) for name, dtype in TYPES.items() if name in names])
    table = ibis.memtable(pa.Table.from_pylist(rows, schema))
    return roll_up(History.of_table(table, currency="RUB"), as_of=as_of or max(line.on for line in lines))


def rows(table: ir.Table) -> list[dict[str, Any]]:
    """The rows of a small table, in an order that does not depend on the engine."""
    found: list[dict[str, Any]] = table.to_pyarrow().to_pylist()
    return sorted(found, key=lambda row: tuple(str(value) for value in row.values()))


def lines_of(
    *, most_days: int, customers: int = 6, at_least: int = 1, returns: bool = True
) -> st.SearchStrategy[list[Line]]:
    """Lists of lines of a few customers, unknown buyers and returns among them; one known purchase at least."""
    amounts = st.integers(-2_000 if returns else 1, 9_999)
    line = st.builds(
        Line,
        customer_id=st.sampled_from([None, *(f"c{i}" for i in range(customers))]),
        on=st.integers(0, most_days).map(day),
        amount=amounts,
        receipt_id=st.sampled_from(["1", "2"]),
        more=st.just({}),
    )
    sold = st.builds(
        Line,
        customer_id=st.just("c0"),
        on=st.integers(0, most_days).map(day),
        amount=st.integers(1, 9_999),
        more=st.just({}),
    )
    return st.tuples(sold, st.lists(line, min_size=at_least, max_size=40)).map(lambda pair: [pair[0], *pair[1]])
