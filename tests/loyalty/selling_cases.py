"""A shop with a programme, a member and a till, for the tests of selling."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.utils import timezone

from regulars.customers.models import Customer
from regulars.customers.services.contacts import add_contact
from regulars.foundation.models import Business
from regulars.loyalty import members
from regulars.loyalty.models import Programme, Sale
from regulars.loyalty.programme.rules import as_json, parse
from regulars.loyalty.selling import Item, Order, commit, quote
from regulars.purchases.models import Product, Store

CARD = "1000000017"
RULES: dict[str, Any] = {
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


def open_shop(**changes: Any) -> Programme:
    """A store with goods and a programme that has been valid for a month."""
    open_store()
    return publish_in_the_past(RULES | changes, dt.timedelta(days=30))


def open_store() -> None:
    """The store and the goods alone."""
    values = {"name": "Shop", "currency": "RUB", "time_zone": "Europe/Moscow", "language": "en"}
    Business.objects.get_or_create(id=1, defaults=values)
    Store.objects.create(name="Arbat")
    Product.objects.create(code="tea", name="Tea", category="Drinks", cost=6_000)
    Product.objects.create(code="cup", name="Coffee", category="Cups", cost=1_000)


def publish_in_the_past(rules: dict[str, Any], ago: dt.timedelta) -> Programme:
    """As if somebody had published it then."""
    moment = timezone.now() - ago
    return Programme.objects.create(rules=as_json(parse(rules)), valid_from=moment, published_at=moment)


def enrolled(card: str = CARD, name: str = "Anna") -> Customer:
    """A member with a card."""
    customer = Customer.objects.create(name=name)
    add_contact(customer, kind="card", written=card, by=None)
    members.enrol(customer, at=timezone.now(), most_debt=1000)
    return customer


def order(*items: tuple[str, str | int, int], **more: Any) -> Order:
    """What the till of Arbat sends."""
    found = tuple(Item(product, Decimal(quantity), price) for product, quantity, price in items)
    return Order(**{"till": "till:1", "store": "Arbat", "items": found, "card": CARD} | more)


def no_segments(_customer: int, _wanted: Any) -> frozenset[str]:
    """Nobody is in any."""
    return frozenset()


def sell(asked: Order, number: str = "1", *, to_pay: int | None = None) -> Sale:
    """Quote and commit, as a till does."""
    price = quote(asked, segments=no_segments).judged.to_pay if to_pay is None else to_pay
    return commit(asked, number, to_pay=price, segments=no_segments)
