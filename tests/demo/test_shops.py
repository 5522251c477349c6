import dataclasses
import datetime as dt
from collections import Counter

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from regulars.analytics.purchases import OPTIONAL, REQUIRED, check_contract
from regulars.core.errors import InputError
from regulars.demo.shops import PRESETS, Change, LostCohort, Shop, generate_shop

MIDDLE = dt.date(2025, 1, 1)


def sales(shop: Shop) -> pa.Table:
    return shop.lines.filter(pc.greater(shop.lines["amount"], 0))


def money(lines: pa.Table) -> int:
    return int(pc.sum(lines["amount"]).as_py() or 0)


def since(lines: pa.Table, day: dt.date) -> pa.Table:
    return lines.filter(pc.greater_equal(lines["purchased_at"], pa.scalar(dt.datetime.combine(day, dt.time()))))


def of_customers(lines: pa.Table, customers: pa.Table) -> pa.Table:
    return lines.filter(pc.is_in(lines["customer_id"], customers["customer_id"]))


def days_of_sales(shop: Shop) -> dict[str, list[dt.date]]:
    """customer_id -> the days of their receipts, in order."""
    lines = sales(shop)
    receipts = lines.group_by(["customer_id", "receipt_id"]).aggregate([("purchased_at", "min")])
    days: dict[str, list[dt.date]] = {}
    for row in receipts.sort_by("purchased_at_min").to_pylist():
        if row["customer_id"] is not None:
            days.setdefault(row["customer_id"], []).append(row["purchased_at_min"].date())
    return days


@pytest.fixture(scope="module")
def coffee() -> Shop:
    return generate_shop("coffee", customers=600, seed=3)


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("preset", PRESETS)
def test_every_shop_keeps_the_purchase_contract_in_full(preset: str, language: str) -> None:
    shop = generate_shop(preset, customers=60, language=language)
    check_contract(ibis.memtable(shop.lines))
    assert set(shop.lines.column_names) == {*REQUIRED, *OPTIONAL} - {"promotion"}
    assert pc.min(shop.lines["discount"]).as_py() >= 0
    moments = shop.lines["purchased_at"].to_numpy()
    assert (np.diff(moments) >= np.timedelta64(0, "us")).all()
    assert moments[0].astype("datetime64[D]") >= np.datetime64(shop.plan.start)
    assert moments[-1].astype("datetime64[D]") <= np.datetime64(shop.truth.end)


def test_the_same_arguments_give_the_same_shop_and_another_seed_another() -> None:
    one, same, other = (generate_shop("grocery", customers=50, seed=seed) for seed in (7, 7, 8))
    assert one.lines.equals(same.lines)
    assert one.truth == same.truth
    assert not one.lines.equals(other.lines)


def test_a_change_of_the_baskets_leaves_the_visits_as_they_were() -> None:
    plain = generate_shop("coffee", customers=80)
    dearer = generate_shop("coffee", customers=80, margin=0.2, lines_per_receipt=3.0)
    assert days_of_sales(plain) == days_of_sales(dearer)
    assert plain.truth.customers["left_on"].equals(dearer.truth.customers["left_on"])


def test_nobody_buys_before_arriving_or_after_leaving(coffee: Shop) -> None:
    days = days_of_sales(coffee)
    assert len(days) == coffee.plan.customers
    for customer in coffee.truth.customers.to_pylist():
        mine = days[customer["customer_id"]]
        assert mine[0] == customer["arrived_on"]
        assert len(mine) == customer["visits"]
        assert customer["left_on"] is None or mine[-1] <= customer["left_on"]


def test_customers_bring_what_their_mean_check_says(coffee: Shop) -> None:
    customers = coffee.truth.customers
    expected = pc.sum(pc.multiply(customers["mean_check"], customers["visits"])).as_py()
    known = coffee.lines.filter(pc.is_valid(coffee.lines["customer_id"]))
    assert money(known) == pytest.approx(expected, rel=0.02)


