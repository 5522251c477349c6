"""The minimum order on receipts that can be counted by hand."""

import pytest

from regulars.analytics.minimum_order import BONUS_SHARE, MOVE_SHARE, MinimumOrder, minimum_order, round_sums
from regulars.core.errors import NotEnoughData
from tests.analytics.grounds import light_ground
from tests.analytics.purchase_rows import Row, bought, records, rolled


def receipts(*amounts: int, customers: int = 50) -> list[Row]:
    """Everybody brings one receipt of each amount, a day apart."""
    return [
        bought(f"c{number:03d}", day, amount, receipt_id=f"{number}-{day}-{amount}")
        for number in range(customers)
        for day, amount in enumerate(amounts)
    ]


def simulated(rows: list[Row], *, margin: float | None = 0.5, as_of: int = 364) -> MinimumOrder:
    return minimum_order(light_ground(rolled(rows, as_of=as_of), margin_share=margin))


def test_what_a_threshold_brings_is_what_a_hand_counts() -> None:
    # 50 customers x (3 receipts of 85.00, one of 120.00, two of 20.00) in a year
    result = simulated(receipts(8_500, 8_500, 8_500, 12_000, 2_000, 2_000))
    row = next(row for row in records(result.thresholds) if row["threshold"] == 10_000)
    near, above = 150, 50
    extra = MOVE_SHARE * 0.5 * near * 1_500
    bonus = BONUS_SHARE * 10_000 * (MOVE_SHARE * near + above)
    assert (row["near"], row["above"], row["moved"]) == (near, above, MOVE_SHARE * near)
    assert row["extra_margin"] == pytest.approx(extra)
    assert row["bonus"] == pytest.approx(bonus)
    assert row["net"] == pytest.approx(extra - bonus)
    # the share s at which s x margin x missing = bonus x (s x near + above)
    assert row["needed_share"] == pytest.approx(300 * above / (0.5 * near * 1_500 - 300 * near))


def test_a_threshold_that_many_receipts_nearly_reach_earns() -> None:
    rows = [*receipts(*[7_600] * 6), *receipts(10_500, customers=12)]
    result = simulated(rows, margin=0.6)
    assert result.best == 10_000
    (finding,) = result.findings
    assert finding.id == "minimum_order:10000"
    assert finding.evidence.strength == "assumed"
    assert finding.money is not None
    assert 0 < finding.money.low <= finding.money.value
    assert finding.customers == 50
    assert {row["amount"] for row in records(finding.people)} == {6 * 2_400}


def test_no_threshold_earns_where_most_receipts_are_above_it_anyway() -> None:
    result = simulated(receipts(9_500, *[12_000 + 1_000 * step for step in range(8)]), margin=0.2)
    assert result.best is None
    assert not result.findings
    assert result.comparisons[0].compared == result.thresholds.count().to_pyarrow().as_py()


def test_what_lifts_a_receipt_over_the_threshold_is_counted() -> None:
    rows: list[Row] = []
    for number in range(250):
        common = {"receipt_id": str(number)}
        rows.append(bought(f"c{number:03d}", number % 300, 30_000, product="saw", **common))
        rows.append(bought(f"c{number:03d}", number % 300, 1_000 if number < 40 else 200, product="nails", **common))
    result = simulated(rows)
    shown = result.shown_threshold
    expected = sum(30_000 < shown <= 30_000 + (1_000 if number < 40 else 200) for number in range(250))
    assert {row["product"]: row["receipts"] for row in records(result.add_ons)} == (
        {"nails": expected} if expected else {}
    )


def test_equal_receipts_in_another_order_give_equal_answers() -> None:
    rows = receipts(7_600, 8_100, 12_000, 5_000, 4_400)
    one, other = simulated(rows), simulated(rows[::-1])
    assert records(one.thresholds) == records(other.thresholds)


def test_what_is_missing_is_said() -> None:
    with pytest.raises(NotEnoughData, match="needs the margin"):
        simulated(receipts(1_000), margin=None)
    with pytest.raises(NotEnoughData, match="needs 200 receipts in the last year; there are 50"):
        simulated(receipts(1_000))


def test_round_sums_are_round_in_their_currency() -> None:
    assert round_sums(310.0, 1_200.0, 0) == [400, 500, 600, 700, 800, 1_000, 1_200]
    assert round_sums(100.0, 101.0, 2) == [100]
    assert len(round_sums(100.0, 10_000_000.0, 2)) <= 12
