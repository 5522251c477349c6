"""From lines to one row per customer (frequency, recency, age, money): ours against lifetimes."""

from bench.history import history_file
from bench.measure import Measured, best_of

OURS = """
import sys, time
import ibis.backends.duckdb, pandas  # what the first query would import
from regulars.analytics.purchases import History, connect
from regulars.analytics.summary import summary
started = time.perf_counter()
lines = connect().read_parquet(sys.argv[1])
lines = lines.mutate(amount=(lines.amount * 100).cast("int64"))
history = History(lines.select("customer_id", "purchased_at", "amount"), "RUB", None)
summary(history, as_of=history.last_day).to_pyarrow()
print(time.perf_counter() - started)
"""

# with everything that a file of unknown origin needs: columns guessed, every row checked
CHECKED = """
import sys, time
import ibis.backends.duckdb, pandas
from regulars.ingest import read_purchases
from regulars.analytics.summary import summary
started = time.perf_counter()
history = read_purchases(sys.argv[1], currency="RUB")
summary(history, as_of=history.last_day).to_pyarrow()
print(time.perf_counter() - started)
"""

THEIRS = """
import sys, time, warnings
warnings.simplefilter("ignore")
import pandas as pd
from lifetimes.utils import summary_data_from_transaction_data
started = time.perf_counter()
lines = pd.read_parquet(sys.argv[1], columns=["customer_id", "purchased_at", "amount"])
lines["amount"] = lines["amount"].astype(float)
summary_data_from_transaction_data(lines, "customer_id", "purchased_at", monetary_value_col="amount", freq="D")
print(time.perf_counter() - started)
"""


def rows(lines: int) -> list[tuple[str, str]]:
    """What was measured, as pairs of label and figures."""
    source = str(history_file(lines))
    ours, checked, theirs = best_of(3, OURS, source), best_of(3, CHECKED, source), best_of(2, THEIRS, source)
    millions = f"{lines // 1_000_000} M lines to customers"
    return [
        (f"{millions}: Regulars", _figures(ours)),
        (f"{millions}: Regulars, with guessing the columns and checking every row", _figures(checked)),
        (f"{millions}: lifetimes", _figures(theirs)),
        (f"{millions}: ratio lifetimes / Regulars", _ratio(theirs, ours)),
        (f"{millions}: ratio lifetimes / Regulars with checks", _ratio(theirs, checked)),
    ]


def _figures(one: Measured) -> str:
    return f"{one.seconds:.1f} s ({_work(one):.1f} s without imports), {one.peak_mib:,.0f} MiB at most"


def _ratio(theirs: Measured, ours: Measured) -> str:
    return f"{theirs.seconds / ours.seconds:.1f} ({_work(theirs) / _work(ours):.1f} without imports)"


def _work(one: Measured) -> float:
    return float(one.printed)
