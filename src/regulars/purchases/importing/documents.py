"""Documents that come one by one, as fiscal receipts and orders do, as the purchase contract's lines."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from regulars.analytics.purchases import History, connect
from regulars.foundation.models import Business

SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("purchased_at", pa.timestamp("us")),
        ("amount", pa.int64()),
        ("receipt_id", pa.string()),
        ("receipt_name", pa.string()),  # what makes the document unique everywhere
        ("product_id", pa.string()),
        ("product", pa.string()),
        ("category", pa.string()),
        ("quantity", pa.float64()),
        ("discount", pa.int64()),
        ("store", pa.string()),
        ("staff", pa.string()),
    ]
)
_BATCH = 50_000


def history_of(lines: Iterable[dict[str, Any]], folder: Path) -> History:
    """A history of these lines; missing columns are null."""
    backend = connect(memory_limit="2GB", spill_to=str(folder / "spill"))
    backend.create_table("documents", schema=None, obj=SCHEMA.empty_table())
    batch: list[dict[str, Any]] = []
    for line in lines:
        batch.append(line)
        if len(batch) >= _BATCH:
            backend.con.register("more", pa.Table.from_pylist(batch, SCHEMA))
            backend.con.execute("INSERT INTO documents SELECT * FROM more")
            batch = []
    backend.con.register("more", pa.Table.from_pylist(batch, SCHEMA))
    backend.con.execute("INSERT INTO documents SELECT * FROM more")
    backend.con.unregister("more")
    return History.of_table(backend.table("documents"), currency=Business.current().currency)
