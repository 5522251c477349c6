"""Plants of habits: what is off changes nothing, what is on does what it says."""

import numpy as np
import pyarrow.compute as pc
import pytest

from regulars.demo.shops import DiscountHabit, Favourite, Promotions, Slowing, StockGap, generate_shop


@pytest.mark.parametrize("preset", ["coffee", "grocery", "clinic"])
def test_plants_that_nobody_has_leave_the_shop_as_it_was(preset: str) -> None:
    plain = generate_shop(preset, customers=80)
    idle = generate_shop(
        preset,
        customers=80,
        discount_habit=DiscountHabit(),
        slowing=Slowing(0.0),
        favourite=Favourite(fans=0.0),
        promotions=Promotions(products=0),
        stock_gaps=(StockGap(0, 10, 0),),
    )
    assert idle.lines.equals(plain.lines)
    assert idle.truth.customers.equals(plain.truth.customers)


def test_a_gap_takes_one_product_away_for_its_days_only() -> None:
    plain = generate_shop("coffee", customers=100)
    shop = generate_shop("coffee", customers=100, stock_gaps=(StockGap(rank=0, from_day=100, days=20),))
    product = shop.truth.by_popularity[0]
    days = (plain.lines["purchased_at"].to_numpy() - np.datetime64(shop.plan.start)) // np.timedelta64(1, "D")
    gone = (days >= 100) & (days < 120) & pc.equal(plain.lines["product_id"], product).to_numpy()
    gone &= plain.lines["amount"].to_numpy() > 0
    assert gone.sum() > 0
    assert shop.lines.num_rows == plain.lines.num_rows - gone.sum()


def test_hunters_buy_at_a_discount_nearly_always() -> None:
    shop = generate_shop("coffee", customers=200, discount_habit=DiscountHabit(hunters=0.3))
    customers = shop.truth.customers
    hunters = customers.filter(pc.equal(customers["discount_habit"], "hunter"))["customer_id"]
    lines = shop.lines.filter(
        pc.and_(pc.is_in(shop.lines["customer_id"], hunters), pc.greater(shop.lines["amount"], 0))
    )
    assert np.mean(lines["discount"].to_numpy() > 0) == pytest.approx(0.9, abs=0.03)
