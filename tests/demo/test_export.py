import csv
import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from regulars.core.errors import OutputError
from regulars.demo.shops import Shop, generate_shop, write_shop


@pytest.fixture(scope="module")
def russian_shop() -> Shop:
    return generate_shop("wholesale", customers=25, language="ru", anonymous_share=0.1)


@pytest.fixture(scope="module")
def russian_rows(russian_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    path = write_shop(russian_shop, tmp_path_factory.mktemp("export") / "чеки.csv")
    with path.open(encoding="cp1251", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def total(shop: Shop, column: str) -> Decimal:
    return Decimal(pc.sum(shop.lines[column]).as_py()) / 100


def russian_money(text: str) -> Decimal:
    assert re.fullmatch(r"-?\d{1,3}(\xa0\d{3})*,\d\d", text), text
    return Decimal(text.replace("\xa0", "").replace(",", "."))


def test_a_russian_file_holds_every_line_and_every_kopeck(
    russian_shop: Shop, russian_rows: list[dict[str, str]]
) -> None:
    assert len(russian_rows) == russian_shop.lines.num_rows
    for heading, column in (("Сумма", "amount"), ("Скидка", "discount"), ("Себестоимость", "cost")):
        assert sum(russian_money(row[heading]) for row in russian_rows) == total(russian_shop, column)
    assert any(len(row["Сумма"]) > len("999 999,00") for row in russian_rows)


def test_a_russian_file_has_dates_as_people_write_them(russian_shop: Shop, russian_rows: list[dict[str, str]]) -> None:
    assert all(re.fullmatch(r"\d\d\.\d\d\.\d{4} \d{1,2}:\d\d:\d\d", row["Дата"]) for row in russian_rows)
    assert any(re.search(r" \d:", row["Дата"]) for row in russian_rows)
    written = [dt.datetime.strptime(row["Дата"], "%d.%m.%Y %H:%M:%S") for row in russian_rows]
    assert written == russian_shop.lines["purchased_at"].to_pylist()


def test_a_phone_is_spelled_in_several_ways_and_once_in_a_receipt(
    russian_shop: Shop, russian_rows: list[dict[str, str]]
) -> None:
    def normal(phone: str) -> str | None:
        return "+7" + re.sub(r"\D", "", phone)[-10:] if phone else None

    assert [normal(row["Телефон"]) for row in russian_rows] == russian_shop.lines["customer_id"].to_pylist()
    spellings = {re.sub(r"\d", "0", row["Телефон"]) for row in russian_rows}
    assert spellings == {"", "+00000000000", "00000000000", "0 (000) 000-00-00", "+0 000 000 00 00"}
    in_receipts = {(row["Номер чека"], row["Телефон"]) for row in russian_rows}
    assert len(in_receipts) == len({row["Номер чека"] for row in russian_rows})


def test_an_english_file_is_plain(tmp_path: Path) -> None:
    shop = generate_shop("coffee", customers=25)
    path = write_shop(shop, tmp_path / "deep" / "receipts.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(Decimal(row["Amount"]) for row in rows) == total(shop, "amount")
    assert [dt.datetime.fromisoformat(row["Date"]) for row in rows] == shop.lines["purchased_at"].to_pylist()
    assert [row["Customer"] or None for row in rows] == shop.lines["customer_id"].to_pylist()


def test_an_english_shop_in_a_russian_file_keeps_its_card_numbers(tmp_path: Path) -> None:
    shop = generate_shop("clinic", customers=5)
    path = write_shop(shop, tmp_path / "cards.csv", style="russian")
    with path.open(encoding="cp1251", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert [row["Номер карты"] for row in rows] == shop.lines["customer_id"].to_pylist()


def test_parquet_holds_exact_currency_units(russian_shop: Shop, tmp_path: Path) -> None:
    table = pq.read_table(write_shop(russian_shop, tmp_path / "lines.parquet"))
    assert table.column_names == russian_shop.lines.column_names
    assert pc.sum(table["amount"]).as_py() == total(russian_shop, "amount")


def test_a_place_that_cannot_be_written_is_named(russian_shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(OutputError, match=r"Cannot write .*taken/lines\.parquet: .*\. Choose another place"):
        write_shop(russian_shop, tmp_path / "taken" / "lines.parquet")
