"""The same table gives the same history, whatever file it is written into."""

from pathlib import Path

import pytest

from regulars import read_purchases
from regulars.ingest import inspect
from tests.ingest.tables import ROWS, TODAY, WRITERS, contents, csv_text, write

EXPECTED = [
    ("C-1", "2024-01-05 10:15:00", 123450, "R1", 'Хлеб "Бородинский", 0,4 кг', 1.0),
    ("C-1", "2024-01-05 10:15:00", 9990, "R1", "Молоко; 2,5 %", 2.0),
    ("C-2", "2024-02-29 23:59:59", 1500000, "R2", 'Сыр "Российский"', 0.35),
    ("C-3", "2024-03-01 00:00:00", -9990, "R3", "Молоко; 2,5 %", -2.0),
    ("C-3", "2024-12-03 09:05:00", 0, "R4", "Пакет", 1.0),
]


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_gives_the_same_lines(kind: str, tmp_path: Path) -> None:
    name, write_table = WRITERS[kind]
    history = read_purchases(write_table(tmp_path / name, ROWS), today=TODAY)
    assert [(*row[:1], str(row[1]), *row[2:]) for row in contents(history)] == EXPECTED
    assert history.lines.columns == ("customer_id", "purchased_at", "amount", "receipt_id", "product", "quantity")
    assert (history.reading.rows_read, history.reading.rows_accepted, history.reading.rows_rejected) == (5, 5, 0)


@pytest.mark.parametrize("kind", WRITERS)
def test_inspect_names_the_format_of_every_file(kind: str, tmp_path: Path) -> None:
    name, write_table = WRITERS[kind]
    found = inspect(write_table(tmp_path / name, ROWS))
    assert found.problems == ()
    assert found.format in {"CSV", "CSV (gzip)", "CSV (zstd)", "XLSX", "XLS", "ODS", "Parquet"}
    assert {column.role for column in found.columns} == {
        "customer_id",
        "purchased_at",
        "amount",
        "receipt_id",
        "product",
        "quantity",
    }


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|", "^", "~"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16", "utf-16-le", "utf-32", "cp866", "koi8-r"]
)
def test_every_separator_in_every_encoding(delimiter: str, encoding: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", csv_text(delimiter=delimiter), encoding)
    assert [(*row[:1], str(row[1]), *row[2:]) for row in contents(read_purchases(path, today=TODAY))] == EXPECTED


def test_inspect_says_how_a_text_file_is_written(tmp_path: Path) -> None:
    found = inspect(write(tmp_path / "a.csv", csv_text(), "cp1251"))
    assert (found.encoding, found.delimiter, found.header_row) == ("cp1251", ";", 1)
    assert (found.date_format, found.decimal_separator, found.currency) == ("31.03.2026", ",", "RUB")
    assert [fact.label for fact in found.facts][:4] == ["File", "Format", "Encoding", "Separator"]


def test_line_ends_of_old_macintosh_and_mixed_ones_are_understood(tmp_path: Path) -> None:
    text = csv_text(comma=False, delimiter=",")
    unix = contents(read_purchases(write(tmp_path / "unix.csv", text), today=TODAY))
    mac = contents(read_purchases(write(tmp_path / "mac.csv", text.replace("\n", "\r")), today=TODAY))
    head, tail = text[:120], text[120:]
    mixed = head.replace("\n", "\r\n") + tail
    assert mac == unix
    assert contents(read_purchases(write(tmp_path / "mixed.csv", mixed), today=TODAY)) == unix
