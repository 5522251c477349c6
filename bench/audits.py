"""The whole audit against the bare engine: one aggregation by customer, and one reading of the CSV."""

import sys
from pathlib import Path

from bench.history import csv_of, history_file
from bench.measure import Measured, best_of, run

BARE_AGGREGATION = """
import duckdb, sys
duckdb.sql("SET memory_limit = '4GB'")
duckdb.sql(f'''SELECT count(*), sum(money), sum(lines), min(first), max(last) FROM (
    SELECT customer_id, sum(amount) AS money, count(*) AS lines, min(purchased_at) AS first, max(purchased_at) AS last
    FROM '{sys.argv[1]}' GROUP BY customer_id)''').fetchall()
"""

# what any look at customers needs at least: the visits, that is the distinct days
BARE_VISITS = BARE_AGGREGATION.replace("count(*) AS lines", "count(DISTINCT purchased_at::DATE) AS lines")

BARE_CSV = """
import duckdb, sys
duckdb.sql("SET memory_limit = '4GB'")
duckdb.sql(f'''SELECT count(customer_id), sum(amount), max(purchased_at), count(product_id), count(receipt_id)
    FROM read_csv('{sys.argv[1]}')''').fetchall()
"""


def rows(lines: int, *, with_csv: bool) -> list[tuple[str, str]]:
    """What was measured, as pairs of label and figures."""
    parquet = history_file(lines)
    bare, visits = best_of(3, BARE_AGGREGATION, str(parquet)), best_of(3, BARE_VISITS, str(parquet))
    ours = audit(parquet)
    millions = f"{lines // 1_000_000} M lines"
    found = [
        (f"{millions}: one bare aggregation by customer (Parquet)", _figures(bare)),
        (f"{millions}: the same with the number of visits (distinct days)", _figures(visits)),
        (f"{millions}: the whole audit with its report (Parquet)", _figures(ours)),
        (f"{millions}: ratio audit / bare aggregation", f"{ours.seconds / bare.seconds:.1f}"),
        (f"{millions}: ratio audit / aggregation with visits", f"{ours.seconds / visits.seconds:.1f}"),
    ]
    if with_csv:
        found += _csv_rows(csv_of(parquet), millions)
    return found


def audit(source: Path) -> Measured:
    """The command as a user types it, under 4 GB, all outputs but the workbook written."""
    target = source.with_name("audit")
    return run(
        sys.executable, "-m", "regulars", "audit", str(source), "--memory-limit", "4GB", "--currency", "RUB",
        "--out", str(target / "report.html"), "--json", str(target / "audit.json"),
        "--customers-out", str(target / "customers.parquet"),
    )  # fmt: skip


def _csv_rows(source: Path, millions: str) -> list[tuple[str, str]]:
    bare = best_of(2, BARE_CSV, str(source))
    ours = audit(source)
    return [
        (f"{millions}: the engine alone reads the CSV", _figures(bare)),
        (f"{millions}: the whole audit of the CSV", _figures(ours)),
        (f"{millions}: ratio audit / reading the CSV", f"{ours.seconds / bare.seconds:.1f}"),
    ]


def _figures(one: Measured) -> str:
    return f"{one.seconds:.1f} s, {one.peak_mib:,.0f} MiB at most"
