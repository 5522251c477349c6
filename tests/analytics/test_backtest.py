"""The race of the scores: what it refuses, whom it crowns, and that its judgement is fair."""

import datetime as dt
import random
from collections import defaultdict
from functools import cache

import numpy as np
import pytest

from regulars.analytics.backtest import Race, _fair_standings, counted_of, race, standing
from regulars.analytics.calibration import calibrate
from regulars.analytics.models import counted_customers
from regulars.analytics.rollup import Rollup
from regulars.analytics.scores import SCORES, Scores, fit_scores
from regulars.analytics.snapshot import Past, snapshot
from regulars.core.errors import NotEnoughData
from regulars.demo.shops import Shop, generate_shop
from tests.analytics.purchase_rows import Row, bought, day, rolled, visits
from tests.analytics.test_auc import area

WINDOW = 70


@cache
def shop() -> Shop:
    return generate_shop("grocery", customers=480, visits_per_year=20.0, anonymous_share=0.0)


def raced(rollup: Rollup, *, window_days: int) -> Race:
    return race(rollup, fit_scores(counted_customers(rollup.customers)), window_days=window_days)


@cache
def found() -> Race:
    return raced(rolled(shop().lines, as_of=shop().plan.days - 1), window_days=WINDOW)


@cache
def days_of_visits() -> dict[str, list[dt.date]]:
    days = defaultdict(set)
    for row in shop().lines.to_pylist():
        if row["amount"] > 0:
            days[row["customer_id"]].add(row["purchased_at"].date())
    return {customer: sorted(mine) for customer, mine in days.items()}


def test_it_looks_back_from_four_evenings_one_window_apart() -> None:
    end = shop().truth.end
    assert [past.at for past in found().pasts] == [end - dt.timedelta(days=WINDOW * step) for step in (1, 2, 3, 4)]


def test_each_evening_knows_the_customers_of_then_and_the_window_tells_who_came_back() -> None:
    for past in found().pasts:
        known = {c: [on for on in days if on <= past.at] for c, days in sorted(days_of_visits().items())}
        known = {customer: days for customer, days in known.items() if days}
        assert past.frequency.tolist() == [len(days) - 1 for days in known.values()]
        assert past.recency.tolist() == [(past.at - days[-1]).days for days in known.values()]
        ends = past.at + dt.timedelta(days=WINDOW)
        after = [sum(past.at < on <= ends for on in days_of_visits()[customer]) for customer in known]
        assert past.visits_after.tolist() == after
        assert counted_of(past).n_customers == len(known)


def test_the_area_of_the_hiatus_is_its_mean_over_the_evenings() -> None:
    areas = [area((-past.recency).tolist(), past.came_back.tolist()) for past in found().pasts]
    assert found().aucs["hiatus"].value == pytest.approx(np.mean(areas))


def test_every_score_either_ran_or_has_its_reason() -> None:
    assert set(found().aucs) | set(found().reasons) == set(SCORES)
    assert not set(found().aucs) & set(found().reasons)
    assert found().winner in found().aucs
    for auc in found().aucs.values():
        assert 0.5 < auc.low < auc.value < auc.high <= 1


def test_the_winner_is_the_best_or_a_simpler_one_that_cannot_be_told_from_it() -> None:
    aucs = found().aucs
    best = max(aucs, key=lambda name: aucs[name].value)
    assert SCORES.index(found().winner) <= SCORES.index(best)
    half = (aucs[best].high - aucs[best].value) / 1.96 + (aucs[found().winner].high - aucs[found().winner].value) / 1.96
    assert aucs[best].value - aucs[found().winner].value <= half


def test_a_customer_who_came_on_the_very_evening_stands_at_one() -> None:
    for past, left in zip(found().pasts, found().standings, strict=True):
        assert (left <= 1).all() and (left > 0).all()
        assert (left[past.recency == 0] == 1).all()


def test_of_two_with_the_same_visits_the_longer_silent_stands_lower() -> None:
    past = found().pasts[0]
    calibration = found().calibration
    one_visit = np.zeros(100)
    silence = np.arange(100.0)
    score = fit_scores(counted_of(past), (found().winner,)).by_name[found().winner]
    left = standing(calibration, score(one_visit, one_visit, silence), score(one_visit, one_visit, one_visit))
    assert (np.diff(left) <= 0).all()
    assert left[-1] < 0.5 < left[0]


def test_the_fresh_chance_is_the_share_of_repeat_customers_of_the_last_days_who_came_back() -> None:
    back = [
        back
        for past in found().pasts
        for back, x, silent in zip(past.came_back, past.frequency, past.recency, strict=True)
        if x > 0 and silent <= WINDOW / 8
    ]
    assert len(back) > 50
    assert found().fresh_chance == pytest.approx(np.mean(back))


def a_past(scores_tell: np.ndarray, fold: np.ndarray) -> Past:
    zeros = np.zeros(fold.size)
    return Past(dt.date(2024, 1, 1), zeros, zeros, zeros, zeros, scores_tell.astype(float), zeros, fold)


def test_nobody_is_judged_by_what_was_learned_from_their_own_fold() -> None:
    scores = np.tile(np.arange(10.0), 80)
    fold = np.repeat([0, 1], 400)
    # in fold 0 the score decides who comes back, in fold 1 everybody does
    back = np.where(fold == 0, scores >= 5, True)
    fresh = np.full(800, 9.0)
    (left,) = _fair_standings((a_past(back, fold),), [scores], [fresh])
    assert (left[fold == 0] > 0.95).all()
    assert (left[(fold == 1) & (scores < 5)] < 0.1).all()
    learned_of_fold_0 = standing(calibrate(scores[fold == 0], back[fold == 0]), scores[fold == 1], fresh[fold == 1])
    assert (left[fold == 1] == learned_of_fold_0).all()


