"""Reads of purchases for pages."""

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from regulars.customers.models import Customer
from regulars.customers.selectors.family import family_of
from regulars.foundation.models import Business
from regulars.purchases.models import Line, Product, Receipt

_SHOWN_PRODUCTS = 4


@dataclass(frozen=True)
class Purchase:
    """One receipt as a timeline shows it."""

    receipt: Receipt
    at: dt.datetime
    zone: zoneinfo.ZoneInfo  # of the store
    amount: int
    products: tuple[str, ...]  # the first of them
    lines: int

    @property
    def others(self) -> int:
        """How many lines are not named."""
        return self.lines - len(self.products)


def purchases_of(
    customer: Customer, *, before: tuple[dt.datetime, int] | None = None, limit: int = 20
) -> list[Purchase]:
    """His newest receipts, those of whom he was merged from included; `before` is (at, id) of the last one shown."""
    return purchases_of_ids(family_of(customer.pk), before=before, limit=limit)


def purchases_of_ids(
    ids: Sequence[int], *, before: tuple[dt.datetime, int] | None = None, limit: int = 20
) -> list[Purchase]:
    """The newest receipts of these customers together."""
    found = Receipt.objects.filter(customer_id__in=ids).select_related("store", "seller")
    if before is not None:
        at, pk = before
        found = found.filter(Q(purchased_at__lt=at) | Q(purchased_at=at, id__lt=pk))
    receipts = list(found.order_by("-purchased_at", "-id")[:limit])
    named = _first_products([receipt.pk for receipt in receipts])
    business = Business.current()
    return [
        Purchase(one, one.purchased_at, zone_of(one, business), one.amount, *named.get(one.pk, ((), 0)))
        for one in receipts
    ]


def zone_of(receipt: Receipt, business: Business) -> zoneinfo.ZoneInfo:
    """The clock by which it was bought."""
    if receipt.store is not None and receipt.store.time_zone:
        return zoneinfo.ZoneInfo(receipt.store.time_zone)
    return business.zone


def _first_products(receipts: list[int]) -> dict[int, tuple[tuple[str, ...], int]]:
    """Names of the first products of each receipt, and how many lines it has."""
    counts: dict[int, int] = {}
    names: dict[int, list[str]] = {}
    lines = Line.objects.filter(receipt_id__in=receipts).order_by("receipt_id", "position")
    for receipt, name in lines.values_list("receipt_id", "product__name"):
        counts[receipt] = counts.get(receipt, 0) + 1
        known = names.setdefault(receipt, [])
        if name and len(known) < _SHOWN_PRODUCTS:
            known.append(name)
    return {receipt: (tuple(names[receipt]), counts[receipt]) for receipt in counts}


def products_named(
    query: str, *, without_cost: bool = False, after: Product | None = None, limit: int = 50
) -> list[Product]:
    """Products by name whose name, code or category has the text; `after` is the last one shown."""
    found = Product.objects.all()
    if query:
        found = found.filter(Q(name__icontains=query) | Q(code__icontains=query) | Q(category__icontains=query))
    if without_cost:
        found = found.filter(cost=None)
    if after is not None:
        # the first condition is what the index can be entered at
        found = found.filter(name__gte=after.name).filter(Q(name__gt=after.name) | Q(id__gt=after.pk))
    return list(found.order_by("name", "id")[:limit])
