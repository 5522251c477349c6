"""The ground of the analyses of reasons, by hand: a window and states that the test chooses."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import ibis

from regulars.analytics.findings import Ground
from regulars.analytics.lifecycle import Lifecycle
from regulars.analytics.rhythm import Rhythm
from tests.analytics.purchase_rows import Row, rolled


class _States:
    """As much of a lifecycle as the analyses read."""

    def __init__(self, customers: Any) -> None:
        self.customers = customers


def ground_of(
    rows: Iterable[Row],
    *,
    as_of: int,
    window_days: int = 30,
    states: Mapping[str, str] | None = None,
    values: Mapping[str, int] | None = None,
) -> Ground:
    """Customers are regular, and expected to bring nothing that is known, unless said otherwise."""
    rollup = rolled(rows, as_of=as_of)
    known = rollup.customers.select("customer_id").to_pyarrow()["customer_id"].to_pylist()
    said = {"customer_id": known, "state": [(states or {}).get(one, "regular") for one in known]}
    expected = {"customer_id": known, "expected_value_12": [(values or {}).get(one) for one in known]}
    return Ground(
        rollup=rollup,
        window_days=window_days,
        lifecycle=cast(Lifecycle, _States(_table(said, {"customer_id": "string", "state": "string"}))),
        rhythm=Rhythm(1.0, 30.0, 1.0, 100.0),
        values=_table(expected, {"customer_id": "string", "expected_value_12": "int64"}),
        margin_share=None,
    )


def _table(columns: Mapping[str, list[Any]], schema: Mapping[str, str]) -> Any:
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return ibis.memtable(rows, schema=dict(schema))
