"""A big purchase history to measure on: made by the engine, the same on every machine.

Customers have own start, lifetime and rate; receipts have one to nine lines; products are many and unequal.
Cards are 13 digits, as chains print them; lines are in order of time, as tills export them.
"""

import subprocess
import sys
from pathlib import Path

import duckdb

DATA = Path(__file__).parent / "data"
DAYS = 730
LINES_PER_CUSTOMER = 20  # a million customers have 20 million lines, as the application is sized for

_LINES = """
WITH receipts AS (
    SELECT
        i AS receipt,
        CAST(pow((hash(i) % 1000000007) / 1000000007.0, 1.5) * {customers} AS BIGINT) AS customer,
        (hash(i + 11) % 1000003) / 1000003.0 AS moment,
        hash(i + 7) % 40 AS store,
        1 + hash(i + 9) % 9 AS size
    FROM range({receipts}) t(i)
), placed AS (
    SELECT *,
        (hash(customer * 31) % 1000003) / 1000003.0 * {days} * 0.8 AS starts,
        -ln(1 - (hash(customer * 37) % 1000003) / 1000004.0) * 400 AS lifetime
    FROM receipts
), timed AS (
    SELECT *, TIMESTAMP '2023-01-01 00:00:00'
        + to_seconds(CAST((starts + moment * least(lifetime, {days} - starts)) * 86400 AS BIGINT)) AS purchased_at
    FROM placed
)
SELECT
    '2000' || lpad(CAST(customer AS VARCHAR), 9, '0') AS customer_id,
    'R' || receipt AS receipt_id,
    purchased_at,
    'P' || CAST(pow((hash(receipt * 10 + j) % 1000003) / 1000003.0, 3) * 20000 AS INTEGER) AS product_id,
    'C' || CAST(pow((hash(receipt * 10 + j) % 1000003) / 1000003.0, 3) * 200 AS INTEGER) AS category,
    'Store ' || store AS store,
    CAST(0.5 + (hash(receipt * 31 + j) % 100000) / 1000.0 AS DECIMAL(12, 2)) AS amount,
    CAST(1 + hash(receipt + j) % 3 AS INTEGER) AS quantity
FROM timed, range(9) u(j)
WHERE j < size
ORDER BY purchased_at, receipt_id
"""


def history_file(lines: int) -> Path:
    """A Parquet file of about so many lines; made once.

    By a process of its own: the peak of memory that a process has had is counted for those that it starts, too.
    """
    path = DATA / f"history-{lines}.parquet"
    if not path.exists():
        subprocess.run([sys.executable, "-m", "bench.history", str(lines), str(path)], check=True)
    return path


def _make(lines: int, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    query = _LINES.format(customers=lines // LINES_PER_CUSTOMER, receipts=lines // 5, days=DAYS)
    with duckdb.connect(config={"memory_limit": "6GB", "temp_directory": str(DATA / "spill")}) as connection:
        partial = path.with_suffix(".partial")
        connection.execute(f"COPY ({query}) TO '{partial}' (FORMAT parquet)")
        partial.rename(path)


def csv_of(parquet: Path) -> Path:
    """The same history as CSV; made once."""
    path = parquet.with_suffix(".csv")
    if not path.exists():
        partial = path.with_suffix(".partial")
        duckdb.sql(f"COPY (SELECT * FROM '{parquet}') TO '{partial}' (FORMAT csv)")
        partial.rename(path)
    return path


if __name__ == "__main__":
    _make(int(sys.argv[1]), Path(sys.argv[2]))
