"""Weekly demand: the series, the forecasts and their test, by hand where that can be done."""

from itertools import pairwise

import numpy as np
import pytest

from regulars.analytics.demand import Demand, demand
from regulars.analytics.findings import Ground
from regulars.analytics.forecasting import METHODS, SEASON, forecast
from regulars.analytics.rhythm import Rhythm
from regulars.core.errors import NotEnoughData
from tests.analytics.purchase_rows import Row, bought, day, records, rolled

WEEKS = 60


def told(rows: list[Row], *, weeks: int = WEEKS) -> Demand:
    rollup = rolled(rows, as_of=7 * weeks - 1)
    values = rollup.customers.select("customer_id")
    return demand(Ground(rollup, 14, None, Rhythm(1, 1, 1, 1), values, None))  # type: ignore[arg-type]


def weekly(units: list[float], **columns: object) -> list[Row]:
    """One line in the middle of each week, for so many units at 100 each."""
    return [
        bought("anna", 7 * week + 3, round(100 * n), quantity=float(n), **columns) for week, n in enumerate(units) if n
    ]


def row_of(found: Demand, kind: str, product: str | None = None) -> dict[str, object]:
    return next(
        row
        for row in records(found.forecasts)
        if row["kind"] == kind and (product is None or row["product_id"] == product)
    )


def test_steady_demand_is_forecast_exactly_and_without_doubt() -> None:
    found = told(weekly([5.0] * WEEKS, product_id="p1", product="Tea"))
    row = row_of(found, "product", "p1")
    assert (row["product"], row["last"], row["forecast"]) == ("Tea", 20, pytest.approx(20))
    assert (row["low"], row["high"], row["enough"]) == (pytest.approx(20), pytest.approx(20), pytest.approx(20))
    # it never moved: nothing to measure errors by
    assert row["mase"] is None
    assert row["amount_year"] == 52 * 500


def test_returns_and_the_unfinished_first_week_are_no_demand() -> None:
    rows = weekly([5.0] * WEEKS, product_id="p1")
    rows += [bought("anna", 7 * WEEKS - 2, -300, quantity=-3.0, product_id="p1")]
    rollup = rolled([bought("anna", 0, 900, quantity=9.0, product_id="p1"), *rows], as_of=7 * WEEKS + 1)
    values = rollup.customers.select("customer_id")
    found = demand(Ground(rollup, 14, None, Rhythm(1, 1, 1, 1), values, None))  # type: ignore[arg-type]
    assert found.weeks == WEEKS
    # the weeks end with the day of the audit: the last line of five is three days from it
    assert (row_of(found, "product", "p1")["last"], row_of(found, "all")["last"]) == (20, 2_000)


def test_without_quantity_positions_are_counted() -> None:
    rows = [bought("anna", 7 * week + day, product_id="p1") for week in range(WEEKS) for day in (1, 2, 3)]
    found = told(rows)
    assert found.counts_positions
    assert row_of(found, "product", "p1")["last"] == 12


