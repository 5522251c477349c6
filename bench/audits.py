"""The whole audit against the bare engine: one aggregation by customer, and one reading of the CSV."""

import json
import sys
from dataclasses import dataclass
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

# everything that `regulars audit` does, with the seconds of each step
WHOLE = """
import json, sys, time
from pathlib import Path
import regulars
from regulars.report import write_customers, write_html, write_json

class Clock:
    def __init__(self):
        self.seconds, self.label, self.since = {}, "reading", time.perf_counter()
    def step(self, label, done, total):
        now = time.perf_counter()
        self.seconds[self.label] = self.seconds.get(self.label, 0) + now - self.since
        self.label, self.since = label, now

clock = Clock()
history = regulars.read_purchases(sys.argv[1], currency="RUB", memory_limit="4GB")
result = regulars.audit(history, as_of=history.last_day, progress=clock)
clock.step("writing", None, None)
folder = Path(sys.argv[2])
folder.mkdir(exist_ok=True)
write_html(result, folder / "report.html", language="en")
write_json(result, folder / "audit.json")
write_customers(result, folder / "customers.parquet")
clock.step("end", None, None)
(folder / "steps.json").write_text(json.dumps(clock.seconds))  # the engine shows its progress on stdout
"""
# in the order of the work: the first and the one after the last of the analyses of reasons
REASONS_BEGIN, REASONS_END = "Bought together", "Opportunities"


@dataclass(frozen=True)
class Audited:
    """One whole audit as a process."""

    lines: int
    source: Path
    process: Measured
    steps: dict[str, float]

    @property
    def of_reasons(self) -> float:
        """Seconds of the analyses of reasons: why they leave, what they need, prices, shelf, demand."""
        labels = list(self.steps)
        return sum(self.steps[one] for one in labels[labels.index(REASONS_BEGIN) : labels.index(REASONS_END)])

    @property
    def of_basics(self) -> float:
        """Everything else: reading, who they are, who is leaving, what it costs, writing."""
        return self.process.seconds - self.of_reasons


def audit(lines: int) -> Audited:
    """Audit a history of about so many lines under 4 GB."""
    source = history_file(lines)
    folder = source.with_name("audit")
    process = run(sys.executable, "-c", WHOLE, str(source), str(folder))
    return Audited(lines, source, process, json.loads((folder / "steps.json").read_text(encoding="utf-8")))


def rows(audited: Audited) -> list[tuple[str, str]]:
    """The audit against the engine alone, as pairs of label and figures."""
    source = str(audited.source)
    bare, visits = best_of(3, BARE_AGGREGATION, source), best_of(3, BARE_VISITS, source)
    millions = f"{audited.lines // 1_000_000} M lines"
    basics = audited.of_basics
    slowest = sorted(audited.steps.items(), key=lambda step: -step[1])[:8]
    return [
        (f"{millions}: one bare aggregation by customer (Parquet)", _figures(bare)),
        (f"{millions}: the same with the number of visits (distinct days)", _figures(visits)),
        (f"{millions}: the whole audit with its report (Parquet)", _figures(audited.process)),
        (f"{millions}: of it without the analyses of reasons", f"{basics:.1f} s"),
        (f"{millions}: ratio whole audit / bare aggregation", f"{audited.process.seconds / bare.seconds:.1f}"),
        (f"{millions}: ratio without reasons / bare aggregation", f"{basics / bare.seconds:.1f}"),
        (f"{millions}: ratio without reasons / aggregation with visits", f"{basics / visits.seconds:.1f}"),
        (f"{millions}: where the time goes", ", ".join(f"{label} {seconds:.1f} s" for label, seconds in slowest)),
    ]


def csv_rows(lines: int) -> list[tuple[str, str]]:
    """The command on a CSV against the engine that only reads it."""
    source = csv_of(history_file(lines))
    bare = best_of(2, BARE_CSV, str(source))
    target = source.with_name("audit")
    ours = run(
        sys.executable, "-m", "regulars", "audit", str(source), "--memory-limit", "4GB", "--currency", "RUB",
        "--out", str(target / "report.html"), "--json", str(target / "audit.json"),
        "--customers-out", str(target / "customers.parquet"),
    )  # fmt: skip
    millions = f"{lines // 1_000_000} M lines"
    return [
        (f"{millions}: the engine alone reads the CSV", _figures(bare)),
        (f"{millions}: the whole audit of the CSV, as a command", _figures(ours)),
        (f"{millions}: ratio audit / reading the CSV", f"{ours.seconds / bare.seconds:.1f}"),
    ]


def _figures(one: Measured) -> str:
    return f"{one.seconds:.1f} s, {one.peak_mib:,.0f} MiB at most"
