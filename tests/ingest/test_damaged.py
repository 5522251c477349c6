"""Files that are broken, foreign or hostile: one clear message, quickly, and never a traceback of the engine."""

import datetime as dt
import gzip
import os
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
import zstandard

from regulars import ColumnProblem, FileProblem, InputError, read_purchases
from regulars.ingest import bombs, text_files
from regulars.ingest.quotes import has_runaway_quote
from tests.ingest.tables import TODAY, lines, notices, write, write_ods, write_parquet, write_xlsx

HEAD = "Карта;Дата;Сумма\n"
ROW = "7;05.01.2024;10\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", os.urandom(5000), "looks like binary data"),
        ("a.csv", b"\0" * 5000, "looks like binary data"),
        ("a.pdf", b"%PDF-1.7 ...", "is a PDF document"),
        ("a.csv", b"SQLite format 3\0...", "an SQLite database"),
        ("a.rar", b"Rar!\x1a\x07...", "a RAR archive"),
        ("a.xls", b"<html><table><tr><td>1</td></tr></table></html>", "a web page or an XML document"),
        ("a.xml", b"\xef\xbb\xbf<?xml version='1.0'?><a/>", "a web page or an XML document"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4000, "is an Office document, but not a workbook"),
        (
            "a.xlsx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1000 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 99,
            "protected with a password",
        ),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 999 + "Workbook".encode("utf-16-le"), "is damaged"),
        ("a.parquet", b"PAR1" + b"x" * 100, "cannot be read as a table|is damaged"),
        ("a.csv", b"PK\x03\x04 nonsense", "is damaged"),
        ("a.csv.gz", gzip.compress(os.urandom(9000))[:5000], "looks like binary data|cut off"),
        ("a.csv.gz", gzip.compress((HEAD + ROW * 9000).encode())[:-20], "cut off or damaged"),
        ("a.csv.zst", zstandard.compress((HEAD + ROW * 9000).encode())[:-9], "cut off or damaged"),
        ("a.csv.zst", b"\x28\xb5\x2f\xfd" + os.urandom(100), "cut off or damaged"),
    ],
)
def test_what_is_no_table_is_named(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileProblem, match=message) as caught:
        read_purchases(tmp_path / name, today=TODAY)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("page", "head", "name"),
    [
        ("gb18030", "客户编号,购买日期,金额,商品", "苹果"),
        ("big5", "顧客編號,購買日期,金額,商品", "蘋果"),
        ("shift_jis", "顧客番号,購入日,金額,商品", "りんご"),
        ("euc_kr", "고객번호,구매일,금액,상품", "사과"),
    ],
)
def test_east_asian_pages_are_named_instead_of_garbled_headings(
    page: str, head: str, name: str, tmp_path: Path
) -> None:
    rows = "".join(f"{name}{n % 7},2026-0{1 + n % 9}-11,{n}.50,{name}\n" for n in range(60))
    (tmp_path / "a.csv").write_bytes(f"{head}\n{rows}".encode(page))
    with pytest.raises(FileProblem, match=r"a\.csv is not Unicode: .*Save it as UTF-8"):
        read_purchases(tmp_path / "a.csv", today=TODAY)


@pytest.mark.parametrize("page", ["cp1251", "cp866", "koi8-r"])
def test_russian_text_is_never_taken_for_chinese(page: str, tmp_path: Path) -> None:
    """Words of even length only, so that every pair of bytes could be one sign of two bytes."""
    rows = "".join(f"7;05.01.2024;{n};чайник «МОРЕ» вода соль мята\n" for n in range(1, 99))
    body = rows.replace("«", '""').replace("»", '""').replace("чайник", '"чайник').replace("мята", 'мята"')
    (tmp_path / "a.csv").write_bytes(f"Клиент;Дата;Сумма;Товары\n{body}".encode(page))
    assert read_purchases(tmp_path / "a.csv", today=TODAY).reading.rows_accepted == 98