def test_customers_who_are_all_alike_and_so_share_a_fold_can_be_judged() -> None:
    (left,) = _fair_standings((a_past(np.ones(100), np.zeros(100)),), [np.zeros(100)], [np.zeros(100)])
    assert (left == 1).all()


def leavers_and_stayers(period: int, *, leave: int, stay: int, days: int) -> list[Row]:
    """Customers who come about every `period` days; some leave, at moments spread over the history."""
    rng = random.Random(period)
    rows: list[Row] = []
    for i in range(leave + stay):
        last = days if i >= leave else days * (i + 1) // (leave + 1)
        now, mine = rng.randint(0, period), []
        while now <= last:
            mine.append(now)
            now += rng.randint(-(-period * 6 // 10), period * 14 // 10)
        rows += visits(f"{period}-{i:03}", *(mine or [last]))
    return rows


def test_among_customers_of_one_rhythm_days_of_silence_win_because_nothing_is_simpler() -> None:
    result = raced(rolled(leavers_and_stayers(14, leave=60, stay=60, days=500), as_of=500), window_days=28)
    assert result.winner == "hiatus"
    assert result.aucs["hiatus"].value > 0.97


def test_where_rhythms_differ_the_own_interval_wins() -> None:
    weekly = leavers_and_stayers(7, leave=80, stay=20, days=600)
    rare = leavers_and_stayers(60, leave=10, stay=90, days=600)
    result = raced(rolled([*weekly, *rare], as_of=600), window_days=70)
    assert result.winner == "own_interval"
    assert result.aucs["own_interval"].value > result.aucs["hiatus"].value + 0.02


def test_models_that_need_more_customers_leave_the_race_with_their_reason() -> None:
    result = raced(rolled(leavers_and_stayers(14, leave=60, stay=60, days=500), as_of=500), window_days=28)
    assert set(result.reasons) == set(SCORES) - {"hiatus", "own_interval"}
    assert "needs about 300 customers" in result.reasons["mbg_nbd_rate"]


def test_a_score_that_cannot_be_computed_today_does_not_run() -> None:
    rollup = rolled(shop().lines, as_of=shop().plan.days - 1)
    today = fit_scores(counted_customers(rollup.customers))
    left = {name: score for name, score in today.by_name.items() if name != found().winner}
    result = race(rollup, Scores(left, {found().winner: "it has no top today"}), window_days=WINDOW)
    assert result.winner != found().winner
    assert result.reasons[found().winner] == "it has no top today"


def test_evenings_on_which_the_base_was_too_small_for_a_model_are_left_out_not_the_model() -> None:
    young = generate_shop("clinic", customers=600)
    rollup = rolled(young.lines, as_of=(young.truth.end - day(0)).days)
    result = raced(rollup, window_days=364)
    customers = [past.age.size for past in result.pasts]
    assert customers == sorted(customers, reverse=True) and min(customers) >= 300
    assert len(result.pasts) == len(result.standings) == 2
    assert "mbg_nbd_p_alive" in result.aucs
    # three years back there were enough for a test, and too few for the model
    third = rollup.as_of - dt.timedelta(days=3 * 364)
    early = snapshot(rollup.days, at=third).count().to_pyarrow().as_py()
    assert 100 < early < 300


def test_a_history_shorter_than_the_window_and_a_half_is_refused_with_both_lengths() -> None:
    rows = [bought(f"c{i}", i % 40) for i in range(400)]
    with pytest.raises(NotEnoughData, match="covers 40 days: too short to look 28 days ahead"):
        raced(rolled(rows, as_of=39), window_days=28)


def test_a_history_of_the_window_and_a_half_can_be_looked_back_on() -> None:
    rows = [bought(f"c{i}", on) for i in range(120) for on in (0, 10, 40 if i < 60 else 11)]
    result = raced(rolled(rows, as_of=42), window_days=28)
    assert [past.at for past in result.pasts] == [day(14)]


def test_too_few_customers_are_refused_with_the_day_and_their_number() -> None:
    rows = [row for i in range(99) for row in visits(f"c{i}", *range(i % 50, 300, 10))]
    with pytest.raises(NotEnoughData, match=r"100 are needed on a past day, and Sep 28, 2024 had 99 customers"):
        raced(rolled(rows, as_of=300), window_days=29)


def test_a_base_that_nobody_leaves_is_refused_because_there_is_nobody_to_tell_apart() -> None:
    rows = [row for i in range(119) for row in visits(f"c{i}", *range(i % 7, 300, 7))] + visits("gone", 0)
    with pytest.raises(NotEnoughData, match=r"of 120 customers on .* 119 came back within 28 days and 1 did not"):
        raced(rolled(rows, as_of=300), window_days=28)


def test_a_base_that_everybody_has_left_is_refused_in_the_same_words() -> None:
    rows = [row for i in range(120) for row in visits(f"c{i}", *range(i % 7, 100, 7))]
    with pytest.raises(NotEnoughData, match=r"of 120 customers on .* 0 came back within 28 days and 120 did not"):
        raced(rolled(rows, as_of=600), window_days=28)
