"""`make bench`: measure, print, and write bench/RESULTS.md.

python -m bench             everything but what takes lifetimes minutes
python -m bench --full      lifetimes' Pareto/NBD on a million customers and an audit of 200 million lines too
"""

import datetime as dt
import os
import platform
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from bench import audits, clv_models, scaling, summary

MILLIONS = (1, 10, 50)
MOST_MILLIONS = (200,)  # takes an hour and 10 GB of disk: only on demand
RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> None:
    """Run all benchmarks of one kind after another and keep their figures together."""
    full = "--full" in sys.argv
    audited = {millions: audits.audit(millions * 1_000_000) for millions in MILLIONS + (MOST_MILLIONS if full else ())}
    sections = {
        "The whole audit": [*audits.rows(audited[10]), *audits.rows(audited[50]), *audits.csv_rows(10_000_000)],
        "Cost per million lines": scaling.rows(audited.values()),
        "From lines to customers": summary.rows(10_000_000),
        "Customer models": _models(full=full),
    }
    text = _document(sections)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


def _models(*, full: bool) -> list[tuple[str, str]]:
    return [
        (row.name, f"{row.ours_seconds:.2f} s, lifetimes {row.theirs_seconds:.2f} s: ratio {row.ratio:.1f}")
        for row in clv_models.bench_fits(full=full)
    ]


def _document(sections: dict[str, list[tuple[str, str]]]) -> str:
    machine = f"{os.cpu_count()} cores ({platform.machine()})"
    engine = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "ibis-framework", "lifetimes"))
    parts = [
        "# Results",
        "",
        f"One run of `make bench` on {dt.datetime.now(tz=dt.UTC):%Y-%m-%d}: {machine}, {engine}.",
        "Ratios of one run tell more than seconds; seconds differ from machine to machine.",
    ]
    for title, rows in sections.items():
        parts += ["", f"## {title}", "", "| what | measured |", "|---|---|", *_table(rows)]
    return "\n".join(parts) + "\n"


def _table(rows: Iterable[tuple[str, str]]) -> list[str]:
    return [f"| {label} | {figures} |" for label, figures in rows]


if __name__ == "__main__":
    main()
if __name__ == "__main__":
    main()
