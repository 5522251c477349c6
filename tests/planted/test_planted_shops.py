"""What was planted in synthetic shops is found again, and nothing is found where nothing was planted.

Bands come from campaigns over nine seeds of each shop and leave room for about three standard deviations; where a
figure is known to be biased, its band says so.
"""

import datetime as dt

import numpy as np
import pytest
from scipy.stats import binom

from regulars.demo.shops import Change, LostCohort
from tests.planted.observed import Observed, a_window_before_the_end, at_the_end

# customers of coffee bars, groceries and wholesalers leave after a visit; those of the clinic at any time
LEAVING = ("coffee", "grocery", "clinic", "wholesale")
TESTED_WITH_MODELS = ("coffee", "grocery", "clinic")

HALF_YEAR = dt.date(2025, 7, 1)
NEW_YEAR = dt.date(2025, 1, 1)


# --- who is gone ---


@pytest.mark.parametrize(
    ("preset", "precision", "recall"),
    # a customer of the clinic comes three times a year: whoever left in the last months cannot be known
    [("coffee", 0.96, 0.90), ("grocery", 0.94, 0.87), ("clinic", 0.85, 0.75), ("wholesale", 0.85, 0.72)],
)
def test_the_lost_have_left_and_those_who_left_are_lost(preset: str, precision: float, recall: float) -> None:
    shop = at_the_end(preset)
    both = (shop.called_lost & shop.has_left).sum()
    assert both / shop.called_lost.sum() >= precision
    assert both / shop.has_left.sum() >= recall


@pytest.mark.parametrize("preset", LEAVING)
def test_who_left_longer_than_a_window_ago_is_lost_almost_surely(preset: str) -> None:
    shop = at_the_end(preset)
    long_ago = shop.customers["left_on"].astype("datetime64[D]") < np.datetime64(shop.as_of) - shop.window_days
    assert (shop.called_lost & long_ago).sum() / long_ago.sum() >= 0.96


@pytest.mark.parametrize("preset", LEAVING)
def test_few_who_are_still_there_are_called_lost(preset: str) -> None:
    shop = at_the_end(preset)
    still_there = ~shop.has_left
    assert (shop.called_lost & still_there).sum() / still_there.sum() <= (0.13 if preset == "clinic" else 0.06)


@pytest.mark.parametrize("preset", TESTED_WITH_MODELS)
def test_the_standing_is_the_chance_to_be_still_there(preset: str) -> None:
    shop = at_the_end(preset)
    standing = shop.customers["standing"].astype(float)
    bins = np.digitize(standing, [0.1, 0.3, 0.5, 0.75, 0.95])
    for number in np.unique(bins):
        mine = bins == number
        there = (~shop.has_left)[mine]
        # three standard errors, and five points for the model
        slack = 3 * np.sqrt(0.25 / mine.sum()) + 0.05
        assert there.mean() == pytest.approx(standing[mine].mean(), abs=slack)


@pytest.mark.parametrize("preset", ["coffee", "grocery"])
def test_the_slipping_are_a_coin_toss_between_the_two(preset: str) -> None:
    shop = at_the_end(preset)
    slipping = shop.customers["state"] == "slipping"
    # a standing of one half to three quarters; few are there at a time
    assert binom.sf((shop.has_left & slipping).sum() - 1, slipping.sum(), 0.5) > 1e-3
    assert binom.cdf((shop.has_left & slipping).sum(), slipping.sum(), 0.25) > 1e-3


@pytest.mark.parametrize("preset", TESTED_WITH_MODELS)
def test_a_leaving_customer_is_slipping_before_being_lost_and_in_time(preset: str) -> None:
    shop = at_the_end(preset)
    rate = np.median(shop.customers["rate"][~shop.customers["passing"]])
    days = np.arange(0.0, 731.0)
    # somebody of the median rate after half a year
    visits, age = np.full(days.size, np.round(rate * 183)), np.full(days.size, 183.0)
    silence = shop.judge.standing(visits, age, age + days)["silence"]
    slipping, lost = (np.argmax(silence >= degree) for degree in (1, 2))
    assert 1 < slipping * rate < lost * rate < 8
    assert lost - slipping >= 3


# --- promises about the future, against what the generator makes happen ---


@pytest.mark.parametrize("preset", LEAVING)
def test_no_more_of_the_lost_come_back_than_the_false_alarms_promise(preset: str) -> None:
    shop = a_window_before_the_end(preset)
    promised, lost = shop.lifecycle.false_alarms, shop.called_lost
    back = shop.comes_in_the_next_window[lost].sum()
    assert binom.sf(back - 1, lost.sum(), promised.high) > 0.005
    # and the promise errs on the safe side by a few points only, as far as so many people can tell
    assert promised.value <= back / lost.sum() + 0.06 + 0.5 / np.sqrt(lost.sum())


@pytest.mark.parametrize("preset", LEAVING)
def test_as_many_come_back_as_the_chances_add_up_to(preset: str) -> None:
    shop = a_window_before_the_end(preset)
    chances = shop.customers["return_chance"].astype(float)
    expected, came = chances.sum(), shop.comes_in_the_next_window.sum()
    spread = np.sqrt((chances * (1 - chances)).sum())
    assert came == pytest.approx(expected, abs=4 * spread + 0.05 * expected)


