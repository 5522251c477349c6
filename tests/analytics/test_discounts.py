"""Habits of discounts on small histories whose answers can be counted by hand."""

from typing import Any

import pytest

from regulars.analytics.discounts import Discounts, discounts
from regulars.core.errors import NotEnoughData
from tests.analytics.grounds import light_ground
from tests.analytics.purchase_rows import Row, bought, by_customer, records, rolled

DAYS = 30


def shop(*, hunters: int = 20, others: int = 40, swap: bool = False) -> list[Row]:
    """Each day everybody buys one thing at 1.00; hunters always at a fifth off, the rest every third day."""
    rows = []
    for number in range(hunters + others):
        for day in range(DAYS):
            off = 20 if number < hunters or (day + number) % 3 == 0 else 0
            rows.append(bought(f"c{number:03d}", day, 100 - off, discount=off))
    return rows[::-1] if swap else rows


def found(rows: list[Row]) -> Discounts:
    return discounts(light_ground(rolled(rows, as_of=DAYS - 1)))


def test_the_offered_number_is_the_share_among_the_others_of_the_same_days() -> None:
    result = found(shop())
    people = by_customer(result.customers)
    # 20 hunters always and a third of the 40 others: 100 of 180 lines
    assert result.offered_share == pytest.approx(100 / 180)
    assert people["c000"]["discounted"] == DAYS
    # of the 59 others of a day 19 hunters and 13 or 14 of the rest, with 20 lines of the mean
    assert people["c000"]["offered"] == pytest.approx(DAYS * (19 + 40 / 3 + 20 * 100 / 180) / 79, abs=0.01)


def test_hunters_buy_on_price_and_the_sums_are_theirs() -> None:
    result = found(shop())
    classes = {row["habit"]: row for row in records(result.classes)}
    assert classes["price"]["customers"] == 20
    assert classes["price"]["discount_year"] == 20 * DAYS * 20
    finding = next(one for one in result.findings if one.kind == "discount:price")
    assert finding.customers == 20
    assert finding.about["share"] == 1.0
    assert {row["customer_id"] for row in records(finding.people)} == {f"c{number:03d}" for number in range(20)}
    assert result.comparisons[0].compared == 60


def test_equal_customers_have_no_habit() -> None:
    result = found(shop(hunters=0, others=60))
    assert not result.findings
    assert {row["habit"] for row in records(result.customers)} == {"mixed"}
    assert result.comparisons[0].compared == 60
    assert result.comparisons[0].reported == 0


def test_the_order_of_rows_changes_nothing() -> None:
    one, other = found(shop()), found(shop(swap=True))
    assert records(one.customers) == records(other.customers)
    assert one.differ_p == other.differ_p


def test_few_purchases_are_not_classed() -> None:
    rows = [*shop(), *(bought("rare", day, 80, discount=20) for day in range(4))]
    rare = by_customer(found(rows).customers)["rare"]
    assert rare["habit"] is None
    assert rare["dependence"] is None


def test_a_promotion_stands_in_for_a_discount_and_names_no_money() -> None:
    rows: list[Row] = []
    for row in shop():
        plain = {name: value for name, value in row.items() if name != "discount"}
        rows.append({**plain, "promotion": "May" if row["discount"] else None})
    result = found(rows)
    assert result.discount_year is None
    assert next(one for one in result.findings if one.kind == "discount:price").customers == 20


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([bought("anna", 0)], "need a column with the discount"),
        ([bought("anna", 0, discount=0)], "Hardly anything was sold at a discount: 0 lines of 1"),
        ([bought("anna", 0, 80, discount=20)], "need 50 customers with 10 lines and 5 visits; there are 0"),
    ],
)
def test_what_is_missing_is_said(rows: list[Row], message: str) -> None:
    with pytest.raises(NotEnoughData, match=message):
        found(rows)


def stretches(*, slower: float) -> list[Row]:
    """Sixty customers: ten visits every fourth day at a discount, then ten without it `slower` times as far apart."""
    rows: list[Row] = []
    for number in range(60):
        day = float(number % 4)
        for visit in range(40):
            with_discount = visit // 10 % 2 == 0
            rows.append(bought(f"c{number:03d}", int(day), 80 if with_discount else 100, discount=20 * with_discount))
            # a little unrest, so that there is something to measure
            day += (4 + (visit * 7 + number) % 3 - 1) * (1 if with_discount else slower)
    return rows


def judged(slower: float) -> Discounts:
    return discounts(light_ground(rolled(stretches(slower=slower), as_of=300)))


def test_discounts_of_those_who_came_as_often_without_are_the_most_that_can_be_saved() -> None:
    result = judged(1.0)
    finding = next(one for one in result.findings if one.kind == "discount:wasted")
    people: list[dict[str, Any]] = records(finding.people)
    assert finding.customers == 60
    assert finding.money is not None
    assert finding.money.value == sum(row["amount"] for row in people)
    assert finding.money.low <= finding.money.value <= finding.money.high
    assert finding.evidence.strength == "assumed"


def test_nobody_who_came_half_as_often_without_is_called_a_waste() -> None:
    result = judged(2.0)
    assert result.times_compared == 60
    assert not [one for one in result.findings if one.kind == "discount:wasted"]


def test_discounts_that_fall_by_lot_allow_no_claim() -> None:
    result = found(shop(hunters=0, others=60))
    assert result.times_compared == 0
    assert result.reason is not None
