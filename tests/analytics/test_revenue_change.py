"""Why revenue changed: every kopeck of the difference has one reason."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.analytics.revenue_change import RevenueChange, revenue_change, whole_parts
from regulars.core.errors import NotEnoughData
from tests.analytics.histories import Line, day, lines_of, rolled

# 112 days: the previous period is day 0 to 55, the last one day 56 to 111
END = day(111)


def changed(lines: list[Line]) -> RevenueChange:
    """The change over 112 days; something without a customer bounds them at both ends."""
    return revenue_change(rolled([Line(None, day(0), 1), *lines, Line(None, END, 1)]))


def bought(customer: str, on: int, amounts: list[int], receipt: str = "1") -> list[Line]:
    """One receipt with so many positions."""
    return [Line(customer, day(on), amount, receipt) for amount in amounts]


def test_groups_counted_by_hand() -> None:
    found = changed(
        [
            *bought("lost", 5, [300]),
            *bought("won", 70, [500]),
            *bought("kept", 10, [100]),
            *bought("kept", 60, [100]),
            Line(None, day(80), 40),
        ]
    )
    assert found.previous == (day(0), day(55))
    assert found.last == (day(56), END)
    assert (found.previous_revenue, found.last_revenue) == (401, 641)
    assert found.effects == {
        "won": 500,
        "returned": 0,
        "lost": -300,
        "frequency": 0,
        "breadth": 0,
        "check": 0,
        "without_customer": 40,
    }
    assert found.customers == {"won": 1, "returned": 0, "lost": 1, "kept": 1}


def test_who_bought_before_both_periods_has_returned() -> None:
    lines = [*bought("ann", 0, [100]), *bought("ann", 700, [70]), *bought("bob", 200, [10]), *bought("bob", 780, [10])]
    found = revenue_change(rolled(lines))
    assert found.previous == (day(51), day(415))
    assert found.effects["returned"] == 70
    assert found.customers == {"won": 0, "returned": 1, "lost": 0, "kept": 1}


def test_more_receipts_are_frequency_alone() -> None:
    found = changed([*bought("ann", 1, [100]), *bought("ann", 60, [100]), *bought("ann", 61, [100])])
    assert (found.effects["frequency"], found.effects["breadth"], found.effects["check"]) == (100, 0, 0)


def test_more_positions_are_breadth_alone() -> None:
    found = changed([*bought("ann", 1, [100]), *bought("ann", 60, [100, 100, 100])])
    assert (found.effects["frequency"], found.effects["breadth"], found.effects["check"]) == (0, 200, 0)


def test_dearer_positions_are_check_alone() -> None:
    found = changed([*bought("ann", 1, [100]), *bought("ann", 60, [170])])
    assert (found.effects["frequency"], found.effects["breadth"], found.effects["check"]) == (0, 0, 70)


def test_three_doubled_factors_share_the_growth_equally() -> None:
    # 300 -> 2,400; each factor is ln 2 of ln 8
    found = changed([*bought("ann", 1, [300]), *bought("ann", 60, [600, 600]), *bought("ann", 61, [600, 600])])
    assert (found.effects["frequency"], found.effects["breadth"], found.effects["check"]) == (700, 700, 700)


def test_factors_that_cancel_each_other_leave_no_remainder() -> None:
    # receipts x 2, money per position / 2: L(x, x) = x, effects 1,000 ln 2
    found = changed([*bought("ann", 1, [1_000]), *bought("ann", 60, [500]), *bought("ann", 61, [500])])
    assert (found.effects["frequency"], found.effects["breadth"], found.effects["check"]) == (693, 0, -693)


def test_kept_customers_who_returned_more_than_they_bought_have_no_logarithm() -> None:
    found = changed([*bought("ann", 1, [100]), Line("ann", day(2), -150, "2"), *bought("ann", 60, [90])])
    assert (found.effects["frequency"], found.effects["breadth"], found.effects["check"]) == (0, 0, 140)


def test_returns_of_those_who_bought_nothing_stand_alone() -> None:
    found = changed([*bought("ann", 1, [100]), *bought("ann", 60, [100]), Line("eve", day(70), -30)])
    assert found.effects["returns_only"] == -30
    assert "without_customer" not in found.effects
    assert sum(found.customers.values()) == 1


def test_a_loss_with_later_returns_counts_both() -> None:
    found = changed([*bought("ann", 1, [100]), Line("ann", day(70), -30)])
    assert found.effects["lost"] == -130


def test_a_period_without_a_purchase_cannot_be_compared() -> None:
    with pytest.raises(NotEnoughData):
        revenue_change(rolled([*bought("ann", 0, [100]), Line("ann", END, -10)]))


def test_seven_weeks_are_too_short() -> None:
    with pytest.raises(NotEnoughData):
        revenue_change(rolled([*bought("ann", 0, [100]), *bought("ann", 48, [100])]))


@pytest.mark.parametrize(
    ("parts", "total", "expected"),
    [
        ([1.4, 1.4, 1.2], 4, [2, 1, 1]),
        ([-0.5, -0.25, 0.75], 0, [-1, 0, 1]),
        ([0.0, 0.0, 0.0], 0, [0, 0, 0]),
        ([1e15 + 0.5, -1e15 - 0.25, 0.75], 1, [10**15, -(10**15), 1]),
    ],
)
def test_whole_parts_sum_to_the_total(parts: list[float], total: int, expected: list[int]) -> None:
    assert whole_parts(parts, total) == expected


@settings(max_examples=10)
@given(lines_of(most_days=111), st.integers(0, 99))
def test_effects_sum_exactly_and_row_order_does_not_matter(lines: list[Line], seed: int) -> None:
    found = changed(lines)
    assert sum(found.effects.values()) == found.last_revenue - found.previous_revenue
    assert found.previous_revenue + found.last_revenue == 2 + sum(line.amount for line in lines)
    buyers = {line.customer_id for line in lines if line.customer_id and line.amount > 0}
    assert sum(found.customers.values()) == len(buyers)
    shuffled = list(lines)
    random.Random(seed).shuffle(shuffled)
    assert changed(shuffled) == found


@settings(max_examples=6)
@given(lines_of(most_days=111, returns=False))
def test_the_way_back_is_the_way_there_and_money_scales(lines: list[Line]) -> None:
    found = changed(lines)
    backwards = changed([line._replace(on=day(111 - (line.on - day(0)).days)) for line in lines])
    scaled = changed([line._replace(amount=line.amount * 1_000) for line in lines])
    for name in ("frequency", "breadth", "check"):
        assert abs(found.effects[name] + backwards.effects[name]) <= 1
        assert abs(1_000 * found.effects[name] - scaled.effects[name]) <= 1_000
    assert found.effects["won"] == -backwards.effects["lost"]