def test_a_cut_workbook_is_damaged(tmp_path: Path) -> None:
    for path in (write_xlsx(tmp_path / "a.xlsx"), write_ods(tmp_path / "a.ods"), write_parquet(tmp_path / "a.parquet")):
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(FileProblem, match=r"damaged|cannot be read"):
            read_purchases(path, today=TODAY)


def test_a_plain_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", HEAD + ROW)
    with pytest.raises(FileProblem, match="Unpack it"):
        read_purchases(tmp_path / "a.zip", today=TODAY)


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bombs, "_FLOOR", 1 << 20)
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (4 << 20))
    with pytest.raises(FileProblem, match="too much for a workbook"):
        read_purchases(tmp_path / "a.xlsx", today=TODAY)


def test_a_workbook_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b"0" * 5_000_000)
    content = path.read_bytes()
    assert content.count((5_000_000).to_bytes(4, "little")) == 2
    path.write_bytes(content.replace((5_000_000).to_bytes(4, "little"), (500).to_bytes(4, "little")))
    with pytest.raises(FileProblem, match="damaged"):
        read_purchases(path, today=TODAY)


def test_a_workbook_with_a_cell_in_its_last_corner_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "corner.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Дата", "Сумма", "Карта"])
        sheet.write(1_048_575, 16_383, "x")
    with pytest.raises(FileProblem, match="reaches to row 1048576 and column 16384"):
        read_purchases(path, today=TODAY)


@pytest.mark.parametrize(("rows", "columns", "fits"), [(100_000, 1_000, False), (3, 3, True)])
def test_cells_that_stand_for_many_are_counted_as_many(tmp_path: Path, rows: int, columns: int, fits: bool) -> None:
    path = tmp_path / "many.ods"
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    many = f'table:number-columns-repeated="{columns}" office:value-type="string"'
    filled = f"<table:table-cell {many}><text:p>x</text:p></table:table-cell>"
    nothing = '<table:table-cell table:number-columns-repeated="16384"/>'
    empty = f'<table:table-row table:number-rows-repeated="1048000">{nothing}</table:table-row>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body><office:spreadsheet><table:table>"
            f'<table:table-row table:number-rows-repeated="{rows}">{filled}</table:table-row>{empty}'
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    if fits:
        bombs.refuse_bomb(path, "many.ods")
        return
    with pytest.raises(FileProblem, match="reaches to row 100000"):
        read_purchases(path, today=TODAY)


def test_a_text_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "_BOMB_FLOOR", 1 << 20)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress((HEAD + ROW * 2_000_000).encode()))
    with pytest.raises(FileProblem, match="unpacks to more than"):
        read_purchases(tmp_path / "a.csv.gz", today=TODAY)