def test_without_products_and_stores_there_is_one_series() -> None:
    found = told(weekly([1.0, 2.0] * (WEEKS // 2)))
    assert [row["kind"] for row in records(found.forecasts)] == ["all"]
    assert found.not_watched


def test_the_parts_add_up_to_the_whole_in_the_last_weeks() -> None:
    rng = np.random.default_rng(0)
    rows = [
        row
        for n in range(8)
        for row in weekly(rng.integers(0, 9, WEEKS).astype(float).tolist(), product_id=f"p{n}", store=("A", "B")[n % 2])
    ]
    found = records(told(rows).forecasts)
    last = {kind: sum(row["last"] for row in found if row["kind"] == kind) for kind in ("all", "product", "store")}
    # pieces of one product, money (100 each) of different ones
    assert last["all"] == 100 * last["product"] == last["store"] > 0


def test_goods_in_small_units_do_not_drown_the_others_in_the_whole() -> None:
    rows = [bought("anna", 7 * week + 3, 100, quantity=5_000.0, product_id="fuel") for week in range(WEEKS)]
    rows += [bought("anna", 7 * week + 3, 900, quantity=1.0, product_id="bread") for week in range(WEEKS)]
    found = told(rows)
    whole = row_of(found, "all")
    assert (whole["measure"], whole["forecast"]) == ("amount", pytest.approx(4 * 1_000))
    fuel = row_of(found, "product", "fuel")
    assert (fuel["measure"], fuel["forecast"]) == ("units", pytest.approx(4 * 5_000))


def test_the_past_is_told_by_four_weeks_up_to_the_day_of_the_audit() -> None:
    # the first week is not whole, and the three after it make no four
    past = records(told(weekly([1.0] * 8 + [2.0] * 52, product_id="p1")).past)
    assert [row["amount"] for row in past] == [400, *[800] * 13]
    assert past[-1]["ends_on"] == day(7 * WEEKS - 1)
    lengths = [(row["ends_on"] - row["starts_on"]).days for row in past]  # type: ignore[operator]
    assert set(lengths) == {27}
    assert all(
        (late["starts_on"] - early["ends_on"]).days == 1  # type: ignore[operator]
        for early, late in pairwise(past)
    )


def test_the_interval_holds_the_forecast() -> None:
    rng = np.random.default_rng(0)
    found = told(weekly(rng.poisson(20, WEEKS).astype(float).tolist(), product_id="p1"))
    row = row_of(found, "product", "p1")
    low, expected, enough, high = (float(row[name]) for name in ("low", "forecast", "enough", "high"))  # type: ignore[arg-type]
    assert 0 <= low < expected < enough <= high


def test_row_order_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    rows = weekly((rng.poisson(3, WEEKS) / 3).tolist(), product_id="p1")
    rows += weekly((rng.poisson(9, WEEKS) / 7).tolist(), product_id="p2")
    assert records(told(rows).forecasts) == records(told(rows[::-1]).forecasts)


def test_a_short_history_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="42 weeks on"):
        told(weekly([5.0] * 41), weeks=41)


def test_a_year_is_too_short_to_tell_a_shift_from_a_season() -> None:
    found = told(weekly([5.0] * WEEKS, product_id="p1"))
    assert found.not_watched is not None
    assert "104 weeks" in found.not_watched
    assert found.comparisons == ()


# --- the methods ---


def run(*rows: list[float]) -> tuple[list[str], list[float]]:
    series = np.array(rows, dtype=float)
    found = forecast(series, (series > 0).argmax(axis=1))
    return [METHODS[n] for n in found.method], found.total.tolist()


def test_a_pattern_of_the_year_is_repeated_by_the_seasonal_naive_forecast() -> None:
    year = np.random.default_rng(0).permutation(SEASON) * 10.0 + 1
    series = np.tile(year, 3)
    method, total = run(series.tolist())
    assert method == ["seasonal_naive"]
    assert total == [year[:4].sum()]


def test_a_straight_climb_is_followed_by_holt() -> None:
    method, total = run([10.0 + 2 * week for week in range(80)])
    assert method == ["holt_damped"]
    assert total[0] > 4 * (10 + 2 * 79)


def test_croston_of_a_sale_of_six_every_third_week() -> None:
    from regulars.analytics.forecasting import _best_of, _intermittent

    series = np.array([[6.0, 0, 0] * 20])
    made = _best_of(_intermittent(series, np.zeros(1, dtype=np.int64), croston=True), 60)[0]
    # two a week, less the correction of Syntetos & Boylan by the quickest of the three rates
    assert made[0] == pytest.approx(2 * (1 - 0.2 / 2), rel=0.02)


def test_tsb_forgets_a_product_that_is_sold_no_more() -> None:
    from regulars.analytics.forecasting import _best_of, _intermittent

    series = np.array([[4.0] * 40 + [0.0] * 40])
    made = _best_of(_intermittent(series, np.zeros(1, dtype=np.int64), croston=False), 80)[0]
    assert made[0] < 0.2


def test_mase_is_that_of_hyndman_and_koehler_by_hand() -> None:
    # 46 weeks: five origins, the last three judge. Every method forecasts the ten of all years but the last one week
    series = np.full((1, 46), 10.0)
    series[0, 5] = 14.0  # the only moves before the judged weeks: up 4 and down 4 in 33 steps
    series[0, -1] = 16.0
    found = forecast(series, np.zeros(1, dtype=np.int64))
    origins = [46 - 4 * k for k in (5, 4, 3, 2, 1)]
    assert found.origins == 5
    scale = 8 / (origins[2] - 1)
    # twelve judged weeks, one of them missed by 6
    assert found.naive_mase[0] == pytest.approx(6 / 12 / scale)


def test_limits_of_money_do_not_depend_on_how_pieces_err() -> None:
    """Pieces are a hundred thousand times smaller numbers than money: their errors say nothing of its size."""
    rng = np.random.default_rng(4)
    units = rng.poisson(30, WEEKS).astype(float).tolist()
    alone = row_of(told(weekly(units)), "all")
    found = told(weekly(units, product_id="p1", store="A"))
    beside = row_of(found, "all")
    assert (beside["low"], beside["high"]) == (pytest.approx(alone["low"]), pytest.approx(alone["high"]))
    assert found.coverage is not None
