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
    receipts = _of_first_day(rollup, rollup.receipts.filter(rollup.receipts.lines > 0))
    return _first(receipts, receipts.purchased_at, {f"first_{name}": receipts[name] for name in names})


def _goods(rollup: Rollup) -> ir.Table | None:
    lines = _of_first_day(rollup, rollup.lines.filter(rollup.lines.amount >= 0))
    names: dict[str, ir.Column] = {}
    labels = [lines[name] for name in ("product", "product_id") if rollup.has(name)]
    if labels:
        names["first_product"] = ibis.coalesce(*labels)
    if rollup.has("category"):
        names["first_category"] = lines.category
    return _first(lines, -lines.amount, names) if names else None


def _of_first_day(rollup: Rollup, table: ir.Table) -> ir.Table:
    starts = rollup.customers.select("customer_id", purchased_on=rollup.customers.first_on)
    return table.inner_join(starts, ["customer_id", "purchased_on"])


def _first(table: ir.Table, rank: ir.Column, names: dict[str, ir.Column]) -> ir.Table:
    """The names on each customer's row with the smallest rank, a name that is missing after all others.

    One pass that keeps one row per customer: numbering the rows by a window takes thrice the time.
    """
    order: dict[str, ir.Value] = {"rank": rank}
    for label, name in names.items():
        # engines disagree whether null comes first
        order |= {f"no_{label}": name.isnull(), label: name.fill_null("")}
    least = table.group_by("customer_id").aggregate(first=ibis.struct(names).argmin(ibis.struct(order)))
    return least.select("customer_id", **{label: least.first[label] for label in names})
