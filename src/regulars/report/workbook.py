"""The workbook: headlines, opportunities, and the lists of people to act on, ready for a mail-merge or a call list."""

import datetime as dt
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.exceptions import XlsxFileError

from regulars.analytics.audit import Audit
from regulars.core.i18n import current_language, ngettext, use_language
from regulars.core.i18n import gettext as _
from regulars.core.money import minor_digits, to_units
from regulars.report import names, words
from regulars.report.atomic import replacing
from regulars.report.batches import batches_of
from regulars.report.chapters.first import assumption
from regulars.report.headlines import headlines
from regulars.report.people import TABLE_FILE, WORKBOOK_LISTS, PeopleList, sheet_title

# more is not a list that a person works through, and every ten thousand cost a second
ROWS_PER_SHEET = 20_000
_EXCEL_ROWS = 1_048_576
_LONGEST_CELL = 1_000
_OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "use_zip64": True}

_COLUMNS = (
    "customer_id",
    "first_on",
    "last_on",
    "recency_days",
    "visits",
    "amount",
    "mean_check",
    "visit_period_days",
    "return_chance",
    "expected_value_12",
    "missed_amount",
    "opportunity_amount",
    "state",
    "rfm_segment",
    "first_store",
    "first_channel",
    "first_category",
)
_MONEY = {"amount", "mean_check", "expected_value_12", "missed_amount", "opportunity_amount"}
_IDS = {"state": names.state, "rfm_segment": names.segment}

# not allowed in XML 1.0, so not in a workbook either
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write_xlsx(
    audit: Audit, path: Path | str, *, language: str | None = None, rows_per_sheet: int = ROWS_PER_SHEET
) -> None:
    """Write the workbook in `language` (the current one unless given).

    Sheets: the headlines with their rules, the opportunities, and one sheet per list of people, most money
    first, at most `rows_per_sheet` of them; where some are left out the sheet ends with a sentence that says
    how many and where all of them are. Money is in currency units. Rows go through in batches. Raises
    `OutputError` when the file cannot be written; an older file is then left as it was.
    """
    with (
        use_language(language or current_language()),
        replacing(Path(path)) as temporary,
        # a folder of its own beside the file: what the writer leaves behind on an error goes with it
        tempfile.TemporaryDirectory(dir=temporary.parent, prefix=".regulars-") as scratch,
    ):
        try:
            with xlsxwriter.Workbook(temporary, {**_OPTIONS, "tmpdir": scratch}) as book:
                _Book(book, audit, min(rows_per_sheet, _EXCEL_ROWS - 2)).write()
        except XlsxFileError as error:
            raise _cause(error) from error


def _cause(error: XlsxFileError) -> OSError:
    cause = error.args[0] if error.args else error
    return cause if isinstance(cause, OSError) else OSError(str(error))


@dataclass
class _Sheet:
    """A sheet that is written from top to bottom, as constant memory demands."""

    sheet: Any
    row: int = 0

    def write(self, cells: Sequence[tuple[Any, Any]]) -> None:
        """One row of (value, format); text is always text, whatever it looks like."""
        for column, (value, style) in enumerate(cells):
            if value is None:
                continue
            if isinstance(value, str):
                self.sheet.write_string(self.row, column, safe_text(value), style)
            elif isinstance(value, dt.date):
                self.sheet.write_datetime(self.row, column, value, style)
            else:
                self.sheet.write_number(self.row, column, value, style)
        self.row += 1


def safe_text(text: str) -> str:
    """Text that a workbook can hold: no sign that XML forbids, and not endless."""
    shown = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
    return shown if len(shown) <= _LONGEST_CELL else shown[: _LONGEST_CELL - 1] + "…"


