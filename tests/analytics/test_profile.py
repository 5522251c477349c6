"""What sets the best apart: answers computed by hand, tables in odd shapes, and what is told of the rows."""

import datetime as dt
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import fisher_exact

from regulars.analytics.attributes import Attributes
from regulars.analytics.findings import Ground
from regulars.analytics.lookalike import fit_logistic
from regulars.analytics.profile import Profile, profile
from regulars.analytics.rhythm import Rhythm
from regulars.core.errors import ColumnProblem, NotEnoughData
from tests.analytics.purchase_rows import bought, day, records, rolled

CUSTOMERS = 200  # of whom 40 are the best


def ground(attributes: pa.Table | None, *, customers: int = CUSTOMERS) -> Ground:
    """Customer n spends n, and is expected to bring n again: the last fifth are the best."""
    rollup = rolled([bought(f"c{n:03d}", 0, n + 1) for n in range(customers)], as_of=10)
    values = rollup.customers.select("customer_id", expected_value_12=rollup.customers.amount)
    given = None if attributes is None else Attributes.of_table(ibis.memtable(attributes))
    return Ground(rollup, 14, None, Rhythm(1, 1, 1, 1), values, None, given)  # type: ignore[arg-type]


def table(**columns: Any) -> pa.Table:
    size = len(next(iter(columns.values())))
    ids = columns.pop("customer_id", [f"c{n:03d}" for n in range(size)])
    return pa.table({"customer_id": pa.array(ids, pa.string()), **columns})


def levels(found: Profile) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["heading"], row["level"]): row for row in records(found.levels)}


def test_shares_and_the_exact_test_are_those_of_a_table_of_four_cells() -> None:
    # 30 of the 40 best and 60 of the 160 others are from the north; three districts, so no half is left out
    district = ["north"] * 60 + ["south"] * 60 + ["west"] * 40 + ["north"] * 30 + ["south"] * 10
    row = levels(profile(ground(table(district=district))))["district", "north"]
    assert (row["best"], row["others"]) == (30, 60)
    assert (row["best_share"], row["others_share"]) == (0.75, 0.375)
    smaller_tail = min(fisher_exact([[30, 10], [60, 100]], alternative=side).pvalue for side in ("greater", "less"))
    assert row["p_value"] == pytest.approx(2 * smaller_tail)
    assert 1 < row["lift"] < 2
    assert row["lift_low"] < row["lift"] < row["lift_high"]


def test_a_trait_of_the_best_is_reported_with_the_others_who_have_it() -> None:
    found = profile(ground(table(district=["south"] * 100 + ["north"] * 100)))
    # two values are one comparison
    assert [(one.compared, one.reported) for one in found.comparisons] == [(1, 1)]
    trait = next(one for one in found.findings if one.kind == "profile:more")
    assert trait.id == "profile:district:north"
    assert trait.customers == 60
    assert trait.people is not None
    people = records(trait.people, "customer_id")
    assert (len(people), people[0]) == (60, {"customer_id": "c100", "amount": 101})
    assert trait.money is None


def test_numbers_and_days_are_compared_by_fifths_and_few_numbers_one_by_one() -> None:
    days = pa.array([day(0) - dt.timedelta(days=n % 100) for n in range(CUSTOMERS)], pa.date32())
    rooms = [float(1 + n % 3) for n in range(CUSTOMERS)]
    found = levels(profile(ground(table(age=[float(n) for n in range(CUSTOMERS)], born=days, rooms=rooms))))
    assert sum(heading == "age" for heading, _level in found) == 5
    assert sum(heading == "born" for heading, _level in found) == 5
    assert {level for heading, level in found if heading == "rooms"} == {"1", "2", "3"}
    top = found["age", "159.2.."]
    assert (top["low"], top["high"], top["best"], top["others"]) == (pytest.approx(159.2), None, 40, 0)


