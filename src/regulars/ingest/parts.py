"""One converted table: where its rows are, and what the reader could not even cut into cells."""

from dataclasses import dataclass, replace

from regulars.ingest.convert import NOT_DATA, TOTAL_ROW, Projector, Style
from regulars.ingest.csv_files import ERRORS, SCANS, cells_of
from regulars.ingest.engine import Engine, literal, path_literal
from regulars.ingest.quotes import mend
from regulars.ingest.table import RawTable

from regulars.core.i18n import gettext as _

import re


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
    columns: tuple[str, ...]  # the contract's columns among them
    broken: tuple[BrokenLine, ...] = ()
    broken_not_data: int = 0  # titles, totals and blank lines among the lines of another width


def convert(engine: Engine, table: RawTable, style: Style) -> Part:
    """Write the rows of a text table into the workspace; Parquet stays where it is and is read when it is needed."""
    if table.types:
        return _lazy(table, style)
    part, sound = _copy(engine, table, style)
    if not sound:
        part, _sound = _copy(engine, mend(table, engine.workspace, engine.progress), style)
    return part


def _lazy(table: RawTable, style: Style) -> Part:
    projector = Projector(table, style)
    return Part(table, style, projector.select(), tuple(projector.columns()))


def _copy(engine: Engine, table: RawTable, style: Style) -> tuple[Part, bool]:
    """Convert once; the second value says whether every line of the file is accounted for."""
    for name in (ERRORS, SCANS):
        engine.rows(f"DROP TABLE IF EXISTS {name}")
    projector = Projector(table, style)
    target = engine.workspace.new_path("rows", ".parquet")
    label = _("Reading {file}").format(file=table.source.path.name)
    copied = engine.rows(
        f"COPY ({projector.select()}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION snappy, WRITE_BLOOM_FILTER false)", table.label, label
    )[0][0]
    rows = f"SELECT * FROM read_parquet({path_literal(target)}, hive_partitioning=false)"
    part = Part(table, style, rows, tuple(projector.columns()))
    if table.text is None:
        return part, True
    errors = engine.rows(f"SELECT DISTINCT ON (line) line, csv_line, error_type FROM {ERRORS} ORDER BY line")
    by_width = all(kind in ("MISSING COLUMNS", "TOO MANY COLUMNS") for _line, _text, kind in errors)
    expected = table.text.lines - table.prefix_lines
    sound = not table.text.has_quotes or (by_width and copied + len(errors) == expected)
    return _with_broken(part, [BrokenLine(line, text or "") for line, text, _kind in errors]), sound


def _with_broken(part: Part, broken: list[BrokenLine]) -> Part:
    """Tell titles, totals and blank lines from purchases that lost a cell."""
    data = [each for each in broken if not _is_no_data(part.table, each.text)]
    return replace(part, broken=tuple(data), broken_not_data=len(broken) - len(data))


def _is_no_data(table: RawTable, text: str) -> bool:
    assert table.dialect is not None
    cells = [cell.strip() for cell in cells_of(text, table.dialect)]
    return not any(cells) or re.search(TOTAL_ROW, "\x1f".join(cells).casefold()) is not None


def accepted(part: Part) -> str:
    """The query of the rows that are purchases."""
    return f"SELECT {', '.join(part.columns)} FROM ({part.rows}) WHERE reject IS NULL"


def is_data(reason: str | None) -> bool:
    """Whether a row of this kind counts as read."""
    return reason not in NOT_DATA
