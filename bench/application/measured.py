"""What is measured of an installation, one thing after another."""

from pathlib import Path

from bench.application import analytics, importing, pages, people, receipts
from bench.application.copying import Copied, copies
from bench.application.installation import Installation, Memory, Spent
from bench.told import Told

Rows = list[tuple[str, str]]


def rows_of(installation: Installation, source: Path, lines: int) -> Rows:
    """All of it, in the order in which an installation lives."""
    found = Told()
    with installation.program("worker") as worker:
        spent, memory = importing.imported(worker, source)
    with copies(installation.config.home / "copies") as copied:
        found += _import_rows(spent, copied, lines)
        people.enrich()
        analytics.rebuilt()
        with installation.program("web") as web:
            sent = receipts.sent(installation, web)
        found += _receipts_rows(sent)
    found += _copy_rows()
    found += _audit_rows(source)
    with installation.program("worker") as worker:
        spent, busy = analytics.audited_by_worker(worker)
        found.append(("audit in the worker, with the scores of all customers and the pages", str(spent)))
        found.append(("memory of the worker after the import", str(memory)))
        found.append(("memory of the worker after the audit", str(busy)))
    found += _page_rows(installation)
    return found


def _import_rows(spent: Spent, copied: Copied, lines: int) -> Rows:
    size = f"import of {lines / 1e6:.0f} M lines"
    return [
        (f"{size}: read, checked, written", str(spent)),
        ("COPY of its rows into the same tables with the same indexes", str(copied.with_indexes)),
        ("COPY of its rows into tables without an index", str(copied.bare)),
        ("speed of the import, of COPY with the indexes", _share(copied.with_indexes, spent)),
        ("speed of the import, of COPY without indexes", _share(copied.bare, spent)),
    ]


def _share(least: Spent, spent: Spent) -> str:
    return f"{least.seconds / spent.seconds:.2f} (of processors {least.cpu / spent.cpu:.2f})"


def _receipts_rows(sent: receipts.Sent) -> Rows:
    return [
        (
            f"API: {sent.receipts:,} receipts with {sent.lines:,} lines, {receipts.OF_ONE_REQUEST:,} in a request",
            f"{sent.api}: {sent.receipts / sent.api.seconds:,.0f} receipts a second",
        ),
        ("COPY of the same rows, batch by batch, with the same indexes", str(sent.copy)),
        ("speed of the API, of COPY", _share(sent.copy, sent.api)),
    ]


def _copy_rows() -> Rows:
    refreshed, rebuilt = analytics.refreshed(), analytics.rebuilt()
    return [
        ("columnar copy: refresh after one day", str(refreshed)),
        ("columnar copy: written anew", str(rebuilt)),
        ("ratio anew / refresh", f"{rebuilt.seconds / refreshed.seconds:.1f}"),
    ]


def _audit_rows(source: Path) -> Rows:
    over_copy, over_file = analytics.audited(None), analytics.audited(source)
    return [
        ("whole audit over the columnar copy", f"{over_copy.seconds:.0f} s, {over_copy.peak_mib:,.0f} MiB at most"),
        ("whole audit over the original Parquet", f"{over_file.seconds:.0f} s, {over_file.peak_mib:,.0f} MiB at most"),
        ("ratio copy / original", f"{over_copy.seconds / over_file.seconds:.2f}"),
    ]


def _page_rows(installation: Installation) -> Rows:
    with installation.program("web") as web:
        before = web.memory()
        found = pages.timed(installation, web)
        after = web.memory()
    empty = found[pages.EMPTY]
    return [
        *(
            (f"page: {name}", f"{one}; {one.median / empty.median:.1f} of the empty page")
            for name, one in found.items()
        ),
        ("memory of the web server: at its start, and after these requests", _both(before, after)),
    ]


def _both(before: Memory, after: Memory) -> str:
    return f"{before.now_mib:,.0f} MiB, {after}"
