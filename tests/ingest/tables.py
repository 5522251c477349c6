"""One small table of purchases, and every way to write it into a file."""

import csv
import datetime as dt
import gzip
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import xlwt
import zstandard
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

from regulars.analytics.purchases import History

TODAY = dt.date(2024, 12, 31)

HEADINGS = ("Карта", "Дата", "Сумма", "Номер чека", "Товар", "Количество")

Row = tuple[Any, ...]

ROWS: tuple[Row, ...] = (
    ("C-1", dt.datetime(2024, 1, 5, 10, 15), 1234.5, "R1", 'Хлеб "Бородинский", 0,4 кг', 1.0),
    ("C-1", dt.datetime(2024, 1, 5, 10, 15), 99.9, "R1", "Молоко; 2,5 %", 2.0),
    ("C-2", dt.datetime(2024, 2, 29, 23, 59, 59), 15000.0, "R2", 'Сыр "Российский"', 0.35),
    ("C-3", dt.datetime(2024, 3, 1), -99.9, "R3", "Молоко; 2,5 %", -2.0),
    ("C-3", dt.datetime(2024, 12, 3, 9, 5), 0.0, "R4", "Пакет", 1.0),
)


def contents(history: History) -> list[tuple[Any, ...]]:
    """The lines of a history in an order that depends on nothing but themselves."""
    rows = [tuple(row.values()) for row in history.lines.to_pyarrow().to_pylist()]
    return sorted(rows, key=lambda row: tuple((value is None, str(value)) for value in row))


def lines(history: History) -> list[dict[str, Any]]:
    """The lines of a history, ordered by time and then by everything else."""
    rows: list[dict[str, Any]] = history.lines.to_pyarrow().to_pylist()
    return sorted(rows, key=lambda row: (row["purchased_at"], str(row)))


def notices(history: History) -> dict[str, int]:
    """How many rows each notice is about."""
    return {notice.kind: notice.rows for notice in history.reading.notices}


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """A text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def csv_text(rows: Sequence[Row] = ROWS, *, delimiter: str = ";", comma: bool = True, headings: Row = HEADINGS) -> str:
    """The table as CSV, with dates and numbers as Russian Excel writes them, or as programs do."""
    target = io.StringIO()
    writer = csv.writer(target, delimiter=delimiter, lineterminator="\r\n" if comma else "\n")
    writer.writerow(headings)
    writer.writerows([_cell(value, comma=comma) for value in row] for row in rows)
    return target.getvalue()


def _cell(value: object, *, comma: bool) -> str:
    if isinstance(value, dt.datetime):
        return value.strftime("%d.%m.%Y %H:%M:%S") if comma else value.isoformat(sep=" ")
    if isinstance(value, float):
        return repr(value).replace(".", ",") if comma else repr(value)
    return "" if value is None else str(value)


def write_xlsx(path: Path, rows: Sequence[Row] = ROWS, *, headings: Row = HEADINGS, title: str = "Продажи") -> Path:
    """One sheet with real dates and numbers."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    sheet.append(list(headings))
    for row in rows:
        sheet.append(list(row))
    book.save(path)
    return path


def write_sheets(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]], *, hidden: Sequence[str] = ()) -> Path:
    """A workbook of several sheets, each a list of rows."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        if name in hidden:
            sheet.sheet_state = "hidden"
    book.save(path)
    return path


def write_xls(path: Path, rows: Sequence[Row] = ROWS) -> Path:
    """The format of Excel 97."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("Продажи")
    moment = xlwt.easyxf(num_format_str="DD.MM.YYYY HH:MM:SS")
    for position, heading in enumerate(HEADINGS):
        sheet.write(0, position, heading)
    for number, row in enumerate(rows, start=1):
        for position, value in enumerate(row):
            if isinstance(value, dt.datetime):
                sheet.write(number, position, value, moment)
            else:
                sheet.write(number, position, value)
    book.save(str(path))
    return path


def write_ods(path: Path, rows: Sequence[Row] = ROWS) -> Path:
    """OpenDocument, as LibreOffice writes it."""
    document = OpenDocumentSpreadsheet()
    table = Table(name="Продажи")
    for row in (HEADINGS, *rows):
        line = TableRow()
        for value in row:
            line.addElement(_ods_cell(value))
        table.addElement(line)
    document.spreadsheet.addElement(table)
    document.save(str(path))
    return path


def _ods_cell(value: object) -> TableCell:
    if isinstance(value, dt.datetime):
        cell = TableCell(valuetype="date", datevalue=value.isoformat())
    elif isinstance(value, float):
        cell = TableCell(valuetype="float", value=repr(value))
    else:
        cell = TableCell(valuetype="string")
    if value is not None:
        cell.addElement(P(text=str(value)))
    return cell


def write_parquet(path: Path, rows: Sequence[Row] = ROWS, *, headings: Row = HEADINGS) -> Path:
    """Typed columns."""
    columns = {heading: [row[position] for row in rows] for position, heading in enumerate(headings)}
    pq.write_table(pa.table(columns), path)
    return path


def _text(encoding: str = "utf-8", **options: Any) -> Callable[[Path, Sequence[Row]], Path]:
    def write_text(path: Path, rows: Sequence[Row] = ROWS) -> Path:
        return write(path, csv_text(rows, **options), encoding)

    return write_text


def _packed(pack: Callable[[bytes], bytes]) -> Callable[[Path, Sequence[Row]], Path]:
    def write_packed(path: Path, rows: Sequence[Row] = ROWS) -> Path:
        path.write_bytes(pack(csv_text(rows).encode("utf-8-sig")))
        return path

    return write_packed


WRITERS: Mapping[str, tuple[str, Callable[[Path, Sequence[Row]], Path]]] = {
    "utf-8": ("a.csv", _text()),
    "utf-8 with mark": ("a.csv", _text("utf-8-sig")),
    "cp1251": ("a.csv", _text("cp1251")),
    "cp866": ("a.csv", _text("cp866")),
    "utf-16": ("a.csv", _text("utf-16")),
    "utf-16-le without mark": ("a.csv", _text("utf-16-le")),
    "utf-16-be without mark": ("a.csv", _text("utf-16-be")),
    "commas": ("a.csv", _text(delimiter=",", comma=False)),
    "commas and decimal commas": ("a.csv", _text(delimiter=",")),
    "tabs": ("a.tsv", _text(delimiter="\t")),
    "bars": ("a.txt", _text(delimiter="|")),
    "gzip": ("a.csv.gz", _packed(gzip.compress)),
    "zstd": ("a.csv.zst", _packed(zstandard.compress)),
    "xlsx": ("a.xlsx", write_xlsx),
    "xls": ("a.xls", write_xls),
    "ods": ("a.ods", write_ods),
    "parquet": ("a.parquet", write_parquet),
}