def test_those_who_never_left_come_at_their_rate() -> None:
    shop = generate_shop("steady", customers=400)
    customers = shop.truth.customers
    age = shop.plan.days - 15  # they arrive in the first thirty days
    assert pc.sum(customers["visits"]).as_py() == pytest.approx(age * pc.sum(customers["rate"]).as_py(), rel=0.02)


def test_erlang_gaps_vary_by_one_over_the_root_of_their_shape() -> None:
    shop = generate_shop("steady", customers=150, visits_per_year=40, rate_shape=1e6, regularity=4.0)
    gaps = np.concatenate(
        [np.diff(np.array(days, dtype="datetime64[D]")).astype(float) for days in days_of_sales(shop).values()]
    )
    assert gaps.std() / gaps.mean() == pytest.approx(0.5, abs=0.03)


def test_after_any_visit_the_share_that_never_returns_is_the_mean_of_its_beta() -> None:
    shop = generate_shop("coffee", customers=20_000, visits_per_year=1.0, passing_share=0.2, leave_a=1.0, leave_b=4.0)
    assert shop.truth.never_return_share == pytest.approx(0.2 + 0.8 * 0.2, abs=0.01)
    # (1 - p) is Beta(4, 1): of those who came back once, E[(1-p)^2] / E[1-p] come back again
    assert shop.truth.conversions[3] == pytest.approx((4 * 5 / (5 * 6)) / (4 / 5), abs=0.01)


def test_after_repeat_visit_everybody_comes_twice() -> None:
    shop = generate_shop("coffee", customers=300, leaving="after_repeat_visit", passing_share=0.0)
    assert shop.truth.never_return_share == 0
    assert shop.truth.left > 0


def test_exponential_lifetimes_are_as_long_as_planned() -> None:
    shop = generate_shop(
        "clinic",
        customers=20_000,
        established_share=1.0,
        passing_share=0.0,
        lifetime_shape=1e6,
        lifetime_scale_days=7e8,
    )
    still_there = 1 - shop.truth.left / shop.plan.customers
    assert still_there == pytest.approx(np.exp(-(shop.plan.days - 15) / 700), abs=0.01)


def test_a_steady_shop_loses_nobody_and_nothing() -> None:
    truth = generate_shop("steady", customers=100).truth
    assert (truth.left, truth.missed_amount, truth.missed_last_year, truth.never_return_share) == (0, 0, 0, 0)
    assert set(truth.conversions.values()) == {1.0}


def test_a_lost_cohort_costs_what_its_twins_went_on_to_spend() -> None:
    twin = generate_shop("steady", customers=600)
    shop = generate_shop("steady", customers=600, lost_cohort=LostCohort(MIDDLE, 0.4))
    gone = shop.truth.customers.filter(shop.truth.customers["planted"])
    assert gone.num_rows == pytest.approx(0.4 * 600, rel=0.02)
    assert money(of_customers(since(shop.lines, MIDDLE), gone)) == 0
    spent_by_twins = money(of_customers(since(twin.lines, MIDDLE), gone))
    assert shop.truth.missed_amount == pytest.approx(spent_by_twins, rel=0.03)
    # the second year of the plan has 365 days
    assert shop.truth.missed_last_year == shop.truth.missed_amount


def test_a_rise_of_prices_raises_the_money_of_each_line() -> None:
    twin = generate_shop("steady", customers=200)
    shop = generate_shop("steady", customers=200, price_change=Change(MIDDLE, 1.1))
    assert money(since(shop.lines, MIDDLE)) / money(since(twin.lines, MIDDLE)) == pytest.approx(1.1, abs=0.003)
    assert money(shop.lines) - money(since(shop.lines, MIDDLE)) == money(twin.lines) - money(since(twin.lines, MIDDLE))
    assert pc.sum(shop.lines["cost"]).as_py() == pc.sum(twin.lines["cost"]).as_py()


def test_a_fall_of_frequency_leaves_fewer_visits_a_day() -> None:
    shop = generate_shop("steady", customers=800, frequency_change=Change(MIDDLE, 0.8))
    days = [day for mine in days_of_sales(shop).values() for day in mine]
    before = sum(dt.date(2024, 3, 1) <= day < MIDDLE for day in days) / (MIDDLE - dt.date(2024, 3, 1)).days
    after = sum(day >= MIDDLE for day in days) / 365
    assert after / before == pytest.approx(0.8, abs=0.02)


