"""Intervals against published values, exact binomial sums and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from regulars.analytics.estimate import Estimate
from regulars.analytics.intervals import bootstrap_sum, mean_interval, median_quantiles, median_ranks, wilson
from regulars.core.errors import NotEnoughData


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_matches_newcombe_1998_table_1(successes: int, n: int, low: float, high: float) -> None:
    share = wilson(successes, n)
    assert share is not None
    assert share.value == successes / n
    assert (share.low, share.high) == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_nobody_is_none() -> None:
    assert wilson(0, 0) is None


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_stays_between_nothing_and_everybody(case: tuple[int, int]) -> None:
    share = wilson(*case)
    assert share is not None
    assert 0 <= share.low <= share.value <= share.high <= 1


def test_mean_interval_is_students() -> None:
    values = np.array([3.0, 5.0, 8.0, 10.0])
    found = mean_interval(values.mean(), values.var(ddof=1), 4)
    low, high = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    assert found == Estimate(6.5, pytest.approx(low), pytest.approx(high))


def test_one_value_has_no_interval() -> None:
    with pytest.raises(NotEnoughData):
        mean_interval(3.0, 0.0, 1)


@pytest.mark.parametrize(("n", "ranks"), [(6, (1, 6)), (10, (2, 9)), (15, (4, 12)), (20, (6, 15)), (25, (8, 18))])
def test_median_ranks_are_the_published_ones(n: int, ranks: tuple[int, int]) -> None:
    # Conover 1999, Practical Nonparametric Statistics, table A3, p = .5; also Geigy tables
    assert median_ranks(n) == ranks


@given(st.integers(6, 3_000))
def test_median_ranks_cover_95_percent_and_not_a_rank_more(n: int) -> None:
    low, high = median_ranks(n)
    outside = 2 * stats.binom.cdf(low - 1, n, 0.5)
    assert high == n + 1 - low
    assert outside <= 0.05 < 2 * stats.binom.cdf(low, n, 0.5)


@given(st.lists(st.integers(-1_000, 1_000), min_size=1, max_size=60))
def test_median_quantiles_fetch_the_ranked_values_themselves(values: list[int]) -> None:
    low, high = median_ranks(len(values))
    ordered = sorted(values)
    found = np.quantile(values, median_quantiles(len(values)))
    assert found == pytest.approx([np.median(values), ordered[low - 1], ordered[high - 1]])


def test_bootstrap_of_nobody_is_zero() -> None:
    assert bootstrap_sum(np.array([], dtype=np.int64)) == Estimate(0.0, 0.0, 0.0)


def test_bootstrap_of_equal_contributions_has_no_width() -> None:
    assert bootstrap_sum(np.full(1_500, 7)) == Estimate(10_500.0, 10_500.0, 10_500.0)


@given(st.lists(st.integers(-10_000, 10_000), min_size=1, max_size=50), st.randoms(use_true_random=False))
def test_bootstrap_does_not_look_at_row_order(values: list[int], shuffler: object) -> None:
    shuffled = list(values)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    found = bootstrap_sum(np.array(values))
    assert found == bootstrap_sum(np.array(shuffled))
    assert found.value == sum(values)
    assert found.low <= found.value <= found.high


@pytest.mark.parametrize("n", [200, 1_000, 1_500, 20_000])
def test_bootstrap_is_as_wide_as_theory_says(n: int) -> None:
    values = np.random.default_rng(5).normal(1_000, 50, n)
    found = bootstrap_sum(values)
    theory = 2 * 1.96 * values.std() * np.sqrt(n)
    # a mean twenty times the spread: groups of unequal size would blow this up
    assert found.high - found.low == pytest.approx(theory, rel=0.15)


def test_bootstrap_interval_holds_the_true_sum_about_95_times_in_100() -> None:
    generator = np.random.default_rng(11)
    draws = [generator.gamma(0.5, 2_000, 400) for _ in range(150)]
    estimates = [bootstrap_sum(draw) for draw in draws]
    held = sum(estimate.low <= 400 * 1_000 <= estimate.high for estimate in estimates)
    assert 0.90 <= held / 150 <= 0.99


def test_bootstrap_leaves_its_input_alone() -> None:
    values = np.array([3.0, 1.0, 2.0])
    bootstrap_sum(values)
    assert values.tolist() == [3.0, 1.0, 2.0]
