"""Rows that cannot be used: listed with their line, cell and reason; too many of them stop the reading."""

import csv
from pathlib import Path
from typing import Any

import pytest

from regulars import OutputError, TooManyRejects, read_purchases
from regulars.core.i18n import use_language
from regulars.ingest import describe_notice, describe_reason
from tests.ingest.tables import TODAY, lines, notices, write, write_sheets

HEAD = "Карта;Дата;Сумма;Товар"


def rows_of(path: Path) -> list[list[str]]:
    """The rejects file without its headings."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))[1:]


def good(count: int, start: int = 1000) -> list[str]:
    return [f"{start + n};05.01.2024;10;Товар" for n in range(count)]


def test_each_rejected_row_is_listed_with_its_true_line_its_cell_and_the_reason(tmp_path: Path) -> None:
    text = ["Отчёт", "", HEAD, *good(100)]
    text[10] = "1;31.02.2024;10;Товар"
    text[20] = "2;05.01.2024;десять;Товар"
    text.insert(30, "")
    text[40] = "3;05.01.2024"
    text[50] = "4;;10;Товар"
    text[60] = "5;05.01.2024;;Товар"
    path = write(tmp_path / "a.csv", "\n".join(text) + "\n")
    history = read_purchases(path, today=TODAY, rejects_to=tmp_path / "out" / "rejects.csv")
    assert rows_of(tmp_path / "out" / "rejects.csv") == [
        [str(path), "11", "Дата", "31.02.2024", "the date cannot be read"],
        [str(path), "21", "Сумма", "десять", "the amount is not a number"],
        [str(path), "41", "", "3;05.01.2024", "the line has more or fewer cells than the table has columns"],
        [str(path), "51", "Дата", "", "there is no date"],
        [str(path), "61", "Сумма", "", "there is no amount"],
    ]
    assert history.reading.rejects_file == str(tmp_path / "out" / "rejects.csv")
    assert (history.reading.rows_read, history.reading.rows_accepted, history.reading.rows_rejected) == (100, 95, 5)
    assert history.reading.reject_reasons == {
        "bad_date": 1,
        "bad_amount": 1,
        "wrong_cells": 1,
        "no_date": 1,
        "no_amount": 1,
    }


def test_lines_stay_true_behind_quoted_line_breaks_and_equal_bad_rows(tmp_path: Path) -> None:
    text = [
        HEAD,
        '1;05.01.2024;10;"один\nдва\nтри"',
        "2;плохо;10;x",
        '3;05.01.2024;10;"a;b"',
        "2;плохо;10;x",
        *good(60),
    ]
    text.append('9;"не\nдата";10;x')
    path = write(tmp_path / "a.csv", "\r\n".join(text) + "\r\n")
    read_purchases(path, today=TODAY, rejects_to=tmp_path / "r.csv")
    assert [(row[1], row[3]) for row in rows_of(tmp_path / "r.csv")] == [
        ("5", "плохо"),
        ("7", "плохо"),
        ("68", "не дата"),
    ]


def test_rows_of_a_workbook_are_named_as_excel_numbers_them(tmp_path: Path) -> None:
    sheet: list[list[Any]] = [["Отчёт"], [], HEAD.split(";"), *([n, "05.01.2024", 10, "x"] for n in range(50))]
    sheet[5][1] = "нет"
    path = write_sheets(tmp_path / "a.xlsx", {"Лист1": sheet})
    read_purchases(path, today=TODAY, rejects_to=tmp_path / "r.csv")
    assert rows_of(tmp_path / "r.csv") == [[f"{path} [Лист1]", "6", "Дата", "нет", "the date cannot be read"]]


def test_above_five_per_cent_the_reading_stops_and_says_why_and_what_to_do(tmp_path: Path) -> None:
    bad = ["1;вчера;10;x"] * 4 + ["2;05.01.2024;много;x"] * 3 + ["3;05.01.2024"] * 2 + ["4;;10;x"]
    path = write(tmp_path / "a.csv", "\n".join([HEAD, *good(50), *bad]) + "\n")
    with pytest.raises(TooManyRejects) as caught:
        read_purchases(path, today=TODAY, rejects_to=tmp_path / "r.csv")
    message = str(caught.value)
    assert "10 of 60 rows (16.7%)" in message
    assert "4: the date cannot be read (line 52 of " in message
    assert "3: the amount is not a number" in message
    assert "2: the line has more or fewer cells" in message
    assert "there is no date" not in message
    assert "--accept-rejects" in message
    assert "--map" in message
    assert str(tmp_path / "r.csv") in message
    assert len(rows_of(tmp_path / "r.csv")) == 10
    history = read_purchases(path, today=TODAY, accept_rejects=True)
    assert (history.reading.rows_accepted, history.reading.rows_rejected) == (50, 10)
    assert history.reading.rejects_file is None


@pytest.mark.parametrize("accept", [True, False])
def test_when_no_row_is_left_the_reasons_are_said(accept: bool, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "\n".join([HEAD, *["1;05.01.2030;10;x"] * 30]) + "\n")
    with pytest.raises(TooManyRejects) as caught:
        read_purchases(path, today=TODAY, rejects_to=tmp_path / "r.csv", accept_rejects=accept)
    message = str(caught.value)
    assert "None of 30 rows can be used" in message
    assert "30: the date is in the future (line 2 of " in message
    assert "--map" in message
    assert "--accept-rejects" not in message


def test_exactly_five_per_cent_are_accepted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "\n".join([HEAD, *good(95), *["1;вчера;10;x"] * 5]) + "\n")
    assert read_purchases(path, today=TODAY).reading.rows_rejected == 5


def test_no_rejects_no_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "\n".join([HEAD, *good(5)]) + "\n")
    history = read_purchases(path, today=TODAY, rejects_to=tmp_path / "r.csv")
    assert history.reading.rejects_file is None
    assert not (tmp_path / "r.csv").exists()


def test_the_list_is_safe_to_open_in_a_spreadsheet(tmp_path: Path) -> None:
    attacks = ['=HYPERLINK("http://x")', "+7", "-1+1", "@SUM(1)", "\tx"]
    bad = [f"""1;"{attack.replace('"', '""')}";10;x""" for attack in attacks]
    path = write(tmp_path / "a.csv", "\n".join([HEAD, *good(200), *bad]) + "\n")
    read_purchases(path, today=TODAY, rejects_to=tmp_path / "r.csv")
    assert all(row[3][:1] not in "=+-@\t" for row in rows_of(tmp_path / "r.csv"))
    assert (tmp_path / "r.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_list_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "\n".join([HEAD, *good(50), "1;вчера;10;x"]) + "\n")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        read_purchases(path, today=TODAY, rejects_to=tmp_path / "file" / "r.csv")


def test_the_list_of_an_earlier_reading_is_not_read_as_purchases(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.csv", "\n".join([HEAD, *good(50), "1;вчера;10;x"]) + "\n")
    for _time in range(2):
        history = read_purchases(tmp_path / "in", today=TODAY, rejects_to=tmp_path / "in" / "rejects.csv")
        assert len(history.reading.files) == 1


def test_rejects_of_several_files_are_listed_together(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / f"{name}.csv", "\n".join([HEAD, *good(50, ord(name) * 100), f"1;{name};10;x"]) + "\n")
    read_purchases(tmp_path / "*.csv", today=TODAY, rejects_to=tmp_path / "r.txt")
    assert [(Path(row[0]).name, row[1], row[3]) for row in rows_of(tmp_path / "r.txt")] == [
        ("a.csv", "52", "a"),
        ("b.csv", "52", "b"),
    ]


def test_reasons_and_notices_have_words_in_both_languages(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "\n".join([HEAD, *good(50), "-;05.01.2024;-5;x", "1;вчера;10;x"]) + "\n")
    history = read_purchases(path, today=TODAY)
    assert describe_reason("bad_date") == "the date cannot be read"
    words = [describe_notice(notice) for notice in history.reading.notices]
    assert "1 line has a negative amount: it is taken for a return (-5.00 RUB)" in words
    with use_language("ru"):
        assert all(describe_notice(notice) for notice in history.reading.notices)


def test_zero_amounts_and_extreme_quantities_are_kept_and_told(tmp_path: Path) -> None:
    text = "Карта;Дата;Сумма;Количество\n" + "".join(f"{n};05.01.2024;10;{n % 3 + 1}\n" for n in range(1, 50))
    text += "70;05.01.2024;1500;45000\n71;06.01.2024;0;1\n"
    history = read_purchases(write(tmp_path / "a.csv", text), today=TODAY)
    assert notices(history)["extreme_quantities"] == 1
    assert notices(history)["zero_amounts"] == 1
    assert len(lines(history)) == 51


def test_large_quantities_that_are_usual_are_not_told(tmp_path: Path) -> None:
    text = "Карта;Дата;Сумма;Количество\n" + "".join(f"{n};05.01.2024;10;{n * 500}\n" for n in range(1, 50))
    assert "extreme_quantities" not in notices(read_purchases(write(tmp_path / "a.csv", text), today=TODAY))
