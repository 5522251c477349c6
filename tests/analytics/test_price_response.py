"""The answer of demand on numbers with a known answer."""

import numpy as np
import pytest

from regulars.analytics.price_response import PriceResponse, elsewhere, on_offer, poisson_fit, price_response
from regulars.core.errors import NotEnoughData
from tests.analytics.grounds import light_ground
from tests.analytics.purchase_rows import Row, bought, records, rolled

WEEKS = 60


def shop(*, lift: int = 3, cost: int | None = None) -> list[Row]:
    """Five a day buy bread, and milk; in every sixth week milk is a fifth off and sells `lift` fold."""
    rows: list[Row] = []
    for day in range(WEEKS * 7):
        offer = day // 7 % 6 == 0
        costs = {} if cost is None else {"cost": cost}
        for number in range(5):
            who = f"c{(day + number) % 50}"
            rows.append(bought(who, day, 500, discount=0, quantity=1.0, product="bread", **costs))
            units = (lift if offer else 1) + (day + number) % 2
            price = 800 if offer else 1_000
            rows.append(
                bought(who, day, price * units, discount=(1_000 - price) * units, quantity=float(units), product="milk",
                       **{name: value * units for name, value in costs.items()})
            )  # fmt: skip
    return rows


def found(rows: list[Row], *, margin: float | None = None) -> PriceResponse:
    return price_response(light_ground(rolled(rows, as_of=WEEKS * 7 - 1), margin_share=margin))


def test_the_lift_of_offers_and_the_break_even_are_what_a_hand_counts() -> None:
    result = found(shop(), margin=0.5)
    (row,) = records(result.products)
    assert (row["product"], row["weeks"], row["weeks_on_offer"]) == ("milk", WEEKS, 10)
    # 3.5 units against 1.5 on average
    assert row["lift"] == pytest.approx(3.5 / 1.5 - 1, rel=0.02)
    assert row["depth"] == pytest.approx(0.2)
    assert row["break_even"] == pytest.approx(0.2 / (0.5 - 0.2))
    assert row["needed_margin"] == pytest.approx(0.2 * (1 + row["lift"]) / row["lift"])
    (finding,) = result.findings
    assert finding.kind == "offer:earns"
    assert finding.evidence.strength == "assumed"  # the margin is of the whole business


def test_an_offer_that_eats_the_margin_loses() -> None:
    (finding,) = found(shop(cost=850)).findings
    assert finding.kind == "offer:loses"
    assert finding.about["break_even"] is None
    assert finding.money is not None
    assert 0 < finding.money.low <= finding.money.value <= finding.money.high
    assert finding.evidence.strength == "strong"


def test_without_a_margin_no_offer_is_judged() -> None:
    result = found(shop())
    assert not result.findings
    assert result.comparisons[1].reported == 1


def test_equal_rows_in_another_order_give_equal_answers() -> None:
    rows = shop()
    assert records(found(rows).products) == records(found(rows[::-1]).products)


def test_a_poisson_fit_of_a_known_line() -> None:
    design = np.column_stack([np.ones(200), np.linspace(-1, 1, 200)])
    fit = poisson_fit(design, np.exp(design @ np.array([0.5, -1.2])))
    assert fit is not None
    assert fit[0] == pytest.approx([0.5, -1.2])


def test_discounts_that_chance_put_together_are_no_offer() -> None:
    lines = np.full(52, 2)
    assert not on_offer(np.where(np.arange(52) % 9 == 0, 1, 0), lines, 0.1).any()
    cut = np.where(np.arange(52) % 9 == 0, 20, 2)
    assert on_offer(cut, np.full(52, 20), 0.1).sum() == 6


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([bought("anna", 0)], "needs columns with the product and the quantity"),
        ([bought("anna", 419, product="milk", quantity=1.0)], "needs 40 weeks of history; there are 0"),
    ],
)
def test_what_is_missing_is_said(rows: list[Row], message: str) -> None:
    with pytest.raises(NotEnoughData, match=message):
        found(rows)


def test_weeks_in_which_nothing_is_sold_steadily_are_no_weeks_to_compare() -> None:
    # one day in a year, and gifts only: nothing has a price
    for rows in (
        [bought("a", 0, 500, quantity=1.0, product="m")],
        [bought("a", d, 0, quantity=1.0, product="m") for d in (0, 9)],
    ):
        with pytest.raises(NotEnoughData, match="No product was sold in 40 weeks"):
            found(rows)


def test_a_quantity_that_is_no_number_is_no_sale() -> None:
    rows = shop()
    odd = [
        {**bought("x", day, 500, discount=0, product="milk"), "quantity": value}
        for day, value in enumerate([float("nan"), float("inf"), -1.0, 0.0])
    ]
    assert records(found([*rows, *odd]).products) == records(found(rows).products)


def test_what_prices_of_other_weeks_seem_to_do_widens_the_errors() -> None:
    # slow waves of sales and of prices that know nothing of each other
    rng = np.random.default_rng(0)
    deviates = []
    for _product in range(60):
        wave = np.convolve(rng.standard_normal((2, 70)).ravel(), np.ones(8) / 8, "same").reshape(2, 70)[:, 5:-5]
        y, x = np.exp(wave[0]), wave[1]
        design = np.column_stack([np.ones(60), np.linspace(-1, 1, 60), x - x.mean()])
        fit = poisson_fit(design, y)
        assert fit is not None
        deviates.append((fit[0][2] / fit[1][2], elsewhere(design, y, fit[0], 2)))
    own, others = np.array([one for one, _elsewhere in deviates]), np.concatenate([two for _one, two in deviates])
    assert np.std(own) > 1.3
    assert np.std(others) == pytest.approx(np.std(own), rel=0.35)
