"""Exact matching on coarse strata: what it takes away, what it cannot, and how sure it is."""

import numpy as np
import pytest

from regulars.analytics.matching import matched_difference


def test_strata_take_away_what_they_tell_apart() -> None:
    chance = np.random.default_rng(3)
    strata = chance.integers(0, 5, 4_000)
    treated = chance.random(4_000) < 0.05 + strata * 0.1  # the keener, the likelier
    change = strata * 1_000 + chance.normal(0, 300, 4_000) + treated * 50
    found = matched_difference(np.arange(4_000), treated, strata, change)
    assert found is not None
    assert found.matched == found.treated == treated.sum()
    assert found.difference.low < 50 < found.difference.high < 100
    naive = change[treated].mean() - change[~treated].mean()
    assert naive > 500


def test_nine_of_ten_hundred_intervals_hold_the_truth_also_when_one_person_stands_in_many_rows() -> None:
    chance, held = np.random.default_rng(11), 0
    for _trial in range(400):
        who = np.repeat(np.arange(300), 4)
        strata = np.repeat(chance.integers(0, 8, 300), 4) * 4 + np.tile(np.arange(4), 300)
        treated = np.repeat(chance.random(300) < 0.2, 4)
        # the same mood in all rows of a person, and skewed
        change = np.repeat(chance.exponential(10, 300), 4) + chance.normal(0, 1, 1_200)
        found = matched_difference(who, treated, strata, change)
        assert found is not None
        held += found.difference.low <= 0 <= found.difference.high
    assert held / 400 == pytest.approx(0.95, abs=0.03)


def test_who_finds_nobody_is_left_out_and_counted() -> None:
    who, treated, strata = np.array([1, 2, 3, 4]), np.array([True, False, False, True]), np.array([1, 1, 1, 2])
    found = matched_difference(who, treated, strata, np.array([7.0, 1.0, 2.0, 99.0]))
    assert found is not None
    assert (found.treated, found.matched, found.others, found.difference.value) == (2, 1, 2, 5.5)
    assert matched_difference(who[3:], treated[3:], strata[3:], np.array([99.0])) is None
    empty = np.array([], dtype=np.int64)
    assert matched_difference(empty, empty.astype(bool), empty, empty.astype(float)) is None
