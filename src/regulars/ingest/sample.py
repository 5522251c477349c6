"""Some rows of a table, as text, in a small DuckDB table: what guesses are made from."""

import itertools
from collections.abc import Sequence

import pyarrow as pa

from regulars.ingest.engine import Engine
from regulars.ingest.table import cell

_numbers = itertools.count(1)


def keep_sample(engine: Engine, rows: Sequence[Sequence[str | None]], width: int) -> str:
    """Store the rows, cut or filled up to `width` cells; returns the name of the table."""
    columns = [[row[position] if position < len(row) else None for row in rows] for position in range(width)]
    table = pa.table({cell(n): pa.array(column, pa.string()) for n, column in enumerate(columns)})
    name = f"rg_sample_{next(_numbers)}"
    engine.connection.register("rg_incoming", table)
    engine.rows(f"CREATE TEMP TABLE {name} AS SELECT * FROM rg_incoming")
    engine.connection.unregister("rg_incoming")
    return name
