"""The rollup by hand: lines -> receipts -> days -> customers, cut off at `as_of`."""

import datetime as dt
import math
import random

import pytest

from regulars.analytics.rollup import exact_sum_of_logs, roll_up
from regulars.core.errors import NotEnoughData
from tests.analytics.purchase_rows import bought, by_customer, day, history, memory_table, noon, records, rolled, visits


def test_lines_of_one_number_on_one_day_in_one_store_are_one_receipt() -> None:
    rows = [
        bought("ann", 0, 100, receipt_id="7", store="Main", discount=5, cost=60),
        bought("ann", 0, 250, receipt_id="7", store="Main", discount=0, cost=None),
    ]
    (receipt,) = records(rolled(rows, as_of=0).receipts)
    assert receipt["amount"] == receipt["gross"] == 350
    assert receipt["lines"] == 2
    assert receipt["discount"] == 5
    # what is earned is known for the first line only
    assert (receipt["cost"], receipt["costed_amount"]) == (60, 100)


@pytest.mark.parametrize(
    "other",
    [
        bought("ann", 1, receipt_id="7", store="Main"),
        bought("ann", 0, receipt_id="8", store="Main"),
        bought("ann", 0, receipt_id="7", store="Other"),
        bought("bob", 0, receipt_id="7", store="Main"),
        bought(None, 0, receipt_id="7", store="Main"),
    ],
)
def test_another_day_number_store_or_customer_is_another_receipt(other: dict[str, object]) -> None:
    rows = [bought("ann", 0, receipt_id="7", store="Main"), other]
    assert len(records(rolled(rows, as_of=1).receipts)) == 2


def test_without_numbers_the_lines_of_one_moment_are_one_receipt() -> None:
    later = dt.datetime.combine(day(0), dt.time(15))
    rows = [bought("ann", 0, 100), bought("ann", 0, 50), bought("ann", 0, 30, purchased_at=later)]
    assert [receipt["amount"] for receipt in records(rolled(rows, as_of=0).receipts, "purchased_at")] == [150, 30]


def test_lines_whose_number_is_unknown_are_not_thrown_together_with_others_of_the_day() -> None:
    later = dt.datetime.combine(day(0), dt.time(15))
    rows = [
        bought(None, 0, 100, receipt_id=None),
        bought(None, 0, 50, receipt_id=None),
        bought(None, 0, 30, receipt_id=None, purchased_at=later),
        bought(None, 0, 7, receipt_id="7"),
        bought(None, 0, 8, receipt_id="7", purchased_at=later),
        bought("ann", 0, 1),
    ]
    receipts = records(rolled(rows, as_of=0).receipts)
    assert sorted(receipt["amount"] for receipt in receipts) == [1, 15, 30, 150]


def test_a_receipt_has_the_time_of_its_first_line() -> None:
    rows = [
        bought("ann", 0, receipt_id="7", purchased_at=noon(0) + dt.timedelta(minutes=1)),
        bought("ann", 0, receipt_id="7"),
    ]
    (receipt,) = records(rolled(rows, as_of=0).receipts)
    assert receipt["purchased_at"] == noon(0)


def test_returns_lower_the_money_and_are_no_positions_sold() -> None:
    rows = [bought("ann", 0, 500, receipt_id="7"), bought("ann", 0, -200, receipt_id="7")]
    (receipt,) = records(rolled(rows, as_of=0).receipts)
    assert (receipt["amount"], receipt["gross"], receipt["lines"]) == (300, 500, 1)


def test_a_day_of_returns_alone_carries_money_and_is_no_visit() -> None:
    rollup = rolled([bought("ann", 0, 500), bought("ann", 4, -200), bought("ann", 10, 100)], as_of=10)
    days = records(rollup.days, "purchased_on")
    assert [(row["amount"], row["is_visit"], row["gap_days"], row["visit_no"]) for row in days] == [
        (500, True, None, 1),
        (-200, False, None, None),
        (100, True, 10, 2),
    ]
    assert [row["purchased_on"] for row in records(rollup.visits, "purchased_on")] == [day(0), day(10)]


def test_two_receipts_of_one_day_are_one_visit() -> None:
    rollup = rolled([bought("ann", 0, 100, receipt_id="1"), bought("ann", 0, 70, receipt_id="2")], as_of=0)
    (visit,) = records(rollup.visits)
    assert (visit["receipts"], visit["amount"], visit["lines"]) == (2, 170, 2)


def test_what_was_fetched_for_nothing_is_a_visit_and_a_position_without_money() -> None:
    rollup = rolled([bought("ann", 0, 0), bought("ann", 3, 100)], as_of=3)
    ann = by_customer(rollup.customers)["ann"]
    assert (ann["first_on"], ann["visits"], ann["lines"], ann["amount"]) == (day(0), 2, 2, 100)


def test_ages_of_a_customer_are_whole_days_up_to_as_of() -> None:
    ann = by_customer(rolled(visits("ann", 3, 8, 20), as_of=25).customers)["ann"]
    assert (ann["first_on"], ann["last_on"], ann["visits"]) == (day(3), day(20), 3)
    assert (ann["age_days"], ann["recency_days"], ann["last_purchase_age_days"]) == (22, 5, 17)
    assert ann["sum_log_gaps"] == pytest.approx(math.log(5) + math.log(12), abs=2e-6)


