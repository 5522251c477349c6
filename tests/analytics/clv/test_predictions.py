"""What fitted models say about customers: exact where there is a reference, calibrated where there is chance."""

import tracemalloc

import numpy as np
import pytest
from scipy import special

from regulars.analytics.clv import BgNbd, MbgCnbdK, MbgNbd, ParetoNbd, PurchaseFit
from regulars.analytics.clv.departed import departed, departed_integrals
from regulars.analytics.clv.stay import Beliefs, purchases_while_staying, stages_while_staying
from tests.analytics.clv.simulation import simulate

CLASSES: dict[str, type[PurchaseFit]] = {
    "bg_nbd": BgNbd,
    "mbg_nbd": MbgNbd,
    "mbg_cnbd_k": MbgCnbdK,
    "pareto_nbd": ParetoNbd,
}
TRUE = {
    "bg_nbd": {"r": 0.8, "alpha": 4.0, "a": 0.8, "b": 2.5},
    "mbg_nbd": {"r": 1.2, "alpha": 5.0, "a": 0.6, "b": 2.0},
    "mbg_cnbd_k": {"k": 3.0, "r": 1.1, "alpha": 1.5, "a": 0.5, "b": 3.0},
    "pareto_nbd": {"r": 0.9, "alpha": 5.0, "s": 0.7, "beta": 12.0},
}


def known(name: str, **changes: float) -> PurchaseFit:
    """The model with its true parameters, as if it had been fitted."""
    parameters = TRUE[name] | changes
    return CLASSES[name](name, parameters, dict.fromkeys(parameters, float("nan")), 0.0, 1_000, 7.0)


@pytest.mark.parametrize("name", CLASSES)
def test_predictions_under_the_true_parameters_come_true(name: str) -> None:
    """A quarter of a million customers: shares alive and future purchases, by frequency, within four errors."""
    people = simulate(name, TRUE[name], 250_000, ages=(10, 50), horizon=26.0, seed=2)
    model = known(name)
    alive, expected = model.p_alive(*people.history), model.expected_purchases_given(*people.history, 26.0)
    groups = np.minimum(people.frequency, 12) * 2 + (people.age - people.last_purchase_age > 8)
    for group in np.unique(groups):
        inside = groups == group
        if inside.sum() < 500:
            continue
        error = people.future[inside].std() / np.sqrt(inside.sum())
        assert abs(people.future[inside].mean() - expected[inside].mean()) < 4 * error + 1e-12
        share = alive[inside].mean()
        error = np.sqrt(max(share * (1 - share), 1e-9) / inside.sum())
        assert abs(people.alive[inside].mean() - share) < 4 * error + 1e-12


@pytest.mark.parametrize("name", CLASSES)
def test_expected_purchases_of_newcomers_come_true(name: str) -> None:
    people = simulate(name, TRUE[name], 200_000, ages=(0, 0), horizon=40.0, seed=4)
    error = people.future.std() / np.sqrt(people.future.size)
    assert known(name).expected_purchases(40.0) == pytest.approx(people.future.mean(), abs=4 * error)


@pytest.mark.parametrize("name", CLASSES)
def test_a_customer_of_today_is_a_newcomer(name: str) -> None:
    model, t = known(name), np.array([0.0, 1.0, 10.0, 200.0])
    assert model.expected_purchases_given(0, 0, 0, t) == pytest.approx(model.expected_purchases(t), rel=1e-9)
    assert model.expected_purchases(0.0) == 0


@pytest.mark.parametrize("name", CLASSES)
def test_a_short_future_is_p_alive_times_the_rate(name: str) -> None:
    model, history = known(name), (np.array([0, 3, 30]), np.array([0, 12.0, 39]), np.array([5.0, 30, 40]))
    t = 1e-6
    expected = model.p_alive(*history) * model.rate_given_alive(*history) * t
    if name == "mbg_cnbd_k":  # after a purchase the next one must still pass its stages
        assert (model.expected_purchases_given(*history, t) <= 3 * expected).all()
    else:
        assert model.expected_purchases_given(*history, t) == pytest.approx(expected, rel=1e-5)


def test_one_stage_of_cnbd_is_mbg_nbd() -> None:
    one, other = known("mbg_cnbd_k", k=1.0), known("mbg_nbd", **{n: TRUE["mbg_cnbd_k"][n] for n in ("r", "a", "b")})
    other.parameters["alpha"] = one.parameters["alpha"]
    history = np.array([0, 2, 40]), np.array([0, 9.0, 38]), np.array([20.0, 30, 40])
    assert one.p_alive(*history) == pytest.approx(other.p_alive(*history))
    assert one.expected_purchases_given(*history, 9.0) == pytest.approx(other.expected_purchases_given(*history, 9.0))


def test_bg_nbd_calls_every_one_time_buyer_alive() -> None:
    assert (known("bg_nbd").p_alive([0, 0], [0, 0], [1, 5_000]) == 1).all()
    assert known("mbg_nbd").p_alive(0, 0, 5_000) < 0.1


