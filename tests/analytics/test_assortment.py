"""Rare goods of the best and gaps on the shelf, on histories that can be counted by hand."""

import pytest

from regulars.analytics.assortment import Assortment, assortment
from regulars.core.errors import NotEnoughData
from tests.analytics.grounds import light_ground
from tests.analytics.purchase_rows import Row, bought, day, records, rolled

CUSTOMERS, VISITS = 300, 20


def shop(*, gap: tuple[int, int] | None = None, fans: bool = False) -> list[Row]:
    """300 customers come twenty times for bread, 30 of them for ten times as much; salt is taken every third time."""
    rows: list[Row] = []
    for number in range(CUSTOMERS):
        for visit in range(VISITS):
            when = visit * 18 + number % 18
            common = {"receipt_id": f"{number}-{visit}"}
            rows.append(bought(f"c{number:03d}", when, 10_000 if number < 30 else 1_000, product="bread", **common))
            if (visit + number) % 3 == 0 and not (gap and gap[0] <= when < gap[1]):
                rows.append(bought(f"c{number:03d}", when, 10, product="salt", **common))
            if (visit + number) % 10 == 0 or (fans and number < 30 and visit % 2):
                rows.append(bought(f"c{number:03d}", when, 10, product="saffron", **common))
    return rows


def found(rows: list[Row]) -> Assortment:
    return assortment(light_ground(rolled(rows, as_of=364)))


def test_nothing_is_found_where_everybody_buys_alike() -> None:
    result = found(shop())
    assert not result.findings
    assert result.best_customers == 30
    assert result.comparisons[0].compared == 2  # salt and saffron: bread is no product of small sales


def test_a_rare_product_of_the_best_is_found_with_its_purchases() -> None:
    result = found(shop(fans=True))
    (finding,) = result.findings
    assert finding.id == "assortment:product:saffron"
    # every second visit of the best, and a tenth of the others' at even numbers
    mine = sum(bool(visit % 2 or (visit + number) % 10 == 0) for number in range(30) for visit in range(VISITS))
    assert finding.about["best_purchases"] == mine
    assert finding.customers == 30
    assert finding.about["devoted"] == 30
    assert finding.money is not None
    spent = sum(row["amount"] for row in records(finding.people))
    assert spent == 10 * mine


def test_a_gap_is_found_with_its_first_and_last_day() -> None:
    rows = shop(gap=(150, 180))
    (row,) = records(found(rows).gaps)
    sold = sorted({line["purchased_at"].date() for line in rows if line["product"] == "salt"})
    before, after = max(one for one in sold if one < day(150)), min(one for one in sold if one >= day(180))
    assert row["product_id"] == "salt"
    assert ((row["gap_from"] - before).days, (after - row["gap_to"]).days) == (1, 1)
    # a third of the receipts of thirty days
    assert row["expected_sales"] == pytest.approx(30 * CUSTOMERS / 18 / 3, rel=0.15)
    assert row["missed_amount"] == pytest.approx(row["expected_sales"] * 10)


def test_goods_with_many_lines_in_a_receipt_do_not_hide_those_that_sell_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.analytics.assortment.MOST_SHELVES", 1)
    rows = [row | {"product": "salt"} for row in shop() if row["product"] == "bread"]
    sweets = [
        line | {"product": f"sweets {number % 2}", "amount": 1}
        for number, line in enumerate(rows[: len(rows) // 4]) for _time in range(12)
    ]  # fmt: skip
    result = found([row for row in rows if not 150 <= _day_of(row) < 180] + sweets)
    assert [row["product_id"] for row in records(result.gaps)] == ["salt"]
    assert result.gaps_compared == 1


def _day_of(row: Row) -> int:
    days: int = (row["purchased_at"].date() - day(0)).days
    return days


def test_the_order_of_rows_changes_nothing() -> None:
    rows = shop(gap=(150, 180), fans=True)
    one, other = found(rows), found(rows[::-1])
    assert records(one.products) == records(other.products)
    assert records(one.gaps) == records(other.gaps)


def test_what_is_missing_is_said() -> None:
    with pytest.raises(NotEnoughData, match="needs a column with the product"):
        found([bought("anna", 0)])
    with pytest.raises(NotEnoughData, match="top tenth of the customers are 1 people; 20 are needed"):
        found([bought("anna", 0, product="milk")])
