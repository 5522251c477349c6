"""AUC with DeLong's covariance: by brute force over all pairs, and by simulation."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.analytics.auc import auc_with_covariance

Scores = list[float]


def area(scores: Scores, positive: list[bool]) -> float:
    """The definition itself: over all pairs of both kinds, who scores above; a tie is one half."""
    yes = [score for score, kind in zip(scores, positive, strict=True) if kind]
    no = [score for score, kind in zip(scores, positive, strict=True) if not kind]
    return float(np.mean([(y > n) + 0.5 * (y == n) for y, n in itertools.product(yes, no)]))


@st.composite
def judged(draw: st.DrawFn) -> tuple[Scores, Scores, list[bool]]:
    """Two scores, with many ties, of the same people; both kinds are there."""
    n = draw(st.integers(2, 30))
    values = st.lists(st.integers(0, 5).map(float), min_size=n, max_size=n)
    kinds = draw(st.lists(st.booleans(), min_size=n - 2, max_size=n - 2))
    return draw(values), draw(values), [True, False, *kinds]


@given(judged())
def test_it_is_the_share_of_pairs_in_the_right_order(case: tuple[Scores, Scores, list[bool]]) -> None:
    one, other, positive = case
    found, _covariance = auc_with_covariance(np.array([one, other]), np.array(positive))
    assert found == pytest.approx([area(one, positive), area(other, positive)])


@given(judged())
def test_a_score_turned_round_has_the_rest_of_the_area(case: tuple[Scores, Scores, list[bool]]) -> None:
    one, _other, positive = case
    found, covariance = auc_with_covariance(np.array([one, [-score for score in one]]), np.array(positive))
    assert found.sum() == pytest.approx(1)
    # what one gains the other loses: their difference doubles the doubt
    assert covariance[0, 1] == pytest.approx(-covariance[0, 0])


@given(judged())
def test_any_rising_change_of_scale_leaves_area_and_doubt_as_they_were(case: tuple[Scores, Scores, list[bool]]) -> None:
    one, _other, positive = case
    found, covariance = auc_with_covariance(np.array([one, np.exp(one)]), np.array(positive))
    assert found[0] == pytest.approx(found[1])
    assert covariance == pytest.approx(np.full((2, 2), covariance[0, 0]))


def test_perfect_useless_and_perverse_scores() -> None:
    positive = np.array([False, False, True, True])
    found, covariance = auc_with_covariance(np.array([[1, 2, 3, 4], [7, 7, 7, 7], [4, 3, 2, 1]], dtype=float), positive)
    assert found.tolist() == [1.0, 0.5, 0.0]
    assert np.diag(covariance) == pytest.approx([0, 0, 0])


def test_the_variance_is_delongs() -> None:
    # DeLong et al. 1988 by hand: yes 2, 3; no 1, 2. Pairs: (2,1)=1 (2,2)=1/2 (3,1)=1 (3,2)=1
    # V10 = 3/4, 1 -> variance 1/32; V01 = 1, 3/4 -> 1/32; over 2 people each
    found, covariance = auc_with_covariance(np.array([[2.0, 3.0, 1.0, 2.0]]), np.array([True, True, False, False]))
    assert found.tolist() == [0.875]
    assert covariance[0, 0] == pytest.approx(1 / 32 / 2 + 1 / 32 / 2)


def test_one_person_of_a_kind_leaves_the_doubt_of_the_others() -> None:
    found, covariance = auc_with_covariance(np.array([[5.0, 1.0, 7.0, 3.0]]), np.array([True, False, False, False]))
    assert found.tolist() == [pytest.approx(2 / 3)]
    assert covariance[0, 0] == pytest.approx(np.var([1, 0, 1], ddof=1) / 3)


def test_the_variance_is_what_drawing_the_people_anew_shows() -> None:
    rng = np.random.default_rng(1)

    def draw() -> tuple[np.ndarray, np.ndarray]:
        positive = np.arange(200) < 60
        good = rng.normal(positive * 1.0)
        return np.vstack([good, good + rng.normal(size=200)]), positive

    drawn = [auc_with_covariance(*draw()) for _ in range(400)]
    areas = np.array([area for area, _ in drawn])
    promised = np.mean([covariance for _, covariance in drawn], axis=0)
    # 400 draws know a variance to about 7 %
    assert np.cov(areas.T) == pytest.approx(promised, rel=0.25)
