"""Customer value: by hand where it was observed, against the models themselves where it is expected."""

import datetime as dt
from functools import cache
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from regulars.analytics.backtest import race
from regulars.analytics.clv import fit_mbg_nbd
from regulars.analytics.ltv import HORIZONS_MONTHS, Ltv, ltv
from regulars.analytics.models import counted_customers, fit_models
from regulars.analytics.rhythm import rhythm
from regulars.analytics.rollup import Rollup, roll_up
from regulars.analytics.scores import fit_scores
from regulars.demo.shops import Shop, generate_shop
from tests.analytics.purchase_rows import Row, bought, by_customer, history, records, rolled, visits

WINDOW = 28
FIRST = bought("first of all", 0)


def valued(rollup: Rollup, profile: ir.Table | None = None, **options: Any) -> Ltv:
    models = fit_models(rollup)
    if profile is None:
        profile = rollup.customers.select("customer_id")
    return ltv(rollup, models, rhythm(rollup, models), profile, window_days=WINDOW, **options)


def test_the_historic_mean_is_what_customers_brought_net_of_returns() -> None:
    rows = [
        *visits("ann", 0, 10, amount=300),
        bought("ann", 12, -100),
        *visits("bob", 5, amount=100),
        bought(None, 1, 9),
    ]
    rollup = rolled(rows, as_of=20)
    assert valued(rollup).historic_mean.value == 300
    assert valued(rollup).basis == "revenue"
    of_margin = valued(rollup, margin_share=0.4)
    assert of_margin.historic_mean.value == pytest.approx(120)
    assert of_margin.basis == "margin"


def test_without_a_model_there_is_history_and_no_forecast_and_both_reasons_are_given() -> None:
    found = valued(rolled([FIRST, *visits("ann", 40, 80)], as_of=90))
    assert "needs about 300 customers, there are 2" in found.reason
    assert "needs about 300 of them, there are 1" in found.newcomer_reason
    assert (found.expected, found.expected_total, found.newcomer, found.payback) == (None, None, None, None)
    assert (found.first_days, found.segments, found.holdout) == (None, None, None)
    nothing = {"p_alive": None, "expected_visits_12": None} | {f"expected_value_{h}": None for h in HORIZONS_MONTHS}
    assert by_customer(found.customers) == {"first of all": nothing, "ann": nothing}


def forty_newcomers() -> list[Row]:
    """They spend 100 at once, 50 after 20 days, 30 after 40, and 999 after 95: in the fourth month of life."""
    rows = [FIRST]
    for i in range(40):
        rows += [bought(f"n{i:02}", 30 + life, amount) for life, amount in ((0, 100), (20, 50), (40, 30), (95, 999))]
    return rows


def test_the_observed_payback_adds_up_discounted_complete_months_of_life() -> None:
    # on day 130 they are 100 days old: three months and a part of the fourth, which does not count
    found = valued(rolled(forty_newcomers(), as_of=130))
    curve = {row["month"]: row["observed"] for row in records(found.payback)}
    second = 100 + 50 / 1.1 ** (1 / 12)
    third = second + 30 / 1.1 ** (2 / 12)
    assert [curve[month] for month in range(4)] == [
        100,
        pytest.approx(second),
        pytest.approx(third),
        pytest.approx(third),
    ]
    assert [curve[month] for month in range(4, 37)] == [None] * 33
    assert {row["modelled"] for row in records(found.payback)} == {None}


def test_a_month_that_somebody_has_not_lived_to_its_end_counts_neither_them_nor_their_money() -> None:
    rows = forty_newcomers()
    for i in range(40):
        # a hundred days younger: their fourth month has begun, with a purchase in it, and is not over
        rows += [bought(f"y{i:02}", 130, 60), bought(f"y{i:02}", 225, 5_000)]
    curve = {
        row["month"]: row["observed"] for row in records(valued(rolled(rows, as_of=230), discount_rate=0.0).payback)
    }
    # the older forty spend 100, 50, 30 and 999, the younger 60
    assert [curve[month] for month in range(4)] == [pytest.approx(value) for value in (80, 105, 120, 120)]
    assert curve[4] == pytest.approx(120 + 999)


def test_the_payback_of_a_margin_is_its_share() -> None:
    found = valued(rolled(forty_newcomers(), as_of=130), margin_share=0.5, discount_rate=0.0)
    curve = {row["month"]: row["observed"] for row in records(found.payback)}
    assert [curve[month] for month in range(4)] == [50, 75, 90, 90]


def test_fewer_than_thirty_newcomers_make_no_curve() -> None:
    rows = [row for row in forty_newcomers() if row["customer_id"] < "n29"]
    assert valued(rolled(rows, as_of=130)).payback is None


