"""The receipts of a generated shop in the database, as an import would leave them."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from django.db import connection

from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.purchases.models import Product, Receipt, Seller, Store, Touched
from tests.planting import plant


def sell(lines: pa.Table, business: Business) -> None:
    """Customers, products, stores, sellers and receipts of these lines; the clock of the lines is the store's."""
    rows = lines.to_pylist()
    customers = _named(Customer, "external_id", (row["customer_id"] for row in rows))
    stores = _named(Store, "name", (row["store"] for row in rows))
    sellers = _named(Seller, "name", (row["staff"] for row in rows))
    products = _products(rows)
    zones = {one.name: zoneinfo.ZoneInfo(one.time_zone) if one.time_zone else business.zone for one in stores.values()}
    receipts: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        receipts.setdefault(row["receipt_id"], []).append(row)
    made = plant(
        Receipt(
            customer=customers.get(own[0]["customer_id"]),
            store=stores.get(own[0]["store"]),
            seller=sellers.get(own[0]["staff"]),
            number=number,
            channel=own[0].get("channel") or "",
            purchased_at=own[0]["purchased_at"].replace(tzinfo=zones.get(own[0]["store"], business.zone)),
            amount=sum(row["amount"] for row in own),
            key=number.encode(),
        )
        for number, own in receipts.items()
    )
    _copy_lines(((receipt, receipts[receipt.number]) for receipt in made), products)
    Touched.objects.create(month=None)


def _copy_lines(receipts: Iterable[tuple[Receipt, list[dict[str, Any]]]], products: dict[str, Product]) -> None:
    """A hundred thousand lines take seconds as objects."""
    columns = ("receipt_id", "position", "product_id", "quantity", "amount", "discount", "cost", "promotion")
    with connection.cursor() as cursor, cursor.copy(f"COPY purchases_line ({', '.join(columns)}) FROM STDIN") as copy:
        for receipt, rows in receipts:
            for place, row in enumerate(rows, start=1):
                key = products[row["product_id"]].pk
                figures = (row[name] for name in ("quantity", "amount", "discount", "cost"))
                copy.write_row((receipt.pk, place, key, *figures, ""))


def _named(model: Any, field: str, values: Iterable[str | None]) -> dict[str, Any]:
    wanted = sorted({value for value in values if value})
    known = {getattr(one, field): one for one in model.objects.all()}
    new = [model(**{field: value}) for value in wanted if value not in known]
    return known | {getattr(one, field): one for one in plant(new)}


def _products(rows: list[dict[str, Any]]) -> dict[str, Product]:
    names = {row["product_id"]: (row["product"], row["category"] or "") for row in rows}
    made = plant(Product(code=code, name=name, category=category) for code, (name, category) in names.items())
    return {one.code: one for one in made}


def local(day: dt.date, hour: int, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """A moment of a day by a clock."""
    return dt.datetime.combine(day, dt.time(hour), zone)
