"""Habits, offers, gaps, favourites and slowing visits are found where planted, and nothing in clean shops."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from regulars.analytics.assortment import Assortment, assortment
from regulars.analytics.discounts import Discounts, discounts
from regulars.analytics.price_response import PriceResponse, price_response
from regulars.analytics.slowing import Slowing as SlowingFound
from regulars.analytics.slowing import slowing
from regulars.core.errors import NotEnoughData
from regulars.demo.shops import DiscountHabit, Favourite, Promotions, Shop, Slowing, StockGap, generate_shop
from tests.analytics.grounds import light_ground_of_shop

HUNTERS: Mapping[str, Any] = {"customers": 300, "discount_habit": DiscountHabit(hunters=0.2)}
WASTED: Mapping[str, Any] = {"customers": 400, "discount_habit": DiscountHabit(wasted=0.25, driven=0.25)}
DRIVEN: Mapping[str, Any] = {"customers": 400, "discount_habit": DiscountHabit(driven=0.5)}
ALIKE: Mapping[str, Any] = {"customers": 300, "discount_habit": DiscountHabit(hunters=1.0, chance=0.2)}
# whole weeks, so that weeks of offer are weeks of the analysis
OFFERS: Mapping[str, Any] = {"customers": 300, "days": 728, "promotions": Promotions(lift=1.0, elasticity=-2.0)}
GAP: Mapping[str, Any] = {"customers": 600, "stock_gaps": (StockGap(rank=8, from_day=300, days=60),)}
FANS: Mapping[str, Any] = {"customers": 1_200, "favourite": Favourite()}
SLOW: Mapping[str, Any] = {"customers": 800, "slowing": Slowing(0.3, 3.0)}


def discounts_of(preset: str, seed: int, plan: Mapping[str, Any]) -> tuple[Shop, Discounts]:
    shop = generate_shop(preset, seed=seed, **plan)
    return shop, discounts(light_ground_of_shop(shop))


def habits_and_answers(preset: str, seed: int, plan: Mapping[str, Any], answer: str) -> list[tuple[str, Any]]:
    shop, found = discounts_of(preset, seed, plan)
    true = dict(
        zip(
            shop.truth.customers["customer_id"].to_pylist(),
            shop.truth.customers["discount_habit"].to_pylist(),
            strict=True,
        )
    )
    rows = found.customers.to_pyarrow().to_pylist()
    return [(true[row["customer_id"]], row[answer]) for row in rows if row[answer] is not None]


def response_of(seed: int, plan: Mapping[str, Any]) -> tuple[Shop, PriceResponse | None]:
    shop = generate_shop("grocery", seed=seed, **plan)
    try:
        return shop, price_response(light_ground_of_shop(shop))
    except NotEnoughData:
        return shop, None


def assortment_of(preset: str, seed: int, plan: Mapping[str, Any]) -> tuple[Shop, Assortment]:
    shop = generate_shop(preset, seed=seed, **plan)
    return shop, assortment(light_ground_of_shop(shop))


def slowing_of(preset: str, seed: int, plan: Mapping[str, Any]) -> SlowingFound:
    return slowing(light_ground_of_shop(generate_shop(preset, seed=seed, **plan), window_days=70))


# --- one seed or two of each, in every run ---


def test_those_who_buy_only_at_a_discount_are_found_and_hardly_anybody_else() -> None:
    pairs = habits_and_answers("coffee", 10, HUNTERS, "habit")
    hunters = [answer for true, answer in pairs if true == "hunter"]
    assert np.mean([answer == "price" for answer in hunters]) >= 0.9
    called = [true for true, answer in pairs if answer == "price"]
    assert np.mean([true != "hunter" for true in called]) <= 0.05


def test_wasted_discounts_are_found_and_hardly_anybody_whom_discounts_call() -> None:
    pairs = [pair for seed in (10, 11) for pair in habits_and_answers("coffee", seed, WASTED, "came_without")]
    called = [true for true, answer in pairs if answer]
    assert called.count("wasted") >= 10
    assert np.mean([true == "driven" for true in called]) <= 0.1


@pytest.mark.parametrize("plan", [ALIKE, DRIVEN])
def test_no_discount_is_called_wasted_where_none_is(plan: Mapping[str, Any]) -> None:
    _shop, found = discounts_of("coffee", 10, plan)
    assert "discount:wasted" not in {one.kind for one in found.findings}


def test_customers_who_are_alike_have_no_habits() -> None:
    _shop, found = discounts_of("coffee", 11, ALIKE)
    assert not found.findings


def test_offers_and_prices_are_answered_as_planted() -> None:
    shop, found = response_of(10, OFFERS)
    assert found is not None
    rows = {row["product_id"]: row for row in found.products.to_pyarrow().to_pylist()}
    for product in shop.truth.by_popularity[:3]:
        row = rows[product]
        assert row["lift_q"] < 0.05
        assert row["lift_low"] - 0.2 <= 1.0 <= row["lift_high"] + 0.2
    assert {one.id.rpartition(":")[2] for one in found.findings} <= set(shop.truth.by_popularity[:3])


def test_no_answer_of_demand_is_found_where_there_are_no_offers() -> None:
    _shop, found = response_of(11, {"customers": 300})
    assert found is None or not found.findings


def test_an_empty_shelf_is_found_with_its_days() -> None:
    shop, found = assortment_of("grocery", 10, GAP)
    gaps = found.gaps.to_pyarrow().to_pylist()
    mine = [row for row in gaps if row["product_id"] == shop.truth.by_popularity[8]]
    assert len(mine) >= 3  # of four stores
    start = shop.plan.start.toordinal() + 300
    assert all(row["gap_from"].toordinal() <= start + 1 for row in mine)
    assert all(row["gap_to"].toordinal() >= start + 59 for row in mine)
    assert len(gaps) - len(mine) <= 1


def test_nothing_is_missing_and_nothing_is_special_in_a_clean_shop() -> None:
    _shop, found = assortment_of("coffee", 10, {"customers": 400})
    assert not found.findings
    assert all(one.compared > 0 for one in found.comparisons)


def test_slowing_customers_are_warned_about_and_the_past_bears_it_out() -> None:
    found = slowing_of("grocery", 13, SLOW)
    assert found.precision is not None
    assert found.base_rate is not None
    assert found.precision.value > 1.5 * found.base_rate.value
    assert [one.id for one in found.findings] == ["slowing:high_check"]


# --- campaigns ---

SEEDS = range(20, 40)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_campaign_of_habits() -> None:
    hunters, wasted = [], []
    for seed in SEEDS:
        pairs = habits_and_answers("coffee", seed, HUNTERS, "habit")
        hunters.append(np.mean([answer == "price" for true, answer in pairs if true == "hunter"]))
        wasted.append("discount:wasted" in {one.kind for one in discounts_of("coffee", seed, WASTED)[1].findings})
    assert np.mean(hunters) >= 0.8
    assert np.mean(wasted) >= 0.8


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_campaign_of_shops_without_habits() -> None:
    alike = [bool(discounts_of("coffee", seed, ALIKE)[1].findings) for seed in SEEDS]
    driven = [
        np.mean([answer for true, answer in habits_and_answers("coffee", seed, DRIVEN, "came_without")] or [0])
        for seed in SEEDS
    ]
    assert sum(alike) <= 3  # of twenty, with 5 % each: more in less than 2 % of campaigns
    assert np.mean(driven) <= 0.05


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_campaign_of_offers() -> None:
    found = []
    for seed in SEEDS:
        shop, response = response_of(seed, OFFERS)
        rows = {row["product_id"]: row for row in response.products.to_pyarrow().to_pylist()} if response else {}
        found += [rows.get(one, {}).get("lift_q", 1.0) or 1.0 for one in shop.truth.by_popularity[:3]]
    clean = [response_of(seed, {"customers": 300})[1] for seed in SEEDS]
    assert np.mean(np.array(found) < 0.05) >= 0.8
    assert sum(bool(one and one.findings) for one in clean) <= 3


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_campaign_of_the_shelf() -> None:
    gaps, fans, clean = [], [], []
    for seed in SEEDS:
        shop, found = assortment_of("grocery", seed, GAP)
        stores = [row["product_id"] for row in found.gaps.to_pyarrow().to_pylist()]
        gaps.append(stores.count(shop.truth.by_popularity[8]) / 4)
        shop, found = assortment_of("grocery", seed, FANS)
        fans.append(f"assortment:product:{shop.truth.by_popularity[-1]}" in {one.id for one in found.findings})
        clean.append(bool(assortment_of("grocery", seed, {"customers": 400})[1].findings))
    assert np.mean(gaps) >= 0.8
    assert np.mean(fans) >= 0.8
    # two families of comparisons in each shop
    assert sum(clean) <= 5


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_campaign_of_slowing() -> None:
    found = [bool(slowing_of("grocery", seed, {**SLOW, "customers": 1_200}).findings) for seed in SEEDS]
    clean = [bool(slowing_of("steady", seed, {"customers": 500}).findings) for seed in SEEDS]
    assert np.mean(found) >= 0.8
    assert sum(clean) <= 3


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_campaign_of_prices() -> None:
    # the three most sold of a shop of 600 customers in two years; with 300 about half are found
    found = []
    for seed in range(20, 28):
        shop, response = response_of(seed, {**OFFERS, "customers": 600})
        rows = {row["product_id"]: row for row in response.products.to_pyarrow().to_pylist()} if response else {}
        found += [rows.get(one, {}).get("elasticity_q") or 1.0 for one in shop.truth.by_popularity[:3]]
    assert np.mean(np.array(found) < 0.05) >= 0.8
