"""Receipts: one or thousands at once, written as an import writes them."""

import datetime as dt
import tempfile
import zoneinfo
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
from django.db import connection, transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from ninja import Field, Query, Router, Schema, Status
from ninja import Path as InPath
from ninja.errors import HttpError

from regulars.analytics.purchases import History, connect
from regulars.api.http import IdempotencyKey, In, Problem, Request, answers, needs, repeatable
from regulars.api.models import Scope
from regulars.api.pages import LARGEST_ID, PAGE, Cursor, NextField, Size, in_utc, page_of
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.purchases.importing.load import LOCK, Loaded, load
from regulars.purchases.importing.staging import stage
from regulars.purchases.models import Import, Line, Receipt, Store

router = Router(tags=["receipts"])

MOST_RECEIPTS = 5_000
MOST_LINES = 500  # of one receipt
_LARGEST = 10**15  # minor units
_PATIENCE = "5s"  # that a request waits for an import which is being written


class LineIn(In):
    """One line. Money is in minor units (kopecks, cents)."""

    product_id: str | None = Field(None, max_length=200, description="The product's code.", examples=["4600123456789"])
    product: str | None = Field(None, max_length=500, description="What it is called.", examples=["Coffee 250 g"])
    category: str | None = Field(None, max_length=200, description="The product's group.", examples=["Coffee"])
    quantity: float | None = Field(
        None, ge=-1e12, le=1e12, allow_inf_nan=False, description="How many, or how much by weight.", examples=[2]
    )
    amount: int = Field(
        ge=-_LARGEST, le=_LARGEST, examples=[25000],
        description="What was paid for the line, after discount; negative for a return.",
    )  # fmt: skip
    discount: int | None = Field(None, ge=-_LARGEST, le=_LARGEST, description="What was taken off.", examples=[0])
    cost: int | None = Field(None, ge=-_LARGEST, le=_LARGEST, description="What the goods cost.", examples=[18000])
    promotion: str | None = Field(None, max_length=200, description="By which action.", examples=[None])


class ReceiptIn(In):
    """One receipt; the same number, day, store and customer is the same receipt, and is written once."""

    customer: str | None = Field(
        None, max_length=200, examples=["C-000123"],
        description="His id in the till, phone, e-mail or card; without it the receipt is nobody's.",
    )  # fmt: skip
    purchased_at: dt.datetime = Field(
        description="The moment; without a zone it is by the clock of the store.", examples=["2026-03-03T12:00:00"]
    )
    number: str | None = Field(None, max_length=200, description="The receipt's number.", examples=["17"])
    store: str | None = Field(None, max_length=200, description="Where it was bought.", examples=["Arbat"])
    staff: str | None = Field(None, max_length=200, description="Who served.", examples=["Irina"])
    channel: str | None = Field(None, max_length=60, description="How it was bought.", examples=["shop"])
    lines: list[LineIn] = Field(min_length=1, max_length=MOST_LINES, description="What was bought.")


class ReceiptsIn(In):
    """Receipts to write."""

    receipts: list[ReceiptIn] = Field(min_length=1, max_length=MOST_RECEIPTS, description="One, or thousands.")


class WrittenOut(Schema):
    """What was new, and what was there already."""

    receipts: int = Field(description="New receipts.")
    receipts_known: int = Field(description="Receipts that were there already; they were left alone.")
    receipts_differ: int = Field(description="Of these: with another sum than here. The base keeps its own.")
    lines: int = Field(description="New lines.")
    customers: int = Field(description="New customers.")
    customers_forgotten: int = Field(
        description="Customers who asked to be erased: their receipts were written without them."
    )
    products: int = Field(description="New products.")


class LineOut(Schema):
    """One line of a receipt; money in minor units."""

    product_id: str | None = Field(description="The product's code.", examples=["4600123456789"])
    product: str | None = Field(description="The product's name.", examples=["Coffee 250 g"])
    quantity: float | None = Field(description="How many, or how much by weight.")
    amount: int = Field(description="What was paid for the line, after discount.", examples=[25000])

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

    id: int = Field(description="The id here; later receipts have greater ones.", examples=[1001])
    customer_id: int | None = Field(description="Whose it is; null: nobody's.", examples=[42])
    number: str = Field(description="The receipt's number; empty when it has none.", examples=["17"])
    store: str | None = Field(description="Where it was bought.", examples=["Arbat"])
    channel: str = Field(description="How it was bought.")
    purchased_at: dt.datetime = Field(description="The moment.")
    amount: int = Field(description="The sum of its lines.", examples=[25500])
    lines: list[LineOut] = Field(description="What was bought.")

    @staticmethod
    def resolve_store(receipt: Receipt) -> str | None:
        """Its name."""
        return receipt.store.name if receipt.store else None


