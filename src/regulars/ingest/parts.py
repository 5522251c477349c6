"""One converted table: where its rows are, and what the reader could not even cut into cells."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from regulars.analytics.purchases import CONTRACT
from regulars.core.i18n import gettext as _
from regulars.ingest.convert import TOTAL_ROW, Projector, Style
from regulars.ingest.csv_files import ERRORS, MOST_ERRORS, SCANS
from regulars.ingest.dialect import cells_of
from regulars.ingest.engine import Engine, literal, path_literal
from regulars.ingest.phones import is_normal_sql
from regulars.ingest.soundness import check_complete
from regulars.ingest.table import RawTable, cell

PARQUET = "(FORMAT parquet, COMPRESSION snappy, WRITE_BLOOM_FILTER false)"


@dataclass(frozen=True)
class BrokenLine:
    """A line with more or fewer cells than the table has columns."""

    line: int
    text: str


@dataclass(frozen=True)
class Part:
    """The rows of one table as the contract wants them, accepted and rejected together."""

    table: RawTable
    style: Style
    rows: str  # a query: contract columns, reject, value, raw, odd, line
    lines: str  # a query that is quick to scan: contract columns and file of the same rows
    condition: str  # what is true of those of them that are purchases
    columns: tuple[str, ...]  # the contract's columns among them
    plain: str | None = None  # `lines` without the tests of customers' keys, should all be as they are written
    has_rejects: bool = True  # until somebody has counted
    broken: tuple[BrokenLine, ...] = ()
    is_raw: bool = False  # nothing was copied or rejected: the cells of the file say as much as the lines
    copied: int = 0  # rows that were cut into cells
    broken_not_data: int = 0  # titles, totals and blank lines among the lines of another width


def convert(engine: Engine, table: RawTable, style: Style) -> Part:
    """Write the rows into the workspace. Parquet stays where it is, unless its telephone numbers must be rewritten."""
    if table.types:
        projector = Projector(table, style)
        lazy = Part(
            table,
            style,
            rows=projector.select(),
            lines=projector.select_quickly(),
            plain=projector.select_quickly(keys_as_written=True),
            condition=projector.condition(),
            columns=projector.columns_given(),
            is_raw=True,
        )
        if style.phones is None or _has_normal_phones(engine, table, style):
            return lazy
    return _with_broken(engine, _copy(engine, table, style))


def _has_normal_phones(engine: Engine, table: RawTable, style: Style) -> bool:
    assert style.phones is not None
    name = f"{cell(style.roles['customer_id'])}::VARCHAR"
    other = engine.rows(
        f"SELECT 1 FROM ({table.relation}) WHERE NOT {is_normal_sql(name, style.phones)} LIMIT 1", table.label
    )
    return not other


def _copy(engine: Engine, table: RawTable, style: Style) -> Part:
    for name in (ERRORS, SCANS):
        engine.rows(f"DROP TABLE IF EXISTS {name}")
    projector = Projector(table, style)
    target = engine.workspace.new_path("rows", ".parquet")
    label = _("Reading {file}").format(file=table.source.path.name)
    copied = engine.rows(f"COPY ({projector.select()}) TO {literal(str(target))} {PARQUET}", table.label, label)
    rows = stored(table, target)
    return Part(
        table,
        style,
        rows=rows,
        lines=rows,
        condition="reject IS NULL",
        columns=projector.columns_given(),
        copied=int(copied[0][0]),
    )


def _with_broken(engine: Engine, part: Part) -> Part:
    """Tell titles, totals and blank lines from purchases that lost a cell."""
    if part.table.text is None:
        return part
    rows = engine.rows(f"SELECT DISTINCT ON (line) line, csv_line FROM {ERRORS} ORDER BY line")
    if len(rows) < MOST_ERRORS:
        check_complete(part.table, part.copied, len(rows))
    broken = [BrokenLine(line, (text or "").strip("\r\n")) for line, text in rows]
    data = [each for each in broken if not _is_no_data(part.table, each.text)]
    return replace(part, broken=tuple(data), broken_not_data=len(broken) - len(data))


def _is_no_data(table: RawTable, text: str) -> bool:
    assert table.dialect is not None
    cells = [cell.strip() for cell in cells_of(text, table.dialect)]
    return not any(cells) or re.search(TOTAL_ROW, "\x1f".join(cells).casefold()) is not None


def stored(table: RawTable, target: Path) -> str:
    """The query of rows that were written into the workspace."""
    file = "" if table.members else f", {literal(str(table.source.path))} AS file"
    return f"SELECT *{file} FROM read_parquet({path_literal(target)}, hive_partitioning=false)"


def accepted(part: Part, columns: Sequence[str], *, extra: str = "") -> str:
    """The query of the rows that are purchases, with these columns of the contract; null where the part has none."""
    listed = [name if name in part.columns else f"NULL::{_SQL_TYPES[name]} AS {name}" for name in columns]
    # a condition on columns that nobody asks for makes every scan read them
    condition = f" WHERE {part.condition}" if part.has_rejects else ""
    return f"SELECT {', '.join(listed)}{extra} FROM ({part.lines}){condition}"


_SQL_TYPES = dict.fromkeys(CONTRACT, "VARCHAR") | {"quantity": "DOUBLE", "discount": "BIGINT", "cost": "BIGINT"}


def with_numbers(engine: Engine, part: Part, numbers: str) -> Part:
    """The part with the customers' numbers replaced: `numbers` names a table of `written` and `number`."""
    target = engine.workspace.new_path("numbers", ".parquet")
    exclude = "" if part.table.members else "EXCLUDE (file)"
    engine.rows(
        f"""COPY (SELECT r.* {exclude} REPLACE (coalesce(n.number, r.customer_id) AS customer_id)
        FROM ({part.rows}) r LEFT JOIN {numbers} n ON r.customer_id = n.written)
        TO {literal(str(target))} {PARQUET}""",
        part.table.label,
        _("Telephone numbers"),
    )
    return replace(part, rows=stored(part.table, target), lines=stored(part.table, target), plain=None, is_raw=False)
