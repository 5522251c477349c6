import random
from collections.abc import Iterator

import pytest

from regulars.analytics.entry import entry
from regulars.core.errors import NotEnoughData
from tests.analytics.purchase_rows import Row, bought, records
from tests.analytics.reasons_ground import ground_of

AS_OF = 700


def newcomers(count: int, returning: int, first: str, product: str, **columns: str) -> Iterator[Row]:
    """`count` people who begin with `product` between day 40 and 300, of whom `returning` come again after ten days."""
    for number in range(count):
        customer, day = f"{first}{number:04d}", 40 + number * 7 % 260
        yield bought(customer, day, product=product, **columns)
        if number < returning:
            yield bought(customer, day + 10, 500, product="again", **columns)


def old(product: str = "again") -> Iterator[Row]:
    """Somebody of before, who opens the history."""
    yield bought("old", 0, product=product)
    yield bought("old", 350, product=product)


def shop() -> list[Row]:
    """160 begin with milk and 32 of them return; 600 begin with bread or tea and 420 of them return."""
    return [
        *old(),
        *newcomers(160, 32, "m", "milk"),
        *newcomers(300, 210, "b", "bread"),
        *newcomers(300, 210, "t", "tea"),
    ]


def test_what_newcomers_do_not_return_from_is_found_with_its_people_and_money() -> None:
    found = entry(ground_of(shop(), as_of=AS_OF))
    milk, *rest = found.findings
    assert rest == []
    assert (milk.id, milk.kind, milk.customers) == ("entry:product:milk", "entry_worse", 128)
    assert milk.about["share"] == pytest.approx(0.2)
    assert milk.about["expected"] == pytest.approx(0.7, abs=0.06)
    assert milk.people is not None
    assert {row["amount"] for row in records(milk.people)} == {100}
    # those who returned brought 500 in the year after, the others nothing; 160 in 701 - 60 days, each half a chance
    assert found.value_of_return is not None and found.value_of_return.value == pytest.approx(500)
    assert milk.money is not None
    assert milk.money.value == pytest.approx(160 * 365 / 641 * 0.5 * 500, rel=0.15)
    assert milk.money.low < milk.money.value < milk.money.high


def test_each_level_has_its_row_and_everything_compared_is_counted() -> None:
    found = entry(ground_of(shop(), as_of=AS_OF))
    rows = {row["key"]: row for row in records(found.levels)}
    assert {key: (row["cases"], row["returned"]) for key, row in rows.items()} == {
        "milk": (160, 32), "bread": (300, 210), "tea": (300, 210)
    }  # fmt: skip
    assert found.newcomers == found.of_newcomers == 760
    assert [(one.analysis, one.compared, one.reported) for one in found.comparisons] == [("entry:product", 3, 1)]


def test_where_all_return_alike_nothing_is_reported() -> None:
    rows = [*old(), *newcomers(200, 140, "m", "milk"), *newcomers(300, 210, "b", "bread")]
    found = entry(ground_of(rows, as_of=AS_OF))
    assert found.findings == () and found.comparisons[0].compared == 2


def test_what_only_goes_along_with_the_culprit_is_not_reported() -> None:
    rows = shop()
    # nine of ten buyers of milk take a bag, and some others do
    rows += [bought(row["customer_id"], _day(row), product="bag") for row in rows if row["product"] == "milk"][:144]
    rows += [bought(row["customer_id"], _day(row), product="bag") for row in rows if row["product"] == "tea"][::3]
    found = entry(ground_of(rows, as_of=AS_OF))
    assert [one.id for one in found.findings] == ["entry:product:milk"]


def _day(row: Row) -> int:
    return int((row["purchased_at"].date() - bought("x", 0)["purchased_at"].date()).days)


def test_the_order_of_the_lines_does_not_matter() -> None:
    rows = shop()
    mixed = rows.copy()
    random.Random(1).shuffle(mixed)
    first, second = (entry(ground_of(lines, as_of=AS_OF)) for lines in (rows, mixed))
    assert records(first.levels) == records(second.levels)
    assert [(one.id, one.money) for one in first.findings] == [(one.id, one.money) for one in second.findings]


def test_people_discounts_and_places_are_compared_too() -> None:
    rows = [
        *old(),
        *newcomers(200, 140, "m", "milk", store="North", staff="Ann", channel="web", category="food"),
        *newcomers(200, 60, "b", "bread", store="South", staff="Bob", channel="shop", category="drink"),
    ]
    rows = [{**row, "discount": 10 if row["customer_id"] < "m" else 0} for row in rows]
    found = entry(ground_of(rows, as_of=AS_OF))
    dimensions = {row["dimension"] for row in records(found.levels)}
    assert dimensions == {"product", "category", "discount", "staff", "channel", "store"}


def test_too_few_newcomers_are_said_so() -> None:
    with pytest.raises(NotEnoughData, match="at least 100 newcomers"):
        entry(ground_of([*old(), *newcomers(60, 30, "m", "milk")], as_of=AS_OF))


def test_a_history_of_sums_alone_is_said_to_lack_columns() -> None:
    rows = [{name: row[name] for name in ("customer_id", "purchased_at", "amount")} for row in shop()]
    with pytest.raises(NotEnoughData, match="column"):
        entry(ground_of(rows, as_of=AS_OF))


def test_one_line_is_too_few() -> None:
    with pytest.raises(NotEnoughData):
        entry(ground_of([bought("a", 0, product="milk")], as_of=10))
