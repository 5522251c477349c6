"""Published estimates: the CDNOW sample (Fader & Hardie), and the two segments of Fader & Hardie 2007.

The CDNOW sample is 2,357 customers who first bought in the first quarter of 1997, observed to 30 September
1997; the 39 weeks after that are the holdout. Times are in weeks.
"""

import datetime as dt
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from regulars.analytics.clv import (
    Counted,
    Fit,
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_mbg_cnbd_k,
    fit_mbg_nbd,
    fit_nbd,
    fit_pareto_nbd,
    fit_sbg,
)

CALIBRATED_ON = dt.date(1997, 9, 30)
HOLDOUT_WEEKS = 39


@dataclass(frozen=True, eq=False)
class Cdnow:
    frequency: NDArray[np.float64]
    last_day: NDArray[np.float64]
    age_days: NDArray[np.float64]
    log_gaps: NDArray[np.float64]
    mean_value: NDArray[np.float64]

    @property
    def counted(self) -> Counted:
        return Counted.from_days(self.frequency, self.last_day, self.age_days, sum_log_gaps=self.log_gaps)


@cache
def cdnow() -> Cdnow:
    # the data alone are read: importing the package would warn about its age
    path = metadata.distribution("lifetimes").locate_file("lifetimes/datasets/CDNOW_sample.txt")
    end, days = CALIBRATED_ON.toordinal(), dict[str, dict[int, float]]()
    for line in Path(str(path)).read_text().splitlines():
        if not line.strip():
            continue
        _master, customer, day, _cds, dollars = line.split()
        number = dt.date(int(day[:4]), int(day[4:6]), int(day[6:])).toordinal()
        if number <= end:
            bought = days.setdefault(customer, {})
            bought[number] = bought.get(number, 0.0) + float(dollars)
    rows = [_row(bought, end) for bought in days.values()]
    return Cdnow(*np.array(rows).T)


def _row(bought: dict[int, float], end: int) -> tuple[float, ...]:
    days = sorted(bought)
    repeats = [bought[day] for day in days[1:]]
    value = sum(repeats) / len(repeats) if repeats else 0.0
    return len(repeats), days[-1] - days[0], end - days[0], float(np.log(np.diff(days)).sum()), value


def assert_published(fit: Fit, parameters: list[float], log_likelihood: float | None = None) -> None:
    assert [round(value, 3) for value in fit.parameters.values()] == pytest.approx(parameters, abs=0.0011)
    if log_likelihood is not None:
        assert fit.log_likelihood == pytest.approx(log_likelihood, abs=0.1)


def test_bg_nbd_on_cdnow_matches_fader_hardie_lee_2005_table_2() -> None:
    fit = fit_bg_nbd(cdnow().counted)
    assert (fit.customers, fit.unit_days) == (2_357, 7.0)
    assert_published(fit, [0.243, 4.414, 0.793, 2.426], -9582.4)


def test_pareto_nbd_on_cdnow_matches_fader_hardie_lee_2005_table_2() -> None:
    assert_published(fit_pareto_nbd(cdnow().counted), [0.553, 10.578, 0.606, 11.669], -9595.0)


def test_mbg_nbd_on_cdnow_matches_batislam_denizel_filiztekin_2007() -> None:
    assert_published(fit_mbg_nbd(cdnow().counted), [0.525, 6.183, 0.891, 1.614])


def test_nbd_on_cdnow_matches_fader_hardie_lee_2005_table_2() -> None:
    assert_published(fit_nbd(cdnow().counted), [0.385, 12.072], -9763.66)


def test_cdnow_customers_have_no_rhythm() -> None:
    """Music is bought at random: one stage fits best, and MBG/CNBD-1 is MBG/NBD."""
    fit = fit_mbg_cnbd_k(cdnow().counted)
    assert_published(fit, [1, 0.525, 6.183, 0.891, 1.614], fit_mbg_nbd(cdnow().counted).log_likelihood)


def test_bg_nbd_expects_the_published_holdout_purchases_by_frequency() -> None:
    """Fader, Hardie & Lee 2005: conditional expectations averaged over customers with 0 .. 5 repeat purchases."""
    data, fit = cdnow(), fit_bg_nbd(cdnow().counted)
    expected = fit.expected_purchases_given(data.frequency, data.last_day / 7, data.age_days / 7, HOLDOUT_WEEKS)
    means = [expected[data.frequency == x].mean() for x in range(6)]
    assert means == pytest.approx([0.23, 0.52, 1.04, 1.52, 2.16, 2.65], abs=0.005)


def test_bg_nbd_gives_the_published_example_customer() -> None:
    """The worked example of Fader, Hardie & Lee: x = 2, t_x = 30.43, T = 38.86 buys 1.226 times in 39 weeks."""
    expected = fit_bg_nbd(cdnow().counted).expected_purchases_given(2, 30.43, 38.86, HOLDOUT_WEEKS)
    assert expected == pytest.approx(1.226, abs=0.002)


def test_gamma_gamma_on_cdnow_matches_fader_hardie_2013() -> None:
    data = cdnow()
    repeat = data.frequency > 0
    fit = fit_gamma_gamma(data.frequency[repeat], data.mean_value[repeat])
    assert fit.customers == 946
    assert list(fit.parameters.values()) == pytest.approx([6.25, 3.74, 15.44], abs=0.006)
    assert fit.log_likelihood == pytest.approx(-4055.9, abs=0.1)
    assert fit.mean == pytest.approx(35.17, abs=0.02)


def test_sbg_matches_both_segments_of_fader_hardie_2007() -> None:
    high_end = fit_sbg([1000, 869, 743, 653, 593, 551, 517, 491])
    regular = fit_sbg([1000, 631, 468, 382, 326, 289, 262, 241])
    assert_published(high_end, [0.668, 3.806])
    assert_published(regular, [0.704, 1.182])
    # years 8 to 12, which the paper held out and projected
    assert high_end.survival([8, 9, 10, 11, 12]) == pytest.approx([0.460, 0.436, 0.414, 0.395, 0.378], abs=0.001)