def segmented() -> tuple[Rollup, ir.Table]:
    """Forty newcomers by the web and thirty by the till, fewer by the app, and one regular of long standing."""
    rows, channels = [FIRST], {"first of all": "till"}
    for channel, number, amount in (("web", 40, 200), ("till", 30, 100), ("app", 29, 50)):
        for i in range(number):
            rows += visits(f"{channel}{i}", 40, 100, amount=amount + i)
            # too late to count among the first 91 days
            rows += visits(f"{channel}{i}", 131, amount=10_000)
            channels[f"{channel}{i}"] = channel
    rollup = rolled(rows, as_of=140)
    names = sorted(channels)
    profile = pa.table(
        {
            "customer_id": names,
            "first_channel": [channels[name] for name in names],
            "none": pa.nulls(len(names), pa.string()),
        }
    )
    return rollup, ibis.memtable(profile)


def test_a_segment_shows_what_its_newcomers_brought_in_their_first_days_with_an_interval() -> None:
    rollup, profile = segmented()
    found = valued(rollup, profile)
    assert found.first_days == 91
    segments = {row["segment"]: row for row in records(found.segments)}
    assert {row["dimension"] for row in segments.values()} == {"first_channel"}
    web = 2 * (200 + np.arange(40.0))
    assert segments["web"]["value_first"] == pytest.approx(web.mean())
    half = 1.96 * web.std(ddof=1) / np.sqrt(40)
    assert (segments["web"]["low"], segments["web"]["high"]) == pytest.approx((web.mean() - half, web.mean() + half))
    assert segments["web"]["historic_mean"] == pytest.approx(web.mean() + 10_000)


def test_a_segment_of_too_few_newcomers_shows_no_first_value_and_old_customers_do_not_help() -> None:
    rollup, profile = segmented()
    segments = {row["segment"]: row for row in records(valued(rollup, profile).segments)}
    assert segments["app"]["customers"] == 29
    assert (segments["app"]["value_first"], segments["app"]["low"], segments["app"]["high"]) == (None, None, None)
    # the first of all bought in the first window of the history
    assert segments["till"]["customers"] == 31
    assert segments["till"]["value_first"] == pytest.approx((2 * (100 + np.arange(30.0))).mean())


def test_of_many_segments_the_fifteen_largest_are_shown_and_ties_go_by_name() -> None:
    rows = [bought(f"c{i}-{k}", 0) for i in range(20) for k in range(2 if i < 14 else 1)]
    rollup = rolled(rows, as_of=10)
    profile = rollup.customers.select("customer_id", city=rollup.customers.customer_id.split("-")[0])
    cities = {row["segment"] for row in records(valued(rollup, profile).segments)}
    # fourteen of two, and of the six of one the first by name
    assert cities == {f"c{i}" for i in range(14)} | {"c14"}


@cache
def shop() -> Shop:
    return generate_shop("coffee", customers=800, visits_per_year=18.0, passing_share=0.1)


@cache
def of_shop() -> tuple[Rollup, Ltv, Any, Any]:
    rollup = roll_up(history(shop().lines, currency="USD"), as_of=shop().truth.end)
    models = fit_models(rollup)
    own = rhythm(rollup, models)
    pasts = race(rollup, fit_scores(models.counted), window_days=WINDOW).pasts
    profile = rollup.customers.select("customer_id")
    return rollup, ltv(rollup, models, own, profile, window_days=WINDOW, pasts=pasts), models, own


def test_a_customers_value_is_the_expected_visits_of_each_year_at_its_middle_times_the_own_check() -> None:
    rollup, found, models, own = of_shop()
    values, known = by_customer(found.customers), by_customer(rollup.customers)
    assert len(values) == 800
    for customer in list(values)[::40]:
        row = known[customer]
        tuple_ = (row["visits"] - 1, row["last_purchase_age_days"] / 7, row["age_days"] / 7)
        one, two, three = (models.visits.expected_purchases_given(*tuple_, years * 365.25 / 7) for years in (1, 2, 3))
        weight = own.check_weight
        check = (row["amount"] + weight * own.mean_check) / (row["visits"] + weight)
        worth = [one / 1.1**0.5, (two - one) / 1.1**1.5, (three - two) / 1.1**2.5]
        assert values[customer]["expected_visits_12"] == pytest.approx(float(one))
        assert values[customer]["p_alive"] == pytest.approx(float(models.visits.p_alive(*tuple_)))
        for horizon, value in zip(HORIZONS_MONTHS, np.cumsum(worth), strict=True):
            assert values[customer][f"expected_value_{horizon}"] == pytest.approx(value * check, abs=0.51)


def test_totals_and_means_are_those_of_the_customers() -> None:
    _rollup, found, _models, _own = of_shop()
    values = by_customer(found.customers).values()
    for horizon in HORIZONS_MONTHS:
        amounts = [row[f"expected_value_{horizon}"] for row in values]
        assert found.expected_total[horizon] == sum(amounts)
        assert found.expected[horizon].value == pytest.approx(np.mean(amounts))
        assert found.expected[horizon].low < found.expected[horizon].value < found.expected[horizon].high
    assert found.expected_total[12] < found.expected_total[24] < found.expected_total[36]


