"""Receipts: one or thousands at once, written as an import writes them."""

import datetime as dt
import tempfile
import zoneinfo
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone
from ninja import Field, Router, Schema, Status
from pydantic import BaseModel

from regulars.analytics.purchases import History, connect
from regulars.api.http import PAGE, Key, Request, page_of, repeatable
from regulars.api.models import Event, Scope
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.foundation.outbox import announce
from regulars.purchases.importing.load import load
from regulars.purchases.importing.staging import stage
from regulars.purchases.models import Import, Line, Receipt, Store

router = Router(tags=["receipts"])

MOST_RECEIPTS = 5_000
MOST_LINES = 500  # of one receipt
_LARGEST = 10**15  # minor units


# thousands of them come at once: plain models are read four times as fast as Ninja's
class LineIn(BaseModel):
    """One line. Money is in minor units (kopecks, cents), after discount, negative for a return."""

    product_id: str | None = Field(None, max_length=200)
    product: str | None = Field(None, max_length=500)
    category: str | None = Field(None, max_length=200)
    quantity: float | None = Field(None, ge=-1e12, le=1e12, allow_inf_nan=False)
    amount: int = Field(ge=-_LARGEST, le=_LARGEST)
    discount: int | None = Field(None, ge=-_LARGEST, le=_LARGEST)
    cost: int | None = Field(None, ge=-_LARGEST, le=_LARGEST)
    promotion: str | None = Field(None, max_length=200)


class ReceiptIn(BaseModel):
    """One receipt; the same number, day, store and customer is the same receipt, and is written once."""

    customer: str | None = Field(None, max_length=200)  # his id in the till, phone, e-mail or card
    purchased_at: dt.datetime
    number: str | None = Field(None, max_length=200)
    store: str | None = Field(None, max_length=200)
    staff: str | None = Field(None, max_length=200)
    channel: str | None = Field(None, max_length=60)
    lines: list[LineIn] = Field(min_length=1, max_length=MOST_LINES)


class ReceiptsIn(BaseModel):
    """Receipts to write."""

    receipts: list[ReceiptIn] = Field(min_length=1, max_length=MOST_RECEIPTS)


class WrittenOut(Schema):
    """What was new, and what was there already."""

    receipts: int
    receipts_known: int
    lines: int
    customers: int
    products: int


class LineOut(Schema):
    """One line of a receipt; money in minor units."""

    product_id: str | None
    product: str | None
    quantity: float | None
    amount: int

    @staticmethod
    def resolve_product_id(line: Line) -> str | None:
        """The product's code."""
        return line.product.code if line.product else None

    @staticmethod
    def resolve_product(line: Line) -> str | None:
        """The product's name."""
        return line.product.name if line.product else None


class ReceiptOut(Schema):
    """One receipt; the sum in minor units, the moment in UTC."""

    id: int
    customer_id: int | None
    number: str
    store: str | None
    channel: str
    purchased_at: dt.datetime
    amount: int
    lines: list[LineOut]

    @staticmethod
    def resolve_store(receipt: Receipt) -> str | None:
        """Its name."""
        return receipt.store.name if receipt.store else None


class ReceiptPage(Schema):
    """Some receipts, and where the next ones begin."""

    items: list[ReceiptOut]
    next: str | None


@router.get("", response=ReceiptPage, auth=Key(Scope.READ_PURCHASES))
def list_receipts(
    request: Request, cursor: str | None = None, limit: int = PAGE, customer_id: int | None = None
) -> dict[str, object]:
    """Receipts in the order in which they were written."""
    lines = Prefetch("lines", Line.objects.select_related("product").order_by("position"))
    rows = Receipt.objects.select_related("store").prefetch_related(lines)
    if customer_id is not None:
        rows = rows.filter(customer_id=customer_id)
    items, following = page_of(rows, order=("id",), cursor=cursor, limit=limit)
    return {"items": items, "next": following}


@router.post("", response={201: WrittenOut}, auth=Key(Scope.WRITE_PURCHASES))
def write_receipts(request: Request, body: ReceiptsIn) -> "Status[Any]":
    """Write receipts; all of them or, when one is wrong, none."""
    return repeatable(request, lambda: (201, _write(request, body.receipts)))


def _write(request: Request, receipts: list[ReceiptIn]) -> dict[str, Any]:
    business = Business.current()
    lines = _as_lines(receipts, business)
    with tempfile.TemporaryDirectory(prefix="regulars-api-") as folder, transaction.atomic():
        backend = connect(memory_limit="1GB", spill_to=folder)
        history = History.of_table(backend.create_table("lines", lines), currency=business.currency)
        of_day = _import_of_day(request)
        loaded = load(stage(history, Path(folder)), of_day.pk, cards=True, source=f"api:{request.auth.name}")
        if loaded.receipts:
            announce(Event.RECEIPTS_RECORDED.value, {"receipts": loaded.receipts, "import": of_day.pk})
    return {name: getattr(loaded, name) for name in WrittenOut.model_fields}


def _import_of_day(request: Request) -> Import:
    """What a key writes on one day is one import, so that it can be undone when a program went mad."""
    name = f"API: {request.auth.name}, {timezone.now().date().isoformat()}"[:200]
    found, _made = Import.objects.get_or_create(
        digest=f"api:{request.auth.pk}:{timezone.now().date().isoformat()}",
        defaults={
            "kind": Import.Kind.PURCHASES, "state": Import.State.DONE, "file_name": name, "finished_at": timezone.now()
        },
    )  # fmt: skip
    if found.state != Import.State.DONE:
        raise InputError(_("What this key wrote today was undone. Make another key to go on."))
    return found


_TEXTS = ("customer_id", "receipt_id", "store", "staff", "channel", "product_id", "product", "category", "promotion")
_NUMBERS = {"quantity": pa.float64(), "amount": pa.int64(), "discount": pa.int64(), "cost": pa.int64()}
_SCHEMA = pa.schema(
    [("purchased_at", pa.timestamp("us")), *((name, pa.string()) for name in _TEXTS), *_NUMBERS.items()]
)


def _as_lines(receipts: list[ReceiptIn], business: Business) -> pa.Table:
    """The purchase contract: a row per line, the moment by the clock of the store."""
    zones = {one.name: one.time_zone for one in Store.objects.exclude(time_zone="")}
    rows, latest = [], timezone.now().year + 1
    for receipt in receipts:
        zone = zoneinfo.ZoneInfo(zones.get(receipt.store or "", business.time_zone))
        head = {
            "customer_id": receipt.customer, "receipt_id": receipt.number, "store": receipt.store,
            "staff": receipt.staff, "channel": receipt.channel,
            "purchased_at": _wall_clock(receipt.purchased_at, zone, latest),
        }  # fmt: skip
        rows += [head | line.model_dump() for line in receipt.lines]
    return pa.Table.from_pylist(rows, _SCHEMA)


def _wall_clock(at: dt.datetime, zone: zoneinfo.ZoneInfo, latest: int) -> dt.datetime:
    """A moment without a zone is the shop's clock already."""
    local = at if at.tzinfo is None else at.astimezone(zone).replace(tzinfo=None)
    if not 1990 <= local.year <= latest:
        raise InputError(_("{day} is no day of a purchase.").format(day=local.date().isoformat()))
    return local
