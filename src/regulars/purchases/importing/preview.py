"""What a draft would bring: its columns with their roles, and its first rows as they would be understood."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from regulars.analytics.purchases import CONTRACT
from regulars.core.errors import InputError
from regulars.core.i18n import N_
from regulars.foundation.models import Business
from regulars.ingest import Inspection, inspect, read_purchases
from regulars.ingest.engine import literal, path_literal
from regulars.ingest.formats import Format, detect_format
from regulars.ingest.workbooks import head_of_workbook

SMALL_FILE = 4 << 20
SHOWN_ROWS = 12
_HEAD_BYTES = 128 << 10
_SHOWN_REJECTS = 20

ROLE_TITLES = {
    "customer_id": N_("Customer"),
    "purchased_at": N_("Date and time"),
    "purchased_date": N_("Date"),
    "purchased_time": N_("Time"),
    "amount": N_("Amount of the line"),
    "price": N_("Price of one"),
    "receipt_id": N_("Receipt number"),
    "product_id": N_("Product code"),
    "product": N_("Product name"),
    "category": N_("Product category"),
    "quantity": N_("Quantity"),
    "discount": N_("Discount of the line"),
    "cost": N_("Cost of the line"),
    "unit_cost": N_("Cost of one"),
    "store": N_("Store"),
    "staff": N_("Seller"),
    "channel": N_("Channel"),
    "promotion": N_("Promotion"),
    "operation": N_("Sale or return"),
}


@dataclass(frozen=True)
class RejectedRow:
    """One row that would be left out."""

    line: str
    column: str
    value: str
    reason: str


@dataclass(frozen=True)
class Preview:
    """A draft as it would be read. `problems` stop it; `rows` are of the beginning of the file."""

    inspection: Inspection | None
    problems: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    rejects: tuple[RejectedRow, ...] = ()
    is_whole: bool = True  # the rows are of the whole file, not of its beginning
    is_read: bool = True  # a large packed file is not unpacked for it


def preview(path: Path, name: str, mapping: Mapping[str, str] | None) -> Preview:
    """Look at the beginning of a file; `name` is what the user calls it."""
    business = Business.current()

    def shown(text: object) -> str:
        return str(text).replace(str(path), name)

    try:
        found = inspect(path, mapping=mapping, region=business.region)
    except InputError as error:
        return Preview(None, (shown(error),))
    if found.problems:
        return Preview(found, tuple(shown(problem) for problem in found.problems))
    with TemporaryDirectory(prefix="regulars-preview-") as folder:
        head = _head(path, Path(folder))
        if head is None:
            return Preview(found, is_read=False)
        try:
            return _rows(found, head, Path(folder), mapping, business, is_whole=head == path)
        except InputError as error:
            return Preview(found, (shown(error).replace(str(head), name),))


def _rows(
    found: Inspection,
    head: Path,
    folder: Path,
    mapping: Mapping[str, str] | None,
    business: Business,
    *,
    is_whole: bool,
) -> Preview:
    rejects = folder / "rejects.csv"
    history = read_purchases(
        head,
        mapping=mapping,
        currency=business.currency,
        region=business.region,
        accept_rejects=True,
        rejects_to=rejects,
        memory_limit="1GB",
        workspace=folder,
    )
    columns = tuple(name for name in CONTRACT if name in history.lines.columns)
    rows = history.lines.order_by("purchased_at").limit(SHOWN_ROWS).to_pyarrow().to_pylist()
    return Preview(
        found,
        columns=columns,
        rows=tuple(tuple(row[name] for name in columns) for row in rows),
        rejects=_rejected(rejects),
        is_whole=is_whole,
    )


def _rejected(file: Path) -> tuple[RejectedRow, ...]:
    if not file.exists():
        return ()
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.reader(stream)
        next(rows, None)
        found = [RejectedRow(line, column, value, reason) for _file, line, column, value, reason in rows]
    return tuple(found[:_SHOWN_REJECTS])


def _head(path: Path, folder: Path) -> Path | None:
    """The beginning of the file as a file; the file itself when it is small; None when it cannot be cut."""
    if path.stat().st_size <= SMALL_FILE:
        return path
    target = folder / "head"
    match detect_format(path):
        case Format.TEXT:
            return _head_of_text(path, target)
        case Format.PARQUET:
            duckdb.connect().execute(
                f"COPY (FROM read_parquet({path_literal(path)}) LIMIT 1000) TO {literal(str(target))} (FORMAT parquet)"
            )
            return target
        case Format.XLSX | Format.XLS | Format.ODS:
            return head_of_workbook(path, target)
    return None


def _head_of_text(path: Path, target: Path) -> Path:
    with path.open("rb") as stream:
        start = stream.read(_HEAD_BYTES)
    if start.startswith(b"\xff\xfe"):
        end = start.rfind(b"\n\x00") + 2
    elif start.startswith(b"\xfe\xff"):
        end = start.rfind(b"\x00\n") + 2
    else:
        end = start.rfind(b"\n") + 1
    target.write_bytes(start[:end] if end > 2 else start)
    return target
