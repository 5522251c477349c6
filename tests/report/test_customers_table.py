import csv
import dataclasses
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.analytics.audit import Audit
from regulars.core.errors import OutputError
from regulars.report import write_customers
from regulars.report.customers_table import COLUMNS


def test_the_file_holds_every_customer_and_every_column(any_audit: Audit, tmp_path: Path) -> None:
    write_customers(any_audit, tmp_path / "customers.parquet")
    table = pq.read_table(tmp_path / "customers.parquet")
    assert set(table.column_names) == set(any_audit.customers.columns)
    assert table.num_rows == any_audit.base.customers
    amounts = table["amount"].to_pylist()
    assert amounts == sorted(amounts, reverse=True)
    assert table.schema.field("amount").type == pa.int64()


def test_every_column_of_a_real_audit_is_explained_in_the_file(whole: Audit, tmp_path: Path) -> None:
    write_customers(whole, tmp_path / "customers.parquet")
    schema = pq.read_schema(tmp_path / "customers.parquet")
    texts = {field.name: (field.metadata or {}).get(b"description", b"").decode() for field in schema}
    assert texts == {name: COLUMNS.get(name, "") for name in texts}
    assert [name for name, text in texts.items() if not text] == []
    assert set(whole.people("state:lost").to_pyarrow()["currency"].to_pylist()) == {"RUB"}


def test_a_column_that_is_newer_than_the_page_is_written_too(whole: Audit, tmp_path: Path) -> None:
    audit = dataclasses.replace(whole, customers=whole.customers.mutate(mood=ibis.literal("fine")))
    write_customers(audit, tmp_path / "customers.parquet")
    assert pq.read_schema(tmp_path / "customers.parquet").names[-1] == "mood"


def test_many_batches_make_one_file(whole: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.report.customers_table._ROWS_AT_ONCE", 50)
    write_customers(whole, tmp_path / "customers.parquet")
    assert pq.read_metadata(tmp_path / "customers.parquet").num_rows == whole.base.customers


def test_csv_has_the_same_rows_and_no_formulas(hostile: Audit, tmp_path: Path) -> None:
    write_customers(hostile, tmp_path / "customers.CSV")
    with (tmp_path / "customers.CSV").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == hostile.base.customers
    ids = [row["customer_id"] for row in rows]
    assert '\'=HYPERLINK("http://evil.example","click")' in ids
    assert {"'@SUM(A1)", "'-2+3"} <= set(ids)
    assert not [value for row in rows for value in row.values() if value.startswith(("=", "@", "-", "\t"))]


def test_a_telephone_number_is_not_a_formula(whole: Audit, tmp_path: Path) -> None:
    changed = whole.customers.mutate(customer_id=ibis.literal("+79161234567"))
    write_customers(dataclasses.replace(whole, customers=changed), tmp_path / "customers.csv")
    assert '"+79161234567"' in (tmp_path / "customers.csv").read_text(encoding="utf-8")


def test_an_error_of_the_engine_leaves_nothing_behind(whole: Audit, tmp_path: Path) -> None:
    gone = ibis.duckdb.connect().create_table("gone", whole.customers.to_pyarrow())
    broken = dataclasses.replace(whole, customers=gone.mutate(visits=(gone.customer_id + "x").cast("int64")))
    with pytest.raises(Exception, match="Could not convert"):
        write_customers(broken, tmp_path / "customers.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(whole: Audit, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="There is no folder"):
        write_customers(whole, tmp_path / "nowhere" / "customers.parquet")
