import numpy as np
import pytest

from regulars.analytics.trials import trials
from regulars.core.errors import NotEnoughData
from tests.analytics.grounds import ground_of_rows
from tests.analytics.purchase_rows import as_table, bought


def shop(seed: int, *, alike: bool = True, customers: int = 900) -> list[dict]:
    """Weekly visits; anglers come to buy boats too, one after another, and the others hardly ever do."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        angler = number % 4 == 0
        likes = ["bread", "milk", *(["rods", "bait"] if angler else ["yarn", "wool"])]
        boat_from = rng.uniform(60, 300) if (angler or not alike) and rng.random() < 0.9 else rng.uniform(0, 6000)
        day = rng.uniform(0, 7)
        while day < 300:
            category = "boats" if day > boat_from and rng.random() < 0.5 else likes[int(rng.integers(len(likes)))]
            rows.append(bought(f"c{number:03}", int(day), 100, category=category))
            day += 1 + rng.gamma(3, 2)
    return rows


@pytest.fixture(scope="module")
def found():
    return trials(ground_of_rows(shop(1)))


def test_those_who_resemble_the_triers_are_named(found) -> None:
    one = next(one for one in found.findings if one.about["category"] == "boats")
    assert one.id == "trial:boats"
    people = [person["customer_id"] for person in one.people.to_pyarrow().to_pylist()]
    assert len(people) == one.customers > 0
    assert np.mean([int(person[1:]) % 4 == 0 for person in people]) > 0.5
    assert {one.about["near"], one.about["near_too"]} == {"rods", "bait"}
    assert one.about["rate"].low > one.about["base_rate"]
    assert 0 < one.money.low <= one.money.value <= one.money.high


def test_nobody_is_named_who_has_bought_it(found) -> None:
    buyers = {row["customer_id"] for row in shop(1) if row["category"] == "boats"}
    likely = found.likely.to_pyarrow().to_pylist()
    assert not buyers & {row["customer_id"] for row in likely if row["category"] == "boats"}


def test_similar_customers_beat_popularity_and_chance_in_the_back_test(found) -> None:
    rates = {row["rule"]: row for row in found.backtest.to_pyarrow().to_pylist()}
    assert rates["similar_customers"]["low"] > rates["most_popular"]["rate"]
    assert rates["similar_customers"]["low"] > rates["by_chance"]["high"]


def test_row_order_changes_nothing(found) -> None:
    table = as_table(shop(1))
    again = trials(ground_of_rows(table.take(np.random.default_rng(2).permutation(len(table)))))
    assert again.findings == found.findings and again.backtest.to_pyarrow().equals(found.backtest.to_pyarrow())


def test_products_stand_in_for_categories() -> None:
    table = as_table(shop(1)).rename_columns({"category": "product"})
    assert any(one.id == "trial:boats" for one in trials(ground_of_rows(table)).findings)


@pytest.mark.parametrize("rows", [[bought("a", 0), bought("b", 1)], [bought("a", 0, category="x")]])
def test_too_little_is_refused(rows: list) -> None:
    with pytest.raises(NotEnoughData):
        trials(ground_of_rows(rows))


def test_few_loyal_customers_are_refused() -> None:
    with pytest.raises(NotEnoughData, match="loyal customers"):
        trials(ground_of_rows(shop(1, customers=80)))