@pytest.mark.parametrize("preset", LEAVING)
def test_who_has_just_visited_comes_back_as_often_as_the_fresh_chance_says(preset: str) -> None:
    shop = a_window_before_the_end(preset)
    just = (shop.customers["visits"] > 1) & (shop.customers["recency_days"] <= shop.window_days / 8)
    assert shop.comes_in_the_next_window[just].mean() == pytest.approx(shop.lifecycle.fresh_chance, abs=0.07)


@pytest.mark.parametrize(("preset", "within"), [("coffee", 0.12), ("grocery", 0.12), ("clinic", 0.20)])
def test_as_many_visits_come_as_were_expected(preset: str, within: float) -> None:
    # customers of the clinic leave at any time, which MBG/NBD does not know: it expects a tenth too many
    holdout = at_the_end(preset).ltv.holdout
    assert holdout.predicted == pytest.approx(holdout.actual, rel=within)


# --- money ---


def missed_against_truth(shop: Observed) -> float:
    """The money of the lost against what the same people would really have spent."""
    return sum(shop.missed.values()) / sum(shop.truly_missed[customer] for customer in shop.missed)


@pytest.mark.parametrize(
    ("preset", "low", "high"),
    [
        ("coffee", 0.85, 1.10),
        ("grocery", 0.82, 1.10),
        # who leaves some time after the last visit was still content for a while: a fifth too much
        ("clinic", 1.05, 1.40),
        # a few dozen people, and no model to learn their rates by
        ("wholesale", 0.65, 1.25),
    ],
)
def test_the_lost_are_said_to_miss_what_they_would_have_spent(preset: str, low: float, high: float) -> None:
    assert low <= missed_against_truth(at_the_end(preset)) <= high


@pytest.mark.parametrize("preset", ["coffee", "grocery", "wholesale"])
def test_the_true_money_of_the_lost_is_inside_the_interval(preset: str) -> None:
    shop = at_the_end(preset)
    money = shop.lost_last_year.parts["lost"].money
    assert money.low <= sum(shop.truly_missed[customer] for customer in shop.missed) <= money.high


@pytest.mark.parametrize("preset", ["coffee", "grocery"])
def test_the_money_of_the_lost_covers_those_who_left_in_the_year_and_a_little_more(preset: str) -> None:
    shop = at_the_end(preset)
    left = shop.customers["left_on"].astype("datetime64[D]")
    in_the_year = left > np.datetime64(shop.as_of) - 365
    truth = sum(shop.truly_missed[customer] for customer in shop.customers["customer_id"][in_the_year])
    # more: whoever had just left when the year began was not known to be lost yet
    assert 0.85 <= shop.lost_last_year.parts["lost"].money.value / truth <= 1.35


@pytest.mark.parametrize("preset", ["coffee", "grocery", "wholesale"])
def test_where_nobody_came_less_nobody_is_shrunken_in_money(preset: str) -> None:
    shop = at_the_end(preset)
    revenue = sum(state.amount_year for state in shop.lifecycle.states.values())
    assert shop.lost_last_year.parts["shrunken"].money.value <= 0.01 * revenue


def test_a_planted_loss_of_regulars_is_found_person_by_person_and_in_money() -> None:
    shop = at_the_end("steady", lost_cohort=LostCohort(HALF_YEAR, 0.4))
    planted = shop.customers["planted"]
    assert planted.sum() == pytest.approx(200, abs=5)
    assert (shop.called_lost & planted).sum() / planted.sum() >= 0.97
    assert (shop.called_lost & planted).sum() / shop.called_lost.sum() >= 0.94
    truth = shop.shop.truth.missed_last_year
    money = shop.lost_last_year.parts["lost"].money
    assert money.value == pytest.approx(truth, rel=0.12)
    assert money.low <= truth <= money.high


def test_a_planted_fall_of_visits_is_seen_as_shrunken_and_not_overstated() -> None:
    shop = at_the_end("steady", frequency_change=Change(NEW_YEAR, 0.5))
    true = shop.shop.truth.customers
    half_of_the_year = (true["rate"].to_numpy() * true["mean_check"].to_numpy()).sum() * 365 * 0.5
    part = shop.lost_last_year.parts["shrunken"]
    assert part.customers >= 150
    # a fall that chance could explain is not counted, so a part stays unseen
    assert 0.35 * half_of_the_year <= part.money.value <= half_of_the_year


# --- newcomers ---


