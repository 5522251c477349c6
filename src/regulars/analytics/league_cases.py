"""From tables of the engine to the cases and the groups of a league."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from regulars.analytics.findings import REPORTED_BELOW, Comparison
from regulars.analytics.leagues import FEWEST_CASES, MOST_CASES, Floats, Ints, Standing
from regulars.analytics.readable import Readable
from regulars.analytics.rollup import Rollup

MOST_LEVELS = 50  # of a covariate; rarer ones share one

CODES_A_NAME = 2  # more of them, and the name is the product

_BANDS = 6


@dataclass(frozen=True)
class Groups:
    """Groups of several dimensions over the same cases: who belongs where. `members` is cases x groups."""

    dimension: NDArray[np.str_]
    key: list[str]
    label: list[str]
    members: sparse.csr_matrix


def column_of(rollup: Rollup, dimension: str) -> str | None:
    """The column that names the things of a dimension; None when the history has none.

    A product is its code. Where many codes share a name, as sizes and makers of one kind do, it is the name: by code
    hardly any would be bought often enough to be compared.
    """
    if dimension != "product":
        return dimension if rollup.has(dimension) else None
    if rollup.has("product_id", "product"):
        lines = rollup.lines
        row = lines.aggregate(codes=lines.product_id.nunique(), names=lines["product"].nunique()).to_pyarrow()
        codes, shown = row["codes"][0].as_py(), row["names"][0].as_py()
        return "product" if 0 < shown * CODES_A_NAME < codes else "product_id"
    return next((column for column in ("product_id", "product") if rollup.has(column)), None)


def every_nth(cases: int, most: int = MOST_CASES) -> int:
    """Which customers of a large base are looked at: those whose number it divides."""
    return max(1, math.ceil(cases / most))


def levels(values: pa.ChunkedArray | pa.Array) -> Ints:
    """Codes of a covariate with names, the same whatever the row order; nothing known is a level of its own."""
    names, code = _coded(values)
    # what is not known comes before any name
    code += 1
    count = np.bincount(code, minlength=len(names) + 1)
    rank = np.empty(count.size, dtype=np.int64)
    rank[np.lexsort((np.arange(count.size), -count))] = np.minimum(np.arange(count.size), MOST_LEVELS)
    found: Ints = rank[code]
    return found


def _coded(values: pa.ChunkedArray | pa.Array) -> tuple[list[str], Ints]:
    """The names in order, and the place of each value's name in them; -1 for null.

    Not by numpy: its arrays of text take the longest name's room for each value.
    """
    joined = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    coded = joined.dictionary_encode()
    names = [str(name) for name in coded.dictionary.to_pylist()]
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.empty(len(names) + 1, dtype=np.int64)
    place[order] = np.arange(len(names))
    place[-1] = -1
    found: Ints = place[coded.indices.fill_null(-1).to_numpy().astype(np.int64)]
    return [names[at] for at in order], found


def bands(values: Floats, count: int = _BANDS) -> Ints:
    """Codes of a covariate with numbers: bands of about equally many; equal numbers share a band."""
    if not values.size:
        return np.zeros(0, dtype=np.int64)
    edges = np.unique(np.quantile(values, np.arange(1, count) / count))
    found: Ints = np.searchsorted(edges, values, side="left").astype(np.int64)
    return found


def steps(values: Floats, edges: Sequence[float]) -> Ints:
    """Codes of a covariate with numbers: the bands between these edges, each of which ends its band."""
    found: Ints = np.searchsorted(np.array(edges), values, side="left").astype(np.int64)
    return found


def groups_of(dimension: str, pairs: ir.Table, numbers: Ints) -> Groups:
    """The groups of one dimension from `pairs` of case and group.

    `pairs` has `number` (of the case), `key` and `label`, each pair once; `numbers` are those of the cases, in
    order. Groups with fewer than 30 cases are left out.
    """
    pairs = pairs.filter(pairs.key.notnull())
    counted = pairs.group_by("key").aggregate(cases=pairs.count(), label=pairs.label.max())
    large = counted.filter(counted.cases >= FEWEST_CASES).order_by("key").to_pyarrow()
    keys = large["key"].to_pylist()
    if not keys:
        return Groups(np.array([], dtype=str), [], [], sparse.csr_matrix((numbers.size, 0)))
    coded = ibis.memtable(pa.table({"key": keys, "code": np.arange(len(keys))}))
    found = pairs.inner_join(coded, "key").select("number", "code").to_pyarrow()
    number, code = (found[name].to_numpy() for name in ("number", "code"))
    rows = np.searchsorted(numbers, number)
    members = sparse.csr_matrix((np.ones(rows.size), (rows, code)), shape=(numbers.size, len(keys)))
    return Groups(np.array([dimension] * len(keys)), keys, large["label"].to_pylist(), members)


def groups_by(dimension: str, names: pa.ChunkedArray) -> Groups:
    """The groups of one dimension from the name of each case's group; null is in none, small groups are left out."""
    keys, every = _coded(names)
    known = np.flatnonzero(every >= 0)
    code = every[known]
    count = np.bincount(code, minlength=len(keys))
    place = np.cumsum(count >= FEWEST_CASES) - 1
    large = (count >= FEWEST_CASES)[code]
    kept = [key for key, n in zip(keys, count.tolist(), strict=True) if n >= FEWEST_CASES]
    cells = (np.ones(int(large.sum())), (known[large], place[code[large]]))
    members = sparse.csr_matrix(cells, shape=(len(names), len(kept)))
    return Groups(np.array([dimension] * len(kept), dtype=str), kept, kept, members)


