import hashlib

import numpy as np
import pytest

from regulars.demo.shops import PRESETS, Leak, generate_shop

# of the shops as they were before there were leaks
FINGERPRINTS = {
    "coffee": "3ecb759806e2c3fc5699ddd14d76910d",
    "grocery": "72fba855cc10e63a1694e75db146a116",
    "clinic": "4d87cfc86fdc617ca2ec88bcd0ee38e1",
    "wholesale": "c29e46ac195d2ff943576301d4cd7ee6",
    "steady": "b2b7796123a4bb96983953a5e68d283d",
}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_shop_without_leaks_is_the_same_as_ever(preset: str) -> None:
    lines = generate_shop(preset, customers=200, seed=4).lines
    assert hashlib.md5(str(lines.to_pydict()).encode()).hexdigest() == FINGERPRINTS[preset]


def test_a_leak_takes_only_what_came_after_it() -> None:
    plain, leaking = (
        generate_shop("coffee", customers=400, seed=2, **changes) for changes in ({}, {"bad_staff": Leak(0.2, 1)})
    )
    assert leaking.truth.bad_staff == "Baker"
    left = {tuple(row.values()) for row in leaking.lines.to_pylist()}
    assert left < {tuple(row.values()) for row in plain.lines.to_pylist()}
    assert leaking.truth.left > plain.truth.left


def test_everybody_who_begins_with_a_deadly_product_never_returns() -> None:
    shop = generate_shop("coffee", customers=400, seed=2, entry_product=Leak(1.0, 2))
    lines = shop.lines.to_pylist()
    first: dict[str, object] = {}
    met: dict[str, set[object]] = {}
    for row in lines:
        customer, day = row["customer_id"], row["purchased_at"].date()
        if customer is None or row["amount"] < 0:
            continue
        first.setdefault(customer, day)
        met.setdefault(customer, set()).add(day)
        if row["product_id"] == shop.truth.entry_product and day == first[customer]:
            met[customer].add("began")
    began = [days for days in met.values() if "began" in days]
    assert began and all(len(days) == 2 for days in began)


def test_an_exit_product_spares_the_first_two_visits() -> None:
    shop = generate_shop("coffee", customers=400, seed=2, exit_product=Leak(1.0, 0))
    visits = shop.truth.customers["visits"].to_numpy()
    assert (visits == 2).any() and (visits >= 3).any()
    left = shop.truth.customers["left_on"].to_numpy().astype("datetime64[D]")
    assert (~np.isnat(left)).mean() > 0.9
