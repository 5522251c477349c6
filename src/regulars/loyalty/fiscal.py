"""What a till prints for the tax office: the price of goods, and what of it points paid.

Where points are a discount, they lower the price and nothing is paid with them. Where they are a payment, the price
stands and they pay a part of it. Either way `price_to_print` is what money, certificates and points pay together.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from regulars.loyalty.models import Sale, SaleLine, SaleReturn
from regulars.loyalty.returning import share


@dataclass(frozen=True)
class Printed:
    """Of a line or of all of them."""

    price_to_print: int
    paid_by_points: int


@dataclass(frozen=True)
class BackLine(Printed):
    """Of so much of a line that came back."""

    line: int
    quantity: Decimal


def printed(to_pay: int, by_points: int, points_as: str) -> Printed:
    """Of what costs so much after discounts and points.

    >>> printed(90, 10, "discount"), printed(90, 10, "payment")
    (Printed(price_to_print=90, paid_by_points=0), Printed(price_to_print=100, paid_by_points=10))
    """
    paid = by_points if points_as == "payment" else 0
    return Printed(to_pay + paid, paid)


def printed_of(sale: Sale) -> Printed:
    """Of a whole receipt."""
    return printed(sale.to_pay, sale.by_points, sale.points_as)


def printed_back(made: SaleReturn) -> Iterator[BackLine]:
    """Of what this return brought back, line by line: as its money, of the returned quantity as a whole."""
    sale, before = made.sale, Counter[int]()
    for lines in sale.returns.filter(pk__lt=made.pk).values_list("lines", flat=True):
        before.update({place: Decimal(quantity) for place, quantity in lines})
    by_place = {one.position: one for one in sale.lines.all()}
    for place, quantity in made.lines:
        line, was, part = by_place[place], Decimal(before[place]), Decimal(quantity)
        money, points = (_part(line, whole, was, part) for whole in (line.to_pay, line.by_points))
        found = printed(money, points, sale.points_as)
        yield BackLine(found.price_to_print, found.paid_by_points, place, part)


def _part(line: SaleLine, whole: int, was: Decimal, part: Decimal) -> int:
    return share(whole, was + part, line.quantity) - share(whole, was, line.quantity)
