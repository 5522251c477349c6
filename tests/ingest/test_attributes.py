"""Attributes are read with the care of purchases: the customers are found by their values."""

from pathlib import Path

import ibis.expr.types as ir
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.core.errors import ColumnProblem, FileProblem
from regulars.ingest import read_attributes
from tests.analytics.purchase_rows import bought, history, records

PHONES = [f"+7916123456{n}" for n in range(10)]
CARDS = [str(1000 + n) for n in range(40)]


def lines(ids: list[str]) -> ir.Table:
    return history([bought(name, n) for n, name in enumerate(ids)]).lines


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding)
    return path


def test_phones_in_any_form_meet_the_customers(tmp_path: Path) -> None:
    forms = ["8 (916) 123-45-60", "79161234561", "+7 916 123 45 62", "916 123-45-63", "8 916 123 45 64 Иван"]
    rows = "".join(f"{form};Тверь;{20 + n},5\n" for n, form in enumerate(forms))
    file = write(tmp_path / "c.csv", "Мобильный;Город;Возраст\n" + rows, "cp1251")
    found = read_attributes(file, lines(PHONES))
    assert found.key == "Мобильный"
    assert found.headings == {"a1": "Город", "a2": "Возраст"}
    assert [row["customer_id"] for row in records(found.rows, "customer_id")] == PHONES[:5]
    assert records(found.rows, "customer_id")[0] == {"customer_id": PHONES[0], "a1": "Тверь", "a2": 20.5}


def test_an_age_is_no_customer_though_some_cards_look_like_one(tmp_path: Path) -> None:
    ids = [str(n) for n in range(1, 101)]
    rows = "".join(f"{1 + n % 7},{name}\n" for n, name in enumerate(ids))
    found = read_attributes(write(tmp_path / "c.csv", "children,person\n" + rows), lines(ids))
    assert found.key == "person"
    assert found.headings == {"a0": "children"}


@pytest.mark.parametrize("kind", ["xlsx", "parquet", "csv"])
def test_every_kind_of_file_gives_the_same(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"c.{kind}"
    table = pa.table({"card": CARDS, "age": [float(20 + n % 30) for n in range(40)], "town": ["A", "B"] * 20})
    if kind == "parquet":
        pq.write_table(table, file)
    elif kind == "csv":
        write(file, "card,age,town\n" + "".join(f"{r['card']},{r['age']},{r['town']}\n" for r in table.to_pylist()))
    else:
        book = openpyxl.Workbook()
        book.active.append(table.column_names)
        for row in table.to_pylist():
            book.active.append([int(row["card"]), row["age"], row["town"]])
        book.save(file)
    found = read_attributes(file, lines(CARDS))
    first = records(found.rows, "customer_id")[0]
    assert (found.key, len(records(found.rows))) == ("card", 40)
    assert first == {"customer_id": "1000", "a1": 20.0, "a2": "A"}


def test_contacts_are_told_from_traits(tmp_path: Path) -> None:
    rows = "".join(f"{card};8 916 123-45-{n:02d};a{n}@mail.ru;{n % 3}\n" for n, card in enumerate(CARDS))
    found = read_attributes(write(tmp_path / "c.csv", "Карта;Телефон;E-mail;Детей\n" + rows), lines(CARDS))
    assert (found.phones, found.emails, found.columns) == (("a1",), ("a2",), ("a3",))


def test_days_and_words_for_nothing(tmp_path: Path) -> None:
    rows = "".join(f"{card};0{1 + n % 9}.02.1990;{'не указан' if n else 'жен'}\n" for n, card in enumerate(CARDS))
    found = read_attributes(write(tmp_path / "c.csv", "card;born;sex\n" + rows), lines(CARDS))
    assert str(found.rows.a1.type()) == "date"
    assert [row["a2"] for row in records(found.rows, "customer_id")[:2]] == ["жен", None]


def test_the_sheet_that_knows_the_customers_is_read_and_the_others_are_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["code", "price"])
    for n in range(60):
        book.active.append([f"p{n}", n])
    people = book.create_sheet("people")
    people.append(["card", "town"])
    for card in CARDS:
        people.append([card, "A"])
    book.save(tmp_path / "c.xlsx")
    found = read_attributes(tmp_path / "c.xlsx", lines(CARDS))
    assert (found.key, len(records(found.rows))) == ("card", 40)
    assert len(found.notes) == 1


def test_no_column_with_the_customers_is_refused_with_what_was_tried(tmp_path: Path) -> None:
    file = write(tmp_path / "c.csv", "name,age\n" + "".join(f"n{n},{n}\n" for n in range(30)))
    with pytest.raises(ColumnProblem, match=r"such as 1000, 1001.*“name” \(such as n0\): 0 known.*--attributes-key"):
        read_attributes(file, lines(CARDS))


def test_a_named_column_is_taken_or_refused(tmp_path: Path) -> None:
    rows = "".join(f"{card},{CARDS[n // 2]},1\n" for n, card in enumerate(CARDS))
    file = write(tmp_path / "c.csv", "card,friend,x\n" + rows)
    assert read_attributes(file, lines(CARDS), key="friend").key == "friend"
    assert read_attributes(file, lines(CARDS)).key == "card"
    with pytest.raises(ColumnProblem, match="no column 'buddy'"):
        read_attributes(file, lines(CARDS), key="buddy")
    with pytest.raises(ColumnProblem, match="such as"):
        read_attributes(file, lines(CARDS), key="x")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="no file"):
        read_attributes(tmp_path / "none.csv", lines(CARDS))


def test_headings_cannot_break_out(tmp_path: Path) -> None:
    heading = "town'); DROP TABLE lines; --"
    file = write(tmp_path / "c.csv", f'card,"{heading}"\n' + "".join(f"{card},A' OR 1=1 --\n" for card in CARDS))
    found = read_attributes(file, lines(CARDS))
    assert found.headings == {"a1": heading}
    assert records(found.rows, "customer_id")[0]["a1"] == "A' OR 1=1 --"
