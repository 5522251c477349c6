"""The files of exports: asked for, written row by row, forgotten after a day."""

import csv
import datetime as dt
import logging
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils import timezone
from procrastinate.contrib.django import app

from regulars.accounts.services import log
from regulars.api.models import ApiKey, Export
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Contact, Customer
from regulars.insights.exports import safe_text
from regulars.insights.models import Segment
from regulars.insights.segments.query import customers_of
from regulars.purchases.models import Line

TASK = "api.export"
KEPT_HOURS = 24
MOST_OPEN = 3  # of one key, that are not done
_AT_ONCE = 5000

_log = logging.getLogger("regulars.exports")

# heading -> what is read
_CUSTOMER = {
    "id": "id", "external_id": "external_id", "kind": "kind", "name": "name", "family_name": "family_name",
    "given_name": "given_name", "middle_name": "middle_name", "birth_date": "birth_date", "language": "language",
    "phone": "phone", "email": "email", "card": "card", "created_at": "created_at", "updated_at": "updated_at",
}  # fmt: skip
_LINE = {
    "receipt_id": "receipt_id", "position": "position", "purchased_at": "receipt__purchased_at",
    "customer_id": "receipt__customer_id", "customer": "receipt__customer__external_id", "number": "receipt__number",
    "store": "receipt__store__name", "staff": "receipt__seller__name", "channel": "receipt__channel",
    "product_id": "product__code", "product": "product__name", "category": "product__category",
    "quantity": "quantity", "amount": "amount", "discount": "discount", "cost": "cost", "promotion": "promotion",
}  # fmt: skip


@transaction.atomic
def request_export(
    key: ApiKey, *, kind: str, segment: Segment | None = None, since: dt.datetime | None = None,
    until: dt.datetime | None = None, address: str | None = None,
) -> Export:  # fmt: skip
    """Have the worker write a list; `InputError` when the key waits for too many."""
    # locked, so that requests of one moment are counted one after the other
    ApiKey.objects.select_for_update().get(pk=key.pk)
    if Export.objects.filter(key=key, state__in=(Export.State.WAITING, Export.State.RUNNING)).count() >= MOST_OPEN:
        raise InputError(_("{count} exports of this key are not done yet: wait for them.").format(count=MOST_OPEN))
    made = Export.objects.create(
        key=key, kind=kind, segment=segment, since=since, until=until, stored_as=f"{secrets.token_hex(16)}.csv"
    )
    made.refresh_from_db()
    details: dict[str, object] = {"export": made.pk, "key": key.pk, "segment": segment.pk if segment else None}
    log("export_asked", who=f"API: {key.name}", about=kind, details=details, address=address)
    app.configure_task(TASK).defer(export_id=made.pk)
    return made


def write_export(export_id: int) -> None:
    """Write the file now. May be called again after a crash at any point: the file appears whole or not at all."""
    export = Export.objects.select_related("segment", "key").filter(pk=export_id).first()
    if export is None or export.state not in (Export.State.WAITING, Export.State.RUNNING):
        return
    if export.key.revoked_at is not None:
        _fail(export, _("The key was revoked."))
        return
    Export.objects.filter(pk=export_id).update(state=Export.State.RUNNING)
    final = path_of(export)
    final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = final.with_suffix(f".{secrets.token_hex(4)}")
    try:
        rows = _write(export, partial)
        partial.replace(final)
    except Exception:
        _fail(export, _("The program failed. The log of the worker says where."))
        raise
    finally:
        partial.unlink(missing_ok=True)
    Export.objects.filter(pk=export_id).update(
        state=Export.State.DONE, rows=rows, size=final.stat().st_size, finished_at=timezone.now()
    )


def forget_old(*, before: dt.datetime) -> int:
    """Drop files that were there to be fetched; how many."""
    old = list(Export.objects.filter(created_at__lt=before))
    for export in old:
        export.delete()
        path_of(export).unlink(missing_ok=True)
    # left by a worker that was killed, or by a list whose segment or key is gone
    known = set(Export.objects.values_list("stored_as", flat=True))
    folder = Path(settings.EXPORTS_ROOT)
    for path in folder.iterdir() if folder.exists() else ():
        if path.name not in known and path.stat().st_mtime < before.timestamp():
            path.unlink(missing_ok=True)
    return len(old)


def path_of(export: Export) -> Path:
    """Where its file is, or will be."""
    return Path(settings.EXPORTS_ROOT) / export.stored_as


def _write(export: Export, path: Path) -> int:
    names, rows = _rows(export)
    count = 0
    # its own from the first byte: nobody else may read it
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file, transaction.atomic():
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(names)
        for row in rows:
            writer.writerow([_cell(value) for value in row])
            count += 1
    return count


def _rows(export: Export) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """The headings, and the rows as the database hands them out: memory does not grow with the list."""
    columns, found = (_LINE, _lines(export)) if export.kind == Export.Kind.RECEIPTS else (_CUSTOMER, _people(export))
    return list(columns), found.values_list(*columns.values()).iterator(chunk_size=_AT_ONCE)


def _people(export: Export) -> "QuerySet[Customer]":
    found = Customer.objects.whole() if export.segment is None else customers_of(export.segment.rule)
    contacts = {kind: Subquery(_main(kind)) for kind in (Contact.Kind.PHONE, Contact.Kind.EMAIL, Contact.Kind.CARD)}
    return found.annotate(**contacts).order_by("pk")


def _main(kind: Contact.Kind) -> "QuerySet[Contact, str]":
    """The main contact of its kind, else the oldest that works."""
    same = Contact.objects.filter(customer=OuterRef("pk"), kind=kind, is_valid=True)
    return same.order_by(F("is_main").desc(), "pk").values_list("value", flat=True)[:1]


def _lines(export: Export) -> "QuerySet[Line]":
    found = Line.objects.order_by("receipt_id", "position")
    if export.since is not None:
        found = found.filter(receipt__purchased_at__gte=export.since)
    if export.until is not None:
        found = found.filter(receipt__purchased_at__lt=export.until)
    return found


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return safe_text(value)
    return value.isoformat() if isinstance(value, dt.date) else value


def _fail(export: Export, words: str) -> None:
    _log.warning("export %s failed", export.pk)
    Export.objects.filter(pk=export.pk).update(state=Export.State.FAILED, error=words[:300], finished_at=timezone.now())
