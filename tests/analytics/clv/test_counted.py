"""Counting customers into unique tuples."""

import numpy as np
import pytest

from regulars.analytics.clv import Counted


def test_equal_customers_are_counted_once() -> None:
    base = Counted.from_days([2, 0, 2, 0, 0], [10, 0, 10, 0, 0], [30, 30, 30, 14, 30])
    rows = sorted(zip(base.frequency, base.last_purchase_age, base.age, base.customers, strict=True))
    assert rows == [(0, 0, 2, 1), (0, 0, 30 / 7, 2), (2, 10 / 7, 30 / 7, 2)]
    assert (base.n_customers, base.repeaters, base.purchases) == (5, 2, 4)


def test_ages_stay_exact_and_are_not_rounded_to_units() -> None:
    base = Counted.from_days([1, 1], [3, 4], [10, 10])
    assert sorted(base.last_purchase_age * 7) == pytest.approx([3, 4])


def test_counts_and_gap_logarithms_add_up_and_change_units() -> None:
    base = Counted.from_days([1, 1], [14, 14], [30, 30], [2, 3], sum_log_gaps=2 * [np.log(14)], unit_days=7)
    assert base.customers.tolist() == [5]
    assert base.sum_log_gaps is not None
    assert base.sum_log_gaps.tolist() == pytest.approx([2 * np.log(14) - 5 * np.log(7)])


def test_fractional_days_and_huge_ages_are_counted_too() -> None:
    base = Counted.from_days([1, 1, 1, 2], [0.5, 0.5, 2e6, 0.5], [3.25, 3.25, 3e6, 3.25])
    assert sorted(base.customers) == [1, 1, 2]


def test_an_empty_base_has_no_customers() -> None:
    assert Counted.from_days([], [], []).n_customers == 0


def test_a_customer_of_today_is_kept_with_age_zero() -> None:
    assert Counted.from_days([0], [0], [0]).age.tolist() == [0]


def test_a_coarse_copy_keeps_customers_purchases_and_average_ages() -> None:
    rng = np.random.default_rng(1)
    age = rng.integers(1, 400, 5_000)
    x = np.minimum(rng.poisson(1, 5_000), age)
    last = np.where(x > 0, rng.integers(x, age + 1), 0)
    base = Counted.from_days(x, last, age, sum_log_gaps=x * 1.5)
    copy = base.coarse(8)
    assert copy.age.size < base.age.size / 3
    for column in ("age", "last_purchase_age"):
        total = [(one.customers * getattr(one, column)).sum() for one in (base, copy)]
        assert total[0] == pytest.approx(total[1])
    assert (copy.n_customers, copy.purchases) == (base.n_customers, base.purchases)
    assert copy.sum_log_gaps is not None
    assert base.sum_log_gaps is not None
    assert copy.sum_log_gaps.sum() == pytest.approx(base.sum_log_gaps.sum())


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([1], [5], [3]), "between 0 and age"),
        (([0], [2], [3]), "one-time buyers"),
        (([1], [0], [3]), "one-time buyers"),
        (([-1], [0], [3]), "whole number"),
        (([1.5], [1], [3]), "whole number"),
        (([np.nan], [1], [3]), "finite"),
        (([1], [1], [np.inf]), "finite"),
        (([1], [-1], [3]), "between 0 and age"),
        (([1], [1], [3], [0]), "customers"),
        (([1], [1], [3], [np.nan]), "customers"),
        (([1], [1], [3], [1, 2]), "one length"),
    ],
)
def test_columns_that_contradict_themselves_are_refused(columns: tuple[list[float], ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Counted.from_days(*columns)


def test_gaps_that_are_missing_or_a_unit_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="sum_log_gaps"):
        Counted.from_days([1], [1], [3], sum_log_gaps=[-np.inf])
    with pytest.raises(ValueError, match="unit_days"):
        Counted.from_days([0], [0], [3], unit_days=-7)
