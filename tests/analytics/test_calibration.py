"""From scores to chances: rising, tied where scores are tied, never certain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.analytics.calibration import calibrate


def back(*shares: tuple[int, int]) -> np.ndarray:
    """Groups of `n` people of whom `k` came back, as (k, n)."""
    return np.concatenate([np.arange(n) < k for k, n in shares])


def test_two_groups_get_their_shares_shrunk_by_half_a_person() -> None:
    fitted = calibrate(np.repeat([0.0, 10.0], 30), back((6, 30), (24, 30)))
    assert fitted.chance(np.array([0.0, 10.0])) == pytest.approx([6.5 / 31, 24.5 / 31])


def test_between_the_groups_it_is_straight_and_beyond_them_flat() -> None:
    fitted = calibrate(np.repeat([0.0, 10.0], 30), back((6, 30), (24, 30)))
    low, high = 6.5 / 31, 24.5 / 31
    assert fitted.chance(np.array([-99.0, 5.0, 99.0])) == pytest.approx([low, (low + high) / 2, high])


def test_groups_in_the_wrong_order_are_pooled() -> None:
    fitted = calibrate(np.repeat([0.0, 1.0, 2.0], 30), back((24, 30), (6, 30), (27, 30)))
    assert fitted.chance(np.array([0.0, 1.0])) == pytest.approx([0.5, 0.5])
    assert fitted.chance(np.array([2.0]))[0] == pytest.approx(27.5 / 31)


def test_when_all_scores_are_equal_everybody_gets_the_share_of_all() -> None:
    fitted = calibrate(np.zeros(99), back((33, 99)))
    assert fitted.chance(np.array([-1.0, 0.0, 1.0])) == pytest.approx([33.5 / 100] * 3)


def test_a_crowd_of_equal_scores_is_one_group_however_large() -> None:
    scores = np.concatenate([np.zeros(900), np.arange(1, 101)])
    fitted = calibrate(scores, np.concatenate([back((90, 900)), np.ones(100, dtype=bool)]))
    assert fitted.chance(np.array([0.0]))[0] == pytest.approx(90.5 / 901)


def test_one_person_makes_no_certainty() -> None:
    assert calibrate(np.zeros(1), np.array([True])).chance(np.zeros(1))[0] == 0.75
    assert calibrate(np.zeros(1), np.array([False])).chance(np.zeros(1))[0] == 0.25


def test_known_chances_are_found_again() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=20_000)
    truth = 1 / (1 + np.exp(-2 * scores))
    fitted = calibrate(scores, rng.random(20_000) < truth)
    grid = np.linspace(-1.5, 1.5, 13)
    # a bin has 400 people: their share is known to 0.025, and the extremes of 13 lie within 3 of these
    assert np.abs(fitted.chance(grid) - 1 / (1 + np.exp(-2 * grid))).max() < 0.06


@given(
    st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=1, max_size=200),
    st.randoms(use_true_random=False),
)
def test_it_rises_stays_inside_zero_and_one_and_does_not_know_the_order(people: list[tuple[int, bool]], rng) -> None:
    def fit(rows: list[tuple[int, bool]]) -> np.ndarray:
        scores, kinds = np.array([row[0] for row in rows], dtype=float), np.array([row[1] for row in rows])
        return calibrate(scores, kinds).chance(np.linspace(-6, 6, 25))

    chances = fit(people)
    assert (np.diff(chances) >= 0).all()
    assert (chances > 0).all() and (chances < 1).all()
    shuffled = people[:]
    rng.shuffle(shuffled)
    assert (fit(shuffled) == chances).all()


def test_a_bin_has_thirty_people_or_a_fiftieth_of_all() -> None:
    assert calibrate(np.arange(300.0), back((150, 300))).scores.size == 10
    assert calibrate(np.arange(29.0), back((9, 29))).scores.size == 1
    assert calibrate(np.arange(9_000.0), back((4_500, 9_000))).scores.size == 50
