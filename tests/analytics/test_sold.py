"""The lines in numbers: names are looked up once, and nothing is lost or joined that does not belong together."""

from typing import Any

import ibis.expr.types as ir

from regulars.analytics.sold import Sold
from tests.analytics.purchase_rows import bought, rolled


def named(sold: Sold, *columns: str) -> list[tuple[Any, ...]]:
    """Customer number, day, key and money of what has a key, in order."""
    rows = sold.by_key(*columns).inner_join(sold.keys(*columns).names, "key_no")
    return rows_of(rows, "customer_no", "day_no", "key", "amount")


def rows_of(table: ir.Table, *columns: str) -> list[tuple[Any, ...]]:
    found = table.select(*columns).to_pyarrow().to_pylist()
    return sorted(tuple(row[name] for name in columns) for row in found)


def test_lines_of_one_customer_day_and_key_are_one_row_whatever_items_they_are() -> None:
    rows = [
        bought("b", 1, 30, product_id="7", product="tea", category="drinks"),
        bought("b", 1, 12, product_id="8", product="coffee", category="drinks"),
        bought("b", 1, 5, product_id="7", product="tea", category="drinks"),
        bought("a", 2, 9, product_id="7", product="tea", category=None),
    ]
    sold = Sold(rolled(rows, as_of=3))
    assert named(sold, "product_id") == [(0, 1, "7", 9), (1, 0, "7", 35), (1, 0, "8", 12)]
    assert named(sold, "category") == [(1, 0, "drinks", 47)]
    assert sold.bought.count().to_pyarrow().as_py() == 3


def test_what_has_no_name_at_all_is_one_item_and_no_key() -> None:
    rows = [bought("a", 0, 10, product="tea"), bought("a", 0, 4, product=None), bought("a", 0, 3, product=None)]
    sold = Sold(rolled(rows, as_of=1))
    assert rows_of(sold.bought, "customer_no", "day_no", "amount") == [(0, 0, 7), (0, 0, 10)]
    assert named(sold, "product") == [(0, 0, "tea", 10)]


def test_a_name_that_is_there_but_empty_is_not_a_missing_one() -> None:
    rows = [bought("a", 0, 10, product="", category="x"), bought("a", 0, 4, product=None, category="x")]
    sold = Sold(rolled(rows, as_of=1))
    assert named(sold, "product") == [(0, 0, "", 10)]
    assert named(sold, "category") == [(0, 0, "x", 14)]


def test_returns_and_lines_of_strangers_are_left_out() -> None:
    rows = [bought("a", 0, product="tea"), bought("a", 1, -100, product="tea"), bought(None, 1, product="milk")]
    sold = Sold(rolled(rows, as_of=2))
    assert named(sold, "product") == [(0, 0, "tea", 100)]
    assert sold.items.count().to_pyarrow().as_py() == 1


def test_the_margin_is_known_where_the_cost_is() -> None:
    rows = [bought("a", 0, 100, product="tea", cost=60), bought("a", 1, 100, product="tea", cost=None)]
    sold = Sold(rolled(rows, as_of=2))
    assert sorted(rows_of(sold.bought, "day_no", "margin")) == [(0, 40), (1, None)]


def test_keys_are_numbered_in_the_order_of_their_names() -> None:
    rows = [bought("a", 0, product=name) for name in ("tea", "bread", "milk")]
    names = Sold(rolled(rows, as_of=1)).keys("product").names
    assert names.order_by("key_no").to_pyarrow()["key"].to_pylist() == ["bread", "milk", "tea"]


def test_what_was_met_on_a_day_bears_its_largest_name_of_that_day() -> None:
    rows = [
        bought("a", 0, product_id="7", product="Tea"),
        bought("a", 0, product_id="7", product="tea"),
        bought("a", 1, product_id="7", product="zea"),
    ]
    sold = Sold(rolled(rows, as_of=2))
    days = sold.bought.select("customer_no", "day_no").filter(sold.bought.day_no == 0).distinct()
    met = sold.met(days, "product_id", "product")
    labels = sold.keys("product").names.select(label_no="key_no", label="key")
    assert rows_of(met.inner_join(labels, "label_no"), "customer_no", "day_no", "label") == [(0, 0, "tea")]
