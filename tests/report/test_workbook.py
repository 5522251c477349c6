import datetime as dt
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pytest
from openpyxl.workbook import Workbook
from xlsxwriter.exceptions import FileCreateError, FileSizeError

from regulars.analytics.audit import Audit
from regulars.core.errors import OutputError
from regulars.core.i18n import use_language
from regulars.report import headlines, write_xlsx
from regulars.report.people import WORKBOOK_LISTS, PeopleList, sheet_title
from regulars.report.workbook import _cause


def book_of(audit: Audit, folder: Path, *, language: str = "en", rows: int = 1000) -> Workbook:
    write_xlsx(audit, folder / "report.xlsx", language=language, rows_per_sheet=rows)
    return openpyxl.load_workbook(folder / "report.xlsx")


def test_every_audit_becomes_a_workbook(any_audit: Audit, tmp_path: Path) -> None:
    book = book_of(any_audit, tmp_path, language="ru")
    with use_language("ru"):
        titles = [sheet_title(PeopleList(list_id)) for list_id in WORKBOOK_LISTS]
        labels = [line.label for line in headlines(any_audit)]
    assert book.sheetnames[2:] == titles
    assert all(len(title) <= 31 and not re.search(r"[\[\]:*?/\\']", title) for title in book.sheetnames)
    assert [row[0].value for row in book.worksheets[0].iter_rows(min_row=2, max_row=len(labels) + 1)] == labels
    assert all(sheet.freeze_panes == "B2" for sheet in book.worksheets)


def test_a_list_holds_the_people_of_the_audit_as_numbers_and_dates(whole: Audit, tmp_path: Path) -> None:
    sheet = book_of(whole, tmp_path)["Lost, all"]
    people = whole.people("state:lost").to_pyarrow().to_pylist()
    headings = [cell.value for cell in sheet[1]]
    rows = [dict(zip(headings, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=2)]
    assert [row["Customer"] for row in rows] == [person["customer_id"] for person in people]
    assert [round(row["Spent, RUB"] * 100) for row in rows] == [person["amount"] for person in people]
    assert isinstance(rows[0]["Last visit"], dt.datetime)
    assert rows[0]["Last visit"].date() == people[0]["last_on"]
    assert sheet.auto_filter.ref == f"A1:{openpyxl.utils.get_column_letter(len(headings))}{len(rows) + 1}"
    assert sheet["A1"].font.bold


def test_money_has_the_decimals_of_its_currency(whole: Audit, tmp_path: Path) -> None:
    sheet = book_of(whole, tmp_path)["Lost, all"]
    column = [cell.value for cell in sheet[1]].index("Spent, RUB") + 1
    assert sheet.cell(2, column).number_format == "#,##0.00"


def test_a_long_list_ends_with_where_the_rest_is(whole: Audit, tmp_path: Path) -> None:
    count = whole.lifecycle.states["lost"].customers
    sheet = book_of(whole, tmp_path, rows=5)["Lost, all"]
    assert sheet.max_row == 7
    assert sheet["A7"].value == (
        f"{count - 5} more customers are not here. The whole list: state = lost in customers.parquet."
    )


def test_a_list_that_just_fits_ends_without_a_sentence(whole: Audit, tmp_path: Path) -> None:
    count = whole.lifecycle.states["lost"].customers
    assert book_of(whole, tmp_path, rows=count)["Lost, all"].max_row == count + 1


def test_hostile_names_are_text_and_keep_the_file_valid(hostile: Audit, tmp_path: Path) -> None:
    book = book_of(hostile, tmp_path)
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d", "inlineStr"}
    texts = [cell.value for cell in cells if isinstance(cell.value, str)]
    assert '=HYPERLINK("http://evil.example","click")' in texts
    assert max(map(len, texts)) == 1000
    with zipfile.ZipFile(tmp_path / "report.xlsx") as archive:
        for name in archive.namelist():
            if name.endswith(".xml"):
                ElementTree.fromstring(archive.read(name))
        assert not [name for name in archive.namelist() if "hyperlink" in name.lower()]
        assert not [name for name in archive.namelist() if b"<f>" in archive.read(name)]


def test_an_error_leaves_the_old_workbook_and_nothing_else(
    whole: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.xlsx").write_text("old")

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("regulars.report.workbook._Book._people", full)
    with pytest.raises(OutputError, match="No space left"):
        write_xlsx(whole, tmp_path / "report.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["report.xlsx"]
    assert (tmp_path / "report.xlsx").read_text() == "old"


def test_an_error_while_packing_is_told_as_what_it_is() -> None:
    full = OSError(28, "No space left on device")
    assert _cause(FileCreateError(full)) is full
    assert "too large" in str(_cause(FileSizeError("too large")))
