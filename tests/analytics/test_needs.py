import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from regulars.analytics.goods import FEWEST_BUYERS, goods
from regulars.analytics.logistic import fit_logistic
from regulars.analytics.needs import needs
from regulars.analytics.needs_past import FEATURES, Past, features_of, try_rules
from regulars.analytics.sold import Sold
from regulars.core.errors import NotEnoughData
from tests.analytics.grounds import ground_of_rows
from tests.analytics.purchase_rows import as_table, bought, rolled


def crowd(count: int, *products: str, day: int = 0) -> list[dict]:
    """So many customers who buy these products on one day."""
    return [bought(f"x{n:03}", day, product=product) for n in range(count) for product in products]


# --- goods ---


def test_goods_are_numbered_by_buyers_and_then_by_name() -> None:
    rows = [*crowd(FEWEST_BUYERS, "tea", "bread"), *crowd(FEWEST_BUYERS + 1, "milk", day=3)]
    found = goods(Sold(rolled(rows, as_of=5)))
    assert found.names == ["milk", "bread", "tea"]


def test_products_of_few_buyers_and_returns_and_strangers_are_left_out() -> None:
    rows = [
        *crowd(FEWEST_BUYERS, "tea", "bread"),
        *crowd(FEWEST_BUYERS - 1, "rare"),
        bought("x000", 4, -100, product="tea"),
        bought(None, 4, product="tea"),
    ]
    found = goods(Sold(rolled(rows, as_of=5)))
    assert found.names == ["bread", "tea"]
    assert found.bought.count().to_pyarrow().as_py() == 2 * FEWEST_BUYERS


def test_the_code_stands_in_for_a_missing_name() -> None:
    rows = crowd(FEWEST_BUYERS, "tea") + [
        bought(f"x{n:03}", 1, product_id="P7", product=None) for n in range(FEWEST_BUYERS)
    ]
    assert goods(Sold(rolled(rows, as_of=5))).names == ["P7", "tea"]


def test_without_a_column_of_products_it_says_so() -> None:
    with pytest.raises(NotEnoughData, match="No column says"):
        goods(Sold(rolled([bought("a", 0), bought("b", 1)], as_of=3)))


def test_one_product_alone_is_not_enough() -> None:
    with pytest.raises(NotEnoughData, match="two products"):
        goods(Sold(rolled(crowd(FEWEST_BUYERS, "tea"), as_of=3)))


# --- what is known at a cut ---


def test_the_due_time_is_the_own_interval_drawn_towards_the_products() -> None:
    rows = [
        *crowd(FEWEST_BUYERS, "tea", "bread"),
        *[bought("a", day, product="tea") for day in (0, 10, 30)],
    ]
    found = goods(Sold(rolled(rows, as_of=40)))
    tea = found.names.index("tea")
    people = found.rollup.customers
    number = people.filter(people.customer_id == "a").customer_no.to_pyarrow()[0].as_py()
    table = features_of(found.bought, 40, 7)
    row = table.filter((table.customer_no == number) & (table.product_no == tea)).to_pyarrow().to_pylist()[0]
    # the product's mean interval is a's too: 30 days in 2 gaps; (15 + 30) / 3
    assert row["gap"] == pytest.approx(15)
    assert row["due"] == pytest.approx(np.log(10 / 15 + 0.1))
    assert row["purchases"] == pytest.approx(np.log(3)) and row["share"] == pytest.approx(0)


def test_nothing_after_the_cut_is_known() -> None:
    rows = [*crowd(FEWEST_BUYERS, "tea", "bread"), *[bought("a", day, product="tea") for day in (0, 10, 30)]]
    before = goods(Sold(rolled(rows[:-1], as_of=29)))
    after = goods(Sold(rolled(rows, as_of=40)))
    keys = ["customer_no", "product_no"]
    tables = [features_of(one.bought, 20, 7).order_by(keys).select(*keys, *FEATURES) for one in (before, after)]
    assert tables[0].to_pyarrow().equals(tables[1].to_pyarrow())


