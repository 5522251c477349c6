"""States by hand where no test is possible, and by the winning score where it is."""

import random
from functools import cache

import numpy as np
import pytest

from regulars.analytics.intervals import wilson
from regulars.analytics.lifecycle import STATES, Judge, Lifecycle, as_snapshot, degree_of_silence, lifecycle
from regulars.analytics.models import counted_customers
from regulars.analytics.rollup import Rollup
from regulars.analytics.scores import SCORES
from tests.analytics.purchase_rows import Row, bought, by_customer, rolled, visits
from tests.analytics.test_backtest import leavers_and_stayers

WINDOW = 28


def judged(rollup: Rollup, window_days: int = WINDOW) -> tuple[Lifecycle, Judge]:
    return lifecycle(rollup, counted_customers(rollup.customers), window_days=window_days)


UNTESTED = [
    *visits("new", 173),
    *visits("no longer new", 172),
    *visits("regular", 100, 172),
    *visits("slipping", 100, 171),
    *visits("still slipping", 100, 144),
    *visits("lost", 100, 143),
    *visits("won back", 0, 173),
    *visits("was only slipping", 120, 173),
]


@cache
def untested() -> tuple[Lifecycle, Judge]:
    return judged(rolled(UNTESTED, as_of=200))


@pytest.mark.parametrize(
    ("customer", "state"),
    [
        ("new", "new"),
        ("no longer new", "regular"),
        ("regular", "regular"),
        ("slipping", "slipping"),
        ("still slipping", "slipping"),
        ("lost", "lost"),
        ("won back", "won_back"),
        ("was only slipping", "regular"),
    ],
)
def test_untested_one_window_of_silence_is_slipping_and_two_are_lost(customer: str, state: str) -> None:
    assert by_customer(untested()[0].customers)[customer]["state"] == state


def test_without_a_test_there_are_no_chances_and_the_reason_is_given() -> None:
    found, judge = untested()
    assert "100 are needed" in found.reason
    assert (found.auc, found.fresh_chance, found.false_alarms) == (None, None, None)
    assert (found.candidates, found.origins, found.called_lost) == ((), (), ())
    assert judge.chance_of is None
    assert found.score == "hiatus"
    assert (found.slipping_after_days, found.lost_after_days) == (29, 57)
    for row in by_customer(found.customers).values():
        assert row["return_chance"] is None and row["standing"] is None


def test_every_state_is_listed_in_order_with_its_people_and_money() -> None:
    rows = [*UNTESTED, bought("lost", 143, -250), bought("regular", 190, -30)]
    found, _judge = judged(rolled(rows, as_of=600))
    assert tuple(found.states) == STATES
    assert sum(state.customers for state in found.states.values()) == 8
    lost = found.states["lost"]
    assert (lost.customers, lost.amount_total) == (8, 14 * 100 - 280)
    # nobody has bought in the 365 days before day 600
    assert lost.amount_year == 0
    assert found.states["new"].customers == 0


@pytest.mark.parametrize(("standing", "degree"), [(1.0, 0), (0.75, 0), (0.7499, 1), (0.5, 1), (0.4999, 2), (0.0, 2)])
def test_three_quarters_and_one_half_are_still_the_better_state(standing: float, degree: int) -> None:
    assert degree_of_silence(np.array([standing])).tolist() == [degree]


def weekly_base(*, tried: int = 0) -> list[Row]:
    """Weekly customers of whom half leave; a crowd tries the shop once, shortly before the latest past evening."""
    rows = leavers_and_stayers(7, leave=70, stay=70, days=400)
    rows += [bought(f"tried-{i}", 310 + i % 18) for i in range(tried)]
    # young and silent on that evening, day 330; here again since
    rows += visits("young then", 305, *range(340, 401, 7))
    rows += visits("old then", 100, 107, *range(340, 401, 7))
    return rows


@cache
def weekly(tried: int = 0) -> tuple[Lifecycle, Judge, Rollup]:
    rollup = rolled(weekly_base(tried=tried), as_of=400)
    return *judged(rollup, window_days=70), rollup


def test_the_winner_and_its_rivals_are_shown_in_the_order_of_simplicity() -> None:
    found, judge, _rollup = weekly()
    assert tuple(candidate.score for candidate in found.candidates) == SCORES
    assert found.score == "hiatus" and found.reason is None
    assert found.auc == next(candidate.auc for candidate in found.candidates if candidate.score == "hiatus")
    for candidate in found.candidates:
        assert (candidate.auc is None) == (candidate.reason is not None)
    assert found.origins == tuple(past.at for past in judge.chance_of.pasts)