def test_the_year_is_the_365_days_that_end_with_as_of() -> None:
    rows = [*visits("in", 1, 365), *visits("out", 0), bought("in", 365, -30)]
    customers = by_customer(rolled(rows, as_of=365).customers)
    assert (customers["in"]["amount_year"], customers["in"]["visits_year"]) == (170, 2)
    assert (customers["out"]["amount_year"], customers["out"]["visits_year"]) == (0, 0)


def test_who_only_returned_is_no_customer_but_the_money_stays_in_the_receipts() -> None:
    rollup = rolled([bought("ann", 0, 100), bought("bob", 0, -40)], as_of=0)
    assert set(by_customer(rollup.customers)) == {"ann"}
    assert sum(row["amount"] for row in records(rollup.receipts)) == 60
    assert {row["customer_id"] for row in records(rollup.days)} == {"ann", "bob"}


def test_whose_returns_exceed_the_purchases_has_negative_money_and_is_still_a_customer() -> None:
    ann = by_customer(rolled([bought("ann", 0, 100), bought("ann", 2, -250)], as_of=5).customers)["ann"]
    assert (ann["amount"], ann["gross"], ann["visits"], ann["last_on"]) == (-150, 100, 1, day(0))


def test_unknown_buyers_are_in_the_receipts_and_in_no_day() -> None:
    rollup = rolled([bought("ann", 0, 100), bought(None, 0, 70), bought(None, 1, 30)], as_of=1)
    assert sum(row["amount"] for row in records(rollup.receipts)) == 200
    assert sum(row["amount"] for row in records(rollup.days)) == 100


def test_the_day_as_of_counts_to_its_last_moment_and_the_next_not_at_all() -> None:
    last_moment = dt.datetime.combine(day(5), dt.time(23, 59, 59, 999_999))
    next_moment = dt.datetime.combine(day(6), dt.time())
    rows = [bought("ann", 5, 10, purchased_at=last_moment), bought("ann", 6, 1, purchased_at=next_moment)]
    rollup = rolled(rows, as_of=5)
    assert by_customer(rollup.customers)["ann"]["amount"] == 10
    assert records(rollup.lines)[0]["purchased_on"] == day(5)
    assert (rollup.first_day, rollup.span_days) == (day(5), 1)


def test_the_span_counts_both_ends_and_begins_with_an_unknown_buyer_or_a_return_too() -> None:
    rollup = rolled([bought(None, 2), bought("ann", 4)], as_of=11)
    assert (rollup.first_day, rollup.span_days) == (day(2), 10)
    assert rolled([bought("bob", 1, -5), bought("ann", 4)], as_of=11).first_day == day(1)


def test_customers_are_numbered_by_their_ids_whatever_the_order_of_the_rows() -> None:
    rows = [bought(name, 0) for name in ("eve", "ann", "dan", "bob")]
    numbers = {name: row["customer_no"] for name, row in by_customer(rolled(rows, as_of=0).customers).items()}
    assert numbers == {"ann": 0, "bob": 1, "dan": 2, "eve": 3}


def test_the_sum_of_logarithms_does_not_know_the_order_of_the_rows() -> None:
    gaps = [1, 2, 3, 5, 7, 11, 13, 400, 3_000] * 30
    sums = set()
    for seed in range(5):
        random.Random(seed).shuffle(gaps)
        table = memory_table([bought("ann", 0, gap) for gap in gaps])
        sums.add(exact_sum_of_logs(table.amount).to_pyarrow().as_py())
    assert len(sums) == 1
    assert sums.pop() == pytest.approx(sum(map(math.log, gaps)), abs=1e-3)


def test_the_sum_of_no_logarithms_is_zero() -> None:
    assert exact_sum_of_logs(memory_table([]).amount).to_pyarrow().as_py() == 0


def test_a_history_without_lines_by_then_is_refused_with_the_day() -> None:
    with pytest.raises(NotEnoughData, match="no purchases on or before Jan 3, 2024"):
        rolled([bought("ann", 3)], as_of=2)
    with pytest.raises(NotEnoughData, match="no purchases on or before Jan 3, 2024"):
        rolled([], as_of=2)


@pytest.mark.parametrize("rows", [[bought(None, 0)], [bought("ann", 0, -100)], [bought(None, 0, 0)]])
def test_a_history_in_which_no_known_customer_bought_is_refused_with_advice(rows: list[dict[str, object]]) -> None:
    with pytest.raises(NotEnoughData, match=r"No line names a customer who bought.*--map customer_id="):
        rolled(rows, as_of=0)


def test_columns_that_the_history_lacks_are_nowhere() -> None:
    rollup = roll_up(history([bought("ann", 0)]), as_of=day(0))
    assert not {"discount", "cost", "costed_amount"} & set(rollup.customers.columns)
    assert not rollup.has("store")
