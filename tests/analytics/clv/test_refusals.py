"""Histories that cannot carry a model are refused in words, and ridges are never reported as estimates."""

import numpy as np
import pytest

from regulars.analytics.clv import (
    MINIMUM_CUSTOMERS,
    Counted,
    fit_bg_nbd,
    fit_mbg_cnbd_k,
    fit_mbg_nbd,
    fit_nbd,
    fit_pareto_nbd,
)
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import use_language
from tests.analytics.clv.simulation import simulate

LEAVING = [fit_bg_nbd, fit_mbg_nbd, fit_pareto_nbd, fit_mbg_cnbd_k]


@pytest.mark.parametrize("fit", [*LEAVING, fit_nbd])
def test_fewer_than_300_customers_are_refused_with_their_number(fit) -> None:
    base = simulate("mbg_nbd", {"r": 1, "alpha": 4, "a": 0.5, "b": 2}, 299, ages=(10, 50)).counted()
    with pytest.raises(NotEnoughData, match="about 300 customers, there are 299"):
        fit(base)
    assert MINIMUM_CUSTOMERS == 300


def test_the_minimum_can_be_lowered_by_those_who_know() -> None:
    base = simulate("bg_nbd", {"r": 1, "alpha": 4, "a": 0.5, "b": 2}, 250, ages=(10, 50)).counted()
    assert fit_bg_nbd(base, minimum_customers=200).customers == 250


@pytest.mark.parametrize("fit", LEAVING)
def test_one_time_buyers_alone_are_refused(fit) -> None:
    nothing = np.zeros(500)
    base = Counted.from_days(nothing, nothing, np.arange(500), sum_log_gaps=nothing)
    with pytest.raises(NotEnoughData, match="more than one day"):
        fit(base)


def test_a_handful_of_repeat_buyers_is_refused() -> None:
    x = np.zeros(1_000)
    x[:29] = 1
    with pytest.raises(NotEnoughData, match="29, and a model of leaving needs about 30"):
        fit_mbg_nbd(Counted.from_days(x, x * 20, np.full(1_000, 100)))


@pytest.mark.parametrize("fit", LEAVING)
@pytest.mark.parametrize("seed", [1, 2])
def test_customers_who_never_leave_are_not_given_a_model_of_leaving(fit, seed: int) -> None:
    """The ridge: b (or beta) would run away to 1e8 while the likelihood stays flat."""
    base = simulate("nbd", {"r": 2.0, "alpha": 2.0}, 1_500, ages=(20, 60), seed=seed).counted()
    with pytest.raises(NotEnoughData, match="no sign of leaving"):
        fit(base)


def test_leaving_alike_is_fitted_but_its_spread_is_not_claimed() -> None:
    """Everyone leaves with chance 1/5: the data tell the average chance, not the two parameters of its spread."""
    alike = {"r": 1.0, "alpha": 2.0, "a": 2e4, "b": 8e4}
    fit = fit_mbg_nbd(simulate("mbg_nbd", alike, 3_000, ages=(20, 60), seed=4).counted())
    a, b = fit.parameters["a"], fit.parameters["b"]
    assert a / (a + b) == pytest.approx(0.2, abs=0.02)
    if a + b > 1_000:
        assert np.isnan([fit.standard_errors["a"], fit.standard_errors["b"]]).all()
    assert fit.standard_errors["r"] < 0.2


def test_customers_of_today_do_not_move_any_estimate() -> None:
    base = simulate("mbg_nbd", {"r": 1, "alpha": 4, "a": 0.5, "b": 2}, 1_000, ages=(10, 50)).counted()
    columns = (base.frequency, base.last_purchase_age, base.age)
    zero = np.zeros(1)
    more = Counted(*(np.append(column, zero) for column in columns), np.append(base.customers, 4_000))
    for fit in (fit_bg_nbd, fit_mbg_nbd, fit_pareto_nbd):
        one, other = fit(base), fit(more)
        assert list(one.parameters.values()) == pytest.approx(list(other.parameters.values()), rel=1e-4)
        assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-6)


def test_cnbd_asks_for_gaps_and_for_a_possible_k() -> None:
    base = simulate("bg_nbd", {"r": 1, "alpha": 4, "a": 0.5, "b": 2}, 400, ages=(10, 50))
    counted = Counted.from_days(base.frequency, base.last_purchase_age, base.age)
    with pytest.raises(ValueError, match="sum_log_gaps"):
        fit_mbg_cnbd_k(counted)
    for k in (0, 13, 2.5):
        with pytest.raises(ValueError, match="from 1 to 12"):
            fit_mbg_cnbd_k(base.counted(), k)


def test_refusals_speak_the_language_of_their_context() -> None:
    with use_language("ru"), pytest.raises(NotEnoughData, match="300"):
        fit_bg_nbd(Counted.from_days([0], [0], [5]))


def test_random_degenerate_bases_give_a_model_or_a_refusal_and_never_a_warning() -> None:
    """Warnings are errors in this suite; estimates are finite and probabilities are probabilities."""
    rng = np.random.default_rng(12)
    for _case in range(8):
        n = int(rng.choice([30, 200, 500]))
        age = rng.integers(0, int(rng.choice([5, 30, 400])), n).astype(float)
        x = np.minimum(rng.poisson(rng.gamma(0.5, rng.choice([0.2, 3.0]), n)), age)
        last = np.where(x > 0, np.maximum(x, np.floor(age * rng.random(n) ** rng.choice([0.01, 1.0]))), 0)
        base = Counted.from_days(x, last, age, sum_log_gaps=x * 0.7)
        for fit in (fit_bg_nbd, fit_mbg_nbd, fit_pareto_nbd):
            try:
                model = fit(base, minimum_customers=20)
            except NotEnoughData:
                continue
            alive = model.p_alive(base.frequency, base.last_purchase_age, base.age)
            assert ((alive >= 0) & (alive <= 1)).all()
            assert np.isfinite(list(model.parameters.values())).all()
