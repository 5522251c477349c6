"""A step is found where it is, and neither trend, nor season, nor memory, nor the whole shop is taken for one."""

import numpy as np
import pytest
from numpy.typing import NDArray

from regulars.analytics.corrections import q_values
from regulars.analytics.level_shift import find_shifts

Floats = NDArray[np.float64]

WEEK = np.arange(104)


def shop(seed: int, level: Floats, *, series: int = 25, mean: float = 40) -> Floats:
    """Poisson counts of `series` products, all of them times `level`."""
    rng = np.random.default_rng(seed)
    return rng.poisson(mean * np.broadcast_to(level, (series, WEEK.size))).astype(float)


def test_a_step_is_found_where_it_is_and_as_large_as_it_is() -> None:
    level = np.ones((25, WEEK.size))
    level[3, 78:] = 0.5
    found = find_shifts(shop(0, level, mean=100))
    assert int(np.argmin(found.p_value)) == 3
    assert abs(int(found.week[3]) - 78) <= 1
    assert np.exp(found.size[3]) == pytest.approx(0.5, rel=0.15)
    assert (q_values(found.p_value) < 0.05).sum() == 1


@pytest.mark.parametrize(
    "level",
    [
        np.where(WEEK >= 60, 0.6, 1.0),  # the whole shop
        1 + 0.4 * np.cos(2 * np.pi * WEEK * 7 / 365.25),
        np.exp(WEEK / 104),
    ],
    ids=["everything fell", "season", "growth"],
)
def test_what_moves_everything_is_no_shift_of_one(level: Floats) -> None:
    assert (q_values(find_shifts(shop(1, level)).p_value) >= 0.05).all()


def test_seasons_and_trends_of_single_products_are_no_shifts() -> None:
    rng = np.random.default_rng(2)
    own = 0.4 * np.cos(2 * np.pi * (WEEK[None, :] * 7 / 365.25 + rng.random((25, 1))))
    trend = rng.normal(0, 0.5, (25, 1)) * WEEK / 104
    assert (q_values(find_shifts(shop(2, np.exp(own + trend))).p_value) >= 0.05).all()


def test_demand_that_wanders_is_rarely_taken_for_a_shift() -> None:
    rng = np.random.default_rng(3)
    reported = 0
    for seed in range(10):
        wander = np.zeros((25, WEEK.size))
        for week in WEEK[1:]:
            wander[:, week] = 0.5 * wander[:, week - 1] + rng.normal(0, 0.2, 25)
        reported += bool((q_values(find_shifts(shop(seed, np.exp(wander))).p_value) < 0.05).any())
    assert reported <= 2


def test_of_pure_noise_five_per_cent_have_a_p_value_below_five_per_cent_or_fewer() -> None:
    p = np.concatenate([find_shifts(shop(seed, np.ones(WEEK.size))).p_value for seed in range(20)])
    assert 0.002 <= (p < 0.05).mean() <= 0.05
