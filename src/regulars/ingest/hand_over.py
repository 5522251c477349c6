"""A history on another engine: handed over by this machine, or read by the engine from its own storage."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir

from regulars.analytics.purchases import CONTRACT, REQUIRED, History, Notice, Reading
from regulars.core.errors import ColumnProblem, FileProblem, InputError, OutputError, TooManyRejects
from regulars.core.i18n import gettext as _
from regulars.core.money import minor_digits
from regulars.ingest.convert import EARLIEST
from regulars.ingest.read import tomorrow
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
    # it is read again and again, so it lives as long as the engine; then it goes: it holds people's purchases
    place.live_as_long_as(engine, even_if_chosen=True)
    try:
        history.lines.to_parquet(target)
    except (OSError, duckdb.Error) as error:
        raise OutputError(
            _("The purchases cannot be handed over in {folder}: {reason}").format(
                folder=place.folder, reason=_first_line(error)
            )
        ) from error
    try:
        lines = engine.read_parquet(str(target))
    except Exception as error:  # the engine's own tree of errors
        raise InputError(
            _(
                "The cluster cannot read {file}: {reason}. Name a folder that all its machines see: --shared FOLDER."
            ).format(file=target, reason=_first_line(error))
        ) from error
    return History(lines, history.currency, history.reading)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def read_there(
    engine: ibis.BaseBackend,
    address: str,
    *,
    mapping: Mapping[str, str],
    currency: str,
    accept_rejects: bool = False,
    today: dt.date | None = None,
) -> History:
    """Parquet in the engine's own storage as a history; nothing is copied to this machine.

    The columns have the contract's names, or `mapping` names them (role -> column). Money is in currency units.
    Rows without an amount or with a moment that cannot be (before 1970, after `today`, none) are rejected; above 5 %
    of them `TooManyRejects` stops the reading, unless `accept_rejects`.
    """
    try:
        table = engine.read_parquet(address)
    except Exception as error:
        raise FileProblem(
            _("{file} cannot be read by the engine: {reason}").format(file=address, reason=_first_line(error))
        ) from error
    columns = {role: mapping.get(role, role) for role in CONTRACT}
    columns = {role: column for role, column in columns.items() if column in table.columns}
    _refuse_missing(table, columns, mapping, address)
    lines = table.select(**{role: _value(table[column], role, currency) for role, column in columns.items()})
    after = (today or tomorrow()) + dt.timedelta(days=1)
    possible = (lines.purchased_at >= _moment(EARLIEST)) & (lines.purchased_at < _moment(after))
    is_good = (possible & lines.amount.notnull()).fill_null(False)
    reading = _reading(lines.mutate(is_good=is_good), address, columns)
    if reading.rows_rejected > ACCEPTED_SHARE * reading.rows_read and not accept_rejects:
        raise TooManyRejects(
            _(
                "{file}: {bad} of {rows} rows have no moment or no amount that can be used. Mend them, name other "
                "columns with --map, or go on with --accept-rejects."
            ).format(file=address, bad=reading.rows_rejected, rows=reading.rows_read)
        )
    return History(lines.filter(is_good), currency, reading)


def _moment(day: dt.date) -> ir.TimestampScalar:
    moment: ir.TimestampScalar = ibis.literal(dt.datetime.combine(day, dt.time()))
    return moment


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
        units = column.cast("float64")
        # what is no number would become a zero on its way to an integer
        units = ibis.ifelse(units.isnan() | units.isinf(), ibis.null("float64"), units)
        minor = (units * 10 ** minor_digits(currency)).round().cast("int64")
        return minor.abs() if role == "discount" else minor
    if role == "customer_id":
        text = column.cast("string").strip()
        return text.nullif("")
    return column.cast(CONTRACT[role])


def _reading(lines: ir.Table, address: str, columns: Mapping[str, str]) -> Reading:
    counts = lines.aggregate(
        rows=lines.count(),
        bad=(~lines.is_good).sum(),
        unknown=(lines.customer_id.isnull() & lines.is_good).sum(),
        returns=((lines.amount < 0) & lines.is_good).sum(),
    )
    row = {name: int(value or 0) for name, value in counts.to_pyarrow().to_pylist()[0].items()}
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
