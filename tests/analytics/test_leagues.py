import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit

from regulars.analytics.leagues import (
    Cases,
    Design,
    Floats,
    League,
    Standing,
    as_normal,
    compare,
    fit,
    shrink_sparse,
    spreads,
    stand,
)


def members_of(groups: np.ndarray, count: int) -> sparse.csr_matrix:
    cells = (np.ones(groups.size), (np.arange(groups.size), groups))
    return sparse.csr_matrix(cells, shape=(groups.size, count))


def league_of(
    returned: Floats, groups: np.ndarray, *covariates: np.ndarray, customer: np.ndarray | None = None
) -> League:
    count = int(groups.max()) + 1
    whose = np.arange(returned.size) if customer is None else customer
    return League(Cases(returned, covariates, whose), members_of(groups, count), np.array(["seller"] * count))


def drawn(seed: int, *, cases: int = 6_000, groups: int = 30, worse: dict[int, float] | None = None) -> League:
    """Sellers of two stores, one of which is worse; `worse` sellers lose so many more of a hundred."""
    rng = np.random.default_rng(seed)
    store = rng.integers(0, 2, cases)
    seller = store * (groups // 2) + rng.integers(0, groups // 2, cases)
    chance = np.where(store == 1, 0.85, 0.7)
    for group, points in (worse or {}).items():
        chance = np.where(seller == group, chance - points, chance)
    return league_of((rng.random(cases) < chance).astype(float), seller, store)


def alone(league: League) -> Standing:
    return stand([league])[0]


def test_two_groups_are_compared_by_the_difference_of_their_shares() -> None:
    returned = np.repeat([1.0, 0.0, 1.0, 0.0], [60, 40, 80, 20])
    compared = compare(league_of(returned, np.repeat([0, 1], 100)))
    # against each other: half of the difference to the mean of both would be half of it
    assert compared.cases.tolist() == [100, 100]
    assert compared.returned.tolist() == [60, 80]
    assert compared.difference == pytest.approx([-0.2, 0.2], rel=1e-3)
    # Pearson's chi-squared of the fourfold table: 200 x (60 x 20 - 40 x 80)^2 / (140 x 60 x 100 x 100)
    deviate = np.sqrt(200 * (60 * 20 - 40 * 80) ** 2 / (140 * 60 * 100 * 100))
    assert np.abs(compared.difference) / np.sqrt(compared.variance) == pytest.approx([deviate] * 2, rel=1e-3)


def test_a_group_of_fewer_than_thirty_is_not_compared() -> None:
    returned = np.tile([1.0, 0.0], 100)
    compared = compare(league_of(returned, np.repeat([0, 1], [29, 171])))
    assert np.isnan(compared.deviate[0]) and not np.isnan(compared.deviate[1])


def test_a_group_that_is_its_covariate_cannot_be_told_apart() -> None:
    store = np.repeat([0, 1], 200)
    returned = np.tile([1.0, 0.0], 200)
    assert np.isnan(compare(league_of(returned, store, store)).deviate).all()


def test_what_a_covariate_explains_is_not_the_groups() -> None:
    league = drawn(1, cases=20_000)
    cases = Cases(league.cases.returned, (), league.cases.customer)
    # without the store, every seller of the worse one stands out
    plain = compare(League(cases, league.members, league.dimension))
    assert np.abs(compare(league).deviate).max() < 3.5
    assert np.abs(plain.deviate).mean() > 4


def test_cases_of_one_customer_said_many_times_prove_no_more() -> None:
    rng = np.random.default_rng(2)
    returned, groups = (rng.random(300) < 0.7).astype(float), rng.integers(0, 3, 300)
    once = compare(league_of(returned, groups))
    tenfold = compare(league_of(np.repeat(returned, 10), np.repeat(groups, 10), customer=np.repeat(np.arange(300), 10)))
    assert tenfold.difference == pytest.approx(once.difference, abs=1e-3)
    assert tenfold.difference / np.sqrt(tenfold.variance) == pytest.approx(
        once.difference / np.sqrt(once.variance), rel=0.1, abs=0.05
    )


def test_one_bad_seller_is_reported_and_the_colleagues_are_not_praised_for_it() -> None:
    found = alone(drawn(3, worse={2: 0.2}))
    assert found.reported == (2,)
    assert found.difference[2] == pytest.approx(-0.2, abs=0.07)
    assert found.low[2] < found.difference[2] < found.high[2] < 0


def test_two_bad_sellers_are_measured_without_each_other() -> None:
    found = alone(drawn(4, cases=12_000, groups=10, worse={0: 0.25, 1: 0.25}))
    assert sorted(found.reported) == [0, 1]
    # against the mean of the store each would seem a quarter less bad
    assert found.compared.difference[:2] == pytest.approx([-0.25, -0.25], abs=0.04)


def test_a_later_league_is_net_of_what_an_earlier_one_reported() -> None:
    league = drawn(5, cases=12_000, groups=6, worse={0: 0.3})
    store = (np.asarray(league.members.argmax(axis=1)).ravel() >= 3).astype(np.int64)
    rng = np.random.default_rng(6)
    chance = np.where(league.members[:, [0]].toarray().ravel() > 0, 0.4, 0.7)
    returned = (rng.random(12_000) < chance).astype(float)
    cases = Cases(returned, (), np.arange(12_000))
    sellers = League(Cases(returned, (store,), np.arange(12_000)), league.members, league.dimension)
    stores = League(cases, members_of(store, 2), np.array(["store"] * 2))
    assert alone(stores).reported
    assert [one.reported for one in stand([sellers, stores])] == [(0,), ()]


def test_among_equals_hardly_anything_is_ever_reported() -> None:
    wrong = sum(bool(alone(drawn(seed, cases=3_000)).reported) for seed in range(40))
    # binomial with 5 %: six or more of forty happen once in a hundred
    assert wrong <= 5


def test_the_deviates_of_equals_are_standard_normal() -> None:
    deviates = np.concatenate([compare(drawn(seed, cases=3_000)).deviate for seed in range(20)])
    assert deviates.mean() == pytest.approx(0, abs=0.1)
    assert deviates.std() == pytest.approx(1, abs=0.08)


def test_the_order_of_cases_changes_nothing() -> None:
    league = drawn(7, worse={2: 0.2})
    order = np.random.default_rng(1).permutation(league.cases.returned.size)
    cases = Cases(
        league.cases.returned[order], tuple(one[order] for one in league.cases.covariates), league.cases.customer
    )
    turned = alone(League(cases, league.members[order], league.dimension))
    assert turned.reported == alone(league).reported
    assert turned.difference == pytest.approx(alone(league).difference, abs=1e-9)


def test_nobody_to_compare_is_no_error() -> None:
    assert stand([]) == []


def test_everybody_returned_leaves_nothing_to_compare() -> None:
    found = alone(league_of(np.ones(200), np.repeat([0, 1], 100)))
    assert found.reported == () and np.isnan(found.q_value).all()


# --- the parts ---


def test_the_fit_is_the_maximum_of_the_likelihood() -> None:
    rng = np.random.default_rng(1)
    level = rng.integers(0, 3, 5_000)
    returned = (rng.random(5_000) < np.array([0.2, 0.5, 0.9])[level]).astype(float)
    design = Design.of(Cases(returned, (level,), np.arange(5_000)), None)
    chance, _inverse = fit(design, returned)
    for one in range(3):
        assert chance[level == one].mean() == pytest.approx(returned[level == one].mean(), abs=0.002)


def test_the_fit_converges_where_returning_is_nearly_certain() -> None:
    rng = np.random.default_rng(2)
    levels = [rng.integers(0, count, 20_000) for count in (20, 28, 9, 2)]
    returned = (rng.random(20_000) < expit(3.5 + 0.5 * levels[3])).astype(float)
    design = Design.of(Cases(returned, tuple(levels), np.arange(20_000)), None)
    chance, _inverse = fit(design, returned)
    assert chance.sum() == pytest.approx(returned.sum(), rel=1e-6)


def test_counting_gives_the_same_information_as_multiplying() -> None:
    rng = np.random.default_rng(3)
    further = sparse.csr_matrix((rng.random((500, 2)) < 0.3).astype(float))
    design = Design.of(Cases(np.ones(500), (rng.integers(0, 4, 500), rng.integers(0, 3, 500)), np.arange(500)), further)
    weight = rng.random(500)
    columns = design.columns.toarray()
    assert design.information(weight) == pytest.approx((columns * weight[:, None]).T @ columns)


def test_skewed_deviates_have_the_tail_of_their_own_law() -> None:
    # 16 or more where 5 are expected: Poisson's skewness is 1 / sqrt(5)
    z = as_normal(np.array([(16 - 0.5 - 5) / np.sqrt(5)]), np.array([1 / np.sqrt(5)]))[0]
    assert 3.4 < z < 4.2  # the normal law would say 4.7
    assert as_normal(np.array([-2.0]), np.array([0.0]))[0] == pytest.approx(-2.0)
    # never more certain than the normal law
    assert as_normal(np.array([-6.0]), np.array([1.0]))[0] == pytest.approx(-6.0)


def test_the_spread_of_a_large_dimension_is_its_own_standard_and_of_a_small_one_is_not() -> None:
    rng = np.random.default_rng(4)
    wide = 3 * rng.standard_normal(400)
    assert spreads(wide, np.array(["product"] * 400)).mean() == pytest.approx(9, rel=0.25)
    assert spreads(wide[:10], np.array(["staff"] * 10)).tolist() == [1.0] * 10
    assert spreads(rng.standard_normal(400), np.array(["product"] * 400)).tolist() == [1.0] * 400


def test_one_outlier_among_many_keeps_its_size_and_noise_keeps_nothing() -> None:
    rng = np.random.default_rng(5)
    estimates = 0.01 * rng.standard_normal(300)
    estimates[0] = 0.1
    mean, variance = shrink_sparse(estimates, np.full(300, 0.0001))
    assert mean[0] == pytest.approx(0.1, abs=0.02)
    assert np.abs(mean[1:]).max() < 0.02
    assert (variance > 0).all()
