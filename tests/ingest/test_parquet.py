"""Parquet is read where it lies, whatever the types of its columns."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars import read_purchases
from regulars.ingest import inspect
from tests.ingest.tables import TODAY, lines, notices

DAY = dt.datetime(2024, 1, 5, 10, 30)


def read_one(folder: Path, **columns: Any) -> dict[str, Any]:
    table = {"customer": ["a"], "date": [DAY], "amount": [1.5]} | columns
    pq.write_table(pa.table(table), folder / "a.parquet")
    return lines(read_purchases(folder / "a.parquet", today=TODAY))[0]


@pytest.mark.parametrize(
    ("values", "kopecks"),
    [
        (pa.array([12], pa.int8()), 1200),
        (pa.array([12], pa.uint64()), 1200),
        (pa.array([0.285], pa.float64()), 29),
        (pa.array([1.1], pa.float32()), 110),
        (pa.array([Decimal("12.345")], pa.decimal128(10, 3)), 1235),
        (pa.array(["1 234,50 ₽"]), 123450),
        (pa.array(["12.5"]).dictionary_encode(), 1250),
    ],
)
def test_amounts_of_every_type(values: pa.Array, kopecks: int, tmp_path: Path) -> None:
    assert read_one(tmp_path, amount=values)["amount"] == kopecks


@pytest.mark.parametrize(
    ("values", "moment"),
    [
        (pa.array([DAY], pa.timestamp("s")), DAY),
        (pa.array([DAY], pa.timestamp("ns")), DAY),
        (pa.array([DAY.date()], pa.date32()), dt.datetime(2024, 1, 5)),
        (pa.array([20240105], pa.int32()), dt.datetime(2024, 1, 5)),
        (pa.array(["05.01.2024 10:30"]), DAY),
        (pa.array(["2024-01-05T10:30:00+05:00"]), DAY),
    ],
)
def test_dates_of_every_type(values: pa.Array, moment: dt.datetime, tmp_path: Path) -> None:
    assert read_one(tmp_path, date=values)["purchased_at"] == moment


def test_moments_with_a_zone_are_shown_in_utc_and_told(tmp_path: Path) -> None:
    table = pa.table(
        {"customer": ["a"], "date": pa.array([DAY], pa.timestamp("us", tz="Europe/Moscow")), "amount": [1.0]}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    history = read_purchases(tmp_path / "a.parquet", today=TODAY)
    assert lines(history)[0]["purchased_at"] == DAY
    assert notices(history)["converted_zone"] == 1


@pytest.mark.parametrize(
    ("values", "key"),
    [
        (pa.array([12345], pa.int64()), "12345"),
        (pa.array([0], pa.int64()), None),
        (pa.array([12345.0], pa.float64()), "12345"),
        (pa.array([float("nan")], pa.float64()), None),
        (pa.array([" 007 "]), "007"),
        (pa.array(["без карты"]), None),
    ],
)
def test_keys_of_every_type(values: pa.Array, key: str | None, tmp_path: Path) -> None:
    assert read_one(tmp_path, customer=values)["customer_id"] == key


def test_texts_are_trimmed_and_numbers_become_texts(tmp_path: Path) -> None:
    row = read_one(tmp_path, store=[" Центр "], product_id=[17], receipt_id=[5.0], quantity=[2])
    assert (row["store"], row["product_id"], row["receipt_id"], row["quantity"]) == ("Центр", "17", "5", 2.0)


def test_bad_rows_are_rejected_by_their_number(tmp_path: Path) -> None:
    rows = 100
    table = pa.table(
        {
            "customer": [f"c{n}" for n in range(rows)],
            "date": [None if n == 41 else DAY for n in range(rows)],
            "amount": [float("nan") if n == 6 else 1.0 for n in range(rows)],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=10)
    history = read_purchases(tmp_path / "a.parquet", today=TODAY, rejects_to=tmp_path / "r.csv")
    assert history.reading.reject_reasons == {"bad_amount": 1, "no_date": 1}
    text = (tmp_path / "r.csv").read_text("utf-8-sig").splitlines()
    assert text[1].endswith(",7,amount,nan,the amount is not a number")
    assert text[2].endswith(",42,date,,there is no date")
    assert len(lines(history)) == 98


def test_nothing_is_copied(tmp_path: Path) -> None:
    pq.write_table(pa.table({"customer": ["a"], "date": [DAY], "amount": [1.5]}), tmp_path / "a.parquet")
    read_purchases(tmp_path / "a.parquet", workspace=tmp_path / "w", today=TODAY)
    assert [path for path in (tmp_path / "w").rglob("*") if path.is_file()] == []


def test_files_with_different_columns_and_a_folder_named_like_a_partition(tmp_path: Path) -> None:
    (tmp_path / "store=1").mkdir()
    pq.write_table(pa.table({"customer": ["a"], "date": [DAY], "amount": [1.5]}), tmp_path / "store=1" / "a.parquet")
    pq.write_table(pa.table({"date": [DAY], "client": [7], "sum": [2], "shop": ["x"]}), tmp_path / "b.parquet")
    history = read_purchases(tmp_path, today=TODAY)
    assert sorted((row["customer_id"], row["amount"]) for row in lines(history)) == [("7", 200), ("a", 150)]


def test_inspect_shows_the_columns_of_parquet(tmp_path: Path) -> None:
    pq.write_table(pa.table({"customer": ["a"], "date": [DAY], "amount": [1.5]}), tmp_path / "a.parquet")
    found = inspect(tmp_path / "a.parquet")
    assert (found.format, found.encoding, found.sheet) == ("Parquet", None, None)
    assert [column.samples for column in found.columns] == [("a",), ("2024-01-05 10:30:00",), ("1.5",)]
