"""`make bench`: measure, print, and write bench/RESULTS.md.

    python -m bench             everything but what takes lifetimes minutes
    python -m bench --full      lifetimes' Pareto/NBD on a million customers too
"""

import datetime as dt
import os
import platform
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> None:
    """Run all benchmarks of one kind after another and keep their figures together."""
    # as the command line does: threads of the linear algebra library only wait for each other on tiny matrices
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from bench import audits, clv_models, summary

    full = "--full" in sys.argv
    sections = {
        "The whole audit": [*audits.rows(10_000_000, with_csv=True), *audits.rows(50_000_000, with_csv=False)],
        "From lines to customers": summary.rows(10_000_000),
        "Customer models": clv_models.rows(full=full),
    }
    text = _document(sections)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


def _document(sections: dict[str, list[tuple[str, str]]]) -> str:
    engine = f"DuckDB {version('duckdb')}, Ibis {version('ibis-framework')}, lifetimes {version('lifetimes')}"
    parts = [
        "# Results",
        "",
        f"One run of `make bench` on {dt.date.today():%Y-%m-%d}: {os.cpu_count()} cores ({platform.machine()}), {engine}.",
        "Ratios of one run tell more than seconds; seconds differ from machine to machine.",
    ]
    for title, rows in sections.items():
        parts += ["", f"## {title}", "", "| what | measured |", "|---|---|", *_table(rows)]
    return "\n".join(parts) + "\n"


def _table(rows: Iterable[tuple[str, str]]) -> list[str]:
    return [f"| {label} | {figures} |" for label, figures in rows]


if __name__ == "__main__":
    main()
