"""Base: how many customers, how much money, how concentrated, how many are new."""

from dataclasses import dataclass

import ibis.expr.types as ir


@dataclass(frozen=True)
class Base:
    customers: int  # known customers with at least one visit
    receipts: int  # receipts with at least one position sold
    lines: int
    revenue: int  # minor units, net of returns, all buyers
    revenue_without_customer: int
    returned: int  # minor units handed back, as a positive number
    margin: int | None  # minor units; None when neither cost nor a share is known
    margin_share: float | None
    margin_source: str | None  # "cost" (from the lines), "share" (given by the user), None
    costed_share: float | None  # share of revenue whose cost is known, when margin_source is "cost"
    new_customers: int  # first seen in the last 12 months, after the first `window_days` of the history
    new_share: float | None  # of customers active in that time; None when the history is shorter than the window
    top_fifth_share: float  # share of customer revenue that the best 20 % of customers bring
    gini: float
    customer_abc: ir.Table  # abc: A/B/C (80/15/5 % of revenue), customers, amount, share
    product_abc: ir.Table | None  # abc, xyz, products, amount, share; None without products
    products: ir.Table | None  # product, amount, share, abc, xyz, variation
    months: ir.Table  # month (date), revenue, known_revenue, receipts, customers, new_customers; one row per month
