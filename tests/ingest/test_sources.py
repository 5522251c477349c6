"""Paths, folders, patterns, sheets: what is read and what is left out."""

from pathlib import Path

import pytest

from regulars import ColumnProblem, FileProblem, InputError, read_purchases
from regulars.ingest import inspect
from tests.ingest.tables import TODAY, contents, lines, notices, write, write_parquet, write_sheets, write_xlsx

HEAD = "Карта;Дата;Сумма\n"


def test_a_folder_of_mixed_formats_is_one_history(tmp_path: Path) -> None:
    import datetime as dt

    headings = ("Карта", "Дата", "Сумма")
    write(tmp_path / "a" / "1.csv", HEAD + "1;05.01.2024;1\n")
    write(tmp_path / "a" / "sub" / "2.txt", "customer\tdate\tamount\n2\t2024-01-06\t2\n", "utf-16")
    write_xlsx(tmp_path / "a" / "3.xlsx", [("3", dt.datetime(2024, 1, 7), 3.0)], headings=headings)
    write_parquet(tmp_path / "a" / "4.parquet", [("4", dt.datetime(2024, 1, 8), 4.0)], headings=headings)
    write(tmp_path / "a" / ".hidden.csv", "x")
    write(tmp_path / "a" / "~$3.xlsx", "x")
    write(tmp_path / "a" / "readme.md", "x")
    history = read_purchases(tmp_path / "a", today=TODAY)
    assert [row["customer_id"] for row in lines(history)] == ["1", "2", "3", "4"]
    assert [Path(file).name for file in history.reading.files] == ["1.csv", "3.xlsx", "4.parquet", "2.txt"]


def test_a_pattern_and_a_name_with_signs_of_patterns(tmp_path: Path) -> None:
    write(tmp_path / "sales [1].csv", HEAD + "1;05.01.2024;1\n")
    write(tmp_path / "sales 1.csv", HEAD + "2;05.01.2024;1\n")
    assert len(lines(read_purchases(tmp_path / "sales*.csv", today=TODAY))) == 2
    assert [row["customer_id"] for row in lines(read_purchases(tmp_path / "sales [1].csv", today=TODAY))] == ["1"]


def test_columns_that_only_some_files_have_stay_empty_for_the_others(tmp_path: Path) -> None:
    write(tmp_path / "1.csv", "Карта;Дата;Сумма;Магазин;Количество\n1;05.01.2024;1;x;2\n")
    write(tmp_path / "2.csv", HEAD + "2;06.01.2024;1\n")
    history = read_purchases(tmp_path, today=TODAY)
    assert [(row["store"], row["quantity"]) for row in lines(history)] == [("x", 2.0), (None, None)]
    assert notices(history)["few_columns"] == 1


def test_a_file_about_something_else_in_a_folder_is_left_out_and_told(tmp_path: Path) -> None:
    write(tmp_path / "sales.csv", HEAD + "1;05.01.2024;1\n")
    write(tmp_path / "goods.csv", "sku;title\n1;Bread\n")
    history = read_purchases(tmp_path, today=TODAY)
    assert [each.example for each in history.reading.notices if each.kind == "skipped_files"] == [
        str(tmp_path / "goods.csv")
    ]
    with pytest.raises(ColumnProblem):
        read_purchases(tmp_path / "sales.csv", tmp_path / "goods.csv", today=TODAY)


def test_sheets_with_the_same_headings_are_read_together_and_others_are_told(tmp_path: Path) -> None:
    heading = ["Карта", "Дата", "Сумма"]
    path = write_sheets(
        tmp_path / "a.xlsx",
        {
            "Титул": [["Отчёт о продажах"], [], ["ООО Ромашка"]],
            "Январь": [heading, ["1", "05.01.2024", 1], ["2", "06.01.2024", 1]],
            "Товары": [["Артикул", "Название"], ["x", "Хлеб"]],
            "Февраль": [["Отчёт"], heading, ["3", "05.02.2024", 1]],
            "Старое": [heading, ["9", "05.01.2023", 1]],
            "Пусто": [],
        },
        hidden=["Старое"],
    )
    history = read_purchases(path, today=TODAY)
    assert [row["customer_id"] for row in lines(history)] == ["1", "2", "3"]
    skipped = next(each for each in history.reading.notices if each.kind == "skipped_sheets")
    assert all(name in (skipped.example or "") for name in ("Товары", "Старое"))
    assert inspect(path).sheet == "Январь"


def test_the_sheet_that_fits_best_is_found_wherever_it_stands(tmp_path: Path) -> None:
    path = write_sheets(
        tmp_path / "a.xlsx",
        {
            "Клиенты": [["Карта", "ФИО"], ["1", "Иванов Иван"]],
            "Чеки": [["Карта", "Дата", "Сумма"], ["1", "05.01.2024", 5]],
        },
    )
    assert lines(read_purchases(path, today=TODAY))[0]["amount"] == 500


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nothing.csv", "There is no file"),
        ("empty", "holds no CSV, Excel, OpenDocument or Parquet file"),
        ("no*.csv", "No file fits the pattern"),
        ("https://example.com/sales.csv", "is an address, not a file"),
        ("a\0b.csv", "is not a path"),
    ],
)
def test_a_source_that_names_nothing(source: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileProblem, match=message):
        read_purchases(source if "://" in source else f"{tmp_path}/{source}", today=TODAY)


def test_no_source_at_all() -> None:
    with pytest.raises(InputError, match="Name at least one file"):
        read_purchases()


def test_the_place_and_the_order_of_files_do_not_matter(tmp_path: Path) -> None:
    one = write(tmp_path / "1.csv", HEAD + "1;05.01.2024;1\n2;07.01.2024;1\n")
    two = write(tmp_path / "2.csv", HEAD + "3;06.01.2024;1\n2;07.01.2024;1\n")
    assert contents(read_purchases(one, two, today=TODAY)) == contents(read_purchases(two, one, today=TODAY))


def test_progress_is_told(tmp_path: Path) -> None:
    class Listener:
        def __init__(self) -> None:
            self.steps: list[tuple[str, int | None, int | None]] = []

        def step(self, label: str, done: int | None, total: int | None) -> None:
            self.steps.append((label, done, total))

    listener = Listener()
    path = write(tmp_path / "1.csv", HEAD + "1;05.01.2024;1\n")
    read_purchases(path, today=TODAY, progress=listener)
    assert ("Checking 1.csv", path.stat().st_size, path.stat().st_size) in listener.steps


def test_a_time_of_excel_joins_its_date(tmp_path: Path) -> None:
    import datetime as dt

    sheet = [["Карта", "Дата", "Время", "Сумма"], ["7", dt.date(2024, 1, 5), dt.time(9, 5), 10]]
    history = read_purchases(write_sheets(tmp_path / "a.xlsx", {"Лист1": sheet}), today=TODAY)
    assert str(lines(history)[0]["purchased_at"]) == "2024-01-05 09:05:00"