class _Book:
    """All sheets of one workbook, with the formats that they share."""

    def __init__(self, book: Any, audit: Audit, rows_per_sheet: int) -> None:
        self.book = book
        self.audit = audit
        self.rows_per_sheet = rows_per_sheet
        decimals = minor_digits(audit.currency)
        money = "#,##0" + ("." + "0" * decimals if decimals else "")
        day = "dd.mm.yyyy" if current_language() == "ru" else "yyyy-mm-dd"
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

    def write(self) -> None:
        self._summary()
        self._opportunities()
        for list_id in WORKBOOK_LISTS:
            self._people(PeopleList(list_id))

    def _add(self, title: str, headings: Sequence[str], widths: Sequence[int]) -> _Sheet:
        sheet = _Sheet(self.book.add_worksheet(title))
        for column, width in enumerate(widths):
            sheet.sheet.set_column(column, column, width)
        sheet.sheet.freeze_panes(1, 1)
        sheet.write([(heading, self.head) for heading in headings])
        return sheet

    def _summary(self) -> None:
        sheet = self._add(
            _("Summary"), [_("Headline"), _("Value"), _("Interval"), _("What it means")], [38, 22, 30, 90]
        )
        for line in headlines(self.audit):
            sheet.write(
                [
                    (line.label, self.bold),
                    (line.value, self.bold),
                    (line.interval, self.wrapped),
                    (line.rule, self.wrapped),
                ]
            )
        period = words.period(self.audit.first_day, self.audit.as_of)
        sheet.row += 1
        sheet.write(
            [
                (
                    _("Purchases of {period}. Money is in {currency}.").format(
                        period=period, currency=self.audit.currency
                    ),
                    self.note,
                )
            ]
        )

    def _opportunities(self) -> None:
        currency = self.audit.currency
        headings = [
            _("Opportunity"),
            _("Customers"),
            _("Possible gain, {currency}").format(currency=currency),
            _("At least"),
            _("At most"),
            _("At stake, {currency}").format(currency=currency),
            _("Assumed share"),
            _("Assumption"),
            _("Sheet"),
        ]
        sheet = self._add(_("Opportunities"), headings, [46, 12, 18, 14, 14, 18, 12, 40, 22])
        for item in self.audit.opportunities.items:
            sheet.write(
                [
                    (names.opportunity(item.id), self.bold),
                    (item.customers, self.whole),
                    *(
                        (self._units(value), self.money)
                        for value in (item.money.value, item.money.low, item.money.high, item.at_stake)
                    ),
                    (item.assumed_share, self.share),
                    (assumption(item), self.wrapped),
                    (sheet_title(PeopleList(f"opportunity:{item.id}")), self.text),
                ]
            )

    def _people(self, listed: PeopleList) -> None:
        columns = self._columns(listed)
        sheet = self._add(
            sheet_title(listed), [self._heading(name) for name in columns], [_width(name) for name in columns]
        )
        table = self.audit.people(listed.id)
        for row in self._rows(table.select(columns)):
            sheet.write(
                [(self._value(name, value), self._format(name)) for name, value in zip(columns, row, strict=True)]
            )
        last = sheet.row - 1
        sheet.sheet.autofilter(0, 0, max(last, 1), len(columns) - 1)
        if last >= self.rows_per_sheet:
            self._left_out(sheet, listed, int(table.count().to_pyarrow().as_py()) - last)

    def _left_out(self, sheet: _Sheet, listed: PeopleList, count: int) -> None:
        if count <= 0:
            return
        text = ngettext(
            "{n} more customer is not here. The whole list: {condition} in {file}.",
            "{n} more customers are not here. The whole list: {condition} in {file}.",
            count,
        ).format(n=words.count(count), condition=listed.condition, file=TABLE_FILE)
        sheet.write([(text, self.note)])

    def _columns(self, listed: PeopleList) -> list[str]:
        own = {"missed_amount", "opportunity_amount"} - {listed.money}
        return [name for name in _COLUMNS if name in self.audit.customers.columns and name not in own]

    def _rows(self, table: Any) -> Iterator[tuple[Any, ...]]:
        _schema, batches = batches_of(table.limit(self.rows_per_sheet), rows_at_once=5_000)
        for batch in batches:
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    def _heading(self, name: str) -> str:
        title = names.column(name)
        return f"{title}, {self.audit.currency}" if name in _MONEY else title

    def _units(self, minor: float) -> float:
        return float(to_units(minor, self.audit.currency))

    def _value(self, name: str, value: Any) -> Any:
        if value is None:
            return None
        if name in _MONEY:
            return self._units(value)
        return _IDS[name](value) if name in _IDS else value

    def _format(self, name: str) -> Any:
        if name in _MONEY:
            return self.money
        formats = {
            "first_on": self.day,
            "last_on": self.day,
            "return_chance": self.share,
            "visit_period_days": self.tenth,
            "recency_days": self.whole,
            "visits": self.whole,
        }
        return formats.get(name, self.text)


def _width(name: str) -> int:
    return {"customer_id": 24, "first_store": 22, "first_channel": 18, "first_category": 22, "rfm_segment": 20}.get(
        name, 15
    )
