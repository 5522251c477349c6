"""A bounded sample of receipts as plain numbers: whose they are, and which products lie in each."""

import math
from dataclasses import dataclass

import ibis
import numpy as np
from numpy.typing import NDArray

from regulars.analytics.goods import Goods, named_lines

Ints = NDArray[np.int64]

# pairs within receipts that a sample may hold: they decide time and memory
MOST_PAIRS = 50_000_000
MOST_PRODUCTS = 300


@dataclass(frozen=True)
class Baskets:
    """Receipts of every `step`-th customer: one position per receipt and product, in order of customer and receipt.

    Only the products of the most buyers (300 at most) are looked at; receipts without any of them are not here.
    """

    products: int
    step: int
    customer: Ints  # number of the customer
    basket: Ints  # from 0, without gaps
    product: Ints

    @property
    def receipts(self) -> int:
        return int(self.basket[-1]) + 1 if len(self.basket) else 0

    @property
    def sizes(self) -> Ints:
        """Products in each receipt."""
        return np.bincount(self.basket, minlength=self.receipts)

    @property
    def owners(self) -> Ints:
        """The customer of each receipt."""
        return self.customer[np.searchsorted(self.basket, np.arange(self.receipts))]


def sample_baskets(goods: Goods) -> Baskets:
    """Receipts of known customers; which ones are taken depends on the number of the customer alone."""
    rollup = goods.rollup
    squares = rollup.receipts.lines.cast("float64")
    known = rollup.receipts.customer_id.notnull()
    step = max(1, math.ceil(float((squares * squares).sum(where=known).to_pyarrow().as_py() or 0) / MOST_PAIRS))
    people = rollup.customers.select("customer_id", "customer_no")
    people = people.filter(people.customer_no % step == 0)
    products = goods.products.select("product", "product_no")
    products = products.filter(products.product_no < MOST_PRODUCTS)
    # as the rollup does it: a receipt is its number within one day, store and customer
    lines = named_lines(rollup)
    keys = ["customer_no", "purchased_on", *(["store"] if rollup.has("store") else [])]
    if rollup.has("receipt_id"):
        moment = ibis.ifelse(lines.receipt_id.isnull(), lines.purchased_at, ibis.null("timestamp"))
        lines = lines.mutate(number=lines.receipt_id, moment=moment)
        keys += ["number", "moment"]
    else:
        keys.append("purchased_at")
    lines = lines.inner_join(people, "customer_id").inner_join(products, "product")
    rows = lines.group_by(*keys, "product_no").aggregate(lines=lines.count())
    basket = ibis.dense_rank().over(ibis.window(order_by=[rows[key] for key in keys]))
    rows = rows.select("customer_no", "product_no", basket=basket)
    table = rows.order_by("basket", "product_no").to_pyarrow()
    count = min(len(goods.names), MOST_PRODUCTS)
    customer, basket_no, product = (table[name].to_numpy() for name in ("customer_no", "basket", "product_no"))
    return Baskets(count, step, customer.astype(np.int64), basket_no.astype(np.int64), product.astype(np.int64))
