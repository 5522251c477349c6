"""Where the table is: separators, titles above it, totals below it, headings or none."""

import datetime as dt
from pathlib import Path

import pytest

from regulars import ColumnProblem, FileProblem, read_purchases
from regulars.ingest import inspect
from tests.ingest.tables import TODAY, lines, notices, write


def test_titles_and_empty_rows_above_the_headings_are_skipped(tmp_path: Path) -> None:
    text = (
        "Отчёт по продажам\nПериод: 01.01.2024 - 31.01.2024\n\nКарта;Дата;Сумма\n7;05.01.2024;10,5\n8;06.01.2024;11\n"
    )
    found = inspect(write(tmp_path / "a.csv", text))
    assert (found.header_row, found.skipped_rows) == (4, 3)
    history = read_purchases(tmp_path / "a.csv", today=TODAY)
    assert [(row["customer_id"], row["amount"]) for row in lines(history)] == [("7", 1050), ("8", 1100)]
    assert history.reading.rows_rejected == 0


def test_total_rows_are_skipped_and_counted_and_not_rejected(tmp_path: Path) -> None:
    text = (
        "Карта;Дата;Товар;Сумма\n7;05.01.2024;Хлеб;10\nИтого за день;;;10\n8;06.01.2024;Хлеб;20\n;;Всего:;20\n"
        "Итого;31.01.2024;;30\nTotal\n\n;;;\n"
    )
    history = read_purchases(write(tmp_path / "a.csv", text), today=TODAY)
    assert [row["amount"] for row in lines(history)] == [1000, 2000]
    assert history.reading.rows_rejected == 0
    assert notices(history)["total_rows"] == 3
    assert history.reading.rows_read == 2


def test_a_product_called_total_is_no_total(tmp_path: Path) -> None:
    text = "Карта;Дата;Товар;Сумма\n7;05.01.2024;Total Quartz 9000;10\n8;06.01.2024;Total;20\n"
    assert len(lines(read_purchases(write(tmp_path / "a.csv", text), today=TODAY))) == 2


def test_headings_that_repeat_inside_a_file_are_skipped(tmp_path: Path) -> None:
    text = "customer,date,amount\na,2024-01-05,1\ncustomer,date,amount\nb,2024-01-06,2\n"
    history = read_purchases(write(tmp_path / "a.csv", text), today=TODAY)
    assert [row["customer_id"] for row in lines(history)] == ["a", "b"]
    assert notices(history)["header_rows"] == 1


def test_a_line_break_inside_a_heading_and_inside_a_cell(tmp_path: Path) -> None:
    text = (
        '"Номер\nкарты";Дата;Сумма;Товар\n7;05.01.2024;10;"Хлеб\nбелый"\n8;06.01.2024;20;"Сыр ""Гауда"""\n'
        '9;06.01.2024;30;"две\nстроки\nещё"\n'
    )
    history = read_purchases(write(tmp_path / "a.csv", text), today=TODAY)
    assert [row["product"] for row in lines(history)] == ["Хлеб белый", 'Сыр "Гауда"', "две строки ещё"]


def test_a_quote_that_nobody_closed_hides_no_other_row(tmp_path: Path) -> None:
    rows = [f"{n};05.01.2024;{n};Товар {n}" for n in range(1, 400)]
    rows[100] = '101;05.01.2024;101;"ООО Ромашка'
    rows[200] = '201;05.01.2024;201;ООО "Ромашка"'
    rows[300] = '301;05.01.2024;301;"Ромашка" ООО'
    text = "Карта;Дата;Сумма;Товар\n" + "\n".join(rows) + "\n"
    history = read_purchases(write(tmp_path / "a.csv", text), today=TODAY)
    assert (history.reading.rows_accepted, history.reading.rows_rejected) == (399, 0)
    products = {row["customer_id"]: row["product"] for row in lines(history)}
    assert products["101"] == "ООО Ромашка"
    assert products["201"] == 'ООО "Ромашка"'
    assert products["302"] == "Товар 302"