def test_days_of_silence_decide_and_are_named_when_the_hiatus_won() -> None:
    found, _judge, rollup = weekly()
    customers, known = by_customer(found.customers), by_customer(rollup.customers)
    assert 7 < found.slipping_after_days < found.lost_after_days <= 70
    for customer, row in customers.items():
        silent, age = known[customer]["recency_days"], known[customer]["age_days"]
        if age < 70:
            assert row["state"] == "new"
        elif silent >= found.lost_after_days:
            assert row["state"] == "lost" and row["standing"] < 0.5
        elif silent >= found.slipping_after_days:
            assert row["state"] == "slipping" and 0.5 <= row["standing"] < 0.75
        else:
            assert row["state"] in {"regular", "won_back"} and row["standing"] >= 0.75


def test_the_chance_to_return_falls_with_silence_and_standing_is_relative_to_the_fresh_one() -> None:
    found, judge, rollup = weekly()
    known = by_customer(rollup.customers)
    rows = sorted(by_customer(found.customers).items(), key=lambda item: known[item[0]]["recency_days"])
    chances = [row["return_chance"] for _customer, row in rows]
    assert chances == sorted(chances, reverse=True)
    fresh = float(judge.chance_of.calibration.chance(np.zeros(1))[0])
    for _customer, row in rows:
        assert row["standing"] == pytest.approx(min(row["return_chance"] / fresh, 1))


def test_who_was_lost_a_window_ago_and_comes_again_is_won_back() -> None:
    assert by_customer(weekly()[0].customers)["old then"]["state"] == "won_back"


def test_who_was_new_and_silent_a_window_ago_was_not_lost_and_so_cannot_be_won_back() -> None:
    assert by_customer(weekly()[0].customers)["young then"]["state"] == "regular"


def test_the_young_are_not_among_those_called_lost() -> None:
    found, judge, _rollup = weekly(tried=150)
    for called, past in zip(found.called_lost, judge.chance_of.pasts, strict=True):
        silent = past.recency > found.slipping_after_days
        assert called.origin == past.at
        assert called.customers <= (silent & (past.age >= 70)).sum()
    latest = judge.chance_of.pasts[0]
    # the test means something: at the latest evening there are many who are silent and young
    assert ((latest.recency > found.lost_after_days) & (latest.age < 70)).sum() > found.called_lost[0].customers / 3


def test_false_alarms_are_those_called_lost_who_came_back_over_all_evenings() -> None:
    found, _judge, _rollup = weekly()
    back = sum(called.came_back for called in found.called_lost)
    assert 0 < back < sum(called.customers for called in found.called_lost)
    assert found.false_alarms == wilson(back, sum(called.customers for called in found.called_lost))
    assert sum(called.amount for called in found.called_lost) > 0


def test_where_silence_tells_nothing_nobody_is_called_lost() -> None:
    # memoryless: each comes with the same small chance on every day, and nobody ever leaves
    coin = random.Random(3)
    rows = [
        row
        for i in range(250)
        for row in visits(f"c{i}", i % 9, *(on for on in range(9, 401) if coin.random() < 0.012))
    ]
    found, _judge = judged(rolled(rows, as_of=400), window_days=63)
    assert found.reason is None
    assert found.auc.low < 0.6
    assert found.states["lost"].customers == 0
    assert [called.customers for called in found.called_lost] == [0, 0, 0, 0]
    assert found.false_alarms is None
    assert found.lost_after_days is None


def test_customers_with_the_same_visits_get_the_same_state() -> None:
    rows = [*weekly_base(), *(row for name in ("a", "z") for row in visits(name, 200, 207, 380))]
    rollup = rolled(rows, as_of=400)
    found = by_customer(judged(rollup, window_days=70)[0].customers)
    assert found["a"] == found["z"]


def test_nobody_is_lost_on_the_day_of_a_visit() -> None:
    found, _judge, rollup = weekly()
    today = {customer for customer, row in by_customer(rollup.customers).items() if row["recency_days"] == 0}
    assert len(today) >= 10
    for customer in today:
        row = by_customer(found.customers)[customer]
        assert row["standing"] == 1 and row["state"] in {"regular", "new", "won_back"}


def test_a_judge_calls_lost_only_those_who_are_a_window_old() -> None:
    _found, judge, rollup = weekly()
    applied = judge.apply(as_snapshot(rollup.customers))
    lost = by_customer(applied.filter(judge.lost(applied)))
    assert lost
    assert all(row["silence"] == 2 and row["age_days"] >= 70 for row in lost.values())
    young = applied.filter((applied.silence == 2) & (applied.age_days < 70)).count().to_pyarrow().as_py()
    assert len(lost) + young == applied.filter(applied.silence == 2).count().to_pyarrow().as_py()
