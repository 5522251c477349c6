"""Base: how many customers, how much money, how concentrated, how many are new."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from regulars.analytics.periods import full_months, month_number, month_of, months_between
from regulars.analytics.readable import Readable
from regulars.analytics.rollup import YEAR_DAYS, Rollup

# Of revenue: class A brings the first 80 %, B the next 15 %, C the rest.
_A_UP_TO, _B_UP_TO = 80, 95
_EXACT_UP_TO = 9e16  # a hundred times as much still fits into 64 bits

# Variation of monthly demand: X is steady, Y moves, Z cannot be planned.
_X_UP_TO, _Y_UP_TO = 0.10, 0.25
_XYZ_MONTHS = 3

# Costs that cover less of the revenue than this do not overrule a share that the user gave.
_COSTED_ENOUGH = 0.5


@dataclass(frozen=True, repr=False)
class Base(Readable):
    customers: int  # known customers with at least one visit
    receipts: int  # receipts with at least one position sold
    lines: int  # positions sold; lines of returns are not among them
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
    products: ir.Table | None  # product_id, product, amount, share, abc, xyz, variation
    months: ir.Table  # month (date), revenue, known_revenue, receipts, customers, new_customers; one row per month


def base(rollup: Rollup, *, window_days: int, margin_share: float | None = None) -> Base:
    """Describe the whole history up to `rollup.as_of`.

    - `new_customers`: a first visit in the first `window_days` of the history may belong to an old
      customer whom the history had not seen yet, so it does not count; the last 12 months are 365 days.
    - `margin`: known costs extrapolated to all revenue; `margin_share` where no line has a cost, or the
      costs cover less than half of the revenue.
    - `top_fifth_share`, `gini`, A/B/C: customers who returned as much as they bought count as zero.
      Whoever stands on the border of a class takes equal ones along: the class is one of values.
    - `products`: a product is its `product_id`, else its `product`. X/Y/Z is the population variation
      coefficient of the units sold (money sold, without `quantity`) in the full calendar months from the
      product's first month on, months without a sale included: up to 10 %, up to 25 %, above; null with
      fewer than three such months. Lines without a product are one row with nulls in abc and xyz.
    - `months`: every calendar month that the history touches; the first and the last may be incomplete.
      `new_customers` there counts first visits, also in the first months, where old customers look new.
    """
    months = _months(rollup)
    totals = {name: sum(months[name]) for name in months}
    new_customers, new_share = _new(rollup, window_days)
    amounts = _numbers(rollup.customers, "amount")
    products = _products(rollup)
    return Base(
        customers=amounts.size,
        receipts=totals["receipts"],
        lines=totals["lines"],
        revenue=totals["revenue"],
        revenue_without_customer=totals["revenue"] - totals["known_revenue"],
        returned=totals["gross"] - totals["revenue"],
        **_margin(totals, margin_share),
        new_customers=new_customers,
        new_share=new_share,
        **_concentration(amounts),
        customer_abc=_customer_abc(amounts),
        product_abc=None if products is None else _product_abc(products),
        products=products,
        months=_months_table(rollup, months),
    )


def abc_of(customers: ir.Table) -> ir.Table:
    """`customer_id` and `abc`: which class of `Base.customer_abc` each customer is in."""
    return customers.select("customer_id", abc=_abc(customers.amount, *abc_cuts(_numbers(customers, "amount"))))


def abc_cuts(amounts: NDArray[Any]) -> tuple[int, int]:
    """The smallest amounts of class A and of class B, in minor units.

    An amount is in A when all larger ones together bring less than 80 % of the money, in B below 95 %.
    """
    values, counts = np.unique(amounts[amounts > 0], return_counts=True)
    if values.size == 0:
        return 1, 1
    if float(values.astype(np.float64) @ counts) > _EXACT_UP_TO:
        values, counts = values.astype(object), counts.astype(object)
    brought = values * counts
    larger = brought.sum() - np.cumsum(brought)
    total = brought.sum()
    return int(values[100 * larger < _A_UP_TO * total][0]), int(values[100 * larger < _B_UP_TO * total][0])


def _abc(amount: ir.Column, a_from: int, b_from: int) -> ir.StringValue:
    letter: ir.StringValue = ibis.cases((amount >= a_from, "A"), (amount >= b_from, "B"), else_="C")
    return letter


def _numbers(table: ir.Table, column: str) -> NDArray[Any]:
    numbers: NDArray[Any] = table.select(column).to_pyarrow()[column].to_numpy()
    return numbers


def _months(rollup: Rollup) -> dict[str, list[int]]:
    """Totals by month, one element per month of the history: every other total is a sum of these."""
    sales, comers = _sales_by_month(rollup), _comers_by_month(rollup)
    names = [name for name in (*sales.column_names, *comers.column_names) if name != "number"]
    rows: dict[int, dict[str, int]] = {}
    for row in (*sales.to_pylist(), *comers.to_pylist()):
        rows.setdefault(row["number"], {}).update(row)
    numbers = months_between(rollup.first_day, rollup.as_of)
    return {name: [int(rows.get(number, {}).get(name) or 0) for number in numbers] for name in names}


def _sales_by_month(rollup: Rollup) -> pa.Table:
    receipts = rollup.receipts
    costs = [column for column in ("cost", "costed_amount") if column in receipts.columns]
    table = receipts.group_by(number=month_number(receipts.purchased_on)).aggregate(
        revenue=receipts.amount.sum(),
        known_revenue=receipts.amount.sum(where=receipts.customer_id.notnull()),
        gross=receipts.gross.sum(),
        receipts=(receipts.lines > 0).sum(),
        lines=receipts.lines.sum(),
        **{column: receipts[column].sum() for column in costs},
    )
    return table.to_pyarrow()


def _comers_by_month(rollup: Rollup) -> pa.Table:
    visits = rollup.visits
    first_ever = visits.gap_days.isnull()
    # the customer's previous visit was in an earlier month: counts customers without a COUNT DISTINCT
    first_of_month = first_ever | (visits.gap_days >= visits.purchased_on.day())
    return (
        visits.group_by(number=month_number(visits.purchased_on))
        .aggregate(customers=first_of_month.sum(), new_customers=first_ever.sum())
        .to_pyarrow()
    )


def _months_table(rollup: Rollup, months: dict[str, list[int]]) -> ir.Table:
    shown = ("revenue", "known_revenue", "receipts", "customers", "new_customers")
    days = [month_of(number) for number in months_between(rollup.first_day, rollup.as_of)]
    columns = {name: pa.array(months[name], pa.int64()) for name in shown}
    return ibis.memtable(pa.table({"month": pa.array(days, pa.date32()), **columns}))


def _margin(totals: dict[str, int], given: float | None) -> dict[str, Any]:
    revenue, costed = totals["revenue"], totals.get("costed_amount", 0)
    covered = costed / revenue if revenue > 0 else 0.0
    if costed > 0 and (covered >= _COSTED_ENOUGH or given is None):
        share = (costed - totals["cost"]) / costed
        margin = costed - totals["cost"] if costed == revenue else round(revenue * share)
        return {"margin": margin, "margin_share": share, "margin_source": "cost", "costed_share": covered}
    if given is not None:
        margin = round(revenue * given)
        return {"margin": margin, "margin_share": given, "margin_source": "share", "costed_share": None}
    return dict.fromkeys(("margin", "margin_share", "margin_source", "costed_share"))


def _new(rollup: Rollup, window_days: int) -> tuple[int, float | None]:
    known_from = rollup.first_day + dt.timedelta(days=window_days)
    since = max(known_from, rollup.as_of - dt.timedelta(days=YEAR_DAYS - 1))
    if since > rollup.as_of:
        return 0, None
    customers = rollup.customers
    start = ibis.literal(since)
    counts = customers.aggregate(new=(customers.first_on >= start).sum(), active=(customers.last_on >= start).sum())
    row = counts.to_pyarrow().to_pylist()[0]
    return row["new"], row["new"] / row["active"] if row["active"] else None


def _concentration(amounts: NDArray[Any]) -> dict[str, Any]:
    """Gini coefficient and the share of the best fifth, a fraction of a customer counted as a fraction."""
    ordered = np.sort(np.maximum(amounts, 0)).astype(np.float64)
    total, n = float(ordered.sum()), ordered.size
    if total <= 0:
        return {"top_fifth_share": 0.0, "gini": 0.0}
    gini = float((2 * np.arange(1, n + 1) - n - 1) @ ordered) / (n * total)
    brought = np.concatenate([[0.0], np.cumsum(ordered[::-1])])
    return {"top_fifth_share": float(np.interp(n / 5, np.arange(n + 1), brought)) / total, "gini": gini}


def _customer_abc(amounts: NDArray[Any]) -> ir.Table:
    a_from, b_from = abc_cuts(amounts)
    chosen = {"A": amounts >= a_from, "B": (amounts >= b_from) & (amounts < a_from), "C": amounts < b_from}
    sums = [int(amounts[rows].sum()) for rows in chosen.values()]
    total = sum(sums)
    return ibis.memtable(
        pa.table(
            {
                "abc": list(chosen),
                "customers": [int(rows.sum()) for rows in chosen.values()],
                "amount": pa.array(sums, pa.int64()),
                "share": [part / total if total > 0 else 0.0 for part in sums],
            }
        )
    )


def _products(rollup: Rollup) -> ir.Table | None:
    key = next((column for column in ("product_id", "product") if rollup.has(column)), None)
    if key is None:
        return None
    sums = _product_sums(_product_months(rollup, key), full_months(rollup.first_day, rollup.as_of)).cache()
    named = sums.filter(sums.product_id.notnull())
    cuts = abc_cuts(_numbers(named, "amount"))
    total = int(sums.amount.sum().to_pyarrow().as_py() or 0)
    return sums.select(
        "product_id",
        "product",
        "amount",
        share=sums.amount.cast("float64") / total if total > 0 else ibis.literal(0.0, "float64"),
        abc=ibis.cases((sums.product_id.notnull(), _abc(sums.amount, *cuts)), else_=ibis.null("string")),
        xyz=ibis.cases(
            (sums.variation <= _X_UP_TO, "X"),
            (sums.variation <= _Y_UP_TO, "Y"),
            (sums.variation.notnull(), "Z"),
            else_=ibis.null("string"),
        ),
        variation=sums.variation,
    )


def _product_months(rollup: Rollup, key: str) -> ir.Table:
    """The one scan of the lines: money and demand of each product in each month."""
    lines = rollup.lines
    demand = lines.quantity if rollup.has("quantity") else lines.amount
    table = lines.group_by(product_id=lines[key], number=month_number(lines.purchased_at)).aggregate(
        amount=lines.amount.sum(),
        demand=demand.sum(where=lines.amount > 0).fill_null(0).cast("float64"),
        # of several names of one product, one that does not depend on row order
        **({"product": lines["product"].max()} if rollup.has("product") and key == "product_id" else {}),
    )
    return table if "product" in table.columns else table.mutate(product=table.product_id)


def _product_sums(by_month: ir.Table, full: range) -> ir.Table:
    """One row per product, with the variation coefficient of its demand over full months."""
    complete = by_month.number.between(full.start, full.stop - 1)
    sums = by_month.group_by("product_id").aggregate(
        product=by_month["product"].max(),
        amount=by_month.amount.sum(),
        first=by_month.number.min(),
        demand=by_month.demand.sum(where=complete).fill_null(0.0),
        squares=(by_month.demand * by_month.demand).sum(where=complete).fill_null(0.0),
    )
    months = full.stop - ibis.greatest(sums["first"], full.start)
    enough = (months >= _XYZ_MONTHS) & (sums.demand > 0) & sums.product_id.notnull()
    sums = sums.mutate(months=ibis.cases((enough, months), else_=ibis.null("int64")).cast("float64"))
    mean = sums.demand / sums.months
    variance = ibis.greatest(sums.squares / sums.months - mean * mean, 0.0)
    # rounded, so that the order of summation cannot move a product over a border
    return sums.select("product_id", "product", "amount", variation=(variance.sqrt() / mean).round(6))


def _product_abc(products: ir.Table) -> ir.Table:
    return products.group_by("abc", "xyz").aggregate(
        products=products.count(), amount=products.amount.sum(), share=products.share.sum()
    )
