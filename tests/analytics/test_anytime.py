"""Intervals that hold at every look: shown by looking every day at trials in which there is nothing."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from regulars.analytics.anytime import ERROR, anytime_interval, anytime_p_value, width

TRIALS, PEOPLE, DAYS, FIRST = 1_000, 60, 200, 28


def watched(persistence: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Trials without an effect, watched daily: whether zero was ever left out, by ordinary intervals and by these.

    What somebody pays in a day is skewed; of it `persistence` is a habit of his own that stays.
    """
    chance = np.random.default_rng(7)
    once, always = np.zeros(TRIALS, dtype=bool), np.zeros(TRIALS, dtype=bool)
    for trial in range(TRIALS):
        habit = chance.exponential(size=(2, PEOPLE, 1)) * persistence
        paid = np.cumsum(habit + chance.exponential(size=(2, PEOPLE, DAYS)) * (1 - persistence), axis=2)
        difference = paid[0].mean(axis=0) - paid[1].mean(axis=0)
        variance = paid.var(axis=1, ddof=1).sum(axis=0) / PEOPLE
        for day in range(FIRST - 1, DAYS):
            found = anytime_interval(difference[day], variance[day], time=variance[day], planned=variance[FIRST - 1])
            always[trial] |= not found.low <= 0 <= found.high
            once[trial] |= abs(difference[day]) > 1.96 * math.sqrt(variance[day])
    return once, always


@pytest.mark.parametrize("persistence", [0.0, 0.3])
def test_who_looks_every_day_is_misled_by_ordinary_intervals_and_not_by_these(persistence: float) -> None:
    once, always = watched(persistence)
    assert once.mean() > 2 * ERROR or persistence
    # one-sided binomial limit of 5 % in a thousand trials
    assert always.mean() < ERROR + 1.65 * math.sqrt(ERROR * (1 - ERROR) / TRIALS)


def test_a_difference_that_is_there_is_found_and_the_p_value_agrees_with_the_interval() -> None:
    for value in (2.0, 3.0, 3.2, 5.0):
        for time in (0.3, 1.0, 4.0):
            found = anytime_interval(value, 1.0, time=time, planned=1.0)
            p_value = anytime_p_value(value, 1.0, time=time, planned=1.0)
            assert (found.low > 0) == (p_value < ERROR), (value, time)
    assert anytime_interval(5.0, 1.0, time=1.0, planned=1.0).low > 0


def test_the_width_is_that_of_the_papers_formula_and_narrowest_as_planned() -> None:
    # with t values of spread s: time = t s^2, and the interval of the mean by theorem 2.2
    t, s, planned = 500, 3.0, 400 * 9.0
    log = -2 * math.log(ERROR)
    rho2 = (log + math.log(log + 1)) / 400
    half = s * math.sqrt(2 * (t * rho2 + 1) / (t**2 * rho2) * math.log(math.sqrt(t * rho2 + 1) / ERROR))
    found = anytime_interval(0.0, s**2 / t, time=t * s**2, planned=planned)
    assert found.high == pytest.approx(half)
    # of all that could have been planned this is the narrowest now
    narrowest = min(width(time=1, planned=one / 50) for one in range(5, 500))
    assert width(time=1, planned=1) == pytest.approx(narrowest, rel=1e-3)


def test_nothing_to_go_by_shows_nothing() -> None:
    assert anytime_p_value(0.0, 0.0, time=0.0, planned=0.0) == 1.0
    found = anytime_interval(0.0, 0.0, time=0.0, planned=0.0)
    assert (found.low, found.high) == (0.0, 0.0)
