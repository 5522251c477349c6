"""Where and with what each customer began."""

import ibis
import ibis.expr.types as ir

from regulars.analytics.rollup import Rollup


def first_purchase(rollup: Rollup) -> ir.Table | None:
    """One row per customer: `first_store`, `first_channel`, `first_product`, `first_category`, as far as known.

    Taken from the day of the first visit: of several receipts that day the earliest one, of its lines the
    one with the most money; ties go to the name that sorts first. `first_product` falls back on the
    product's code. None when the history has none of these columns.
    """
    parts = [part for part in (_places(rollup), _goods(rollup)) if part is not None]
    if not parts:
        return None
    table = parts[0]
    for part in parts[1:]:
        table = table.outer_join(part, "customer_id")
        table = table.mutate(customer_id=ibis.coalesce(table.customer_id, table.customer_id_right))
        table = table.drop("customer_id_right")
    return table


def _places(rollup: Rollup) -> ir.Table | None:
    names = [name for name in ("store", "channel") if rollup.has(name)]
    if not names:
        return None
    receipts = rollup.receipts.filter(rollup.receipts.lines > 0)
    starts = rollup.customers.select("customer_id", purchased_on=rollup.customers.first_on)
    receipts = receipts.inner_join(starts, ["customer_id", "purchased_on"])
    order = [receipts.purchased_at, *[receipts[name] for name in names]]
    place = ibis.row_number().over(ibis.window(group_by=receipts.customer_id, order_by=order))
    first = receipts.mutate(place=place).filter(ibis._.place == 0)
    return first.select("customer_id", **{f"first_{name}": first[name] for name in names})


def _goods(rollup: Rollup) -> ir.Table | None:
    lines = rollup.lines
    names: dict[str, ir.Value] = {}
    labels = [lines[name] for name in ("product", "product_id") if rollup.has(name)]
    if labels:
        names["first_product"] = ibis.coalesce(*labels)
    if rollup.has("category"):
        names["first_category"] = lines.category
    if not names:
        return None
    sold = lines.filter(lines.amount >= 0).select("customer_id", "purchased_on", "amount", **names)
    starts = rollup.customers.select("customer_id", purchased_on=rollup.customers.first_on)
    sold = sold.inner_join(starts, ["customer_id", "purchased_on"])
    order = [sold.amount.desc(), *[sold[name] for name in names]]
    place = ibis.row_number().over(ibis.window(group_by=sold.customer_id, order_by=order))
    first = sold.mutate(place=place).filter(ibis._.place == 0)
    return first.select("customer_id", *names)