def test_a_better_channel_brings_customers_of_twice_the_money() -> None:
    shop = generate_shop("steady", customers=1_500, channel_worth=(1.0, 2.0), store_worth=(1.0,), level_spread=0.1)
    customers = shop.truth.customers
    per_customer = {}
    for channel in shop.truth.channel_worth:
        mine = customers.filter(pc.equal(customers["channel"], channel))
        per_customer[channel] = money(of_customers(shop.lines, mine)) / mine.num_rows
    assert per_customer["Recommendation"] / per_customer["Walk-in"] == pytest.approx(2.0, rel=0.06)


def test_buyers_without_a_card_have_their_share_of_receipts(coffee: Shop) -> None:
    receipts = sales(coffee).group_by("receipt_id").aggregate([("customer_id", "min")])
    assert receipts["customer_id_min"].null_count / receipts.num_rows == pytest.approx(0.25, abs=0.001)


def test_every_return_gives_back_a_line_that_was_sold(coffee: Shop) -> None:
    back = coffee.lines.filter(pc.less(coffee.lines["amount"], 0))
    assert back.num_rows > 0
    sold = {(row["customer_id"], row["product_id"], row["amount"]) for row in sales(coffee).to_pylist()}
    for row in back.to_pylist():
        assert (row["customer_id"], row["product_id"], -row["amount"]) in sold
        assert row["quantity"] < 0 and row["cost"] < 0 and row["discount"] == 0


def test_companions_are_bought_together(coffee: Shop) -> None:
    assert len(coffee.truth.companions) == 2
    for pair in coffee.truth.companions:
        lines = sales(coffee)
        first, second = (
            set(lines.filter(pc.equal(lines["product_id"], product))["receipt_id"].to_pylist())
            for product in (pair.first, pair.second)
        )
        assert len(first & second) / len(first) == pytest.approx(pair.chance, abs=0.06)


def test_sequences_add_lines_to_visits_that_stay_as_they_were() -> None:
    plain, planted = (generate_shop("steady", customers=300, sequences=count) for count in (0, 2))
    assert plain.truth.sequences == () and len(planted.truth.sequences) == 2
    before, after = (
        Counter(zip(shop.lines["receipt_id"].to_pylist(), shop.lines["product_id"].to_pylist(), strict=True))
        for shop in (plain, planted)
    )
    assert before <= after
    followers = {sequence.second for sequence in planted.truth.sequences}
    added = [product for _receipt, product in (after - before).elements()]
    assert len(added) > 200 and set(added) == followers
    assert plain.truth.customers.equals(planted.truth.customers)


def test_products_earn_their_expected_share() -> None:
    shop = generate_shop("steady", customers=1_000)
    products = shop.truth.products
    assert pc.sum(products["revenue_share"]).as_py() == pytest.approx(1)
    earned = shop.lines.group_by("product_id").aggregate([("amount", "sum")])
    joined = products.join(earned, "product_id")
    share = joined["amount_sum"].to_numpy() / money(shop.lines)
    assert np.abs(share - joined["revenue_share"].to_numpy()).max() < 0.003
    of_a = joined.filter(pc.equal(joined["abc"], "A"))
    assert pc.sum(of_a["revenue_share"]).as_py() == pytest.approx(0.8, abs=0.03)


def test_a_plan_of_ones_own_is_taken_as_it_is() -> None:
    plan = dataclasses.replace(PRESETS["clinic"], customers=20, products=500)
    shop = generate_shop(plan)
    assert shop.plan == plan
    assert len(set(shop.truth.products["product"].to_pylist())) == 500


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"plan": "casino"}, "no shop 'casino' to make. Choose one of: coffee, grocery"),
        ({"language": "fr"}, "cannot be made in 'fr'. Choose one of: ru, en"),
        ({"clients": 3}, "has no field 'clients'"),
    ],
)
def test_what_cannot_be_made_is_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        generate_shop(**arguments)  # type: ignore[arg-type]
