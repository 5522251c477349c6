"""Rows of an engine in batches: however large the table is, the memory that it takes stays the same."""

import warnings
from collections.abc import Iterator

import ibis.expr.types as ir
import pyarrow as pa


def batches_of(table: ir.Table, *, rows_at_once: int) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The columns of `table`, and its rows in batches of at most `rows_at_once`."""
    reader = table.to_pyarrow_batches(chunk_size=rows_at_once)
    return reader.schema, _quietly(reader)


def _quietly(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    while True:
        # Ibis 12 calls what DuckDB 1.5 says is deprecated; nobody who sees the warning could act on it
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
        yield batch