def newcomers_of_shop() -> ir.Table:
    rollup = of_shop()[0]
    return rollup.customers.filter(rollup.customers.first_on >= rollup.first_day + dt.timedelta(days=WINDOW))


def test_a_newcomer_is_worth_the_first_purchase_and_the_expected_repeats_of_a_newcomer() -> None:
    _rollup, found, _models, _own = of_shop()
    newcomers = newcomers_of_shop()
    model = fit_mbg_nbd(counted_customers(newcomers))
    one, two = (float(model.expected_purchases(years * 365.25 / 7)) for years in (1, 2))
    sums = newcomers.aggregate(amount=newcomers.amount.sum(), visits=newcomers.visits.sum()).to_pyarrow().to_pylist()[0]
    check = sums["amount"] / sums["visits"]
    assert found.newcomer[12].value == pytest.approx(check * (1 + one / 1.1**0.5), rel=1e-6)
    assert found.newcomer[24].value == pytest.approx(check * (1 + one / 1.1**0.5 + (two - one) / 1.1**1.5), rel=1e-6)
    assert found.newcomer_reason is None


def test_the_modelled_payback_begins_with_the_first_check_and_rises() -> None:
    _rollup, found, _models, _own = of_shop()
    curve = {row["month"]: row for row in records(found.payback)}
    newcomers = newcomers_of_shop()
    sums = newcomers.aggregate(amount=newcomers.amount.sum(), visits=newcomers.visits.sum()).to_pyarrow().to_pylist()[0]
    assert curve[0]["modelled"] == pytest.approx(sums["amount"] / sums["visits"])
    modelled = [curve[month]["modelled"] for month in range(37)]
    assert (np.diff(modelled) > 0).all()
    assert modelled[36] == pytest.approx(found.newcomer[36].value, rel=0.02)


def test_the_model_of_newcomers_agrees_with_what_they_were_seen_to_bring() -> None:
    _rollup, found, _models, _own = of_shop()
    curve = {row["month"]: row for row in records(found.payback)}
    assert curve[12]["modelled"] == pytest.approx(curve[12]["observed"], rel=0.1)


def test_regulars_of_long_standing_do_not_make_newcomers_dearer() -> None:
    _rollup, found, _models, _own = of_shop()
    start = shop().plan.start
    loyal = [
        {
            "customer_id": f"loyal{i}",
            "purchased_at": dt.datetime.combine(start + dt.timedelta(days=on), dt.time(9)),
            "amount": 90_000,
        }
        for i in range(40)
        for on in range(i % 7, shop().plan.days, 7)
    ]
    lines = shop().lines.select(["customer_id", "purchased_at", "amount"])
    both = pa.concat_tables([lines, pa.Table.from_pylist(loyal, lines.schema)])
    rollup = roll_up(history(both, currency="USD"), as_of=shop().truth.end)
    with_loyal = valued(rollup)
    assert with_loyal.newcomer[12].value == pytest.approx(found.newcomer[12].value, rel=1e-9)
    assert with_loyal.historic_mean.value > 3 * found.historic_mean.value


def test_the_holdout_compares_what_was_expected_one_window_ago_with_what_came() -> None:
    _rollup, found, _models, _own = of_shop()
    origin = shop().truth.end - dt.timedelta(days=WINDOW)
    known = pc.less(
        shop().lines["purchased_at"], pa.scalar(dt.datetime.combine(origin + dt.timedelta(days=1), dt.time()))
    )
    then = roll_up(history(shop().lines.filter(known), currency="USD"), as_of=origin)
    model = fit_mbg_nbd(counted_customers(then.customers))
    rows = by_customer(then.customers).values()
    expected = model.expected_purchases_given(
        [row["visits"] - 1 for row in rows],
        [row["last_purchase_age_days"] / 7 for row in rows],
        [row["age_days"] / 7 for row in rows],
        WINDOW / 7,
    )
    assert found.holdout.customers == len(rows)
    assert found.holdout.predicted == pytest.approx(float(expected.sum()), rel=1e-6)
    after = shop().lines.filter(pc.and_(pc.invert(known), pc.greater(shop().lines["amount"], 0))).to_pylist()
    names = set(by_customer(then.customers))
    assert found.holdout.actual == len(
        {(r["customer_id"], r["purchased_at"].date()) for r in after if r["customer_id"] in names}
    )


def test_money_is_discounted_at_the_rate_that_is_given() -> None:
    rollup, found, _models, _own = of_shop()
    plain = valued(rollup, discount_rate=0.0)
    assert found.expected_total[12] == pytest.approx(plain.expected_total[12] / 1.1**0.5, rel=1e-3)
    assert plain.newcomer[36].value > found.newcomer[36].value
