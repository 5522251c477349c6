"""Lists of people as files. Text stays text in a spreadsheet, and memory does not grow with the list."""

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from regulars.accounts.models import User
from regulars.core.i18n import current_language
from regulars.core.money import minor_digits, to_units
from regulars.customers.models import Customer
from regulars.insights.columns import Column, heading, rows_of
from regulars.report.sheets import Sheet, Styles

MOST_XLSX_ROWS = 20_000  # made while the browser waits; CSV goes out row by row and has no end

# a spreadsheet takes a text that begins like this for a formula (OWASP, CSV injection)
_FORMULA = re.compile(r"^[=+\-@\t\r\n＝＋－＠]")
_PHONE = re.compile(r"^\+\d+$")

Row = tuple[Any, ...]


def rows_to_take(
    pieces: Iterable[list[Customer]], columns: Sequence[Column], user: User, titles: dict[str, str],
    prepare: Callable[[list[Customer]], None] | None = None,
) -> Iterator[Row]:  # fmt: skip
    """All rows of a list that is fetched in pieces; `prepare` looks up what columns of its own need of a piece."""
    for customers in pieces:
        if prepare is not None:
            prepare(customers)
        yield from rows_of(customers, columns, user, titles)


def csv_lines(columns: Sequence[Column], rows: Iterable[Row], currency: str) -> Iterator[bytes]:
    """The list as CSV, piece by piece: what a Russian Excel opens has semicolons."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if current_language() == "ru" else ",", lineterminator="\r\n")
    yield "\N{BYTE ORDER MARK}".encode()
    writer.writerow([heading(column) for column in columns])
    for row in rows:
        writer.writerow([_cell(column, value, currency) for column, value in zip(columns, row, strict=True)])
        if out.tell() > 1 << 16:
            yield _taken(out)
    yield _taken(out)


def _taken(out: io.StringIO) -> bytes:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text.encode("utf-8", errors="replace")


def safe_text(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    text = text.replace("\x00", "")
    return f"'{text}" if _FORMULA.match(text) and not _PHONE.match(text) else text


def _cell(column: Column, value: Any, currency: str) -> str:
    if value is None:
        return ""
    if column.kind == "money":
        return str(to_units(value, currency))
    if isinstance(value, str):
        return safe_text(value)
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def write_xlsx(path: Path, columns: Sequence[Column], rows: Iterable[Row], currency: str) -> None:
    """The list as a workbook with one sheet."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(path, options) as book:
        day = "dd.mm.yyyy" if current_language() == "ru" else "yyyy-mm-dd"
        styles = Styles(book, decimals=minor_digits(currency), day=day)
        sheet = Sheet(book.add_worksheet())
        widths = {"text": 24, "money": 16, "day": 13, "number": 12, "share": 12}
        for place, column in enumerate(columns):
            sheet.sheet.set_column(place, place, widths[column.kind])
        sheet.sheet.freeze_panes(1, 1)
        sheet.write([heading(column) for column in columns], [styles.head] * len(columns))
        looks = {"text": styles.text, "money": styles.money, "day": styles.day, "number": styles.whole,
                 "share": styles.share}  # fmt: skip
        chosen = [looks[column.kind] for column in columns]
        for row in rows:
            shown = [
                float(to_units(value, currency)) if column.kind == "money" and value is not None else value
                for column, value in zip(columns, row, strict=True)
            ]
            sheet.write(shown, chosen)