@pytest.mark.parametrize("name", CLASSES)
def test_regular_buyers_who_fall_silent_are_given_up(name: str) -> None:
    silence = known(name).p_alive(40, 40.0, 40.0 + np.array([0, 1, 5, 20, 100.0]))
    assert silence[0] > 0.9
    assert (np.diff(silence) < 0).all()
    assert silence[-1] < 1e-6


# (rank, a, b, u, E): (a+b-1)/(a-1) [1 - (1+u)**-rank 2F1(rank, b; a+b-1; u/(1+u))] by mpmath with 40 digits
STAYING = [
    (0.24, 0.79, 2.43, 9.0, 1.2004581108861054),
    (0.24, 0.79, 2.43, 0.5, 0.11206865919419232),
    (5.2, 0.79, 7.4, 1.0, 4.117744940834231),
    (300.0, 0.8, 302.0, 1.0, 223.35006998839512),
    (300.0, 0.02, 302.0, 3.0, 884.9157395276115),
    (730.0, 1.0000001, 731.0, 50.0, 2873.1822644110675),
    (730.0, 5.0, 740.0, 200.0, 185.99999987706528),
    (0.05, 0.01, 0.1, 300.0, 13.047540588376792),
    (1.5, 0.3, 0.05, 1000.0, 30.152257984005193),
    (40.0, 100000.0, 300000.0, 2.0, 4.000029638262901),
    (2.0, 0.001, 50.0, 4.0, 7.999125127981202),
    (3.0, 0.5, 10000.0, 20.0, 59.88060142528741),
    (700.0, 0.3, 1.2, 5.0, 416.46647281261795),
    (100.5, 2.5, 101.0, 0.001, 0.10037694336035816),
]


@pytest.mark.parametrize(("rank", "a", "b", "u", "expected"), STAYING)
def test_purchases_while_staying_match_forty_digit_arithmetic(
    rank: float, a: float, b: float, u: float, expected: float
) -> None:
    beliefs, time = Beliefs(np.array([[rank]]), a, np.array([[b]])), np.array([[u]])
    assert purchases_while_staying(beliefs, time)[0, 0] == pytest.approx(expected, rel=1e-8)
    # the sum over stages is another road to the same number
    assert stages_while_staying(1, 0, beliefs, time)[0, 0] == pytest.approx(expected, rel=1e-8)


# (R, s, q, M): s / (R + s) 2F1(R, 1; R + s + 1; 1 - 1/q) by mpmath with 40 digits
DEPARTED = [
    (0.55, 0.6, 0.9, 0.5076686990904307),
    (3.5, 0.6, 0.9, 0.13602489956726568),
    (0.05, 0.02, 0.005, 0.22044091015716671),
    (0.05, 0.02, 200.0, 0.3561319968604844),
    (700.0, 5.0, 0.01, 7.15246100677116e-05),
    (700.0, 0.3, 100.0, 0.03676561004236022),
    (2.0, 1e-6, 3.0, 9.718768887020918e-07),
    (50.0, 10000.0, 0.5, 0.9900999802058191),
    (100000.0, 0.5, 2.0, 9.99980000699965e-06),
]


@pytest.mark.parametrize(("rank", "s", "q", "expected"), DEPARTED)
def test_departed_integrals_match_forty_digit_arithmetic(rank: float, s: float, q: float, expected: float) -> None:
    assert departed_integrals(np.array([rank]), s, np.log([q]))[0] == pytest.approx(expected, rel=1e-10)


def test_tables_of_departed_are_as_good_as_their_integrals() -> None:
    ranks, rng = 0.4 + np.array([0.0, 1, 7, 60, 400]), np.random.default_rng(1)
    for low, high in ((-0.1, 0.0), (-3.0, 0.0), (0.0, 4.0)):
        tables = departed(ranks, 0.6, low, high)
        log_q, row = rng.uniform(low, high, 40), rng.integers(0, ranks.size, 40)
        exact = departed_integrals(ranks, 0.6, log_q)
        for table, values in zip((tables.value, tables.by_rank, tables.by_s, tables.by_log_q), exact, strict=True):
            assert table(row, log_q) == pytest.approx(values[row, np.arange(40)], rel=1e-9)


def published_bg_nbd(model: PurchaseFit, x: np.ndarray, t_x: np.ndarray, t: np.ndarray, ahead: float) -> np.ndarray:
    """Fader, Hardie & Lee 2005, eq. 10, with scipy's hypergeometric function."""
    r, alpha, a, b = model.parameters.values()
    z = ahead / (alpha + t + ahead)
    series = special.hyp2f1(r + x, b + x, a + b + x - 1, z)
    staying = (a + b + x - 1) / (a - 1) * (1 - ((alpha + t) / (alpha + t + ahead)) ** (r + x) * series)
    return staying * model.p_alive(x, t_x, t)