class ReceiptPage(Schema):
    """Some receipts, and where the next ones begin."""

    items: list[ReceiptOut] = Field(description="The receipts of this page.")
    next: str | None = Field(description=NextField)


OfCustomer = Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="Only this customer's.")]
AfterId = Annotated[
    int, Query(ge=0, le=LARGEST_ID, description="Only receipts with a greater id: what was written since.")
]
From = Annotated[dt.datetime | None, Query(description="Bought at this moment or later; without a zone it is UTC.")]
Before = Annotated[dt.datetime | None, Query(description="Bought before this moment; without a zone it is UTC.")]


@router.get("", response=answers(ReceiptPage), **needs(Scope.READ_PURCHASES), summary="List receipts")
def list_receipts(
    request: Request, *, cursor: Cursor = None, limit: Size = PAGE,
    customer_id: OfCustomer = None, after_id: AfterId = 0,
    purchased_from: From = None, purchased_before: Before = None,
) -> dict[str, object]:  # fmt: skip
    """Receipts in the order in which they were written; with a period, in the order in which they were bought.

    A receipt never changes, so a program that remembers the greatest id it has read follows with `after_id`.
    """
    rows = _whole().filter(pk__gt=after_id)
    if customer_id is not None:
        rows = rows.filter(customer=customer_id)
    if purchased_from is not None:
        rows = rows.filter(purchased_at__gte=in_utc(purchased_from))
    if purchased_before is not None:
        rows = rows.filter(purchased_at__lt=in_utc(purchased_before))
    order = ("id",) if purchased_from is purchased_before is None else ("purchased_at", "id")
    items, following = page_of(rows, order=order, cursor=cursor, limit=limit)
    return {"items": items, "next": following}


@router.get(
    "/{int:receipt_id}",
    response=answers(ReceiptOut, more={404: Problem}),
    **needs(Scope.READ_PURCHASES),
    summary="Read a receipt",
)
def read_receipt(
    request: Request,
    receipt_id: Annotated[int, InPath(ge=1, le=LARGEST_ID, description="The receipt's id here.", examples=[1001])],
) -> Receipt:
    """One receipt with its lines."""
    found = _whole().filter(pk=receipt_id).first()
    if found is None:
        raise HttpError(404, _("There is no receipt {id}.").format(id=receipt_id))
    return found


def _whole() -> "QuerySet[Receipt]":
    lines = Prefetch("lines", Line.objects.select_related("product").order_by("position"))
    return Receipt.objects.select_related("store").prefetch_related(lines)


@router.post(
    "",
    response=answers(WrittenOut, status=201, more={409: Problem, 413: Problem, 503: Problem}),
    **needs(Scope.WRITE_PURCHASES),
    summary="Record receipts",
)
def write_receipts(request: Request, body: ReceiptsIn, idempotency_key: IdempotencyKey = None) -> "Status[Any]":
    """Write receipts; all of them or, when one is wrong, none. A body has 5 MB at most.

    While a large import is being written the answer is 503 with `Retry-After`: repeat the request.
    """
    return repeatable(request, idempotency_key, lambda: (201, _write(request, body.receipts)))


def _write(request: Request, receipts: list[ReceiptIn]) -> dict[str, Any]:
    business = Business.current()
    lines = _as_lines(receipts, business)
    with tempfile.TemporaryDirectory(prefix="regulars-api-") as folder, transaction.atomic():
        _take_turns()
        backend = connect(memory_limit="1GB", spill_to=folder)
        history = History.of_table(backend.create_table("lines", lines), currency=business.currency)
        of_day = _import_of_day(request)
        loaded = load(stage(history, Path(folder)), of_day.pk, cards=True, source=f"api:{request.auth.name}"[:100])
        _add_up(of_day, loaded)
    return {name: getattr(loaded, name) for name in WrittenOut.model_fields}


def _take_turns() -> None:
    """One writer of receipts at a time; a long import must not keep the web server's processes waiting."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true), pg_advisory_xact_lock(%s)", [_PATIENCE, LOCK])
        cursor.execute("SET LOCAL lock_timeout = 0")


def _add_up(of_day: Import, loaded: Loaded) -> None:
    """The page of the import shows what came in the whole day."""
    of_day.result = {name: int(of_day.result.get(name, 0)) + value for name, value in loaded.as_dict().items()}
    of_day.finished_at = timezone.now()
    of_day.save(update_fields=["result", "finished_at"])


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
    try:
        local = at if at.tzinfo is None else at.astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        local = at.replace(tzinfo=None)
    if not 1990 <= local.year <= latest:
        raise InputError(_("{day} is no day of a purchase.").format(day=local.date().isoformat()))
    return local
