"""What each known customer bought on each day, product by product: the ground of the analyses of needs."""

from dataclasses import dataclass
from functools import cached_property

import ibis
import ibis.expr.types as ir

from regulars.analytics.rollup import Rollup
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

FEWEST_BUYERS = 20
# the cost of everything that compares products grows with their square
MOST_PRODUCTS = 1_000


@dataclass(frozen=True)
class Goods:
    """The products that enough people buy, and who bought them when.

    - `products`: `product_no` from 0 (most buyers first, ties by name), `product` (its name, else its code),
      `buyers`, `purchases` (customer-days), `amount` (minor units), and `margin` (minor units; null where no cost is
      known) of these purchases.
    - `bought`: one row per customer, day and product: `customer_no`, `day_no` (days since the first of the history),
      `visit_no` (of the customer, from 1), `product_no`, `amount` (minor units; returns are left out).

    Products of fewer than 20 buyers are left out, and of the rest those beyond the first 1,000.
    """

    rollup: Rollup
    products: ir.Table
    bought: ir.Table

    @cached_property
    def names(self) -> list[str]:
        """The products' names by `product_no`."""
        # ordered last of all: an engine may forget the order of what is selected from
        rows = self.products.select("product_no", "product").order_by("product_no").to_pyarrow()
        return [str(name) for name in rows["product"].to_pylist()]

    @property
    def last_day_no(self) -> int:
        """The number of the day `as_of`."""
        return self.rollup.span_days - 1


def goods(rollup: Rollup) -> Goods:
    """Number the products and sum up their purchases; `NotEnoughData` without products that enough people buy."""
    lines = named_lines(rollup)
    items = lines.group_by(["customer_id", "purchased_on", "product"]).aggregate(
        amount=lines.amount.sum(), margin=(lines.amount - lines.cost).sum()
    )
    items = items.cache()
    products = _numbered(items).cache()
    if int(products.count().to_pyarrow().as_py()) < 2:
        raise NotEnoughData(
            _("At least two products with {need} buyers each are needed to tell what goes with what.").format(
                need=FEWEST_BUYERS
            )
        )
    return Goods(rollup, products, _bought(rollup, items, products).cache())


def named_lines(rollup: Rollup) -> ir.Table:
    """The lines sold to known customers, with `product`: its name, else its code; lines without either are left out."""
    names = [name for name in ("product", "product_id") if rollup.has(name)]
    if not names:
        raise NotEnoughData(_("No column says what was bought."))
    lines = rollup.lines
    cost = lines.cost if rollup.has("cost") else ibis.null("int64")
    lines = lines.mutate(product=ibis.coalesce(*[lines[name] for name in names]), cost=cost)
    return lines.filter(lines.customer_id.notnull() & lines.product.notnull() & (lines.amount >= 0))


def _numbered(items: ir.Table) -> ir.Table:
    products = items.group_by("product").aggregate(
        purchases=items.count(),
        buyers=items.customer_id.nunique(),
        amount=items.amount.sum(),
        margin=items.margin.sum(),
    )
    products = products.filter(products.buyers >= FEWEST_BUYERS)
    order = ibis.window(order_by=[products.buyers.desc(), products["product"]])
    products = products.mutate(product_no=ibis.row_number().over(order))
    return products.filter(products.product_no < MOST_PRODUCTS)


def _bought(rollup: Rollup, items: ir.Table, products: ir.Table) -> ir.Table:
    visits = rollup.visits.select("customer_id", "purchased_on", "visit_no")
    numbers = rollup.customers.select("customer_id", "customer_no")
    found = items.select("customer_id", "purchased_on", "product", "amount")
    found = found.inner_join(products.select("product", "product_no"), "product")
    found = found.inner_join(numbers, "customer_id").inner_join(visits, ["customer_id", "purchased_on"])
    day_no = found.purchased_on.delta(ibis.literal(rollup.first_day), unit="day")
    return found.select("customer_no", "product_no", "visit_no", "amount", day_no=day_no)
