"""Lines that files have in common count once; equal lines of one file stay."""

import shutil
from pathlib import Path

from regulars import read_purchases
from tests.ingest.tables import TODAY, contents, lines, notices, write, write_parquet, write_sheets

HEAD = "Карта;Дата;Сумма;Чек\n"


def day(number: int, card: int = 1) -> str:
    return f"{card};{number:02}.01.2024 10:00;{number},50;R{number}\n"


def test_equal_lines_of_one_file_are_two_units_and_stay(tmp_path: Path) -> None:
    history = read_purchases(write(tmp_path / "a.csv", HEAD + day(1) * 3 + day(2)), today=TODAY)
    assert (history.reading.rows_accepted, history.reading.rows_repeated) == (4, 0)
    assert notices(history)["identical_lines"] == 2


def test_overlapping_exports_count_once(tmp_path: Path) -> None:
    write(tmp_path / "1.csv", HEAD + "".join(map(day, range(1, 11))))
    write(tmp_path / "2.csv", HEAD + "".join(map(day, range(6, 16))))
    history = read_purchases(tmp_path / "1.csv", tmp_path / "2.csv", today=TODAY)
    assert sorted(row["receipt_id"] for row in lines(history)) == sorted(f"R{n}" for n in range(1, 16))
    assert (history.reading.rows_read, history.reading.rows_accepted, history.reading.rows_repeated) == (20, 15, 5)
    assert notices(history)["repeated_lines"] == 5


def test_of_each_line_stay_as_many_as_the_one_file_with_the_most_of_them_holds(tmp_path: Path) -> None:
    write(tmp_path / "1.csv", HEAD + day(1) * 2 + day(2))
    write(tmp_path / "2.csv", HEAD + day(1) * 3 + day(3))
    write(tmp_path / "3.csv", HEAD + day(1))
    history = read_purchases(tmp_path, today=TODAY)
    assert sorted(row["receipt_id"] for row in lines(history)) == ["R1", "R1", "R1", "R2", "R3"]
    assert history.reading.rows_repeated == 3


def test_the_same_bytes_are_not_read_twice(tmp_path: Path) -> None:
    path = write(tmp_path / "1.csv", HEAD + day(1) * 2 + day(2))
    alone = read_purchases(path, today=TODAY)
    shutil.copy(path, tmp_path / "2.csv")
    both = read_purchases(tmp_path / "1.csv", tmp_path / "2.csv", today=TODAY)
    assert contents(both) == contents(alone)
    assert (both.reading.rows_read, both.reading.rows_repeated) == (6, 3)
    assert notices(both)["same_files"] == 1
    twice = read_purchases(path, path, today=TODAY)
    assert contents(twice) == contents(alone)


def test_one_table_in_two_formats_counts_once(tmp_path: Path) -> None:
    from tests.ingest.tables import ROWS, csv_text, write_xlsx

    alone = contents(read_purchases(write(tmp_path / "a.csv", csv_text()), today=TODAY))
    write_xlsx(tmp_path / "b.xlsx", ROWS)
    write_parquet(tmp_path / "c.parquet", ROWS)
    history = read_purchases(tmp_path, today=TODAY)
    assert contents(history) == alone
    assert history.reading.rows_repeated == 2 * len(ROWS)


def test_parquet_files_that_overlap_count_once(tmp_path: Path) -> None:
    import datetime as dt

    headings = ("Карта", "Дата", "Сумма")
    rows = [(f"c{n}", dt.datetime(2024, 1, n), float(n)) for n in range(1, 21)]
    write_parquet(tmp_path / "1.parquet", rows[:12], headings=headings)
    write_parquet(tmp_path / "2.parquet", rows[8:16], headings=headings)
    write_parquet(tmp_path / "3.parquet", rows[16:], headings=headings)
    shutil.copy(tmp_path / "3.parquet", tmp_path / "4.parquet")
    history = read_purchases(tmp_path, today=TODAY)
    assert sorted(row["customer_id"] for row in lines(history)) == sorted(row[0] for row in rows)
    assert (history.reading.rows_read, history.reading.rows_accepted, history.reading.rows_repeated) == (28, 20, 8)


def test_sheets_of_one_workbook_are_one_file(tmp_path: Path) -> None:
    sheet = [["Карта", "Дата", "Сумма"], ["7", "05.01.2024", 10]]
    history = read_purchases(write_sheets(tmp_path / "a.xlsx", {"Январь": sheet, "Февраль": sheet}), today=TODAY)
    assert history.reading.rows_accepted == 2


def test_counts_of_notices_are_those_of_the_lines_that_stay(tmp_path: Path) -> None:
    write(tmp_path / "1.csv", HEAD + "-;05.01.2024;-5;R1\n" + day(2))
    write(tmp_path / "2.csv", HEAD + "-;05.01.2024;-5;R1\n" + day(3))
    history = read_purchases(tmp_path, today=TODAY)
    assert history.reading.rows_without_customer == 1
    assert notices(history)["returns"] == 1