def test_a_line_without_end_is_refused_quickly(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as stream:
        stream.write(HEAD.encode())
        stream.truncate(1 << 30)  # a gigabyte of nothing on one line, on disk nearly empty
    start = time.monotonic()
    with pytest.raises(FileProblem, match=r"binary data|is longer than"):
        read_purchases(path, today=TODAY)
    path.write_bytes((HEAD + ROW).encode() + b"7;05.01.2024;" + b"1" * 50_000_000)
    with pytest.raises(FileProblem, match="line 3 is longer than 2000000 bytes"):
        read_purchases(path, today=TODAY)
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("opening", ["", '3;07.01.2024;11;"'])
def test_a_file_of_little_but_broken_lines_is_refused_quickly(opening: str, tmp_path: Path) -> None:
    # the engine takes 40 microseconds and 3 kilobytes for each of them
    path = tmp_path / "a.csv"
    path.write_bytes(
        f"{HEAD.strip()};Товар\n1;05.01.2024;10;x\n2;06.01.2024;10;x\n{opening}".encode() + b"ab c\n" * 3_000_000
    )
    start = time.monotonic()
    with pytest.raises(FileProblem, match=r"most of its lines do not have the 4 cells .* 'ab c'.* never closed"):
        read_purchases(path, today=TODAY)
    assert time.monotonic() - start < 10


def test_a_quote_open_for_most_of_a_file_hides_no_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{n};05.01.2024;10;x\n" for n in range(1, 150_001)]
    rows[20] = '21;05.01.2024;10;"x\n'
    path.write_text(HEAD.strip() + ";Товар\n" + "".join(rows))
    assert has_runaway_quote(path)
    assert read_purchases(path, today=TODAY).reading.rows_accepted == 150_000


def test_quotes_that_close_never_run_away(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a;b\n" + '1;"two\nlines"\n' * 700_000)
    assert not has_runaway_quote(path)


@pytest.mark.parametrize("encoding", ["gb18030", "mac-cyrillic", "shift-jis"])
def test_an_unknown_encoding_is_named_with_the_cure(encoding: str, tmp_path: Path) -> None:
    words = {"gb18030": "客户;日期;金额", "mac-cyrillic": "Карта;Дата;Сумма", "shift-jis": "顧客;日付;金額"}[encoding]
    path = tmp_path / "a.csv"
    path.write_bytes((words + "\n" + ROW * 3).encode(encoding))
    with pytest.raises(ColumnProblem, match=r"read as (koi8-r|cp866|cp1251|cp1252)\. .* save the file as UTF-8"):
        read_purchases(path, today=TODAY)


def test_the_code_page_of_a_mainframe_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(("customer;date;amount\n" + ROW * 500).encode("cp500"))
    with pytest.raises(FileProblem, match=r"looks like binary data\. Export the table as CSV"):
        read_purchases(path, today=TODAY)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", HEAD + ROW)

    class Writer:
        def step(self, label: str, done: int | None, total: int | None) -> None:  # noqa: ARG002
            if label.startswith("Checking a.csv"):
                with path.open("a") as stream:
                    stream.write(ROW)

    with pytest.raises(FileProblem, match="was changed while it was being read"):
        read_purchases(path, today=TODAY, progress=Writer())


def test_damaged_letters_of_utf8_are_replaced_and_counted(tmp_path: Path) -> None:
    text = (HEAD.strip() + ";Товар\n" + "7;05.01.2024;10;Молоко топлёное\n" * 50).encode()
    path = tmp_path / "a.csv"
    path.write_bytes(text + b"8;05.01.2024;10;\xd0\x9c\xd0\xbe\xd0\n")
    history = read_purchases(path, today=TODAY)
    assert history.reading.rows_accepted == 51
    assert notices(history)["damaged_text"] == 1


def test_a_file_that_stops_being_utf8_far_down_is_read_in_its_own_alphabet(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    body = (
        "customer;date;amount;product\n" + "7;05.01.2024;10;bread\n" * 50_000 + "8;06.01.2024;10;Молоко топлёное\n" * 50
    )
    path.write_bytes(body.encode("cp1251"))
    assert lines(read_purchases(path, today=TODAY))[-1]["product"] == "Молоко топлёное"


def test_western_letters_are_western(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(
        "customer;date;amount;product\n7;05.01.2024;10;Café Zürich\n8;06.01.2024;10;Crème\n".encode("cp1252")
    )
    assert [row["product"] for row in lines(read_purchases(path, today=TODAY))] == ["Café Zürich", "Crème"]


def test_nested_columns_of_parquet_cannot_play_a_role(tmp_path: Path) -> None:
    table = pa.table(
        {
            "customer": ["a"],
            "date": [dt.datetime(2024, 1, 5)],
            "amount": [[1.0, 2.0]],
            "price": [{"x": 1}],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(ColumnProblem, match="amount"):
        read_purchases(tmp_path / "a.parquet", today=TODAY)
    with pytest.raises(ColumnProblem, match="“amount” holds lists or records"):
        read_purchases(tmp_path / "a.parquet", mapping={"amount": "amount"}, today=TODAY)


def test_a_memory_limit_that_makes_no_sense(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'much' is not understood"):
        read_purchases(write(tmp_path / "a.csv", HEAD + ROW), memory_limit="much")
