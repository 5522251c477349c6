"""Fits: the right likelihood, the true parameters, honest standard errors, and nothing that depends on units."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from scipy import integrate, special, stats

from regulars.analytics.clv import (
    Counted,
    Fit,
    fit_bg_nbd,
    fit_mbg_cnbd_k,
    fit_mbg_nbd,
    fit_nbd,
    fit_pareto_nbd,
)
from regulars.analytics.clv.beta_geometric import Shape, likelihood
from regulars.analytics.clv.optimum import Objective
from regulars.analytics.clv.pareto_nbd import likelihood as pareto_likelihood
from tests.analytics.clv.simulation import Customers, simulate

TRUE = {
    "bg_nbd": {"r": 0.8, "alpha": 4.0, "a": 0.8, "b": 2.5},
    "mbg_nbd": {"r": 1.2, "alpha": 5.0, "a": 0.6, "b": 2.0},
    "pareto_nbd": {"r": 0.9, "alpha": 5.0, "s": 0.7, "beta": 12.0},
    "mbg_cnbd_k": {"k": 3.0, "r": 1.1, "alpha": 1.5, "a": 0.5, "b": 3.0},
    "nbd": {"r": 0.7, "alpha": 6.0},
}
FITS: dict[str, Callable[[Counted], Fit]] = {
    "bg_nbd": fit_bg_nbd,
    "mbg_nbd": fit_mbg_nbd,
    "pareto_nbd": fit_pareto_nbd,
    "mbg_cnbd_k": fit_mbg_cnbd_k,
    "nbd": fit_nbd,
}


@cache
def customers_of(model: str) -> Customers:
    return simulate(model, TRUE[model], 8_000, ages=(5, 60), seed=11)


@cache
def fitted(model: str) -> Fit:
    return FITS[model](customers_of(model).counted())


@pytest.mark.parametrize("model", TRUE)
def test_simulated_customers_give_their_parameters_back(model: str) -> None:
    fit = fitted(model)
    assert fit.name == model
    assert fit.customers == 8_000
    assert list(fit.parameters) == list(TRUE[model])
    for name, true in TRUE[model].items():
        error = 0.0 if name == "k" else 3.5 * fit.standard_errors[name]
        assert abs(fit.parameters[name] - true) <= error, name


@pytest.mark.parametrize("model", TRUE)
def test_the_unit_of_time_changes_only_the_times(model: str) -> None:
    weeks, days = fitted(model), FITS[model](_in_days(customers_of(model)))
    assert days.unit_days == 1
    purchases = float(customers_of(model).frequency.sum())
    assert days.log_likelihood == pytest.approx(weeks.log_likelihood - purchases * np.log(7), abs=1e-5)
    for name in weeks.parameters:
        scale = 7 if name in ("alpha", "beta") else 1
        assert days.parameters[name] == pytest.approx(weeks.parameters[name] * scale, rel=1e-4)
    if hasattr(weeks, "p_alive") and hasattr(days, "p_alive"):
        x, t_x, t = (column[:200] for column in customers_of(model).history)
        assert days.p_alive(x, t_x * 7, t * 7) == pytest.approx(weeks.p_alive(x, t_x, t), abs=1e-4)


def _in_days(customers: Customers) -> Counted:
    week = customers.counted()
    gaps = None if week.sum_log_gaps is None else week.sum_log_gaps + week.customers * week.frequency * np.log(7)
    return Counted(week.frequency, week.last_purchase_age * 7, week.age * 7, week.customers, 1.0, gaps)


@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd", "pareto_nbd", "mbg_cnbd_k"])
def test_counted_customers_and_one_row_each_fit_alike(model: str) -> None:
    customers = simulate(model, TRUE[model], 1_500, ages=(5, 60), seed=3)
    x, age = customers.frequency, np.ceil(customers.age)
    last = np.where(x > 0, np.maximum(np.floor(customers.last_purchase_age), 1), 0)
    one_each = Counted(x, last, age, np.ones(x.size), 7.0, customers.log_gaps)
    counted = Counted.from_days(x, last * 7, age * 7, sum_log_gaps=customers.log_gaps + x * np.log(7))
    assert counted.age.size < x.size
    one, other = FITS[model](one_each), FITS[model](counted)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-6)
    assert list(one.parameters.values()) == pytest.approx(list(other.parameters.values()), rel=1e-4)


def test_many_tuples_are_searched_coarsely_but_fitted_exactly() -> None:
    """Above 20,000 tuples the search starts on a coarse copy: the result must be the top of the real likelihood."""
    base = simulate("mbg_nbd", TRUE["mbg_nbd"], 40_000, ages=(5, 60), seed=5).counted()
    assert base.age.size > 20_000
    fit = fit_mbg_nbd(base)
    theta = np.log([fit.parameters[name] for name in ("r", "alpha", "a", "b")])
    assert np.abs(likelihood(base, Shape(1, leaves_at_first=True))(theta)[1]).max() < 0.01


def objectives(base: Counted) -> dict[str, Objective]:
    return {
        "bg_nbd": likelihood(base, Shape(1, leaves_at_first=False)),
        "mbg_nbd": likelihood(base, Shape(1, leaves_at_first=True)),
        "mbg_cnbd_k": likelihood(base, Shape(3, leaves_at_first=True)),
        "pareto_nbd": pareto_likelihood(base),
    }


HISTORIES = Counted(
    np.array([0.0, 0, 1, 2, 9, 40, 1, 0]),
    np.array([0.0, 0, 3, 20, 38, 39, 30, 0]),
    np.array([39.0, 2, 39, 25, 39, 39, 30, 0]),
    np.array([5.0, 3, 1, 2, 1, 1, 1, 4]),
)


@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd", "mbg_cnbd_k", "pareto_nbd"])
@pytest.mark.parametrize("theta", [(-0.6, 2.4, -0.5, 2.5), (1.0, 0.3, 0.8, -0.4), (-2.0, 1.0, -1.0, 4.0)])
def test_gradients_are_those_of_the_likelihood(model: str, theta: tuple[float, ...]) -> None:
    objective, point, step = objectives(HISTORIES)[model], np.array(theta), 1e-5
    numeric = [(objective(point + e)[0] - objective(point - e)[0]) / (2 * step) for e in np.eye(4) * step]
    assert objective(point)[1] == pytest.approx(np.array(numeric), rel=1e-6, abs=1e-5)


def published_bg_nbd(base: Counted, r: float, alpha: float, a: float, b: float) -> float:
    """Fader, Hardie & Lee 2005, eq. 6."""
    x, t_x, t = base.frequency, base.last_purchase_age, base.age
    alive = special.beta(a, b + x) / special.beta(a, b) / (alpha + t) ** (r + x)
    more = np.maximum(x, 1)
    gone = np.where(x > 0, special.beta(a + 1, b + more - 1) / special.beta(a, b) / (alpha + t_x) ** (r + x), 0)
    return float(base.customers @ np.log(special.gamma(r + x) / special.gamma(r) * alpha**r * (alive + gone)))


def published_pareto_nbd(base: Counted, r: float, alpha: float, s: float, beta: float) -> float:
    """Fader & Hardie 2005, "A note on deriving the Pareto/NBD model", section 3."""
    x, t_x, t = base.frequency, base.last_purchase_age, base.age
    total, larger, gap = r + s + x, max(alpha, beta), abs(alpha - beta)
    second = s + 1 if alpha >= beta else r + x

    def part(age: np.ndarray) -> np.ndarray:
        return special.hyp2f1(total, second, total + 1, gap / (larger + age)) / (larger + age) ** total

    alive = 1 / ((alpha + t) ** (r + x) * (beta + t) ** s)
    likelihoods = alive + s / total * (part(t_x) - part(t))
    return float(base.customers @ np.log(special.gamma(r + x) / special.gamma(r) * alpha**r * beta**s * likelihoods))


@pytest.mark.parametrize("values", [(0.5, 10.0, 0.7, 3.0), (2.0, 4.0, 1.0, 1.0), (0.3, 1.0, 5.0, 8.0)])
def test_bg_nbd_likelihood_is_the_published_one(values: tuple[float, float, float, float]) -> None:
    assert objectives(HISTORIES)["bg_nbd"](np.log(values))[0] == pytest.approx(published_bg_nbd(HISTORIES, *values))


@pytest.mark.parametrize("values", [(0.5, 10.0, 0.7, 3.0), (0.6, 4.0, 0.7, 12.0), (2.0, 5.0, 1.0, 5.0)])
def test_pareto_nbd_likelihood_is_the_published_one_on_both_branches(values: tuple[float, float, float, float]) -> None:
    ours = objectives(HISTORIES)["pareto_nbd"](np.log(values))[0]
    assert ours == pytest.approx(published_pareto_nbd(HISTORIES, *values), rel=1e-10)


@pytest.mark.parametrize(("x", "t_x", "t"), [(0, 0.0, 5.0), (2, 3.0, 9.0), (5, 10.0, 10.5)])
def test_cnbd_likelihood_is_the_integral_over_rates_and_chances(x: int, t_x: float, t: float) -> None:
    """Platzer & Reutterer 2016: Erlang-3 gaps, a gamma rate of the stages, a beta chance after every purchase."""
    k, r, alpha, a, b = 3, 1.4, 2.0, 0.8, 2.2

    def density(rate: float, p: float) -> float:
        waiting = stats.poisson.cdf(k - 1, rate * (t - t_x))
        history = rate ** (k * x) * np.exp(-rate * t_x) * (1 - p) ** x * (p + (1 - p) * waiting)
        return float(history * stats.gamma.pdf(rate, r, scale=1 / alpha) * stats.beta.pdf(p, a, b))

    # the integrand is a straight line in the moments of p: two of them replace the inner integral
    def over_p(rate: float) -> float:
        moments = [special.beta(a + i, b + x) / special.beta(a, b) for i in (0, 1)]
        waiting = stats.poisson.cdf(k - 1, rate * (t - t_x))
        history = rate ** (k * x) * np.exp(-rate * t_x) * stats.gamma.pdf(rate, r, scale=1 / alpha)
        return float(history * (moments[1] + (moments[0] - moments[1]) * waiting))

    chance = integrate.quad(lambda p: density(1.0, p), 0, 1)[0]
    assert chance == pytest.approx(over_p(1.0), rel=1e-6)
    whole = integrate.quad(over_p, 0, 60, epsabs=0, limit=200)[0]
    base = Counted(np.array([float(x)]), np.array([t_x]), np.array([t]), np.ones(1))
    value = likelihood(base, Shape(k, leaves_at_first=True))(np.log([r, alpha, a, b]))[0]
    assert value == pytest.approx(np.log(whole), rel=1e-7)


def test_standard_errors_are_those_of_the_numeric_hessian() -> None:
    base = customers_of("bg_nbd").counted()
    fit = fitted("bg_nbd")
    point = np.array(list(fit.parameters.values()))
    steps = np.diag(point * 1e-3)

    def value(values: np.ndarray) -> float:
        return published_bg_nbd(base, *values)

    hessian = np.array(
        [
            [
                (value(point + i + j) - value(point + i - j) - value(point - i + j) + value(point - i - j))
                / (4 * i.max() * j.max())
                for j in steps
            ]
            for i in steps
        ]
    )
    errors = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    assert list(fit.standard_errors.values()) == pytest.approx(list(errors), rel=2e-3)


def test_standard_errors_are_how_much_estimates_vary() -> None:
    samples = [simulate("mbg_nbd", TRUE["mbg_nbd"], 1_500, ages=(5, 60), seed=100 + i) for i in range(30)]
    fits = [fit_mbg_nbd(sample.counted()) for sample in samples]
    for name in TRUE["mbg_nbd"]:
        spread = np.std([fit.parameters[name] for fit in fits], ddof=1)
        claimed = np.mean([fit.standard_errors[name] for fit in fits])
        # a standard deviation of 30 values is itself known to 13 %
        assert spread == pytest.approx(claimed, rel=0.4)


def test_regular_buyers_get_the_number_of_stages_they_have_and_random_ones_get_one() -> None:
    assert fitted("mbg_cnbd_k").parameters["k"] == 3
    random = fit_mbg_cnbd_k(customers_of("mbg_nbd").counted())
    assert random.parameters["k"] == 1
    assert random.log_likelihood == pytest.approx(fitted("mbg_nbd").log_likelihood, abs=1e-4)


def test_the_right_number_of_stages_has_the_highest_likelihood() -> None:
    base = customers_of("mbg_cnbd_k").counted()
    values = {k: fit_mbg_cnbd_k(base, k).log_likelihood for k in (1, 2, 3, 4, 6)}
    assert max(values, key=lambda k: values[k]) == 3
    assert values[3] == pytest.approx(fitted("mbg_cnbd_k").log_likelihood, abs=1e-3)
