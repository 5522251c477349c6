"""What each known customer bought on each day, in numbers: the lines read once for all analyses of goods."""

from dataclasses import dataclass, field
from functools import cached_property

import ibis
import ibis.expr.types as ir

from regulars.analytics.rollup import Rollup

NAMES = ("product_id", "product", "category")


@dataclass(frozen=True)
class Keys:
    """What things are told apart by: a column of the lines, or the first of several that is filled.

    - `names`: `key_no` from 0 in the order of the names, `key` (the name). Null is no key.
    - `of_items`: `item_no`, `key_no`; an item without a key is not here.
    """

    names: ir.Table
    of_items: ir.Table
    shared: bool  # whether a key is that of several items


@dataclass(frozen=True)
class Sold:
    """The lines sold to known customers, with names replaced by numbers; returns are left out.

    Strings make a line five times as wide and everything done with it as much slower, and ten analyses look at the
    lines. So each line's names are looked up once, and afterwards only numbers are grouped and joined.

    - `items`: `item_no` from 0, and those of the columns `product_id`, `product` and `category` that the history has;
      one row per combination, what is missing is null.
    - `bought`: one row per customer, day and item: `customer_no`, `day_no` (days since the first of the history),
      `item_no`, `amount`, and `margin` (minor units; null without costs, no column where the history has none).
    """

    rollup: Rollup
    _keys: dict[tuple[str, ...], Keys] = field(default_factory=dict, repr=False, compare=False)

    @property
    def columns(self) -> list[str]:
        """Those that name an item."""
        return [name for name in NAMES if self.rollup.has(name)]

    @cached_property
    def items(self) -> ir.Table:
        """One row per combination of names."""
        every = self._lines().select(*self.columns).distinct()
        order = ibis.window(order_by=[every[name] for name in self.columns])
        return every.mutate(item_no=ibis.row_number().over(order).cast("int32")).cache()

    @cached_property
    def bought(self) -> ir.Table:
        """One row per customer, day and item."""
        rollup, items = self.rollup, self.items
        lines = self._lines().inner_join(
            rollup.customers.select("customer_id", customer_no=rollup.customers.customer_no.cast("int32")),
            "customer_id",
        )
        # what has no name is equal to nothing, yet it is one item
        same = [lines[name].identical_to(items[name]) for name in self.columns]
        found = lines.inner_join(items, same, rname="{name}_of_item")
        day_no = found.purchased_on.delta(ibis.literal(rollup.first_day), unit="day").cast("int32")
        margin = {"margin": found.amount - found.cost} if rollup.has("cost") else {}
        found = found.select("customer_no", "item_no", "amount", day_no=day_no, **margin)
        sums = {name: found[name].sum() for name in ("amount", *margin)}
        return found.group_by("customer_no", "day_no", "item_no").aggregate(**sums).cache()

    def keys(self, *columns: str) -> Keys:
        """The keys that the first filled of these columns gives."""
        if columns not in self._keys:
            self._keys[columns] = self._keyed(columns)
        return self._keys[columns]

    def with_key(self, *columns: str) -> ir.Table:
        """The rows of `bought` whose item has a key, with `key_no`."""
        return self.bought.inner_join(self.keys(*columns).of_items, "item_no")

    def by_key(self, *columns: str) -> ir.Table:
        """`customer_no`, `day_no`, `key_no`, `amount` (and `margin`), each customer, day and key once."""
        found = self.with_key(*columns).drop("item_no")
        if not self.keys(*columns).shared:
            return found
        sums = {name: found[name].sum() for name in ("amount", "margin") if name in found.columns}
        return found.group_by("customer_no", "day_no", "key_no").aggregate(**sums)

    def met(self, days: ir.Table, column: str, label: str) -> ir.Table:
        """What was bought on these days (`customer_no`, `day_no`): each key once a day, with its largest `label_no`.

        The label is another column, numbered as a key; the days keep their further columns.
        """
        labels = self.keys(label).of_items.rename(label_no="key_no")
        found = self.with_key(column).inner_join(days, ["customer_no", "day_no"])
        found = found.left_join(labels, "item_no")
        return found.group_by([*days.columns, "key_no"]).aggregate(label_no=found.label_no.max())

    def _lines(self) -> ir.Table:
        lines = self.rollup.lines
        return lines.filter(lines.customer_id.notnull() & (lines.amount >= 0))

    def _keyed(self, columns: tuple[str, ...]) -> Keys:
        items = self.items
        key = ibis.coalesce(*[items[name] for name in columns])
        keyed = items.select("item_no", key=key).filter(ibis._.key.notnull())
        names = keyed.select("key").distinct()
        names = names.mutate(key_no=ibis.row_number().over(ibis.window(order_by=names.key)).cast("int32")).cache()
        of_items = keyed.inner_join(names, "key").select("item_no", "key_no").cache()
        counted = of_items.aggregate(items=of_items.count(), keys=of_items.key_no.nunique()).to_pyarrow()
        return Keys(names, of_items, shared=counted["items"][0].as_py() > counted["keys"][0].as_py())
