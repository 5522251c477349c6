"""A history on another engine: handed over by this machine, or read by the engine from its own storage."""

from collections.abc import Mapping
from pathlib import Path

import ibis
import ibis.expr.types as ir

from regulars.analytics.purchases import CONTRACT, REQUIRED, History, Notice, Reading
from regulars.core.errors import ColumnProblem, FileProblem, TooManyRejects
from regulars.core.i18n import gettext as _
from regulars.core.money import minor_digits
from regulars.ingest.rejects import ACCEPTED_SHARE
from regulars.ingest.workspace import Workspace

_MONEY = ("amount", "discount", "cost")


def is_address(source: str) -> bool:
    """Whether a source is in the engine's own storage: `hdfs://`, `s3a://`, `gs://`, `abfss://`, `file:///`."""
    return "://" in source


def hand_over(history: History, engine: ibis.BaseBackend, shared: Path | None) -> History:
    """The same history on `engine`, through one Parquet file in `shared`, a folder that every worker sees.

    Without `shared` a temporary folder serves, which only a cluster on this machine can see.
    """
    place = Workspace(shared)
    target = place.new_path("purchases", ".parquet")
    history.lines.to_parquet(target)
    # tables of the engine read the file again and again: it lives as long as the engine
    place.live_as_long_as(engine)
    return History(engine.read_parquet(str(target)), history.currency, history.reading)


def read_there(engine: ibis.BaseBackend, address: str, *, mapping: Mapping[str, str], currency: str) -> History:
    """Parquet in the engine's own storage as a history; nothing is copied to this machine.

    The columns have the contract's names, or `mapping` names them (role -> column). Money is in currency units.
    Rows without a moment or an amount are rejected; above 5 % of them `TooManyRejects` stops the reading.
    """
    try:
        table = engine.read_parquet(address)
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise FileProblem(
            _("{file} cannot be read by the engine: {reason}").format(file=address, reason=reason)
        ) from error
    columns = {role: mapping.get(role, role) for role in CONTRACT}
    columns = {role: column for role, column in columns.items() if column in table.columns}
    _refuse_missing(table, columns, mapping, address)
    lines = table.select(**{role: _value(table[column], role, currency) for role, column in columns.items()})
    good = lines.filter(lines.purchased_at.notnull() & lines.amount.notnull())
    return History(good, currency, _reading(lines, address, columns))


def _refuse_missing(table: ir.Table, columns: Mapping[str, str], mapping: Mapping[str, str], address: str) -> None:
    missing = [role for role in (*REQUIRED, *mapping) if role not in columns]
    if missing:
        raise ColumnProblem(
            _("{file} has no column for {missing}. It has: {columns}. Name them: --map {role}=COLUMN.").format(
                file=address, missing=", ".join(missing), columns=", ".join(table.columns), role=missing[0]
            )
        )


def _value(column: ir.Column, role: str, currency: str) -> ir.Column:
    if role in _MONEY:
        minor = (column.cast("float64") * 10 ** minor_digits(currency)).round().cast("int64")
        return minor.abs() if role == "discount" else minor
    if role == "customer_id":
        text = column.cast("string").strip()
        return text.nullif("")
    return column.cast(CONTRACT[role])


def _reading(lines: ir.Table, address: str, columns: Mapping[str, str]) -> Reading:
    counts = lines.aggregate(
        rows=lines.count(),
        bad=(lines.purchased_at.isnull() | lines.amount.isnull()).sum(),
        unknown=(lines.customer_id.isnull() & lines.purchased_at.notnull() & lines.amount.notnull()).sum(),
        returns=(lines.amount < 0).sum(),
    )
    row = {name: int(value or 0) for name, value in counts.to_pyarrow().to_pylist()[0].items()}
    if row["bad"] > ACCEPTED_SHARE * row["rows"]:
        raise TooManyRejects(
            _(
                "{file}: {bad} of {rows} rows have no moment or no amount that can be read. Mend them, or name other "
                "columns with --map."
            ).format(file=address, bad=row["bad"], rows=row["rows"])
        )
    notices = (Notice("returns", row["returns"]),) if row["returns"] else ()
    return Reading(
        (address,),
        row["rows"],
        row["rows"] - row["bad"],
        row["bad"],
        0,
        row["unknown"],
        notices=notices,
        columns=dict(columns),
    )
