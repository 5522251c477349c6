"""What each known customer bought on each day, product by product: the ground of the analyses of needs."""

from dataclasses import dataclass
from functools import cached_property

import ibis
import ibis.expr.types as ir

from regulars.analytics.rollup import Rollup
from regulars.analytics.sold import Sold
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


def goods(sold: Sold) -> Goods:
    """Number the products and sum up their purchases; `NotEnoughData` without products that enough people buy."""
    columns = product_columns(sold.rollup)
    days = sold.by_key(*columns)
    # most products of a large shop are bought too rarely to be compared: only the others are numbered and summed up
    days = days.inner_join(_known(days), "key_no").cache()
    products = _numbered(days, sold.keys(*columns).names).cache()
    if int(products.count().to_pyarrow().as_py()) < 2:
        raise NotEnoughData(
            _("At least two products with {need} buyers each are needed to tell what goes with what.").format(
                need=FEWEST_BUYERS
            )
        )
    return Goods(sold.rollup, products.drop("key_no"), _bought(sold.rollup, days, products).cache())


def product_columns(rollup: Rollup) -> list[str]:
    """The columns that name what was bought, the best first; `NotEnoughData` without any."""
    names = [name for name in ("product", "product_id") if rollup.has(name)]
    if not names:
        raise NotEnoughData(_("No column says what was bought."))
    return names


def named_lines(rollup: Rollup) -> ir.Table:
    """The lines sold to known customers, with `product`: its name, else its code; lines without either are left out."""
    lines = rollup.lines
    lines = lines.mutate(product=ibis.coalesce(*[lines[name] for name in product_columns(rollup)]))
    return lines.filter(lines.customer_id.notnull() & lines.product.notnull() & (lines.amount >= 0))


def _known(days: ir.Table) -> ir.Table:
    """`key_no`, `buyers` of the products of enough buyers that so many others do not surpass; ties are all here."""
    pairs = days.select("customer_no", "key_no").distinct()
    buyers = pairs.group_by("key_no").aggregate(buyers=pairs.count())
    buyers = buyers.filter(buyers.buyers >= FEWEST_BUYERS)
    place = ibis.rank().over(ibis.window(order_by=buyers.buyers.desc()))
    return buyers.mutate(place=place).filter(ibis._.place < MOST_PRODUCTS).drop("place")


def _numbered(days: ir.Table, names: ir.Table) -> ir.Table:
    """The products in order of their buyers; keys are numbered by name, so ties go by name."""
    products = days.group_by("key_no", "buyers").aggregate(
        purchases=days.count(),
        amount=days.amount.sum(),
        margin=days.margin.sum() if "margin" in days.columns else ibis.null("int64"),
    )
    order = ibis.window(order_by=[products.buyers.desc(), products.key_no])
    products = products.mutate(product_no=ibis.row_number().over(order).cast("int32"))
    products = products.filter(products.product_no < MOST_PRODUCTS).inner_join(names, "key_no")
    return products.select("key_no", "product_no", "buyers", "purchases", "amount", "margin", product=names.key)


def _bought(rollup: Rollup, days: ir.Table, products: ir.Table) -> ir.Table:
    found = days.select("customer_no", "day_no", "key_no", "amount")
    found = found.inner_join(products.select("key_no", "product_no"), "key_no")
    found = found.inner_join(visit_days(rollup), ["customer_no", "day_no"])
    return found.select("customer_no", "product_no", "visit_no", "amount", "day_no")


def visit_days(rollup: Rollup) -> ir.Table:
    """The visits in numbers: `customer_no`, `day_no` (days since the first of the history), `visit_no`."""
    numbers = rollup.customers.select("customer_id", customer_no=rollup.customers.customer_no.cast("int32"))
    visits = rollup.visits.inner_join(numbers, "customer_id")
    day_no = visits.purchased_on.delta(ibis.literal(rollup.first_day), unit="day")
    return visits.select("customer_no", day_no=day_no.cast("int32"), visit_no=visits.visit_no.cast("int32"))
