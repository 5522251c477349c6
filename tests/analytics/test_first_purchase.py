"""Where and with what each customer began, by hand."""

import datetime as dt
import random

import pytest

from regulars.analytics.first_purchase import first_purchase
from tests.analytics.purchase_rows import Row, bought, by_customer, noon, rolled


def firsts(rows: list[Row], *, as_of: int = 50) -> dict[str, dict[str, object]]:
    return by_customer(first_purchase(rolled(rows, as_of=as_of)))


def test_a_history_without_places_and_products_says_nothing() -> None:
    assert first_purchase(rolled([bought("ann", 0)], as_of=0)) is None


def test_the_earliest_receipt_of_the_first_day_gives_the_place() -> None:
    rows = [
        bought("ann", 1, store="B", channel="web", purchased_at=noon(1) + dt.timedelta(hours=1)),
        bought("ann", 1, store="C", channel="till", purchased_at=noon(1)),
        bought("ann", 2, store="A", channel="app"),
    ]
    assert firsts(rows) == {"ann": {"first_store": "C", "first_channel": "till"}}


def test_the_line_with_the_most_money_gives_the_product_and_the_category() -> None:
    rows = [
        bought("ann", 1, 100, product="tea", category="drinks"),
        bought("ann", 1, 300, product="cake", category="sweets"),
        bought("ann", 9, 900, product="wine", category="drinks"),
    ]
    assert firsts(rows) == {"ann": {"first_product": "cake", "first_category": "sweets"}}


def test_ties_go_to_the_name_that_sorts_first_whatever_the_order_of_the_rows() -> None:
    rows = [bought("ann", 1, 100, product=name, store=name, receipt_id=name) for name in "dbca"]
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        assert firsts(rows)["ann"] == {"first_store": "a", "first_product": "a"}


def test_a_product_without_a_name_is_called_by_its_code() -> None:
    rows = [
        bought("ann", 0, product_id="17", product=None),
        bought("bob", 0, product_id="18", product="tea"),
        bought("cid", 0, product_id=None, product=None),
    ]
    found = {customer: row["first_product"] for customer, row in firsts(rows).items()}
    assert found == {"ann": "17", "bob": "tea", "cid": None}


def test_a_return_before_the_first_purchase_is_no_beginning() -> None:
    rows = [bought("ann", 0, -50, product="old", store="Old"), bought("ann", 3, 50, product="new", store="New")]
    assert firsts(rows) == {"ann": {"first_store": "New", "first_product": "new"}}


def test_a_return_on_the_first_day_is_no_beginning() -> None:
    rows = [
        bought("ann", 0, -999, product="old", store="Old", purchased_at=noon(0) - dt.timedelta(hours=1)),
        bought("ann", 0, 50, product="new", store="New"),
    ]
    assert firsts(rows) == {"ann": {"first_store": "New", "first_product": "new"}}


def test_everybody_who_bought_is_there_and_unknown_buyers_are_not() -> None:
    rows = [
        bought("ann", 0, store="A", product="x"),
        bought("bob", 4, store="B", product="y"),
        bought(None, 0, store="C"),
    ]
    assert set(firsts(rows)) == {"ann", "bob"}


def test_a_first_visit_that_cost_nothing_is_a_beginning() -> None:
    rows = [bought("ann", 0, 0, product="sample", store="Fair"), bought("ann", 5, 80, product="tea", store="Main")]
    assert firsts(rows) == {"ann": {"first_store": "Fair", "first_product": "sample"}}


def test_many_customers_are_looked_at_piece_by_piece_and_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [bought(f"c{n % 40}", n % 9, n, product=f"p{n % 7}", store=f"s{n % 3}") for n in range(200)]
    found = firsts(rows)
    monkeypatch.setattr("regulars.analytics.first_purchase._AT_ONCE", 9)
    assert firsts(rows) == found
    assert len(found) == 40
