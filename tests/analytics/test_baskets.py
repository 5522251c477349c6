import numpy as np
import pytest

from regulars.analytics.baskets import bought_together
from regulars.analytics.itemsets import frequent_sets, rules_of
from regulars.analytics.receipts_sample import Baskets, sample_baskets
from regulars.analytics.together import together
from regulars.core.errors import NotEnoughData
from tests.analytics.grounds import ground_of_rows
from tests.analytics.purchase_rows import as_table, bought
from tests.analytics.test_needs import crowd


def baskets(*receipts: tuple[int, tuple[int, ...]], products: int = 3) -> Baskets:
    """Receipts as (customer, products), in order of the customer."""
    rows = [(customer, number, one) for number, (customer, held) in enumerate(receipts) for one in sorted(held)]
    customer, basket, product = np.array(rows, dtype=np.int64).T
    return Baskets(products, 1, customer, basket, product)


def test_pairs_expected_add_up_to_the_pairs_there_are() -> None:
    rng = np.random.default_rng(3)
    drawn = [
        (c, tuple(rng.choice(8, rng.integers(1, 6), replace=False).tolist())) for c in range(30) for _n in range(9)
    ]
    found = together(baskets(*drawn, products=8), fewest=1)
    assert np.nansum(found.expected) == pytest.approx(np.triu(found.both, 1).sum())


def test_a_product_in_every_receipt_is_expected_with_everything() -> None:
    receipts = [(1, (0, 1)), (1, (0, 2)), (1, (0, 1)), (1, (0, 2))]
    found = together(baskets(*receipts), fewest=1)
    assert found.expected[0, 1] == pytest.approx(2) and found.expected[0, 2] == pytest.approx(2)


def test_what_the_same_people_like_is_no_pair_by_itself() -> None:
    # two kinds of customers, each with its own two products, never in one receipt
    receipts = [(c, (c % 2 * 2 + n % 2,)) for c in range(100) for n in range(10)]
    found = together(baskets(*receipts, products=4), fewest=1)
    assert not (found.q < 0.05).any()


def test_one_customer_alone_is_no_evidence() -> None:
    alone = [(0, (0, 1))] * 40 + [(0, (2,))] * 40
    others = [(c, (n % 3,)) for c in range(1, 60) for n in range(12)]
    many = [(c, (0, 1)) for c in range(60, 100)] + [(c, (2,)) for c in range(60, 100)]
    assert together(baskets(*alone, *others), fewest=1).p[0, 1] > 0.05
    assert together(baskets(*others, *sorted(many)), fewest=1).p[0, 1] < 0.01


def test_itemsets_and_rules_by_hand() -> None:
    found = baskets((1, (0, 1, 2)), (1, (0, 1)), (2, (0,)), (2, (1, 2)))
    sets = frequent_sets(found, fewest=2, largest=3)
    assert sets == {(0,): 3, (1,): 3, (2,): 2, (0, 1): 2, (1, 2): 2}
    rules = {(one.given, one.then): one for one in rules_of(sets, 4, least_confidence=0.7)}
    assert set(rules) == {((2,), (1,))}
    assert rules[(2,), (1,)].confidence == 1 and rules[(2,), (1,)].lift == pytest.approx(4 / 3)


def test_too_many_itemsets_are_refused_and_only_allowed_pairs_grow() -> None:
    found = baskets(*[(1, (0, 1, 2))] * 3)
    assert frequent_sets(found, fewest=1, largest=3, most=5) is None
    allowed = np.zeros((3, 3), dtype=bool)
    allowed[0, 1] = True
    assert frequent_sets(found, fewest=1, largest=3, allowed=allowed) == {(0,): 3, (1,): 3, (2,): 3, (0, 1): 3}


def test_receipts_are_told_apart_as_the_till_does() -> None:
    rows = [
        *crowd(20, "tea", "bread"),  # one moment each, no number: one receipt
        bought("a", 1, product="tea", receipt_id="7", store="north"),
        bought("a", 1, product="bread", receipt_id="7", store="south"),
        bought("a", 2, product="bread", receipt_id="7", store="south"),
        bought("a", 2, product="bread", receipt_id="7", store="south"),
        bought(None, 2, product="bread", receipt_id="8", store="south"),
    ]
    found = sample_baskets(ground_of_rows(rows).goods)
    assert sorted(found.sizes.tolist()) == [1, 1, 1, *[2] * 20]


def pairs_shop(seed: int, customers: int = 120, margin: bool = True) -> list[dict]:
    """Receipts of two of ten products; half of those with tea hold lemon too."""
    rng = np.random.default_rng(seed)
    names = ["tea", "lemon", *(f"p{n}" for n in range(8))]
    rows = []
    for number in range(customers):
        for day in rng.choice(300, 20, replace=False).tolist():
            held = set(rng.choice(10, 2, replace=False).tolist())
            if 0 in held and rng.random() < 0.5 and number % 4:
                held.add(1)
            cost = {"cost": 60} if margin else {}
            rows += [bought(f"c{number:03}", day, 100, product=names[one], receipt_id=str(day), **cost) for one in held]
    return rows


def test_a_pair_is_found_with_its_figures_people_and_margin() -> None:
    rows = pairs_shop(1)
    # a quarter of the customers never buys lemon
    rows = [row for row in rows if row["product"] != "lemon" or int(row["customer_id"][1:]) % 4]
    found = bought_together(ground_of_rows(rows))
    pairs = found.pairs.to_pyarrow().to_pylist()
    assert [{row["first"], row["second"]} for row in pairs] == [{"tea", "lemon"}]
    row = pairs[0]
    assert row["margin"] == 40 and row["low"] <= row["times"] <= row["high"]
    assert row["support"] == row["receipts"] / found.receipts
    assert row["confidence"] > 0.2 and row["lift"] > 1
    one = next(one for one in found.findings if one.about["given"] == "tea")
    people = {person["customer_id"] for person in one.people.to_pyarrow().to_pylist()}
    assert people and all(int(person[1:]) % 4 == 0 for person in people)
    assert one.money.low <= one.money.value <= one.money.high


def test_row_order_changes_nothing() -> None:
    table = as_table(pairs_shop(1))
    shuffled = table.take(np.random.default_rng(2).permutation(len(table)))
    one, two = bought_together(ground_of_rows(table)), bought_together(ground_of_rows(shuffled))
    assert one.findings == two.findings and one.comparisons == two.comparisons
    assert one.pairs.to_pyarrow().equals(two.pairs.to_pyarrow())


def test_without_cost_there_is_no_margin() -> None:
    found = bought_together(ground_of_rows(pairs_shop(1, margin=False)))
    assert found.pairs.to_pyarrow()["margin"].null_count == len(found.pairs.to_pyarrow()) > 0


def test_few_receipts_are_refused() -> None:
    with pytest.raises(NotEnoughData, match="500 receipts"):
        bought_together(ground_of_rows(crowd(30, "tea", "bread")))