def test_recall_and_ndcg_by_hand() -> None:
    # one customer, three candidates, ranked 2, 0, 1 by the rule; bought: the last two of the list and one unknown
    past = Past(
        customer=np.repeat(np.arange(60), 3),
        product=np.tile([0, 1, 2], 60),
        n=np.tile([1, 1, 3], 60),
        rank=np.tile([0, 1, 2], 60),
        features=np.zeros((180, len(FEATURES))),
        happened=np.tile([True, True, False], 60),
        wanted=dict.fromkeys(range(60), 3),
    )

    class Rule:
        def chance(self, _past: Past) -> np.ndarray:
            return np.tile([0.5, 0.4, 0.9], 60)

    found = try_rules(Rule(), past)  # type: ignore[arg-type]
    discounts = 1 / np.log2([2, 3, 4])
    assert found.recall["rhythm"].tolist() == pytest.approx([2 / 3] * 60)
    assert found.ndcg["rhythm"][0] == pytest.approx((discounts[1] + discounts[2]) / discounts.sum())
    assert found.ndcg["most_popular"][0] == pytest.approx((discounts[0] + discounts[1]) / discounts.sum())
    assert found.ndcg["most_frequent"][0] == pytest.approx((discounts[1] + discounts[2]) / discounts.sum())


def test_logistic_regression_finds_the_chances_it_was_drawn_from() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40_000, 2))
    happened = rng.random(len(x)) < 1 / (1 + np.exp(-(0.5 + x @ [1.0, -2.0])))
    found = fit_logistic(x, happened.astype(float))
    assert found.intercept == pytest.approx(0.5, abs=0.05)
    assert found.weights == pytest.approx([1.0, -2.0], abs=0.07)


def test_logistic_regression_survives_a_feature_that_tells_everything_or_nothing() -> None:
    x = np.column_stack([np.r_[np.zeros(50), np.ones(50)], np.ones(100)])
    found = fit_logistic(x, x[:, 0])
    assert np.isfinite(found.weights).all() and found.chance(x)[[0, -1]] == pytest.approx([0, 1], abs=0.1)


# --- the whole ---


def habits(seed: int, customers: int = 150, days: int = 240) -> pa.Table:
    """Customers who come about weekly, each with three staples on clocks of their own, and a little of anything."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        staples = rng.choice(40, 3, replace=False)
        periods, due = rng.uniform(6, 30, 3), rng.uniform(0, 20, 3)
        day = rng.uniform(0, 7)
        while day < days:
            for place, staple in enumerate(staples):
                if due[place] <= day:
                    rows.append(bought(f"c{number:03}", int(day), 500, product=f"p{staple:02}"))
                    due[place] = day + periods[place]
            others = rng.choice(40, rng.poisson(1.0))
            rows += [bought(f"c{number:03}", int(day), 300, product=f"p{other:02}") for other in others]
            day += rng.gamma(4, 7 / 4)
    return as_table(rows)


@pytest.fixture(scope="module")
def found():
    return needs(ground_of_rows(habits(1)))


def test_with_habits_the_rhythm_beats_both_others(found) -> None:
    assert found.personal
    assert found.ahead_of_frequent.low > 0 and found.ahead_of_popular.low > 0
    assert found.hit_rate.low > 0.5


def test_the_next_needs_are_in_days_and_money(found) -> None:
    rows = found.next.to_pyarrow().to_pylist()
    assert max(np.unique([row["customer_id"] for row in rows], return_counts=True)[1]) <= 5
    assert all(row["due_on"] > row["last_on"] and 0 < row["score"] < 1 for row in rows)
    assert all(300 <= row["usual_amount"] <= 800 for row in rows)


def test_each_finding_names_people_and_money(found) -> None:
    for one in found.findings:
        assert one.people.count().to_pyarrow().as_py() == one.customers
        assert 0 <= one.money.low <= one.money.value <= one.money.high
        assert one.evidence.strength == "tested" and one.about["hit_rate"].value > one.about["base_rate"]


def test_row_order_changes_nothing(found) -> None:
    table = habits(1)
    shuffled = table.take(np.random.default_rng(2).permutation(len(table)))
    again = needs(ground_of_rows(shuffled))
    key = ["customer_id", "product"]
    assert again.next.order_by(key).to_pyarrow().equals(found.next.order_by(key).to_pyarrow())
    assert again.findings == found.findings and again.backtest.to_pyarrow().equals(found.backtest.to_pyarrow())


def test_a_short_history_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="history of"):
        needs(ground_of_rows(habits(1, days=35)))


def test_few_customers_are_refused() -> None:
    with pytest.raises(NotEnoughData):
        needs(ground_of_rows(habits(1, customers=45)))


def test_no_product_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="No column"):
        needs(ground_of_rows(habits(1).drop_columns(["product"]), as_of=dt.date(2024, 8, 1)))
