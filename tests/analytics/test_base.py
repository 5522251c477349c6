"""The base: totals, margin, newcomers, concentration, products, months."""

import datetime as dt
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.analytics.base import abc_cuts, abc_of, base
from tests.analytics.histories import Line, day, lines_of, rolled, rows


def product(customer: str | None, number: int, amount: int, name: str | None, **more: object) -> Line:
    """A line of its own receipt."""
    return Line(customer, day(number), amount, str(number), {"product_id": name, **more})


def test_totals_of_a_shop_counted_by_hand() -> None:
    found = base(
        rolled(
            [
                Line("ann", day(0), 1_000),
                Line("ann", day(0), 500),
                Line("ann", day(40), 300),
                Line("bob", day(10), 2_000),
                Line("bob", day(12), -700),  # brought back
                Line(None, day(5), 400),
                Line("eve", day(6), -50),  # never bought: money, but no customer
            ]
        ),
        window_days=14,
    )
    assert (found.customers, found.receipts, found.lines) == (2, 4, 5)
    assert (found.revenue, found.revenue_without_customer, found.returned) == (3_450, 400, 750)
    assert rows(found.months) == [
        {
            "month": dt.date(2024, 1, 1),
            "revenue": 3_150,
            "known_revenue": 2_750,
            "receipts": 3,
            "customers": 2,
            "new_customers": 2,
        },
        {
            "month": dt.date(2024, 2, 1),
            "revenue": 300,
            "known_revenue": 300,
            "receipts": 1,
            "customers": 1,
            "new_customers": 0,
        },
    ]


def test_every_month_has_a_row_even_without_sales() -> None:
    found = base(rolled([Line("ann", day(0), 100), Line("ann", day(100), 100)]), window_days=14)
    assert [(row["month"].month, row["revenue"]) for row in rows(found.months)] == [(1, 100), (2, 0), (3, 0), (4, 100)]


def test_a_customer_counts_once_a_month() -> None:
    visits = [Line("ann", day(number), 100) for number in (0, 3, 30, 31, 59, 60)]
    found = base(rolled(visits), window_days=14)
    assert [row["customers"] for row in rows(found.months)] == [1, 1, 1]


def test_newcomers_are_those_first_seen_after_the_window_and_within_a_year() -> None:
    lines = [
        Line("early", day(13), 100),  # in the first window of 14 days: perhaps an old customer
        Line("long_ago", day(14), 100),
        Line("edge", day(400 - 364), 100),  # first of the last 365 days
        Line("late", day(400), 100),
        Line("early", day(399), 100),
        Line("opens", day(0), 100),
    ]
    found = base(rolled(lines), window_days=14)
    assert found.new_customers == 2
    assert found.new_share == pytest.approx(2 / 3)  # of edge, late, early


def test_without_time_after_the_window_nobody_can_be_called_new() -> None:
    found = base(rolled([Line("ann", day(0), 100), Line("bob", day(13), 100)]), window_days=14)
    assert (found.new_customers, found.new_share) == (0, None)


def test_margin_is_taken_from_costs_and_extrapolated_to_lines_without_one() -> None:
    lines = [
        Line("ann", day(0), 1_000, "1", {"cost": 600}),
        Line("ann", day(1), 1_000, "1", {"cost": 800}),
        Line("ann", day(2), 500, "1", {"cost": None}),
    ]
    found = base(rolled(lines), window_days=14, margin_share=0.9)
    assert (found.margin_source, found.margin_share, found.margin) == ("cost", 0.3, 750)
    assert found.costed_share == 0.8


def test_costs_of_a_few_lines_do_not_overrule_the_share_that_the_user_gave() -> None:
    lines = [Line("ann", day(0), 100, "1", {"cost": 90}), Line("ann", day(1), 900, "1", {"cost": None})]
    given_share = base(rolled(lines), window_days=14, margin_share=0.25)
    assert (given_share.margin_source, given_share.margin, given_share.costed_share) == ("share", 250, None)
    assert base(rolled(lines), window_days=14).margin_share == pytest.approx(0.1)


def test_without_cost_or_share_there_is_no_margin() -> None:
    found = base(rolled([Line("ann", day(0), 100)]), window_days=14)
    assert (found.margin, found.margin_share, found.margin_source, found.costed_share) == (None, None, None, None)


