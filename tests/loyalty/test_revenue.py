"""Deferred revenue against the example that the standard itself works out."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.loyalty.revenue import allocate, earned


def test_a_sale_with_points_is_split_as_ifrs_15_example_52_splits_it() -> None:
    """Goods for 100,000 with 10,000 points worth 1 each, of which 9,500 are expected to be redeemed."""
    assert allocate(100_000, [Fraction(100_000), Fraction(10_000) * Fraction(95, 100)]) == [91_324, 8_676]


def test_points_become_revenue_as_in_ifrs_15_example_52() -> None:
    """4,500 of 9,500 in the first year; in the second 8,500 in all, and 9,700 are expected by then."""
    first = earned(8_676, redeemed=4_500, expected=9_500)
    second = earned(8_676, redeemed=8_500, expected=9_700)
    assert (first, second - first) == (4_110, 3_493)


def test_all_is_earned_when_nobody_is_expected_any_more() -> None:
    assert earned(8_676, redeemed=9_700, expected=9_700) == 8_676
    assert earned(8_676, redeemed=0, expected=0) == 8_676, "all of them have expired"
    with pytest.raises(ValueError, match="expect at least"):
        earned(8_676, redeemed=5, expected=4)


@given(
    st.integers(0, 10**15),
    st.lists(st.fractions(min_value=0, max_value=10**6), min_size=1, max_size=6).filter(lambda some: sum(some) > 0),
)
def test_parts_add_up_and_are_off_by_less_than_one(price: int, standalone: list[Fraction]) -> None:
    parts = allocate(price, standalone)
    assert sum(parts) == price
    for part, one in zip(parts, standalone, strict=True):
        assert abs(part - price * one / sum(standalone)) < 1


@pytest.mark.parametrize("worth", [[], [Fraction(0)], [Fraction(-1), Fraction(3)]])
def test_promises_without_worth_cannot_be_split(worth: list[Fraction]) -> None:
    with pytest.raises(ValueError):
        allocate(100, worth)
