"""Compute with numpy once per distinct tuple of numbers, and give every row its answer."""

from collections.abc import Callable, Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def with_computed(
    table: ir.Table, columns: Sequence[str], compute: Callable[..., dict[str, NDArray[np.generic]]]
) -> ir.Table:
    """`table` with the columns that `compute` returns, one value for each distinct tuple of `columns`.

    `compute` takes one float64 array per column and returns arrays of the same length by name; nan
    becomes null. The cost grows with the number of distinct tuples, not of rows.
    """
    # grouped, not `distinct()`: on Spark that has kept repeats of a projection
    counted = table.group_by(list(columns)).aggregate(n_rows=table.count())
    distinct = counted.order_by(list(columns)).to_pyarrow().select(list(columns))
    arrays = [np.asarray(distinct[name].to_numpy(), dtype=np.float64) for name in columns]
    for name, values in compute(*arrays).items():
        distinct = distinct.append_column(name, pa.array(values, from_pandas=True))
    joined = table.left_join(ibis.memtable(distinct), list(columns))
    return joined.drop(*[name for name in joined.columns if name.endswith("_right")])