@pytest.mark.parametrize(("preset", "most_still_to_come"), [("coffee", 0.05), ("grocery", 0.06), ("clinic", 0.12)])
def test_the_share_of_newcomers_who_never_return_is_the_true_one_and_a_few_who_are_only_slow(
    preset: str, most_still_to_come: float
) -> None:
    shop = at_the_end(preset)
    first = shop.customers["first_on"].astype("datetime64[D]")
    seen_after = np.datetime64(shop.rollup.first_day) + shop.window_days
    mine = (first >= seen_after) & (shop.customers["age_days"] >= shop.window_days)
    never = mine & (shop.customers["visits"] == 1) & shop.has_left
    assert mine.sum() == shop.newcomers.customers
    assert 0 <= shop.newcomers.share.value - never.sum() / mine.sum() <= most_still_to_come
    assert shop.newcomers.share.value == pytest.approx(shop.shop.truth.never_return_share, abs=0.07)


@pytest.mark.parametrize(("preset", "best"), [("coffee", "Recommendation"), ("clinic", "Recommendation")])
def test_the_channel_that_brings_twice_the_money_is_seen_to(preset: str, best: str) -> None:
    shop = at_the_end(preset)
    worth = shop.shop.truth.channel_worth
    assert worth[best] == 2 and sorted(worth.values()) == [1, 1, 2]
    segments = {row["segment"]: row for row in shop.ltv.segments.to_pyarrow().to_pylist()}
    others = [row for name, row in segments.items() if name != best]
    assert all(segments[best]["low"] > row["high"] for row in others)
    mean = np.average([row["value_first"] for row in others], weights=[row["customers"] for row in others])
    assert segments[best]["value_first"] / mean == pytest.approx(2, abs=0.45)
    forecast = np.average([row["expected_12"] for row in others], weights=[row["customers"] for row in others])
    assert segments[best]["expected_12"] / forecast == pytest.approx(2, abs=0.6)


@pytest.mark.parametrize("preset", ["coffee", "grocery", "clinic"])
def test_the_forecast_of_a_newcomers_year_is_what_newcomers_brought_in_theirs(preset: str) -> None:
    curve = {row["month"]: row for row in at_the_end(preset).ltv.payback.to_pyarrow().to_pylist()}
    assert curve[12]["modelled"] == pytest.approx(curve[12]["observed"], rel=0.15)


# --- a shop that nobody leaves ---


def test_in_a_shop_that_nobody_leaves_nearly_nobody_is_lost_or_slipping_and_nothing_is_missed() -> None:
    shop = at_the_end("steady")
    assert not shop.has_left.any()
    assert shop.called_lost.mean() <= 0.005
    assert (shop.customers["state"] == "slipping").mean() <= 0.03
    revenue = sum(state.amount_year for state in shop.lifecycle.states.values())
    assert shop.lost_last_year.money.value <= 0.001 * revenue


def test_in_a_shop_that_nobody_leaves_the_model_of_leaving_refuses() -> None:
    shop = at_the_end("steady")
    assert "no sign of leaving" in shop.models.reasons["mbg_nbd"]
    assert shop.ltv.expected is None and shop.ltv.reason == shop.models.reasons["mbg_nbd"]


# --- the long campaign ---

SEEDS = range(1, 9)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "low", "high"),
    [("coffee", 0.92, 1.03), ("grocery", 0.90, 1.03), ("clinic", 1.10, 1.30), ("wholesale", 0.75, 1.05)],
)
def test_over_many_shops_the_money_of_the_lost_has_this_bias_and_its_interval_covers(
    preset: str, low: float, high: float
) -> None:
    shops = [at_the_end(preset, seed) for seed in SEEDS]
    assert low <= np.mean([missed_against_truth(shop) for shop in shops]) <= high
    covered = 0
    for shop in shops:
        money = shop.lost_last_year.parts["lost"].money
        covered += money.low <= sum(shop.truly_missed[customer] for customer in shop.missed) <= money.high
    # the interval is that of other customers; for the same ones it is wide, but it does not know the model's bias
    assert covered >= (len(SEEDS) // 2 if preset == "clinic" else len(SEEDS) - 1)


@pytest.mark.slow
@pytest.mark.parametrize("preset", LEAVING)
def test_over_many_shops_false_alarms_are_promised_honestly(preset: str) -> None:
    shops = [a_window_before_the_end(preset, seed) for seed in SEEDS]
    back = sum(shop.comes_in_the_next_window[shop.called_lost].sum() for shop in shops)
    lost = sum(shop.called_lost.sum() for shop in shops)
    promised = np.mean([shop.lifecycle.false_alarms.value for shop in shops])
    # three standard errors of what happened
    noise = 3 * np.sqrt(back / lost * (1 - back / lost) / lost)
    assert promised >= back / lost - noise - 0.01
    assert promised <= back / lost + noise + 0.05


@pytest.mark.slow
@pytest.mark.parametrize("preset", LEAVING)
def test_over_many_shops_the_lost_have_left(preset: str) -> None:
    shops = [at_the_end(preset, seed) for seed in SEEDS]
    precision = [(shop.called_lost & shop.has_left).sum() / shop.called_lost.sum() for shop in shops]
    recall = [(shop.called_lost & shop.has_left).sum() / shop.has_left.sum() for shop in shops]
    assert np.mean(precision) >= {"clinic": 0.88, "wholesale": 0.92}.get(preset, 0.96)
    assert np.mean(recall) >= {"clinic": 0.78, "wholesale": 0.79}.get(preset, 0.90)
