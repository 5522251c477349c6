"""Customers as they looked on a past evening, by hand; who is sampled, and into which fold."""

import math
import random
from collections import Counter
from datetime import timedelta

import numpy as np
import pytest

from regulars.analytics.rollup import Rollup
from regulars.analytics.snapshot import FOLDS, past_of, sample_customers, snapshot
from tests.analytics.purchase_rows import bought, by_customer, day, records, rolled, visits


def past(rollup: Rollup, at: int, window_days: int = 20) -> object:
    everybody = sample_customers(rollup.customers, at_most=1_000)
    return past_of(rollup.days, everybody, at=day(at), window_days=window_days)


def test_it_knows_what_was_known_that_evening_and_what_the_window_brought() -> None:
    rollup = rolled([*visits("ann", 0, 10, 20, 21, 40, 41, amount=100)], as_of=50)
    ann = by_customer(snapshot(rollup.days, at=day(20), window_days=20))["ann"]
    assert (ann["visits"], ann["frequency"], ann["amount"]) == (3, 2, 300)
    assert (ann["last_purchase_age_days"], ann["age_days"]) == (20, 20)
    assert ann["sum_log_gaps"] == pytest.approx(2 * math.log(10), abs=2e-6)
    # days 21 and 40 are in the window, day 41 is not
    assert (ann["visits_after"], ann["amount_after"]) == (2, 200)


def test_returns_lower_the_money_and_are_no_visits() -> None:
    rows = [*visits("ann", 0, 30), bought("ann", 5, -30), bought("ann", 25, -70)]
    ann = by_customer(snapshot(rolled(rows, as_of=40).days, at=day(10), window_days=15))["ann"]
    assert (ann["visits"], ann["last_purchase_age_days"], ann["amount"]) == (1, 0, 70)
    assert (ann["visits_after"], ann["amount_after"]) == (0, -70)


def test_who_came_later_is_not_there_yet() -> None:
    rollup = rolled([*visits("ann", 0), *visits("bob", 11), bought("cid", 3, -5), *visits("cid", 12)], as_of=20)
    assert set(by_customer(snapshot(rollup.days, at=day(10), window_days=5))) == {"ann"}


def test_life_begins_with_the_first_visit_not_with_a_return_before_it() -> None:
    rollup = rolled([bought("ann", 3, -5), *visits("ann", 12)], as_of=20)
    ann = by_customer(snapshot(rollup.days, at=day(15)))["ann"]
    assert (ann["first_on"], ann["age_days"], ann["last_purchase_age_days"]) == (day(12), 3, 0)


def test_at_as_of_it_agrees_with_the_customers_of_the_rollup() -> None:
    rollup = rolled([*visits("ann", 0, 4, 9), *visits("bob", 7), bought("bob", 8, -20)], as_of=12)
    now = by_customer(snapshot(rollup.days, at=day(12)))
    for customer, row in by_customer(rollup.customers).items():
        for column in ("visits", "amount", "first_on", "last_on", "age_days", "last_purchase_age_days", "sum_log_gaps"):
            assert now[customer][column] == row[column]
        assert now[customer]["visits_after"] == 0


def test_without_lines_by_then_it_has_no_rows() -> None:
    assert records(snapshot(rolled(visits("ann", 5), as_of=6).days, at=day(1), window_days=30)) == []


def test_a_past_holds_the_same_numbers_as_arrays() -> None:
    rollup = rolled([*visits("ann", 0, 10, 25), *visits("bob", 5)], as_of=40)
    found = past(rollup, at=20)
    assert found.frequency.tolist() == [1, 0]
    assert found.last_purchase_age.tolist() == [10, 0]
    assert found.age.tolist() == [20, 15]
    assert found.recency.tolist() == [10, 15]
    assert found.came_back.tolist() == [True, False]
    assert found.amount_after.tolist() == [100, 0]


def crowd(n: int, *, seed: int = 1) -> list[object]:
    """Customers of one to three visits at random days, in a random order of rows."""
    rng = random.Random(seed)
    rows = [row for i in range(n) for row in visits(f"c{i:04}", *rng.sample(range(300), rng.randint(1, 3)))]
    rng.shuffle(rows)
    return rows


def test_a_small_base_is_taken_whole() -> None:
    assert len(records(sample_customers(rolled(crowd(50), as_of=300).customers, at_most=50))) == 50


def test_of_a_large_base_about_as_many_are_taken_as_are_asked_for_and_always_the_same() -> None:
    rows = crowd(2_000)
    sample = {row["customer_id"] for row in records(sample_customers(rolled(rows, as_of=300).customers, at_most=500))}
    assert 480 <= len(sample) <= 520
    random.Random(5).shuffle(rows)
    again = {row["customer_id"] for row in records(sample_customers(rolled(rows, as_of=300).customers, at_most=500))}
    assert sample == again


def test_folds_are_about_equal_and_customers_alike_share_one() -> None:
    customers = rolled([*crowd(3_000), *visits("twin1", 17, 80), *visits("twin2", 17, 80)], as_of=300).customers
    folds = {row["customer_id"]: row["fold"] for row in records(sample_customers(customers, at_most=10_000))}
    assert folds["twin1"] == folds["twin2"]
    sizes = Counter(folds.values())
    assert set(sizes) == set(range(FOLDS))
    assert min(sizes.values()) > 0.7 * len(folds) / FOLDS


def test_a_fold_says_nothing_about_what_a_customer_did() -> None:
    rollup = rolled(crowd(3_000), as_of=300)
    folds = {row["customer_id"]: row["fold"] for row in records(sample_customers(rollup.customers, at_most=10_000))}
    rows = by_customer(rollup.customers)
    for column in ("visits", "recency_days", "age_days"):
        values = [rows[customer][column] for customer in folds]
        # with 3,000 people a chance correlation beyond 0.08 is a matter of one in 100,000
        assert abs(np.corrcoef(list(folds.values()), values)[0, 1]) < 0.08


def test_new_names_leave_everybody_in_the_same_fold() -> None:
    rows = crowd(200)
    renamed = [{**row, "customer_id": row["customer_id"][::-1]} for row in rows]
    before, after = (
        {
            row["customer_id"]: row["fold"]
            for row in records(sample_customers(rolled(r, as_of=300).customers, at_most=1_000))
        }
        for r in (rows, renamed)
    )
    assert {customer[::-1]: fold for customer, fold in before.items()} == after


def test_a_later_day_changes_nothing_that_was_known_before() -> None:
    rows = crowd(60)
    rollup = rolled(rows, as_of=300)
    before = by_customer(snapshot(rollup.days, at=day(150)))
    known = [row for row in rows if row["purchased_at"].date() <= day(150)]
    alone = rolled(known, as_of=150)
    assert before == by_customer(snapshot(alone.days, at=day(150)))
    assert max(row["last_on"] for row in before.values()) <= day(150) < day(150) + timedelta(days=1)
