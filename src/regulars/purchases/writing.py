"""One receipt written at once, as a till sells it; files and batches go through an import instead."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from regulars.customers.models import Customer
from regulars.purchases.models import Line, Product, Receipt, Seller, Store


@dataclass(frozen=True)
class Bought:
    """One line: `amount` is what was paid for it, in minor units; negative for what came back."""

    code: str
    name: str
    category: str
    quantity: float
    amount: int
    discount: int | None
    cost: int | None


def record_receipt(
    *, key: bytes, number: str, at: dt.datetime, customer: Customer | None, store: Store | None, cashier: str,
    channel: str, lines: Sequence[Bought], known: Mapping[str, int],
) -> Receipt:  # fmt: skip
    """Write it with its lines, in the transaction of the caller. Goods and people at the till that are new are made.

    `known` are the ids of goods by their codes, as far as the caller has looked them up.
    """
    values, its_lines = draft_receipt(
        key=key, number=number, at=at, customer=customer, store=store, seller=seller_named(cashier), channel=channel,
        lines=lines, known=known,
    )  # fmt: skip
    receipt = Receipt(**values)
    receipt.save(force_insert=True)
    Line.objects.bulk_create(Line(receipt=receipt, **one) for one in its_lines)
    return receipt


def draft_receipt(
    *, key: bytes, number: str, at: dt.datetime, customer: Customer | None, store: Store | None, seller: int | None,
    channel: str, lines: Sequence[Bought], known: Mapping[str, int],
) -> tuple[dict[str, Any], list[dict[str, Any]]]:  # fmt: skip
    """The values of the rows, which are not written yet; goods that are new are made."""
    products = known if all(one.code in known for one in lines) else _products(lines)
    receipt = {
        "customer_id": customer and customer.pk, "store_id": store and store.pk, "seller_id": seller,
        "number": number, "channel": channel[:60], "purchased_at": at, "amount": sum(one.amount for one in lines),
        "key": key,
    }  # fmt: skip
    return receipt, [
        {
            "position": position, "product_id": products[one.code], "quantity": one.quantity,
            "amount": one.amount, "discount": one.discount, "cost": one.cost,
        }
        for position, one in enumerate(lines, start=1)
    ]  # fmt: skip


def seller_named(name: str) -> int | None:
    """Who serves at the till; he is made when nobody has this name yet."""
    return Seller.objects.get_or_create(name=name)[0].pk if name else None


def _products(lines: Sequence[Bought]) -> dict[str, int]:
    """The ids by code. In the order of codes, so that two receipts with the same new goods do not wait in a circle."""
    first = {one.code: one for one in reversed(lines)}
    known = dict(Product.objects.filter(code__in=first).values_list("code", "id"))
    new = [
        Product(code=code, name=first[code].name or code, category=first[code].category, updated_at=timezone.now())
        for code in sorted(first.keys() - known.keys())
    ]
    if new:
        # another receipt, or an import, may make them at the same moment
        Product.objects.bulk_create(new, ignore_conflicts=True)
        known = dict(Product.objects.filter(code__in=first).values_list("code", "id"))
    return known
