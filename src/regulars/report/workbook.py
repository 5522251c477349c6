"""The workbook: headlines, opportunities, and the lists of people to act on, ready for a mail-merge or a call list."""

import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.exceptions import XlsxFileError

from regulars.analytics.audit import Audit
from regulars.core.i18n import current_language, ngettext, use_language
from regulars.core.i18n import gettext as _
from regulars.core.money import minor_digits
from regulars.report import names, words
from regulars.report.atomic import replacing
from regulars.report.batches import batches_of
from regulars.report.chapters.first import assumption, title
from regulars.report.headlines import headlines
from regulars.report.people import TABLE_FILE, WORKBOOK_LISTS, PeopleList, sheet_title
from regulars.report.sheets import Sheet, SheetColumn, Styles

# more is not a list that a person works through, and every ten thousand cost a second
ROWS_PER_SHEET = 10_000
_EXCEL_ROWS = 1_048_576
_ROWS_AT_ONCE = 5_000
_OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "use_zip64": True}

# what a list shows of each person, as far as the table has it: column and width
_COLUMNS = {
    "customer_id": 24,
    "first_on": 13,
    "last_on": 13,
    "recency_days": 13,
    "visits": 10,
    "amount": 16,
    "mean_check": 14,
    "visit_period_days": 13,
    "return_chance": 12,
    "expected_value_12": 16,
    "missed_amount": 16,
    "opportunity_amount": 16,
    "state": 16,
    "rfm_segment": 20,
    "first_store": 22,
    "first_channel": 18,
    "first_category": 22,
}
_MONEY = {"amount", "mean_check", "expected_value_12", "missed_amount", "opportunity_amount"}
_IDS = {"state": names.state, "rfm_segment": names.segment}


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


class _Book:
    """All sheets of one workbook."""

    def __init__(self, book: Any, audit: Audit, rows_per_sheet: int) -> None:
        self.book = book
        self.audit = audit
        self.rows_per_sheet = rows_per_sheet
        self.unit = 10 ** minor_digits(audit.currency)
        self.styles = Styles(
            book,
            decimals=minor_digits(audit.currency),
            day="dd.mm.yyyy" if current_language() == "ru" else "yyyy-mm-dd",
        )

    def write(self) -> None:
        self._summary()
        self._opportunities()
        for list_id in WORKBOOK_LISTS:
            self._people(PeopleList(list_id))

    def _add(self, title: str, headings: Sequence[str], widths: Sequence[int]) -> Sheet:
        sheet = Sheet(self.book.add_worksheet(title))
        for column, width in enumerate(widths):
            sheet.sheet.set_column(column, column, width)
        sheet.sheet.freeze_panes(1, 1)
        sheet.write(headings, [self.styles.head] * len(headings))
        return sheet

    def _summary(self) -> None:
        headings = [_("Headline"), _("Value"), _("Interval"), _("What it means")]
        sheet = self._add(_("Summary"), headings, [38, 22, 30, 90])
        bold, wrapped = self.styles.bold, self.styles.wrapped
        for line in headlines(self.audit):
            sheet.write([line.label, line.value, line.interval, line.rule], [bold, bold, wrapped, wrapped])
        sheet.row += 1
        period = words.period(self.audit.first_day, self.audit.as_of)
        text = _("Purchases of {period}. Money is in {currency}.").format(period=period, currency=self.audit.currency)
        sheet.write([text], [self.styles.note])

    def _opportunities(self) -> None:
        currency, styles = self.audit.currency, self.styles
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
        money = [styles.money] * 4
        for item in self.audit.opportunities.items:
            amounts = [item.money.value, item.money.low, item.money.high, item.at_stake]
            sheet.write(
                [
                    title(item),
                    item.customers,
                    *(round(amount) / self.unit for amount in amounts),
                    item.assumed_share,
                    assumption(item),
                    sheet_title(PeopleList(f"opportunity:{item.id}")) if item.finding is None else "",
                ],
                [styles.bold, styles.whole, *money, styles.share, styles.wrapped, styles.text],
            )

    def _people(self, listed: PeopleList) -> None:
        columns = self._columns(listed)
        headings, widths = [column.heading for column in columns], [column.width for column in columns]
        sheet = self._add(sheet_title(listed), headings, widths)
        styles = [column.style for column in columns]
        table = self.audit.people(listed.id)
        for row in self._rows(table.select([column.name for column in columns])):
            sheet.write([column.show(value) for column, value in zip(columns, row, strict=True)], styles)
        last = sheet.row - 1
        sheet.sheet.autofilter(0, 0, max(last, 1), len(columns) - 1)
        if last >= self.rows_per_sheet:
            self._left_out(sheet, listed, int(table.count().to_pyarrow().as_py()) - last)

    def _left_out(self, sheet: Sheet, listed: PeopleList, count: int) -> None:
        if count <= 0:
            return
        text = ngettext(
            "{n} more customer is not here. The whole list: {condition} in {file}.",
            "{n} more customers are not here. The whole list: {condition} in {file}.",
            count,
        ).format(n=words.count(count), condition=listed.condition, file=TABLE_FILE)
        sheet.write([text], [self.styles.note])

    def _columns(self, listed: PeopleList) -> list[SheetColumn]:
        # missed money belongs to the lists of losses, possible gains to those of opportunities
        others = {"missed_amount", "opportunity_amount"} - {listed.money}
        known = [name for name in _COLUMNS if name in self.audit.customers.columns and name not in others]
        return [self._column(name) for name in known]

    def _column(self, name: str) -> SheetColumn:
        title, width, styles = names.column(name), _COLUMNS[name], self.styles
        if name in _MONEY:
            return SheetColumn(name, f"{title}, {self.audit.currency}", width, styles.money, self._units)
        if name in _IDS:
            # a handful of names for many rows
            return SheetColumn(name, title, width, styles.text, cache(_IDS[name]))
        style = {
            "first_on": styles.day,
            "last_on": styles.day,
            "return_chance": styles.share,
            "visit_period_days": styles.tenth,
            "recency_days": styles.whole,
            "visits": styles.whole,
        }.get(name, styles.text)
        return SheetColumn(name, title, width, style, lambda value: value)

    def _units(self, minor: int | None) -> float | None:
        return None if minor is None else minor / self.unit

    def _rows(self, table: Any) -> Iterator[tuple[Any, ...]]:
        _schema, batches = batches_of(table.limit(self.rows_per_sheet), rows_at_once=_ROWS_AT_ONCE)
        for batch in batches:
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
