"""Where and with what each customer began."""

import ibis
import ibis.expr.types as ir

from regulars.analytics.rollup import Rollup

# of so many customers at a time: an engine that can spill keeps the texts of such a state in memory
_AT_ONCE = 2_000_000


def first_purchase(rollup: Rollup) -> ir.Table | None:
    """One row per customer: `first_store`, `first_channel`, `first_product`, `first_category`, as far as known.

    Taken from the day of the first visit: of several receipts that day the earliest one, of its lines the
    one with the most money; ties go to the name that sorts first. `first_product` falls back on the
    product's code. None when the history has none of these columns.
    """
    pieces = -(-int(rollup.customers.count().to_pyarrow().as_py()) // _AT_ONCE)
    parts = [part for part in (_places(rollup, pieces), _goods(rollup, pieces)) if part is not None]
    if not parts:
        return None
    table = parts[0]
    for part in parts[1:]:
        table = table.outer_join(part, "customer_id")
        table = table.mutate(customer_id=ibis.coalesce(table.customer_id, table.customer_id_right))
        table = table.drop("customer_id_right")
    return table


def _places(rollup: Rollup, pieces: int) -> ir.Table | None:
    names = [name for name in ("store", "channel") if rollup.has(name)]
    if not names:
        return None
    receipts = _of_first_day(rollup, rollup.receipts.filter(rollup.receipts.lines > 0))
    return _first(receipts, receipts.purchased_at, {f"first_{name}": receipts[name] for name in names}, pieces)


def _goods(rollup: Rollup, pieces: int) -> ir.Table | None:
    lines = _of_first_day(rollup, rollup.lines.filter(rollup.lines.amount >= 0))
    names: dict[str, ir.Column] = {}
    labels = [lines[name] for name in ("product", "product_id") if rollup.has(name)]
    if labels:
        names["first_product"] = ibis.coalesce(*labels)
    if rollup.has("category"):
        names["first_category"] = lines.category
    return _first(lines, -lines.amount, names, pieces) if names else None


def _of_first_day(rollup: Rollup, table: ir.Table) -> ir.Table:
    starts = rollup.customers.select("customer_id", purchased_on=rollup.customers.first_on)
    return table.inner_join(starts, ["customer_id", "purchased_on"])


def _first(table: ir.Table, rank: ir.Column, names: dict[str, ir.Column], pieces: int) -> ir.Table:
    """The names on each customer's row with the smallest rank, a name that is missing after all others.

    One pass that keeps one row per customer: numbering the rows by a window takes thrice the time. Many customers
    are looked at piece by piece.
    """
    if pieces <= 1:
        return _least(table.select("customer_id", rank=rank, **names), list(names))
    rows = table.select("customer_id", rank=rank, **names).cache()
    share = rows.customer_id.hash() % pieces
    return ibis.union(*(_least(rows.filter(share.abs() == piece), list(names)).cache() for piece in range(pieces)))


def _least(rows: ir.Table, names: list[str]) -> ir.Table:
    order: dict[str, ir.Value] = {"rank": rows["rank"]}
    for label in names:
        # engines disagree whether null comes first
        order |= {f"no_{label}": rows[label].isnull(), label: rows[label].fill_null("")}
    first = ibis.struct({label: rows[label] for label in names}).argmin(ibis.struct(order))
    least = rows.group_by("customer_id").aggregate(first=first)
    return least.select("customer_id", **{label: least.first[label] for label in names})
