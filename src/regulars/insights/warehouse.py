"""The columnar copy of all purchases: Parquet by month, the only bridge from PostgreSQL to the analyses.

Each month is a file that is never changed; `copy.json` names the files that hold, and changes by one rename. So a
reader sees the copy before or after a refresh and never in between. The folder may be deleted at any time.
"""

import datetime as dt
import json
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from django.conf import settings
from django.db import connection, transaction

from regulars.analytics.purchases import CONTRACT, REQUIRED, History, Reading, connect
from regulars.core.errors import OutputError
from regulars.core.i18n import gettext as _
from regulars.core.progress import Progress, Silent
from regulars.foundation.models import Business
from regulars.ingest.engine import literal
from regulars.purchases.importing.exchange import execute, pull
from regulars.purchases.models import Touched

_INDEX = "copy.json"
_VERSION = 1
_LOCK = 7_461_002
_VIEW = "purchases"

# an audit that began before a refresh reads its files to its end
_KEEP_SECONDS = 24 * 3600

_TYPES = dict.fromkeys(CONTRACT, "VARCHAR") | {
    "purchased_at": "TIMESTAMP",
    "amount": "BIGINT",
    "quantity": "DOUBLE",
    "discount": "BIGINT",
    "cost": "BIGINT",
}
_OPTIONAL = [name for name in CONTRACT if name not in REQUIRED]


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did."""

    months: int  # written anew
    lines: int  # in the whole copy now


def folder() -> Path:
    """Where the copy lies."""
    return Path(settings.MEDIA_ROOT).parent / "warehouse"


def is_stale() -> bool:
    """Whether purchases were changed since the copy was written."""
    return _index(folder()) is None or Touched.objects.exists()


def refresh(*, progress: Progress | None = None) -> Refreshed:
    """Write the months that were changed; all of them when there is no copy yet."""
    return _write(everything=False, progress=progress or Silent())


def rebuild(*, progress: Progress | None = None) -> Refreshed:
    """Write all months anew."""
    return _write(everything=True, progress=progress or Silent())


def history(*, memory_limit: str = "4GB", spill_to: str | None = None) -> History:
    """All purchases by the contract; a customer's id is that of his row, after a merge of the row that was kept.

    Optional columns that no line fills are absent, which switches off by name what needs them.
    """
    index = _index(folder()) or {"months": {}}
    months: Mapping[str, Any] = index["months"]
    backend = connect(memory_limit=memory_limit, spill_to=spill_to)
    filled = [name for name in _OPTIONAL if any(month["filled"].get(name) for month in months.values())]
    columns = ", ".join([*REQUIRED, *filled])
    files = ", ".join(literal(str(folder() / month["file"])) for month in months.values())
    empty = ", ".join(f"NULL::{_TYPES[name]} AS {name}" for name in REQUIRED)
    source = f"SELECT {columns} FROM read_parquet([{files}])" if files else f"SELECT {empty} WHERE false"
    backend.con.execute(f"CREATE VIEW {_VIEW} AS {source}")
    rows = sum(month["rows"] for month in months.values())
    unknown = sum(month["unknown"] for month in months.values())
    reading = Reading((), rows, rows, 0, 0, unknown)
    return History(backend.table(_VIEW), Business.current().currency, reading)


def _write(*, everything: bool, progress: Progress) -> Refreshed:
    place = folder()
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        # the lock comes before the transaction: waiting inside would see the moment before the other refresh
        with TemporaryDirectory(prefix=".work-", dir=place) as work, _alone():
            with transaction.atomic():
                written = _Writing(place, Path(work), progress).run(everything=everything)
            _sweep(place)
    except OSError as error:
        raise OutputError(
            _("The copy of the purchases cannot be written in {folder}: {error}.").format(
                folder=place, error=error.strerror or error
            )
        ) from error
    return written


@dataclass
class _Writing:
    """One refresh, inside one transaction that sees one moment."""

    place: Path
    work: Path
    progress: Progress

    def run(self, *, everything: bool) -> Refreshed:
        _see_one_moment()
        index = _index(self.place)
        touched = list(Touched.objects.values_list("pk", "month"))
        whole = everything or index is None or any(month is None for _pk, month in touched)
        kept: dict[str, Any] = {} if whole or index is None else dict(index["months"])
        wanted = _all_months() if whole else sorted({month for _pk, month in touched if month is not None})
        self._dimensions()
        for done, month in enumerate(wanted):
            self.progress.step(_("Writing the columnar copy"), done, len(wanted))
            kept.pop(_name(month), None)
            kept |= self._month(month)
        _note_leaving(self.place, index, kept)
        _replace_index(self.place, {"version": _VERSION, "months": dict(sorted(kept.items()))})
        # what was noted after this moment stays noted
        Touched.objects.filter(pk__in=[pk for pk, _month in touched]).delete()
        return Refreshed(len(wanted), sum(month["rows"] for month in kept.values()))

    def _dimensions(self) -> None:
        self.duck = duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(self.work / "spill")})
        self.duck.execute("SET TimeZone = 'UTC'")
        numbers = {"id": "BIGINT"}
        self._pull("SELECT id, code, name, category FROM purchases_product", "products",
                   numbers | dict.fromkeys(("code", "name", "category"), "VARCHAR"))  # fmt: skip
        self._pull("SELECT id, name, time_zone FROM purchases_store", "stores",
                   numbers | dict.fromkeys(("name", "zone"), "VARCHAR"))  # fmt: skip
        self._pull("SELECT id, name FROM purchases_seller", "sellers", numbers | {"name": "VARCHAR"})
        self._pull(_KEPT, "kept", numbers | {"kept": "BIGINT"})

    def _pull(self, query: str, table: str, columns: dict[str, str], parameters: Iterable[Any] = ()) -> None:
        pull(self.duck, query, table, columns, folder=self.work, parameters=list(parameters))

    def _month(self, month: dt.date) -> dict[str, Any]:
        """Write one month; nothing when it has no line."""
        following = _following(month)
        self._pull(_FACTS, "facts", _FACT_COLUMNS, [month, following])
        wall = f"(moment AT TIME ZONE 'UTC') AT TIME ZONE coalesce(s.zone, {literal(Business.current().time_zone)})"
        self.duck.execute(f"CREATE OR REPLACE TEMP VIEW lines AS {_LINES.format(wall=wall)}")
        target = f"{_name(month)}-{uuid.uuid4().hex[:12]}.parquet"
        self.duck.execute(
            f"""COPY (FROM lines WHERE purchased_at >= '{month}' AND purchased_at < '{following}')
            TO {literal(str(self.work / target))} (FORMAT parquet, COMPRESSION zstd)"""
        )
        figures = _figures(self.duck, self.work / target)
        if not figures["rows"]:
            return {}
        _settle(self.work / target, self.place / target)
        return {_name(month): {"file": target, **figures}}


# receipts of a month by any clock of the world
_FACTS = """SELECT r.id, r.purchased_at AT TIME ZONE 'UTC', r.customer_id, r.store_id, r.seller_id, r.channel,
        l.product_id, l.quantity, l.amount, l.discount, l.cost, l.promotion
    FROM purchases_receipt r JOIN purchases_line l ON l.receipt_id = r.id
    WHERE r.purchased_at >= (%s::timestamp AT TIME ZONE 'UTC') - interval '15 hours'
        AND r.purchased_at < (%s::timestamp AT TIME ZONE 'UTC') + interval '15 hours'"""

_FACT_COLUMNS = {
    "id": "BIGINT", "moment": "TIMESTAMP", "customer_id": "BIGINT", "store_id": "BIGINT", "seller_id": "BIGINT",
    "channel": "VARCHAR", "product_id": "BIGINT", "quantity": "DOUBLE", "amount": "BIGINT", "discount": "BIGINT",
    "cost": "BIGINT", "promotion": "VARCHAR",
}  # fmt: skip

_LINES = """SELECT coalesce(k.kept, f.customer_id)::VARCHAR AS customer_id, {wall} AS purchased_at, f.amount,
        f.id::VARCHAR AS receipt_id, p.code AS product_id, p.name AS product, nullif(p.category, '') AS category,
        f.quantity, f.discount, f.cost, s.name AS store, e.name AS staff, nullif(f.channel, '') AS channel,
        nullif(f.promotion, '') AS promotion
    FROM facts f LEFT JOIN kept k ON k.id = f.customer_id LEFT JOIN products p ON p.id = f.product_id
    LEFT JOIN stores s ON s.id = f.store_id LEFT JOIN sellers e ON e.id = f.seller_id"""

_KEPT = """WITH RECURSIVE chain (id, kept) AS (
        SELECT id, merged_into_id FROM customers_customer WHERE merged_into_id IS NOT NULL
        UNION ALL
        SELECT c.id, k.merged_into_id FROM chain c JOIN customers_customer k ON k.id = c.kept
        WHERE k.merged_into_id IS NOT NULL)
    SELECT c.id, c.kept FROM chain c JOIN customers_customer k ON k.id = c.kept WHERE k.merged_into_id IS NULL"""


@contextmanager
def _alone() -> Iterator[None]:
    execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    try:
        yield
    finally:
        execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _see_one_moment() -> None:
    # inside a test's transaction something was read already
    if len(connection.savepoint_ids) == 0:
        execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _all_months() -> list[dt.date]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT generate_series(date_trunc('month', min(purchased_at) AT TIME ZONE 'UTC' - interval '15 hours'),
                max(purchased_at) AT TIME ZONE 'UTC' + interval '15 hours', interval '1 month')::date
            FROM purchases_receipt"""
        )
        return [month for (month,) in cursor.fetchall()]


