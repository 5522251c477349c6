"""Customers with renewals."""

import math

import numpy as np
import pytest

from regulars.analytics.clv import Sbg, fit_sbg
from regulars.core.errors import NotEnoughData


def known(alpha: float, beta: float) -> Sbg:
    return Sbg("sbg", {"alpha": alpha, "beta": beta}, {}, 0.0, 1_000, math.nan)


def simulated(cohort: int, periods: int, seed: int) -> list[float]:
    rng = np.random.default_rng(seed)
    chance, alive = rng.beta(0.8, 3.0, cohort), [float(cohort)]
    for _period in range(periods):
        chance = chance[rng.random(chance.size) >= chance]
        alive.append(float(chance.size))
    return alive


def test_cohorts_of_different_lengths_give_their_common_parameters_back() -> None:
    fit = fit_sbg([simulated(8_000, length, seed=length) for length in (9, 5, 2, 1)], period_days=30.0)
    assert (fit.customers, fit.unit_days) == (32_000, 30.0)
    assert abs(fit.parameters["alpha"] - 0.8) < 3.5 * fit.standard_errors["alpha"]
    assert abs(fit.parameters["beta"] - 3.0) < 3.5 * fit.standard_errors["beta"]


def test_those_still_there_are_censored_not_lost() -> None:
    """The likelihood of one short cohort, written out: 60 lost at the first renewal, 20 at the second, 320 left."""
    fit = fit_sbg([400, 340, 320])
    alpha, beta = fit.parameters["alpha"], fit.parameters["beta"]
    first = alpha / (alpha + beta)
    second = first * beta / (alpha + beta + 1)
    value = 60 * math.log(first) + 20 * math.log(second) + 320 * math.log(1 - first - second)
    assert fit.log_likelihood == pytest.approx(value, rel=1e-9)
    # two shares and two parameters: the fit is exact
    assert fit.survival([1, 2]) == pytest.approx(np.array([340, 320]) / 400, rel=1e-4)


def test_survival_is_the_product_of_retentions_and_retention_rises() -> None:
    model = known(0.7, 1.2)
    retention = model.retention(np.arange(1, 20))
    assert model.survival(19) == pytest.approx(retention.prod())
    assert (np.diff(retention) > 0).all()
    assert model.survival(0) == 1


def test_lifetimes_are_sums_of_survival() -> None:
    model = known(2.5, 4.0)
    assert model.expected_lifetime(3) == pytest.approx(model.survival([0, 1, 2]).sum())
    assert model.expected_lifetime() == pytest.approx(model.survival(np.arange(200_000)).sum(), rel=1e-5)
    assert known(0.7, 1.2).expected_lifetime() == math.inf
    assert model.expected_lifetime(0) == 0


def test_discounted_residual_lifetime_is_the_discounted_sum_of_later_survival() -> None:
    """Fader & Hardie 2010: after so many renewals, just before the next one, which may fail."""
    model, periods = known(0.668, 3.806), np.arange(1, 1_000)
    for made in (0, 3):
        later = model.survival(made + periods) / model.survival(made) / 1.1 ** (periods - 1)
        assert model.discounted_residual_lifetime(made, 0.1) == pytest.approx(later.sum(), rel=1e-9)


def test_customers_who_leave_alike_have_no_standard_errors_of_their_spread() -> None:
    fit = fit_sbg([1_000_000 * 0.9**t for t in range(8)])
    assert fit.retention([1, 5]) == pytest.approx([0.9, 0.9], abs=1e-3)
    assert np.isnan(list(fit.standard_errors.values())).all()


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="300 customers, there are 299"):
        fit_sbg([299, 200, 100])
    with pytest.raises(NotEnoughData, match="two renewals"):
        fit_sbg([[900, 700], [800, 600]])
    with pytest.raises(NotEnoughData, match="Nobody has left"):
        fit_sbg([500, 500, 500])


@pytest.mark.parametrize(
    "alive", [[500, 400, 450], [500, -1, -2], [500, float("nan"), 3], [], [[500, 400], []], [[[1.0]]]]
)
def test_impossible_cohorts_are_refused(alive) -> None:
    with pytest.raises(ValueError, match=r"cohort is|customers alive"):
        fit_sbg(alive)


def test_impossible_questions_are_refused() -> None:
    model = known(1.0, 1.0)
    for question in (lambda: model.survival(-1), lambda: model.retention(0), lambda: model.expected_lifetime(-1)):
        with pytest.raises(ValueError, match="or more"):
            question()
    with pytest.raises(ValueError, match="discount"):
        model.discounted_residual_lifetime(0, 0)