def test_concentration_of_one_customer_and_of_equal_ones() -> None:
    alone = base(rolled([Line("ann", day(0), 100)]), window_days=14)
    assert (alone.gini, alone.top_fifth_share) == (0.0, pytest.approx(0.2))
    equal = base(rolled([Line(f"c{i}", day(i), 100) for i in range(10)]), window_days=14)
    assert (equal.gini, equal.top_fifth_share) == (pytest.approx(0.0), pytest.approx(0.2))


def test_concentration_by_hand() -> None:
    found = base(
        rolled([Line(f"c{i}", day(0), amount) for i, amount in enumerate([10, 10, 10, 10, 60])]), window_days=14
    )
    assert found.top_fifth_share == pytest.approx(0.6)
    # sum over pairs |x - y| / (2 n^2 mean) = 8 * 50 / (2 * 25 * 20)
    assert found.gini == pytest.approx(0.4)


def test_those_who_returned_everything_count_as_zero() -> None:
    found = base(rolled([Line("ann", day(0), 100), Line("bob", day(0), 50), Line("bob", day(1), -80)]), window_days=14)
    assert found.gini == pytest.approx(0.5)
    assert [(row["abc"], row["customers"], row["amount"]) for row in rows(found.customer_abc)] == [
        ("A", 1, 100),
        ("B", 0, 0),
        ("C", 1, -30),
    ]


def test_nobody_brings_anything() -> None:
    found = base(rolled([Line("ann", day(0), 100), Line("ann", day(1), -100)]), window_days=14)
    assert (found.revenue, found.gini, found.top_fifth_share) == (0, 0.0, 0.0)
    assert {row["share"] for row in rows(found.customer_abc)} == {0.0}


def test_abc_cuts_take_equal_ones_along() -> None:
    # of 125: above the 20s are 50 (40 %), above the 10 are 110 (88 %), above the 5 are 120 (96 %)
    assert abc_cuts(np.array([50, 20, 5, 20, 10, 20])) == (20, 10)
    assert abc_cuts(np.array([0, -5])) == (1, 1)


def test_a_share_of_exactly_80_percent_ends_class_a() -> None:
    assert abc_cuts(np.array([80, 15, 5])) == (80, 15)


def test_abc_of_each_customer_adds_up_to_the_table() -> None:
    rollup = rolled([Line(f"c{i}", day(0), (i + 1) ** 3) for i in range(20)])
    by_class: dict[str, int] = {}
    for row in rows(abc_of(rollup.customers)):
        by_class[row["abc"]] = by_class.get(row["abc"], 0) + 1
    assert by_class == {row["abc"]: row["customers"] for row in rows(base(rollup, window_days=14).customer_abc)}


def test_steady_and_unsteady_products() -> None:
    lines = []
    for month, units in enumerate([10, 10, 10, 14]):
        number = (dt.date(2024, month + 1, 10) - day(0)).days
        lines.append(product("ann", number, 100, "bread", quantity=10.0))
        lines.append(product("ann", number, 50, "milk", quantity=float(units)))
        lines.append(product("ann", number, 20, "toys", quantity=[0.0, 1.0, 9.0, 0.0][month]))
    # the history covers January to April in full
    lines += [product("bob", 0, 1, "late"), product("bob", 120, 1, "late")]
    found = {row["product"]: row for row in rows(base(rolled(lines), window_days=14).products)}
    assert (found["bread"]["xyz"], found["bread"]["variation"]) == ("X", 0.0)
    # mean 11, population deviation sqrt(3)
    assert (found["milk"]["xyz"], found["milk"]["variation"]) == ("Y", pytest.approx(3**0.5 / 11, abs=1e-6))
    assert found["toys"]["xyz"] == "Z"
    assert [found[name]["abc"] for name in ("bread", "milk", "toys")] == ["A", "A", "B"]


def test_incomplete_months_do_not_make_a_product_unsteady() -> None:
    # 20 January to 10 May: February, March and April are complete
    lines = [product("ann", number, 100, "bread") for number in (19, 45, 75, 106, 130)]
    found = rows(base(rolled(lines), window_days=14).products)
    assert (found[0]["xyz"], found[0]["variation"]) == ("X", 0.0)


