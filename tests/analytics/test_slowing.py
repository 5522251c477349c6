"""Slowing visits on histories whose gaps are known."""

import numpy as np
import pytest
from scipy import stats

from regulars.analytics.slowing import Slowing, slowing
from regulars.core.errors import NotEnoughData
from tests.analytics.grounds import light_ground
from tests.analytics.purchase_rows import Row, bought, by_customer, records, rolled


def steady(customer: str, *, amount: int, gaps: list[int], start: int = 0) -> list[Row]:
    day, rows = start, [bought(customer, start, amount)]
    for gap in gaps:
        day += gap
        rows.append(bought(customer, day, amount))
    return rows


def shop(*, slow: int) -> list[Row]:
    """160 customers, 40 with a check of 100.00, come every 6 to 8 days; `slow` of them every 30 at the end."""
    rows: list[Row] = []
    for number in range(160):
        gaps = [6 + (number + place) % 3 for place in range(30)]
        if number < slow:
            gaps = [*gaps[:17], 30, 30, 30]
        rows += steady(f"c{number:03d}", amount=10_000 if number < 40 else 1_000, gaps=gaps, start=number % 5)
    return rows


def found(rows: list[Row]) -> Slowing:
    return slowing(light_ground(rolled(rows, as_of=212), window_days=28))


def test_those_whose_last_three_gaps_are_long_are_warned_about_by_their_own_measure() -> None:
    people = by_customer(found(shop(slow=5)).customers)
    assert len(people) == 40
    assert {name for name, row in people.items() if row["warned"]} == {f"c{number:03d}" for number in range(5)}
    assert people["c000"]["last_days"] == pytest.approx(30)
    assert people["c000"]["usual_days"] == pytest.approx((6 * 7 * 8) ** (1 / 3), rel=0.02)


def test_a_warning_that_the_past_bears_out_is_reported_with_its_precision() -> None:
    result = found(shop(slow=5))
    (finding,) = result.findings
    assert finding.evidence.strength == "tested"
    assert finding.customers == 5
    assert result.tried is not None
    # two evenings each; on the evening before, their first long gap was still to come
    assert (result.tried.warned, result.tried.warned_less, result.tried.others_less) == (10, 10, 5)
    assert finding.about["precision"] == 1.0
    assert finding.money is not None
    assert finding.money.low <= finding.money.value <= finding.money.high


def test_without_a_past_that_bears_it_out_nothing_is_reported() -> None:
    result = found(shop(slow=2))
    assert result.warned == 2
    assert result.reason is not None
    assert not result.findings
    assert result.comparisons[0].reported == 0


def test_what_slows_everybody_slows_nobody() -> None:
    assert found(shop(slow=160)).warned == 0


def test_the_order_of_rows_changes_nothing() -> None:
    rows = shop(slow=3)
    assert records(found(rows).customers) == records(found(rows[::-1]).customers)


def test_too_few_to_watch_is_said() -> None:
    with pytest.raises(NotEnoughData, match="needs 30 customers with a high check and 8 intervals; there are 0"):
        found([bought("anna", 0), bought("anna", 9)])


def test_who_is_irregular_is_no_proof_of_a_warning() -> None:
    # half of the customers come as dice fall, in bursts; the other half like clockwork
    rng = np.random.default_rng(3)
    rows: list[Row] = []
    for number in range(320):
        gaps = np.maximum(rng.lognormal(1.9, 1.2, 60), 1).astype(int) if number % 2 else np.full(60, 7)
        gaps = gaps[np.cumsum(gaps) <= 212]
        rows += steady(f"c{number:03d}", amount=10_000 if number < 160 else 1_000, gaps=gaps.tolist())
    result = found(rows)
    assert result.tried is not None and result.tried.warned >= 10
    # the irregular are warned more often, and come much less more often
    tried = result.tried
    table = [
        [tried.warned_less, tried.warned - tried.warned_less],
        [tried.others_less, tried.others - tried.others_less],
    ]
    assert stats.fisher_exact(table, alternative="greater").pvalue < 0.001
    assert result.p_value is not None and result.p_value > 0.05
    assert not result.findings