def joined(parts: Sequence[Groups]) -> Groups:
    """Groups of several dimensions as one."""
    return Groups(
        np.concatenate([part.dimension for part in parts]),
        [key for part in parts for key in part.key],
        [label for part in parts for label in part.label],
        sparse.hstack([part.members for part in parts], format="csr"),
    )


@dataclass(frozen=True, repr=False)
class Row(Readable):
    """A group's final standing."""

    dimension: str
    key: str
    label: str
    cases: int
    returned: int
    share: float  # returned / cases
    expected: float | None  # the share of comparable cases
    difference: float | None  # share - expected, drawn towards zero
    low: float | None
    high: float | None
    variance: float | None  # of the difference before it was drawn
    raw_difference: float | None
    p_value: float | None
    q_value: float | None
    reported: bool


ROW_SCHEMA = pa.schema(
    [
        ("dimension", pa.string()),
        ("key", pa.string()),
        ("label", pa.string()),
        ("cases", pa.int64()),
        ("returned", pa.int64()),
        *[(name, pa.float64()) for name in ("share", "expected", "difference", "low", "high", "variance")],
        *[(name, pa.float64()) for name in ("raw_difference", "p_value", "q_value")],
        ("reported", pa.bool_()),
    ]
)


def rows_of(groups: Groups, standing: Standing) -> list[Row]:
    """One row per group, in the order of the league."""
    found = standing.compared
    shares = found.returned / np.maximum(found.cases, 1)
    columns: dict[str, Floats] = {
        "expected": np.clip(shares - found.difference, 0, 1),
        "difference": standing.difference,
        "low": standing.low,
        "high": standing.high,
        "variance": found.variance,
        "raw_difference": found.difference,
        "p_value": standing.p_value,
        "q_value": standing.q_value,
    }
    return [
        Row(
            dimension=str(groups.dimension[i]),
            key=groups.key[i],
            label=groups.label[i],
            cases=int(found.cases[i]),
            returned=int(found.returned[i]),
            share=float(shares[i]),
            reported=i in standing.reported,
            **{name: None if math.isnan(column[i]) else float(column[i]) for name, column in columns.items()},
        )
        for i in range(len(groups.key))
    ]


def comparisons(analysis: str, rows: Sequence[Row]) -> tuple[Comparison, ...]:
    """How much was compared in each dimension."""
    found = []
    for name in dict.fromkeys(row.dimension for row in rows):
        mine = [row for row in rows if row.dimension == name and row.p_value is not None]
        small = sum(row.p_value is not None and row.p_value < REPORTED_BELOW for row in mine)
        found.append(Comparison(f"{analysis}:{name}", len(mine), small, sum(row.reported for row in mine)))
    return tuple(found)


def as_table(rows: Sequence[Row]) -> ir.Table:
    """The rows as a result table."""
    return ibis.memtable(pa.Table.from_pylist([vars(row) for row in rows], ROW_SCHEMA))