@pytest.mark.parametrize("quoted_share", [3, 1])
def test_a_long_file_full_of_quoted_line_breaks_loses_and_invents_no_row(quoted_share: int, tmp_path: Path) -> None:
    # the parallel reader alone finds 2 rows too many in such a file
    rows = [
        f'{n};05.01.2024;1;"line {n}\nline; two ""q"" ";x\n' if n % quoted_share == 0 else f"{n};05.01.2024;1;plain;x\n"
        for n in range(60_000)
    ]
    path = write(tmp_path / "a.csv", "Карта;Дата;Сумма;Товар;Магазин\n" + "".join(rows))
    history = read_purchases(path, today=TODAY)
    assert history.reading.rows_accepted == 60_000
    assert history.reading.rows_rejected == 0
    assert history.lines.customer_id.nunique().to_pyarrow().as_py() == 59_999  # card 0 is nobody


def test_a_file_without_headings_is_mapped_by_the_numbers_of_its_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "00004,0001,19970101,2,29.33\n00005,0002,19970118,2,29.73\n")
    with pytest.raises(ColumnProblem, match=r'--map customer_id="column 1" or --map customer_id="column 2"'):
        read_purchases(path, today=TODAY)
    history = read_purchases(path, mapping={"customer_id": "column 1"}, today=TODAY)
    assert [(row["customer_id"], row["purchased_at"], row["amount"]) for row in lines(history)] == [
        ("00004", dt.datetime(1997, 1, 1), 2933),
        ("00005", dt.datetime(1997, 1, 18), 2973),
    ]


def test_runs_of_spaces_separate_cells(tmp_path: Path) -> None:
    text = " card   day        sum\n 00004  1997-01-01   29.33\n 00021  1997-01-18  129.73\n"
    history = read_purchases(
        write(tmp_path / "a.txt", text), mapping={"customer_id": "card", "purchased_at": "day"}, today=TODAY
    )
    assert [row["amount"] for row in lines(history)] == [2933, 12973]


def test_an_apostrophe_and_a_quote_of_a_tab_table_are_letters(tmp_path: Path) -> None:
    text = 'card\tdate\tamount\tproduct\nO\'Neil\t2024-01-05\t1\tTV 32"\nб\t2024-01-06\t2\tPipe 1"\n'
    history = read_purchases(write(tmp_path / "a.tsv", text), today=TODAY)
    assert [(row["customer_id"], row["product"]) for row in lines(history)] == [("O'Neil", 'TV 32"'), ("б", 'Pipe 1"')]


def test_a_separator_at_the_end_of_each_line_makes_an_empty_column(tmp_path: Path) -> None:
    text = "Карта;Дата;Сумма;\n7;05.01.2024;10;\n8;06.01.2024;20;\n"
    assert len(lines(read_purchases(write(tmp_path / "a.csv", text), today=TODAY))) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n\n", "holds no rows"),
        ("Карта;Дата;Сумма\n", "headings and no rows"),
        ("Отчёт\n\nКарта;Дата;Сумма\n\n", "headings and no rows"),
    ],
)
def test_a_file_without_rows_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=message):
        read_purchases(write(tmp_path / "a.csv", text), today=TODAY)


def test_headings_that_look_like_attacks_do_no_harm(tmp_path: Path) -> None:
    text = (
        '"\'; DROP TABLE x; --","a""b",=1+1,"amount","\'",c\0d,date,customer\n'
        "1,2,3,4.5,5,6,2024-01-05,x\n2,2,3,4.5,5,6,2024-01-06,y\n"
    )
    path = write(tmp_path / "a'b [1]*;.csv", text)
    history = read_purchases(path, mapping={"product": "'; DROP TABLE x; --", "store": 'a"b'}, today=TODAY)
    assert [(row["product"], row["store"], row["amount"]) for row in lines(history)] == [
        ("1", "2", 450),
        ("2", "2", 450),
    ]
    assert "=1+1" in [column.heading for column in inspect(path).columns]


def test_two_and_more_spaces_separate_cells_that_hold_single_ones(tmp_path: Path) -> None:
    text = "card   date         amount  product\n"
    text += "A 1    05.01.2024    29.33  White bread\nB 22   06.01.2024   129.73  Milk\n"
    history = read_purchases(write(tmp_path / "a.txt", text), mapping={"customer_id": "card"}, today=TODAY)
    assert [(row["customer_id"], row["product"]) for row in lines(history)] == [
        ("A 1", "White bread"),
        ("B 22", "Milk"),
    ]
