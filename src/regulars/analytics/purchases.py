"""The purchase contract: what a history must look like before any analysis may touch it.

One row is one line of one receipt. Everything in `regulars.analytics` takes this and nothing else.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import ibis
import ibis.expr.datatypes as types
import ibis.expr.types as ir

from regulars.core.errors import ColumnProblem, NotEnoughData
from regulars.core.i18n import said as _

REQUIRED: Mapping[str, types.DataType] = MappingProxyType(
    {
        # null where the buyer is unknown: such lines count in revenue and nowhere else
        "customer_id": types.string,
        # the shop's own wall clock, without a zone: "Tuesday evening" is the shop's evening
        "purchased_at": types.Timestamp(),
        # net money of the line after discount, in minor units; negative for a return
        "amount": types.int64,
    }
)

OPTIONAL: Mapping[str, types.DataType] = MappingProxyType(
    {
        "receipt_id": types.string,
        "product_id": types.string,
        "product": types.string,
        "category": types.string,
        "quantity": types.float64,
        "discount": types.int64,  # minor units taken off this line, never negative
        "cost": types.int64,  # minor units this whole line cost the business
        "store": types.string,
        "staff": types.string,
        "channel": types.string,
        "promotion": types.string,
    }
)

CONTRACT: Mapping[str, types.DataType] = MappingProxyType({**REQUIRED, **OPTIONAL})


@dataclass(frozen=True)
class Notice:
    """Something about the input that a person should know: how many rows, and one real example."""

    kind: str  # a stable id, such as "returns" or "extreme_quantities"
    rows: int
    example: str | None = None
    estimated: bool = False  # counted on a sample, because counting every row would take too long


@dataclass(frozen=True)
class Reading:
    """What happened to the rows of the files on their way into the history.

    `rows_read` = `rows_accepted` + `rows_rejected` + `rows_repeated`. `notices` count rows that were
    accepted and still deserve a word; one row may be counted in several of them.
    """

    files: tuple[str, ...]
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    rows_repeated: int  # identical to a line that another file of the same reading already gave
    rows_without_customer: int
    notices: tuple[Notice, ...] = ()
    reject_reasons: Mapping[str, int] = field(default_factory=dict)
    rejects_file: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)  # role -> heading in the file

    @classmethod
    def of_table(cls, lines: ir.Table) -> "Reading":
        """The reading of a table that needs no cleaning: every row is accepted."""
        counts = lines.aggregate(rows=lines.count(), unknown=lines.customer_id.isnull().sum()).to_pyarrow().to_pylist()
        rows, unknown = int(counts[0]["rows"]), int(counts[0]["unknown"] or 0)
        return cls((), rows, rows, 0, 0, unknown)


@dataclass(frozen=True)
class History:
    """A purchase history that keeps the contract: the only thing that analyses accept.

    `lines` is lazy: it may be a Parquet scan, a DuckDB table or a table of a Spark cluster.
    """

    lines: ir.Table
    currency: str
    reading: Reading

    @classmethod
    def of_table(cls, lines: ir.Table, *, currency: str) -> "History":
        """Take an Ibis table that keeps the contract; `ColumnProblem` says where it does not."""
        check_contract(lines)
        return cls(lines, currency, Reading.of_table(lines))

    def has(self, *columns: str) -> bool:
        """Whether the history carries all of these optional columns."""
        return all(column in self.lines.columns for column in columns)

    def span(self) -> tuple[dt.date, dt.date] | None:
        """The first and the last day with a line; None when there is no line."""
        # of the moments, not of their days: an engine knows the bounds of a stored column without a scan
        moment = self.lines.purchased_at
        row = self.lines.aggregate(first=moment.min(), last=moment.max()).to_pyarrow().to_pylist()[0]
        return (row["first"].date(), row["last"].date()) if row["first"] is not None else None

    @property
    def last_day(self) -> dt.date:
        """The last day with a line: the usual `as_of`. `NotEnoughData` when there is no line."""
        span = self.span()
        if span is None:
            raise NotEnoughData(_("There are no purchases at all."))
        return span[1]

    def __repr__(self) -> str:
        reading = self.reading
        return (
            f"History({reading.rows_accepted:,} lines of {reading.rows_read:,} read, {self.currency}, "
            f"columns: {', '.join(self.lines.columns)})"
        )


def check_contract(lines: ir.Table) -> None:
    """Raise `ColumnProblem` unless `lines` has the required columns and every column has its type."""
    missing = [name for name in REQUIRED if name not in lines.columns]
    if missing:
        raise ColumnProblem(
            _("The table has no column {missing}. It has: {columns}.").format(
                missing=", ".join(missing), columns=", ".join(lines.columns)
            )
        )
    for name, dtype in lines.schema().items():
        expected = CONTRACT.get(name)
        if expected is not None and not _same_kind(dtype, expected):
            raise ColumnProblem(
                _("Column {name} must be {expected}, not {dtype}.").format(name=name, expected=expected, dtype=dtype)
            )


def _same_kind(dtype: types.DataType, expected: types.DataType) -> bool:
    if expected.is_timestamp():
        # a zone would be a second truth beside the shop's wall clock
        return isinstance(dtype, types.Timestamp) and dtype.timezone is None
    if expected.is_floating():
        return bool(dtype.is_floating())
    return bool(dtype.copy(nullable=True) == expected)


# the engine goes above its own limit at times, and Python with what it fetches comes besides
_SHARE_OF_ENGINE = 0.45


def connect(*, memory_limit: str = "4GB", spill_to: str | None = None) -> ibis.BaseBackend:
    """An in-process DuckDB for a process that shall stay near `memory_limit`; it spills to the folder `spill_to`.

    The engine takes a little less than half of the limit for itself. Tables built on the way live in memory first:
    writing them to a DuckDB file costs three times the aggregation itself. Row order is not kept, because no analysis
    may depend on it.
    """
    connection = ibis.duckdb.connect()
    row = connection.con.execute("SELECT parse_formatted_bytes(?)", [memory_limit]).fetchall()[0]
    engine_limit = f"{row[0] * _SHARE_OF_ENGINE:.0f}B"
    settings = {"memory_limit": engine_limit, "preserve_insertion_order": "false", "TimeZone": "UTC"}
    if spill_to is not None:
        settings["temp_directory"] = spill_to
    for name, value in settings.items():
        escaped = value.replace("'", "''")
        connection.raw_sql(f"SET {name} = '{escaped}'")
    return connection