def test_tabulated_expectations_match_the_published_formula() -> None:
    rng = np.random.default_rng(6)
    x = rng.integers(0, 30, 5_000).astype(float)
    t = rng.uniform(x / 7 + 0.1, 104)
    t_x = np.where(x > 0, t * rng.uniform(0.05, 1, x.size), 0)
    for a in (0.4, 3.0):
        model = known("bg_nbd", a=a)
        ours = model.expected_purchases_given(x, t_x, t, 13.0)
        assert ours == pytest.approx(published_bg_nbd(model, x, t_x, t, 13.0), rel=1e-8)


@pytest.mark.parametrize("name", CLASSES)
def test_many_customers_at_once_are_predicted_as_one_by_one(name: str) -> None:
    rng, model = np.random.default_rng(8), known(name)
    x = rng.integers(0, 400, 60).astype(float)
    t = rng.uniform(x / 7 + 0.1, 400)
    t_x = np.where(x > 0, t * rng.uniform(0.5, 1, x.size), 0)
    ahead = rng.uniform(0, 300, x.size) * (rng.random(x.size) < 0.9)
    together = model.expected_purchases_given(x, t_x, t, ahead)
    alone = [model.expected_purchases_given(*one) for one in zip(x, t_x, t, ahead, strict=True)]
    assert together == pytest.approx(np.array(alone), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", CLASSES)
def test_extreme_histories_give_finite_ordered_numbers(name: str) -> None:
    """Purchases in the hundreds, newcomers with years ahead, silences of decades: no overflow, no warning."""
    model = known(name)
    x = np.array([0, 0, 1, 700, 700, 2_000, 365])
    t_x = np.array([0, 0, 1e-3, 104, 104, 2_000, 52.0])
    t = np.array([0, 5e3, 5e3, 104, 2_000, 2_000, 52.0])
    alive = model.p_alive(x, t_x, t)
    assert ((alive >= 0) & (alive <= 1)).all()
    assert alive[4] < 1e-100
    near, far = (model.expected_purchases_given(x, t_x, t, ahead) for ahead in (1.0, 1e3))
    assert np.isfinite(far).all()
    assert ((near >= 0) & (far >= near)).all()


@pytest.mark.parametrize("name", ["bg_nbd", "pareto_nbd"])
def test_expectations_continue_through_the_point_where_the_formula_breaks(name: str) -> None:
    """a = 1 and s = 1 are 0/0 in the published forms; nothing happens there."""
    turning = "a" if name == "bg_nbd" else "s"
    history = (np.array([0, 4]), np.array([0, 20.0]), np.array([30.0, 30]))
    values = [known(name, **{turning: v}).expected_purchases_given(*history, 20.0) for v in (1 - 1e-7, 1.0, 1 + 1e-7)]
    assert values[0] == pytest.approx(values[1], rel=1e-6)
    assert values[2] == pytest.approx(values[1], rel=1e-6)


@pytest.mark.parametrize("name", CLASSES)
def test_shapes_are_kept_and_nothing_in_gives_nothing_out(name: str) -> None:
    model, nothing = known(name), np.zeros(0)
    assert model.p_alive(1, 2, 3).shape == ()
    assert model.expected_purchases_given(np.ones((2, 1)), 2.0, 3.0, np.array([1.0, 2, 3])).shape == (2, 3)
    assert model.expected_purchases([[1.0, 2]]).shape == (1, 2)
    assert model.p_alive(nothing, nothing, nothing).shape == (0,)
    assert model.expected_purchases_given(nothing, nothing, nothing, 1.0).shape == (0,)


@pytest.mark.parametrize("name", CLASSES)
def test_impossible_histories_and_horizons_are_refused(name: str) -> None:
    model = known(name)
    with pytest.raises(ValueError, match="last_purchase_age"):
        model.p_alive(1, 5, 3)
    with pytest.raises(ValueError, match="finite"):
        model.rate_given_alive(1, float("nan"), 3)
    with pytest.raises(ValueError, match="t must be"):
        model.expected_purchases(-1)
    with pytest.raises(ValueError, match="t must be"):
        model.expected_purchases_given(1, 2, 3, float("nan"))


@pytest.mark.parametrize("name", ["mbg_nbd", "pareto_nbd"])
def test_memory_stays_within_a_few_columns(name: str) -> None:
    rng, n = np.random.default_rng(9), 200_000
    x = np.minimum(rng.poisson(3, n), 40).astype(float)
    t = rng.uniform(6, 100, n)
    t_x = np.where(x > 0, t * rng.uniform(0.1, 1, n), 0)
    model = known(name)
    tracemalloc.start()
    model.expected_purchases_given(x, t_x, t, 26.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # forty blocks of 32 MiB would be the quadrature of every customer
    assert peak < 30 * x.nbytes + 300e6
