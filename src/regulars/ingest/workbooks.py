"""XLSX, XLS and ODS: every visible sheet becomes a table of text cells, with the row numbers that Excel shows.

Cells are taken as text, because one column of a sheet may hold dates, numbers and words; a date cell gives an ISO
date, a number its shortest form.
"""

import csv
import zipfile
import zlib
from pathlib import Path
from typing import Any

import fastexcel
import pyarrow as pa
import pyarrow.parquet as pq

from regulars.core.errors import FileProblem
from regulars.core.i18n import gettext as _
from regulars.ingest.bombs import refuse_bomb
from regulars.ingest.dialect import find_layout
from regulars.ingest.engine import Engine, path_literal
from regulars.ingest.formats import Format
from regulars.ingest.sources import SourceFile
from regulars.ingest.table import Facts, RawTable, cell
from regulars.ingest.workspace import full_disk

_HEAD_ROWS = 400
_SAMPLE_ROWS = 1500
_SHOWN_HEAD = 1_000


def open_workbook(engine: Engine, source: SourceFile, kind: Format) -> tuple[list[RawTable], list[str]]:
    """The tables of the visible sheets, and the names of the sheets without one; `FileProblem` when there is none."""
    if kind is not Format.XLS:
        _refuse_bomb(source)
    try:
        reader = fastexcel.read_excel(str(source.path))
        names = list(reader.sheet_names)
    except Exception as error:
        raise _damaged(source) from error
    tables: list[RawTable] = []
    empty: list[str] = []
    for position, name in enumerate(names):
        engine.progress.step(_("Reading {file}").format(file=source.path.name), position, len(names))
        sheet = _load(reader, position, source)
        table = _table(engine, source, kind, name, sheet) if sheet is not None else None
        if table is None:
            empty.append(f"{source.label} [{name}]")
        else:
            tables.append(table)
    if not tables:
        raise FileProblem(_("{file} has no sheet with rows below headings.").format(file=source.label))
    return tables, empty


def head_of_workbook(path: Path, target: Path) -> Path | None:
    """The first rows of the first sheet that has any, as a text file with the same row numbers; None without one."""
    facts = path.stat()
    source = SourceFile(path, named=True, size=facts.st_size, modified_ns=facts.st_mtime_ns)
    try:
        reader = fastexcel.read_excel(str(path))
    except Exception as error:
        raise _damaged(source) from error
    for position in range(len(reader.sheet_names)):
        sheet = _load(reader, position, source, rows=_SHOWN_HEAD)
        if sheet is not None and sheet.num_rows > 1:
            with target.open("w", encoding="utf-8", newline="") as stream:
                rows = csv.writer(stream, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
                for row in sheet.to_pylist():
                    rows.writerow(" ".join((value or "").split()) for value in row.values())
            return target
    return None


def _damaged(source: SourceFile) -> FileProblem:
    return FileProblem(
        _("{file} is damaged or is no workbook. Open it in Excel, save it anew and try again.").format(
            file=source.label
        )
    )


def _refuse_bomb(source: SourceFile) -> None:
    try:
        refuse_bomb(source.path, source.label)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise _damaged(source) from error


def _load(reader: Any, position: int, source: SourceFile, rows: int | None = None) -> pa.RecordBatch | None:
    """The cells of a sheet as text; None for an empty or hidden sheet and for one that holds only a chart."""
    try:
        sheet = reader.load_sheet(position, header_row=None, skip_rows=0, n_rows=rows, dtypes="string")
        return sheet.to_arrow() if sheet.visible == "visible" and sheet.width and sheet.height else None
    except Exception as error:
        if "not a valid worksheet" in str(error):
            return None
        raise _damaged(source) from error
    except BaseException as error:
        # the Rust library panics on some damaged files; its panic is no Exception
        if type(error).__name__ == "PanicException":
            raise _damaged(source) from error
        raise


def _table(engine: Engine, source: SourceFile, kind: Format, name: str, sheet: pa.RecordBatch) -> RawTable | None:
    head = [[value or "" for value in row.values()] for row in sheet.slice(0, _HEAD_ROWS).to_pylist()]
    layout = find_layout(head)
    rows = sheet.num_rows - layout.first_row
    if rows < 1:
        return None
    target = engine.workspace.new_path("sheet", ".parquet")
    _store(sheet, layout.first_row, layout.width, target)
    step = max(1, rows // _SAMPLE_ROWS)
    picked = sheet.take(pa.array(range(layout.first_row, sheet.num_rows, step)))
    names = ", ".join(cell(n) for n in range(layout.width))
    return RawTable(
        source,
        layout.headings,
        f"SELECT {names}, line FROM read_parquet({path_literal(target)}, hive_partitioning=false)",
        [tuple(row.values()) for row in picked.to_pylist()],
        Facts(
            format=kind.upper(),
            header_row=None if layout.header_row is None else layout.header_row + 1,
            first_row=layout.first_row + 1,
            sheet=name,
        ),
        rows=rows,
    )


def _store(sheet: pa.RecordBatch, first: int, width: int, target: Path) -> None:
    """Keep the cells in the workspace, so that the sheet itself can leave memory."""
    body = sheet.slice(first)
    columns = {cell(n): body.column(n) for n in range(min(width, body.num_columns))}
    columns |= {cell(n): pa.nulls(body.num_rows, pa.string()) for n in range(body.num_columns, width)}
    lines = pa.array(range(first + 1, sheet.num_rows + 1), pa.int64())
    try:
        pq.write_table(pa.table({**columns, "line": lines}), target, compression="snappy")
    except OSError as error:
        raise full_disk() from error
