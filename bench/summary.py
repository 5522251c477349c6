"""From lines to one row per customer (frequency, recency, age, money): ours against lifetimes."""

from bench.history import history_file
from bench.measure import best_of, python

OURS = """
import sys, datetime as dt
from regulars.ingest import read_purchases
from regulars.analytics.rollup import roll_up
history = read_purchases(sys.argv[1], currency="RUB")
roll_up(history, as_of=history.last_day).customers.count().to_pyarrow()
"""

THEIRS = """
import sys, warnings
warnings.simplefilter("ignore")
import pandas as pd
from lifetimes.utils import summary_data_from_transaction_data
lines = pd.read_parquet(sys.argv[1], columns=["customer_id", "purchased_at", "amount"])
lines["amount"] = lines["amount"].astype(float)
summary_data_from_transaction_data(lines, "customer_id", "purchased_at", monetary_value_col="amount", freq="D")
"""


def rows(lines: int) -> list[tuple[str, str]]:
    """What was measured, as pairs of label and figures."""
    source = str(history_file(lines))
    ours, theirs = best_of(2, OURS, source), python(THEIRS, source)
    millions = f"{lines // 1_000_000} M lines"
    return [
        (f"{millions} to customers: Regulars", f"{ours.seconds:.1f} s, {ours.peak_mib:,.0f} MiB at most"),
        (f"{millions} to customers: lifetimes", f"{theirs.seconds:.1f} s, {theirs.peak_mib:,.0f} MiB at most"),
        (f"{millions} to customers: ratio lifetimes / Regulars", f"{theirs.seconds / ours.seconds:.1f}"),
    ]