def test_columns_that_describe_nobody_are_left_out_and_named() -> None:
    same, own = ["x"] * CUSTOMERS, [f"name {n}" for n in range(CUSTOMERS)]
    empty = pa.array([None] * CUSTOMERS, pa.string())
    lists = pa.array([[1]] * CUSTOMERS)
    district = ["a", "b"] * (CUSTOMERS // 2)
    found = profile(ground(table(same=same, own=own, empty=empty, lists=lists, district=district)))
    assert found.left_out == {"same": "one_value", "own": "all_different", "empty": "empty", "lists": "unreadable"}


def test_every_row_is_accounted_for_and_contradictions_are_unknown() -> None:
    ids = [f"c{n:03d}" for n in range(150)] + ["c000", "c001", "stranger", None]
    district = ["a", "b"] * 75 + ["a", "a", "b", "b"]  # c000 says the same again, c001 contradicts itself
    matched = (found := profile(ground(table(customer_id=ids, district=district)))).matched
    assert (matched.rows, matched.without_customer, matched.repeated, matched.unknown) == (154, 1, 2, 1)
    assert (matched.customers, matched.without_attributes) == (150, 50)
    compared = next(iter(records(found.levels)))
    assert compared["best"] + compared["others"] in (75, 74)


def test_row_order_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    given = table(age=rng.normal(40, 10, CUSTOMERS), district=rng.choice(["a", "b", "c"], CUSTOMERS).tolist())
    shuffled = given.take(pa.array(rng.permutation(CUSTOMERS)))
    one, other = profile(ground(given)), profile(ground(shuffled))
    assert records(one.levels) == records(other.levels)
    assert one.alike is not None
    assert other.alike is not None
    assert one.alike.auc == other.alike.auc
    assert records(one.alike.scores) == records(other.alike.scores)


def test_equal_customers_get_equal_scores_and_unknown_ones_weigh_nothing() -> None:
    district = pa.array(["a"] * 100 + ["b"] * 80 + [None] * 20, pa.string())
    alike = profile(ground(table(district=district))).alike
    assert alike is not None
    assert len({row["look_alike"] for row in records(alike.scores)}) == 3


def test_the_shrunk_regression_stands_at_the_top_of_its_likelihood() -> None:
    rng = np.random.default_rng(1)
    features = (rng.random((300, 4)) < 0.4).astype(float)
    outcome = (rng.random(300) < 0.3).astype(float)
    weights = fit_logistic(features, outcome, deviation=0.5)
    chance = 1 / (1 + np.exp(-(weights[0] + features @ weights[1:])))
    assert features.T @ (outcome - chance) == pytest.approx(weights[1:] / 0.25, abs=1e-6)
    assert chance.sum() == pytest.approx(outcome.sum(), abs=1e-4)


def test_where_many_are_equal_at_the_cut_those_above_it_are_the_best() -> None:
    rollup = rolled([bought(f"c{n:03d}", 0, 500 if n >= 170 else 100) for n in range(CUSTOMERS)], as_of=10)
    values = rollup.customers.select("customer_id", expected_value_12=ibis.null("int64"))
    given = Attributes.of_table(ibis.memtable(table(district=["a", "b"] * 100)))
    found = profile(Ground(rollup, 14, None, Rhythm(1, 1, 1, 1), values, None, given))  # type: ignore[arg-type]
    assert (found.by, found.best) == ("amount", 30)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "--attributes"),
        (table(district=["a"] * 50), "100 customers"),
        (table(name=[f"n{n}" for n in range(CUSTOMERS)]), "nothing to compare"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(given: pa.Table | None, said: str) -> None:
    with pytest.raises(NotEnoughData, match=said):
        profile(ground(given))


def test_a_table_without_customers_is_refused() -> None:
    with pytest.raises(ColumnProblem, match="customer_id"):
        Attributes.of_table(ibis.memtable(pa.table({"district": ["a"]})))