def test_two_full_months_are_too_few_for_xyz() -> None:
    lines = [product("ann", number, 100, "bread") for number in (0, 35, 59)]
    found = base(rolled(lines, as_of=dt.date(2024, 2, 29)), window_days=14)
    assert [(row["xyz"], row["variation"]) for row in rows(found.products)] == [(None, None)]


def test_months_without_a_sale_count_from_the_first_sale_on() -> None:
    # sold in March and June of a half-year: 10, 0, 0, 10 -> mean 5, deviation 5
    lines = [product("ann", 0, 1, "other"), product("ann", 65, 10, "kite"), product("ann", 181, 10, "kite")]
    found = {row["product"]: row for row in rows(base(rolled(lines), window_days=14).products)}
    assert dt.date(2024, 6, 30) == day(181)
    assert found["kite"]["variation"] == pytest.approx(1.0)


def test_returns_are_no_demand_but_they_are_money() -> None:
    lines = [product("ann", number, 100, "bread", quantity=1.0) for number in (0, 35, 65, 90)]
    lines.append(product("ann", 40, -100, "bread", quantity=1.0))
    found = rows(base(rolled(lines, as_of=dt.date(2024, 3, 31)), window_days=14).products)
    assert (found[0]["amount"], found[0]["xyz"]) == (300, "Z")
    assert found[0]["variation"] == pytest.approx((2 / 9) ** 0.5 / (4 / 3), abs=1e-6)


def test_lines_without_a_product_are_a_row_of_their_own() -> None:
    found = base(rolled([product("ann", 0, 100, "bread"), product("ann", 1, 40, None)]), window_days=14)
    assert [(row["abc"], row["products"], row["amount"]) for row in rows(found.product_abc)] == [
        ("A", 1, 100),
        (None, 1, 40),
    ]


def test_a_product_keeps_its_number_and_shows_its_name() -> None:
    lines = [Line("ann", day(i), 10, "1", {"product_id": "7", "product": name}) for i, name in enumerate("ab")]
    found = rows(base(rolled(lines), window_days=14).products)
    assert [(row["product_id"], row["product"]) for row in found] == [("7", "b")]


def test_without_products_there_is_no_product_table() -> None:
    found = base(rolled([Line("ann", day(0), 100)]), window_days=14)
    assert (found.product_abc, found.products) == (None, None)


@settings(max_examples=8)
@given(lines_of(most_days=100), st.integers(0, 99))
def test_parts_sum_to_wholes_and_row_order_does_not_matter(lines: list[Line], seed: int) -> None:
    shuffled = list(lines)
    random.Random(seed).shuffle(shuffled)
    found, again = (base(rolled(some), window_days=14) for some in (lines, shuffled))
    assert rows(found.months) == rows(again.months)
    assert rows(found.customer_abc) == rows(again.customer_abc)
    assert (found.gini, found.top_fifth_share, found.new_share) == (again.gini, again.top_fifth_share, again.new_share)
    assert found.revenue == sum(line.amount for line in lines) == sum(row["revenue"] for row in rows(found.months))
    assert found.returned == -sum(line.amount for line in lines if line.amount < 0)
    assert found.customers == sum(row["customers"] for row in rows(found.customer_abc))
    assert found.customers == sum(row["new_customers"] for row in rows(found.months))
    buyers = {(line.customer_id, line.on.month) for line in lines if line.customer_id and line.amount > 0}
    assert len(buyers) == sum(row["customers"] for row in rows(found.months))


@settings(max_examples=5)
@given(lines_of(most_days=60))
def test_money_a_hundred_times_larger_changes_no_share(lines: list[Line]) -> None:
    found = base(rolled(lines), window_days=14, margin_share=0.3)
    scaled = base(rolled([line._replace(amount=line.amount * 100) for line in lines]), window_days=14, margin_share=0.3)
    assert scaled.revenue == 100 * found.revenue
    assert scaled.gini == pytest.approx(found.gini)
    assert scaled.top_fifth_share == pytest.approx(found.top_fifth_share)
    assert [row["customers"] for row in rows(scaled.customer_abc)] == [
        row["customers"] for row in rows(found.customer_abc)
    ]