def _following(month: dt.date) -> dt.date:
    return (month.replace(day=28) + dt.timedelta(days=4)).replace(day=1)


def _name(month: dt.date) -> str:
    return f"{month:%Y-%m}"


def _figures(duck: duckdb.DuckDBPyConnection, file: Path) -> dict[str, Any]:
    counts = ", ".join(f"count({name})" for name in _OPTIONAL)
    row = duck.execute(
        f"SELECT count(*), count(*) - count(customer_id), {counts} FROM read_parquet({literal(str(file))})"
    ).fetchone()
    assert row is not None
    filled = {name: count for name, count in zip(_OPTIONAL, row[2:], strict=True) if count}
    return {"rows": row[0], "unknown": row[1], "filled": filled}


def _index(place: Path) -> dict[str, Any] | None:
    """What the copy consists of; None when there is none, or one of another form."""
    try:
        found: dict[str, Any] = json.loads((place / _INDEX).read_text())
    except (OSError, ValueError):
        return None
    whole = found.get("version") == _VERSION and all((place / m["file"]).exists() for m in found["months"].values())
    return found if whole else None


def _note_leaving(place: Path, before: Mapping[str, Any] | None, months: Mapping[str, Any]) -> None:
    """Files that leave the copy become young: who began before may read them, however long ago they were written."""
    held = _files(before["months"]) if before else {file.name for file in place.glob("*.parquet")}
    for name in held - _files(months):
        os.utime(place / name)


def _files(months: Mapping[str, Any]) -> set[str]:
    return {month["file"] for month in months.values()}


def _replace_index(place: Path, index: Mapping[str, Any]) -> None:
    draft = place / f".{_INDEX}.{uuid.uuid4().hex}"
    draft.write_text(json.dumps(index))
    _settle(draft, place / _INDEX)


def _settle(draft: Path, target: Path) -> None:
    """Have the bytes on the disk before the name."""
    with draft.open("rb") as stream:
        os.fsync(stream.fileno())
    draft.replace(target)


def _sweep(place: Path) -> None:
    """Remove files of earlier refreshes that nobody can be reading any more."""
    held = _files((_index(place) or {"months": {}})["months"])
    for file in place.glob("*.parquet"):
        if file.name not in held and time.time() - file.stat().st_mtime > _KEEP_SECONDS:
            file.unlink(missing_ok=True)
