"""One sheet of a workbook, written from top to bottom: text stays text, and memory does not grow with the rows."""

import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

_LONGEST_CELL = 1_000

# not allowed in XML 1.0, so not in a workbook either
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# Excel counts days from here; a number is written ten times faster than a date
_DAY_ZERO = dt.date(1899, 12, 30)


@dataclass(frozen=True)
class SheetColumn:
    """A column of a list: `show` turns a value of the table into what the cell holds."""

    name: str
    heading: str
    width: int
    style: Any
    show: Callable[[Any], Any]


@dataclass
class Sheet:
    """The next free row of a worksheet."""

    sheet: Any
    row: int = 0

    def write(self, values: Sequence[Any], styles: Sequence[Any]) -> None:
        """One row. Text is never taken for a formula or a link, whatever it looks like."""
        for column, value in enumerate(values):
            if isinstance(value, str):
                self.sheet.write_string(self.row, column, safe_text(value), styles[column])
            elif isinstance(value, dt.date):
                self.sheet.write_number(self.row, column, (value - _DAY_ZERO).days, styles[column])
            elif value is not None and math.isfinite(value):
                self.sheet.write_number(self.row, column, value, styles[column])
        self.row += 1


def safe_text(text: str) -> str:
    """Text that a workbook can hold: no sign that XML forbids, and not endless."""
    shown = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
    return shown if len(shown) <= _LONGEST_CELL else shown[: _LONGEST_CELL - 1] + "…"


class Styles:
    """The cell formats that all sheets of a workbook share."""

    def __init__(self, book: Any, *, decimals: int, day: str) -> None:
        money = "#,##0" + ("." + "0" * decimals if decimals else "")
        self.text = book.add_format({"valign": "top"})
        self.wrapped = book.add_format({"valign": "top", "text_wrap": True})
        self.bold = book.add_format({"valign": "top", "text_wrap": True, "bold": True})
        self.head = book.add_format(
            {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": "#F1F3F6"}
        )
        self.note = book.add_format({"italic": True, "font_color": "#5A6273"})
        self.money = book.add_format({"num_format": money, "valign": "top"})
        self.whole = book.add_format({"num_format": "#,##0", "valign": "top"})
        self.tenth = book.add_format({"num_format": "#,##0.0", "valign": "top"})
        self.share = book.add_format({"num_format": "0%", "valign": "top"})
        self.day = book.add_format({"num_format": day, "valign": "top"})
