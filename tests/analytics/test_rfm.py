"""RFM: equal customers are equal, ties stay together, every combination has a segment."""

import itertools
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.analytics.rfm import SEGMENTS, rfm, segment_of
from tests.analytics.histories import Line, day, lines_of, rolled, rows


def scores(lines: list[Line]) -> dict[str, tuple[int, int, int]]:
    """The three scores of each customer."""
    return {row["customer_id"]: (row["r"], row["f"], row["m"]) for row in rows(rfm(rolled(lines)).customers)}


def visits(customer: str, number: int) -> list[Line]:
    """So many visits, each worth 100, the last one on day 400."""
    return [Line(customer, day(400 - i), 100) for i in range(number)]


def test_without_ties_scores_are_five_equal_groups() -> None:
    lines = [Line(f"c{i:02}", day(i), 100 + i) for i in range(20)]
    found = scores(lines)
    assert [found[f"c{i:02}"][0] for i in range(20)] == [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4 + [5] * 4
    assert [found[f"c{i:02}"][2] for i in range(20)] == [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4 + [5] * 4


def test_a_crowd_of_one_time_buyers_stays_together_at_the_bottom() -> None:
    lines = [line for i in range(60) for line in visits(f"once{i}", 1)]
    lines += [line for i in range(20) for line in visits(f"twice{i}", 2)]
    lines += [line for i in range(20) for line in visits(f"often{i}", 9)]
    found = scores(lines)
    assert {found[f"once{i}"][1] for i in range(60)} == {1}
    # 60 come less often, 20 more often: 60 of 80
    assert {found[f"twice{i}"][1] for i in range(20)} == {4}
    assert {found[f"often{i}"][1] for i in range(20)} == {5}


def test_a_crowd_at_the_top_is_at_the_top() -> None:
    lines = [Line(f"today{i}", day(100), 100) for i in range(60)] + [Line(f"before{i}", day(i), 100) for i in range(40)]
    found = scores(lines)
    assert {found[f"today{i}"][0] for i in range(60)} == {5}
    assert found["before0"][0] == 1


def test_when_all_are_equal_all_are_in_the_middle() -> None:
    assert set(scores([Line(f"c{i}", day(0), 100) for i in range(7)]).values()) == {(3, 3, 3)}
    assert scores([Line("ann", day(0), 100)]) == {"ann": (3, 3, 3)}


def test_two_kinds_of_customers_get_the_worst_and_the_best_score() -> None:
    found = scores(visits("once", 1) + visits("often", 5))
    assert (found["once"][1], found["often"][1]) == (1, 5)


def test_cuts_are_the_values_where_the_next_score_begins() -> None:
    lines = [Line(f"c{i:02}", day(i), 100 + i) for i in range(20)]
    found = rfm(rolled(lines))
    assert found.cuts["amount"] == [104.0, 108.0, 112.0, 116.0]
    assert found.cuts["recency_days"] == [15.0, 11.0, 7.0, 3.0]


def test_every_combination_has_a_segment_and_every_segment_a_combination() -> None:
    named = Counter(segment_of(*combination) for combination in itertools.product(range(1, 6), repeat=3))
    assert set(named) == set(SEGMENTS)
    assert sum(named.values()) == 125


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_champions_stay_champions_when_they_get_better(axis: int) -> None:
    for combination in itertools.product(range(1, 6), repeat=3):
        better = list(combination)
        better[axis] = min(5, better[axis] + 1)
        if segment_of(*combination) == "champions":
            assert segment_of(*better) == "champions"


def test_segments_in_the_engine_are_those_of_the_function() -> None:
    generator = random.Random(3)
    lines = [
        Line(f"c{i}", day(generator.randrange(300)), generator.randrange(50, 5_000))
        for i in range(150)
        for _visit in range(generator.choice([1, 1, 2, 5, 9]))
    ]
    found = rfm(rolled(lines))
    customers = rows(found.customers)
    assert all(row["rfm_segment"] == segment_of(row["r"], row["f"], row["m"]) for row in customers)
    segments = {row["rfm_segment"]: row for row in rows(found.segments)}
    assert {name: row["customers"] for name, row in segments.items()} == Counter(
        row["rfm_segment"] for row in customers
    )
    assert sum(row["amount"] for row in segments.values()) == sum(line.amount for line in lines)
    assert sum(row["amount_share"] for row in segments.values()) == pytest.approx(1)


def test_shares_of_no_money_are_zero() -> None:
    lines = [Line("ann", day(0), 100), Line("ann", day(1), -100)]
    assert [row["amount_share"] for row in rows(rfm(rolled(lines)).segments)] == [0.0]


@settings(max_examples=8)
@given(lines_of(most_days=40, customers=8), st.integers(0, 99))
def test_equal_customers_are_equal_and_row_order_does_not_matter(lines: list[Line], seed: int) -> None:
    twins = [line._replace(customer_id=f"twin_{line.customer_id}") for line in lines if line.customer_id]
    both = [*lines, *twins]
    shuffled = list(both)
    random.Random(seed).shuffle(shuffled)
    found = scores(both)
    assert found == scores(shuffled)
    assert all(found[name] == found[f"twin_{name}"] for name in found if not name.startswith("twin_"))


@settings(max_examples=6)
@given(lines_of(most_days=40, customers=8))
def test_better_is_never_scored_worse_and_the_scale_of_money_does_not_matter(lines: list[Line]) -> None:
    rollup = rolled(lines)
    values = {
        row["customer_id"]: (-row["recency_days"], row["visits"], row["amount"]) for row in rows(rollup.customers)
    }
    found = scores(lines)
    for one, other in itertools.combinations(found, 2):
        for axis in range(3):
            if values[one][axis] <= values[other][axis]:
                assert found[one][axis] <= found[other][axis]
    assert found == scores([line._replace(amount=line.amount * 100) for line in lines])
