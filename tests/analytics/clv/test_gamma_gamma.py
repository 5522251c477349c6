"""What customers spend per purchase."""

import numpy as np
import pytest
from scipy import special

from regulars.analytics.clv import GammaGamma, fit_gamma_gamma
from regulars.analytics.clv.gamma_gamma import likelihood
from regulars.core.errors import NotEnoughData

TRUE = {"p": 5.0, "q": 4.0, "gamma": 300.0}


def simulated(customers: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 8, customers).astype(float)
    scale = rng.gamma(TRUE["q"], 1 / TRUE["gamma"], customers)
    return x, rng.gamma(TRUE["p"] * x) / scale / x


def test_simulated_spenders_give_their_parameters_back() -> None:
    fit = fit_gamma_gamma(*simulated(20_000))
    assert np.isnan(fit.unit_days)
    for name, true in TRUE.items():
        assert abs(fit.parameters[name] - true) < 3.5 * fit.standard_errors[name]


def test_the_likelihood_is_the_published_one_and_so_is_its_gradient() -> None:
    """Fader & Hardie 2013, eq. 1a."""
    (x, z), n = simulated(50), np.arange(1.0, 51)
    p, q, gamma = 6.0, 3.0, 20.0
    log_density = (
        special.gammaln(p * x + q) - special.gammaln(p * x) - special.gammaln(q) + q * np.log(gamma)
        + (p * x - 1) * np.log(z) + p * x * np.log(x) - (p * x + q) * np.log(gamma + x * z)
    )  # fmt: skip
    objective, theta = likelihood(x, z, n), np.log([p, q, gamma])
    value, gradient = objective(theta)
    assert value == pytest.approx(float(n @ log_density), rel=1e-12)
    steps = np.eye(3) * 1e-5
    numeric = [(objective(theta + e)[0] - objective(theta - e)[0]) / 2e-5 for e in steps]
    assert gradient == pytest.approx(np.array(numeric), rel=1e-6)


def test_counted_rows_and_another_currency_change_nothing_but_the_unit() -> None:
    x, z = simulated(2_000)
    plain = fit_gamma_gamma(x, z)
    minor = fit_gamma_gamma(x, z * 100)
    doubled = fit_gamma_gamma(x, z, np.full(x.size, 2.0))
    assert minor.parameters["gamma"] == pytest.approx(plain.parameters["gamma"] * 100, rel=1e-4)
    assert minor.log_likelihood == pytest.approx(plain.log_likelihood - 2_000 * np.log(100), abs=1e-5)
    assert doubled.log_likelihood == pytest.approx(2 * plain.log_likelihood, abs=1e-5)
    assert doubled.standard_errors["p"] == pytest.approx(plain.standard_errors["p"] / np.sqrt(2), rel=1e-3)
    assert doubled.customers == 4_000


def test_expected_value_moves_from_everyones_average_to_the_customers_own() -> None:
    fit = GammaGamma("gamma_gamma", TRUE, {}, 0.0, 1_000, float("nan"))
    assert fit.mean == pytest.approx(500)
    values = fit.expected_value([0, 1, 5, 1_000], [float("nan"), 900, 900, 900])
    assert values[0] == pytest.approx(500)
    assert (np.diff(values) > 0).all()
    assert values[-1] == pytest.approx(900, rel=1e-2)


def test_predicted_values_come_true() -> None:
    rng, n = np.random.default_rng(5), 200_000
    scale = rng.gamma(TRUE["q"], 1 / TRUE["gamma"], n)
    x = rng.integers(1, 5, n).astype(float)
    past, future = rng.gamma(TRUE["p"] * x) / scale / x, rng.gamma(TRUE["p"], 1, n) / scale
    fit = GammaGamma("gamma_gamma", TRUE, {}, 0.0, n, float("nan"))
    expected = fit.expected_value(x, past)
    for inside in (past < 250, (past > 250) & (past < 600), past > 600):
        error = future[inside].std() / np.sqrt(inside.sum())
        assert future[inside].mean() == pytest.approx(expected[inside].mean(), abs=4 * error)


def test_rows_without_repeat_purchases_are_left_out() -> None:
    x, z = simulated(1_000)
    fit = fit_gamma_gamma(np.append(x, [0, 0]), np.append(z, [0, float("nan")]))
    assert fit.customers == 1_000
    assert fit.parameters == fit_gamma_gamma(x, z).parameters


@pytest.mark.parametrize("value", [0.0, -5.0, float("nan"), float("inf")])
def test_a_repeat_buyer_without_a_positive_value_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="mean_value"):
        fit_gamma_gamma([1, 1], [10, value])


def test_broken_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="frequency"):
        fit_gamma_gamma([1.5], [10])
    with pytest.raises(ValueError, match="one length"):
        fit_gamma_gamma([1, 2], [10, 10], [1, 1, 1])
    with pytest.raises(ValueError, match="customers"):
        fit_gamma_gamma([1], [10], [0])


def test_too_few_equal_or_wild_spenders_are_refused() -> None:
    x, z = simulated(299)
    with pytest.raises(NotEnoughData, match="300 customers who came back, there are 299"):
        fit_gamma_gamma(x, z)
    with pytest.raises(NotEnoughData, match="spend the same"):
        fit_gamma_gamma(np.ones(400), np.full(400, 99.0))
    rng = np.random.default_rng(1)
    with pytest.raises(NotEnoughData, match="so much larger"):
        fit_gamma_gamma(np.ones(2_000), rng.gamma(2, 1, 2_000) / rng.gamma(0.5, 1, 2_000))
