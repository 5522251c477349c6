"""Frequent itemsets and rules of the supermarket's receipts, as mlxtend 0.25.0 found them.

`supermarket_itemsets.json` was made by `fpgrowth(min_support=0.01, max_len=4)` and
`association_rules(metric="confidence", min_threshold=0.2)` on one row per receipt of a household and one column per
product type, for the 300 types of the most households; receipts without any of them have no row.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from regulars.analytics.goods import goods
from regulars.analytics.itemsets import frequent_sets, rules_of
from regulars.analytics.receipts_sample import Baskets, sample_baskets
from regulars.analytics.rollup import roll_up
from regulars.analytics.sold import Sold
from regulars.demo.supermarket import supermarket_lines
from tests.analytics.purchase_rows import history


@cache
def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(__file__).parent / "supermarket_itemsets.json").read_text())
    return found


@cache
def supermarket() -> tuple[Baskets, list[str]]:
    purchases = history(supermarket_lines(), currency="USD")
    found = goods(Sold(roll_up(purchases, as_of=purchases.last_day)))
    return sample_baskets(found), found.names


def named(products: tuple[int, ...]) -> str:
    names = supermarket()[1]
    return " + ".join(sorted(names[one] for one in products))


def test_receipts_are_as_many() -> None:
    assert supermarket()[0].receipts == expected()["receipts"]


def test_itemsets_are_those_of_mlxtend() -> None:
    baskets = supermarket()[0]
    fewest = -(-baskets.receipts // 100)
    sets = frequent_sets(baskets, fewest=fewest, largest=expected()["max_len"])
    assert sets is not None
    assert sorted([named(one), count] for one, count in sets.items()) == expected()["sets"]


def test_rules_are_those_of_mlxtend() -> None:
    baskets = supermarket()[0]
    sets = frequent_sets(baskets, fewest=-(-baskets.receipts // 100), largest=4)
    assert sets is not None
    rules = rules_of(sets, baskets.receipts, least_confidence=expected()["min_confidence"])
    found = {(named(one.given), named(one.then)): (one.support, one.confidence, one.lift) for one in rules}
    wanted = {(given, then): figures for given, then, *figures in expected()["rules"]}
    assert found.keys() == wanted.keys()
    for key, figures in wanted.items():
        assert found[key] == pytest.approx(figures, rel=1e-6)
