"""A shop with members who have points already, and what its tills send."""

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import timezone

from bench.application.installation import sql
from regulars.customers.models import Contact, Customer
from regulars.loyalty import members
from regulars.loyalty.ledger import Document, Kind, grant, write
from regulars.loyalty.models import Account, Programme
from regulars.loyalty.programme.rules import as_json, parse
from regulars.loyalty.selling import Item, Order
from regulars.purchases.models import Product, Store

MEMBERS = 50_000
LOTS_THAT_EXPIRE = 1_000_000
STORE = "Arbat"
_PRODUCTS = 5_000
_LINES = 3
_DOCUMENTS = 200  # in one call of the ledger

# what a shop begins with: a discount, points on everything, a part of the receipt by points
_RULES = {
    "format": 1,
    "currency": "RUB",
    "stacking": {"choose": "best_for_customer", "percent_of": "original", "thresholds": "original"},
    "accrual": {"basis": "after_discounts", "on_part_paid_with_points": False},
    "spending": {"as": "discount", "worth": 100, "most_share": 50},
    "life": {"days": 365, "most_debt": 1000},
    "guard": {"line": 10, "unknown_cost": "allow"},
    "rules": [
        {"id": "five", "gives": {"kind": "percent_off", "percent": 5}},
        {"id": "base", "gives": {"kind": "points_per", "points": 1, "per": 1000}},
    ],
}


@dataclass(frozen=True)
class Basket:
    """What lies on the belt: whose card, goods as (code, quantity, price), and how many points are to pay for it."""

    card: str
    items: tuple[tuple[str, int, int], ...]
    points: int

    def order(self, till: str) -> Order:
        """As the application takes it."""
        items = tuple(Item(code, Decimal(quantity), price) for code, quantity, price in self.items)
        return Order(till=till, store=STORE, items=items, card=self.card, points=self.points)

    def body(self) -> dict[str, Any]:
        """As a till sends it."""
        lines = [{"product_id": code, "quantity": quantity, "price": price} for code, quantity, price in self.items]
        return {"store": STORE, "card": self.card, "points": self.points, "lines": lines}


def baskets(count: int, *, seed: int) -> Iterator[Basket]:
    """Of members drawn by lot; every second pays a part with points."""
    chance = random.Random(seed)
    for n in range(count):
        goods = tuple((_code(chance.randrange(_PRODUCTS)), 1, chance.randint(5_000, 90_000)) for _n in range(_LINES))
        yield Basket(_card(chance.randrange(MEMBERS)), goods, chance.randint(1, 40) if n % 2 else 0)


def open_shop() -> None:
    """Goods, a programme, members with points that live and points whose time is over."""
    now = timezone.now()
    begin = now - dt.timedelta(days=60)
    Store.objects.create(name=STORE)
    Product.objects.bulk_create(
        Product(code=_code(n), name=_code(n), category="Goods", cost=1_000, updated_at=now) for n in range(_PRODUCTS)
    )
    Programme.objects.create(rules=as_json(parse(_RULES)), valid_from=begin, published_at=begin)
    _enrol(begin)
    _give(begin, now)
    tables = ("customers_customer", "customers_contact", "loyalty_account", "loyalty_lot", "loyalty_posting")
    sql(*(f"VACUUM ANALYZE {table}" for table in (*tables, "loyalty_transaction", "purchases_product")))


def _enrol(begin: dt.datetime) -> None:
    sql("SET session_replication_role = replica")
    made = Customer.objects.bulk_create(
        (Customer(name=f"Member {n}", given_name=f"Member {n}") for n in range(MEMBERS)), batch_size=5_000
    )
    Contact.objects.bulk_create(
        (Contact(customer=one, kind="card", value=_card(n), written=_card(n)) for n, one in enumerate(made)),
        batch_size=5_000,
    )
    unit = members.points_unit()
    Account.objects.bulk_create(
        (Account(customer=one, unit=unit, opened_at=begin, debt_limit=1000) for one in made), batch_size=5_000
    )
    sql("SET session_replication_role = origin")


def _give(begin: dt.datetime, now: dt.datetime) -> None:
    unit, keys = members.points_unit(), list(Customer.objects.order_by("pk").values_list("pk", flat=True))
    lots = LOTS_THAT_EXPIRE // MEMBERS
    living = (1_000, None)
    dying = [(10, now - dt.timedelta(hours=1))] * lots
    for start in range(0, len(keys), _DOCUMENTS):
        documents = [
            Document(
                unit, Kind.GIFT, "bench", str(key), "bench",
                tuple(grant(key, points, expires_at=until) for points, until in (living, *dying)),
            )
            for key in keys[start : start + _DOCUMENTS]
        ]  # fmt: skip
        write(documents, at=begin)


def _code(n: int) -> str:
    return f"P{n}"


def _card(n: int) -> str:
    return str(1_000_000_000 + n)
