"""`make bench`: measure, print, and write the sections of bench/RESULTS.md that were measured.

python -m bench                everything but what takes lifetimes minutes
python -m bench --full         lifetimes' Pareto/NBD on a million customers and an audit of 200 million lines too
python -m bench audit models   some parts: audit, summary, models, application, loyalty
python -m bench application --lines 1000000    the application with a smaller base than that of 20 million lines
"""

import argparse
import datetime as dt
import os
import platform
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from bench import application, audits, clv_models, loyalty, scaling, summary

MILLIONS = (1, 10, 50)
MOST_MILLIONS = (200,)  # takes an hour and 10 GB of disk: only on demand
LINES_OF_APPLICATION = 20_000_000
RESULTS = Path(__file__).parent / "RESULTS.md"

Rows = list[tuple[str, str]]


def main() -> None:
    """Run the benchmarks one after another; what was measured is written down at once."""
    given = _arguments()
    parts = {
        "audit": lambda: _audits(full=given.full),
        "summary": lambda: {"From lines to customers": summary.rows(10_000_000)},
        "models": lambda: {"Customer models": _models(full=given.full)},
        "application": lambda: {"The application": application.rows(given.lines)},
        "loyalty": lambda: {"Tills and the ledger": loyalty.rows()},
    }
    for name in given.parts or parts:
        measured = parts[name]()
        _write(measured)
        print("\n".join(_section(title, rows) for title, rows in measured.items()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench")
    # an empty list is what argparse makes of no part at all
    parser.add_argument("parts", nargs="*", choices=["audit", "summary", "models", "application", "loyalty", []])
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--lines", type=int, default=LINES_OF_APPLICATION)
    return parser.parse_args()


def _audits(*, full: bool) -> dict[str, Rows]:
    audited = {millions: audits.audit(millions * 1_000_000) for millions in MILLIONS + (MOST_MILLIONS if full else ())}
    return {
        "The whole audit": [*audits.rows(audited[10]), *audits.rows(audited[50]), *audits.csv_rows(10_000_000)],
        "Cost per million lines": scaling.rows(audited.values()),
    }


def _models(*, full: bool) -> Rows:
    return [
        (row.name, f"{row.ours_seconds:.2f} s, lifetimes {row.theirs_seconds:.2f} s: ratio {row.ratio:.1f}")
        for row in clv_models.bench_fits(full=full)
    ]


def _write(measured: Mapping[str, Rows]) -> None:
    """Put the sections in the place of the older ones; the others stay as they are."""
    head, *sections = re.split(r"^(?=## )", RESULTS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    known = {section.partition("\n")[0].removeprefix("## "): section.rstrip() for section in sections}
    known |= {title: _section(title, rows) for title, rows in measured.items()}
    RESULTS.write_text("\n\n".join([head.rstrip(), *known.values()]) + "\n", encoding="utf-8")


def _section(title: str, rows: Rows) -> str:
    machine = f"{os.cpu_count()} cores ({platform.machine()})"
    engine = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "ibis-framework", "lifetimes"))
    told = f"One run on {dt.datetime.now(tz=dt.UTC):%Y-%m-%d}: {machine}, {engine}."
    return "\n".join([f"## {title}", "", told, "", "| what | measured |", "|---|---|", *_table(rows)])


def _table(rows: Iterable[tuple[str, str]]) -> list[str]:
    return [f"| {label} | {figures} |" for label, figures in rows]


if __name__ == "__main__":
    main()
