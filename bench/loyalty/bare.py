"""The limit: a function of the database that writes the very rows that receipts wrote, and nothing else.

The rows that the application wrote are kept apart, by receipt. pgbench calls a function that puts those of one receipt
into tables of the same shape (columns, indexes, checks; no triggers, no references) and moves the account of the
member on; one transaction for each, as tills do.
"""

import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connection

from bench.application.installation import sql, value
from regulars.server.backup import program

# every table that a receipt adds rows to, and by what a row is known to belong to which sale
_OF_SALE = {
    "loyalty_sale": "t.id = s.id",
    "loyalty_saleline": "t.sale_id = s.id",
    "purchases_receipt": "t.id = s.receipt_id",
    "purchases_line": "t.receipt_id = s.receipt_id",
    "loyalty_transaction": "t.id = s.transaction_id",
    "loyalty_posting": "t.transaction_id = s.transaction_id",
    "loyalty_lot": "t.born_in_id = s.transaction_id",
    "foundation_happening": "t.content ->> 'sale' = s.id::text",
}
_ACCOUNTS = "loyalty_account"
_TOUCHED = "purchases_touched"  # by which the columnar copy is told: a row for the receipt, one for its lines


class Rows:
    """How many rows each table has been given so far; what grows unseen would make the limit too easy to reach."""

    def __init__(self) -> None:
        self._before = _inserted()

    def check(self, receipts: int) -> None:
        """Raise when receipts write into a table that the bare function knows nothing of."""
        grown = {name: count - self._before.get(name, 0) for name, count in _inserted().items()}
        unknown = {name for name, count in grown.items() if count >= receipts} - set(_OF_SALE) - {_TOUCHED}
        if unknown:
            raise RuntimeError(f"receipts write into {sorted(unknown)} too: the bare function has to do so as well")


def _inserted() -> dict[str, int]:
    sql("SELECT pg_stat_force_next_flush()", "SELECT pg_stat_clear_snapshot()")
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, n_tup_ins FROM pg_stat_user_tables")
        return dict(cursor.fetchall())


def keep(first_sale: int) -> int:
    """Put the rows of the sales after this one apart, numbered from 1; how many sales that are."""
    sql(
        "DROP TABLE IF EXISTS bench_sales",
        f"""CREATE TABLE bench_sales AS SELECT s.*, row_number() OVER (ORDER BY id) AS n
        FROM loyalty_sale s WHERE id > {first_sale}""",
        "CREATE INDEX ON bench_sales (id)",
    )
    for table, key in _OF_SALE.items():
        sql(
            f"DROP TABLE IF EXISTS kept_{table}",
            f"CREATE TABLE kept_{table} AS SELECT s.n, t AS row FROM {table} t JOIN bench_sales s ON {key}",
            f"CREATE INDEX ON kept_{table} (n)",
            f"VACUUM ANALYZE kept_{table}",
        )
    inserts = [f"INSERT INTO bench_{one} SELECT (k.row).* FROM kept_{one} k WHERE k.n = wanted;" for one in _OF_SALE]
    sql(
        f"""CREATE OR REPLACE FUNCTION bench_write(wanted bigint) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
        {" ".join(inserts)}
        INSERT INTO bench_{_TOUCHED} (month) SELECT date_trunc('month', (k.row).purchased_at)
        FROM kept_purchases_receipt k, generate_series(1, 2) WHERE k.n = wanted;
        UPDATE bench_{_ACCOUNTS} a SET seq = a.seq + 1 FROM kept_loyalty_posting k
        WHERE k.n = wanted AND a.id = (k.row).account_id; END $$"""
    )
    return value("SELECT count(*) FROM bench_sales")


def rate(sales: int, address: str) -> float:
    """Receipts a second that pgbench writes so, one after another over one connection."""
    for table in (*_OF_SALE, _ACCOUNTS, _TOUCHED):
        sql(f"DROP TABLE IF EXISTS bench_{table}", f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)")
    sql(
        f"INSERT INTO bench_{_ACCOUNTS} SELECT * FROM {_ACCOUNTS}",
        "DROP SEQUENCE IF EXISTS bench_next",
        "CREATE SEQUENCE bench_next",
        "CHECKPOINT",
    )
    with TemporaryDirectory() as folder:
        script = Path(folder) / "one.sql"
        script.write_text("SELECT bench_write(nextval('bench_next'));\n", encoding="ascii")
        done = subprocess.run(
            [program("pgbench"), "--no-vacuum", "--client=1", f"--transactions={sales}", "--protocol=prepared",
             f"--file={script}", address],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    if value("SELECT count(*) FROM bench_loyalty_sale") != sales:
        raise RuntimeError("pgbench did not write every receipt")
    found = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"pgbench said nothing of its rate: {done.stdout}")
    return float(found.group(1))
