"""The purchase contract: what is refused, and how a history describes itself."""

import ibis
import pyarrow as pa
import pytest

from regulars.analytics.purchases import CONTRACT, OPTIONAL, REQUIRED, History, Reading, check_contract, connect
from regulars.core.errors import ColumnProblem
from tests.analytics.purchase_rows import as_table, bought, day, history, in_duckdb, memory_table


def table_of(**columns: pa.DataType) -> ibis.Table:
    return ibis.memtable(pa.table({name: pa.array([], dtype) for name, dtype in columns.items()}))


def required(**changes: pa.DataType) -> dict[str, pa.DataType]:
    return {"customer_id": pa.string(), "purchased_at": pa.timestamp("us"), "amount": pa.int64(), **changes}


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_missing_required_column_is_named_together_with_what_there_is(missing: str) -> None:
    columns = required()
    del columns[missing]
    with pytest.raises(ColumnProblem) as refusal:
        check_contract(table_of(**columns))
    assert f"no column {missing}" in str(refusal.value)
    assert all(name in str(refusal.value) for name in columns)


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        ("customer_id", pa.int64()),
        ("purchased_at", pa.date32()),
        ("purchased_at", pa.timestamp("us", tz="UTC")),
        ("amount", pa.float64()),
        ("amount", pa.int32()),
        ("amount", pa.decimal128(12, 2)),
        ("quantity", pa.int64()),
        ("cost", pa.float64()),
        ("store", pa.int64()),
    ],
)
def test_a_column_of_another_kind_is_refused_by_its_name(column: str, dtype: pa.DataType) -> None:
    with pytest.raises(ColumnProblem, match=f"Column {column} must be"):
        check_contract(table_of(**required(**{column: dtype})))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_time_without_a_zone_is_taken_in_any_resolution(unit: str) -> None:
    lines = table_of(**required(purchased_at=pa.timestamp(unit)))
    assert History.of_table(lines, currency="RUB").lines.purchased_at.type().is_timestamp()


def test_columns_outside_the_contract_are_let_through() -> None:
    assert "weather" in History.of_table(table_of(**required(weather=pa.bool_())), currency="RUB").lines.columns


def test_numbers_that_cannot_be_null_are_numbers_too() -> None:
    kinds = {"customer_id": "string", "purchased_at": "timestamp", "amount": "int64"}
    check_contract(ibis.table(ibis.schema({name: f"!{kind}" for name, kind in kinds.items()}), name="lines"))
    with pytest.raises(ColumnProblem, match="amount"):
        wrong = kinds | {"amount": "float64"}
        check_contract(ibis.table(ibis.schema({name: f"!{kind}" for name, kind in wrong.items()}), name="lines"))


def test_the_contract_is_the_required_columns_and_the_optional_ones() -> None:
    assert set(CONTRACT) == {*REQUIRED, *OPTIONAL}
    assert set(REQUIRED) & set(OPTIONAL) == set()


def test_a_table_is_read_whole_and_its_unknown_buyers_are_counted() -> None:
    reading = history([bought("ann", 0), bought(None, 1), bought(None, 2)]).reading
    assert reading == Reading((), 3, 3, 0, 0, 2)


def test_an_empty_table_is_a_history_of_no_lines_and_no_days() -> None:
    empty = history([])
    assert empty.reading == Reading((), 0, 0, 0, 0, 0)
    assert empty.span() is None


def test_the_span_runs_from_the_first_day_to_the_last_whatever_the_order() -> None:
    assert history([bought("ann", 5), bought(None, 2), bought("bob", 9)]).span() == (day(2), day(9))


def test_a_history_knows_which_optional_columns_it_has() -> None:
    mine = history([bought("ann", 0, store="Main", cost=40)])
    assert mine.has("store", "cost")
    assert not mine.has("store", "channel")
    assert mine.has()


def test_a_history_says_in_one_line_what_it_holds() -> None:
    assert repr(history([bought("ann", 0)] * 1_200)) == (
        "History(1,200 lines of 1,200 read, RUB, columns: customer_id, purchased_at, amount)"
    )


def test_a_history_that_breaks_the_contract_cannot_be_made() -> None:
    with pytest.raises(ColumnProblem):
        History.of_table(table_of(amount=pa.int64()), currency="RUB")


def test_a_history_may_stand_on_a_table_in_memory_and_on_one_in_an_engine() -> None:
    rows = [bought("ann", 0), bought("bob", 3)]
    spans = {
        History.of_table(table, currency="RUB").span() for table in (memory_table(rows), in_duckdb(as_table(rows)))
    }
    assert spans == {(day(0), day(3))}


def test_the_engine_spills_to_the_folder_that_is_named_even_with_a_quote_in_it(tmp_path: object) -> None:
    folder = f"{tmp_path}/it's here"
    connection = connect(memory_limit="100MB", spill_to=folder)
    settings = dict(
        connection.raw_sql(
            "SELECT name, value FROM duckdb_settings() WHERE name IN ('temp_directory', 'memory_limit', 'TimeZone')"
        ).fetchall()
    )
    assert settings["temp_directory"] == folder
    assert settings["memory_limit"] == "42.9 MiB"  # the rest is for Python
    assert settings["TimeZone"] == "UTC"
