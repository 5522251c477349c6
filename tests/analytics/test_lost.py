"""Money lost last year, by hand: the year is days 436 to 800, the window 28 days, nothing was back-tested."""

import random
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import nbinom

from regulars.analytics.estimate import Estimate
from regulars.analytics.lifecycle import Judge
from regulars.analytics.lost import PARTS, LostLastYear, lost_last_year
from regulars.analytics.rhythm import Rhythm
from regulars.analytics.rollup import YEAR_DAYS
from tests.analytics.purchase_rows import Row, bought, by_customer, day, rolled, visits

AS_OF = 800
WINDOW = 28
# with these, x repeat visits in t days mean (1 + x) / (100 + t) visits a day, and every check of 100 stays 100
RHYTHM = Rhythm(shape=1.0, scale_days=100.0, check_weight=2.0, mean_check=100.0)

FIRST = bought("first of all", 0)


def silence_of(x: Any, t_x: Any, t: Any) -> Any:
    return t_x - t


JUDGE = Judge(silence_of, None, WINDOW)


def lost(
    rows: list[Row],
    states: dict[str, str],
    *,
    standing: dict[str, float] | None = None,
    rhythm: Rhythm = RHYTHM,
    margin_share: float | None = None,
    as_of: int = AS_OF,
) -> LostLastYear:
    """What is lost when customers stand in `states`; those not named are regulars."""
    rollup = rolled(rows, as_of=as_of)
    names = list(by_customer(rollup.customers))
    table = pa.table(
        {
            "customer_id": names,
            "state": [states.get(name, "regular") for name in names],
            "standing": pa.array([(standing or {}).get(name) for name in names], pa.float64()),
        }
    )
    return lost_last_year(rollup, ibis.memtable(table), JUDGE, rhythm, margin_share=margin_share)


def missed(found: LostLastYear) -> dict[str, tuple[str, int]]:
    return {name: (row["lost_kind"], row["missed_amount"]) for name, row in by_customer(found.people).items()}


def test_the_lost_miss_their_own_rate_times_their_own_check_since_the_last_visit() -> None:
    found = lost([FIRST, *visits("gone", 0, 100, 200, 600)], {"gone": "lost"})
    # four visits in 600 days: (1 + 3) / (100 + 600) a day, 200 days of silence, 100 each
    assert missed(found) == {"gone": ("lost", round(4 / 700 * 200 * 100))}
    assert found.parts["lost"].money.value == found.money.value == 114
    assert (found.customers, found.since) == (1, day(436))


def test_the_check_is_drawn_to_that_of_all_and_counts_returns() -> None:
    rows = [FIRST, *visits("gone", 0, 100, 200, 600, amount=700), bought("gone", 601, -400)]
    # (2800 - 400 + 2 x 100) / (4 + 2)
    assert missed(lost(rows, {"gone": "lost"}))["gone"][1] == round(4 / 700 * 200 * 2_600 / 6)


def test_who_may_still_be_there_counts_by_the_chance_that_they_left() -> None:
    rows = [FIRST, *visits("gone", 0, 100, 200, 600)]
    found = lost(rows, {"gone": "lost"}, standing={"gone": 0.25})
    assert missed(found)["gone"][1] == round(0.75 * 4 / 700 * 200 * 100)


def test_silence_before_the_year_does_not_count() -> None:
    # on day 435, when the year began, five days of silence were nothing yet
    found = lost([FIRST, *visits("gone", 400, 430)], {"gone": "lost"})
    assert missed(found) == {"gone": ("lost", round(2 / 130 * 365 * 100))}


def test_who_was_lost_when_the_year_began_was_not_lost_in_it() -> None:
    assert missed(lost([FIRST, *visits("long gone", 0, 435 - 57)], {"long gone": "lost"})) == {}
    assert set(missed(lost([FIRST, *visits("gone", 0, 435 - 56)], {"gone": "lost"}))) == {"gone"}


def test_who_was_lost_when_the_year_began_came_again_and_left_anew_was_lost_in_it() -> None:
    assert missed(lost([FIRST, *visits("twice lost", 0, 100, 600)], {"twice lost": "lost"})) == {
        "twice lost": ("lost", round(3 / 700 * 200 * 100))
    }


def test_who_was_new_and_silent_when_the_year_began_was_not_lost_yet() -> None:
    class Strict(Judge):
        """Calls everybody silent who did not come today."""

        def standing(self, _frequency: Any, last_purchase_age: Any, age: Any) -> dict[str, Any]:
            silence = 2 * (age > last_purchase_age)
            return {"return_chance": age * 0.0, "standing": age * 0.0, "silence": silence.astype(np.int64)}

    rollup = rolled([FIRST, *visits("young", 410, 415), *visits("old", 400, 415)], as_of=AS_OF)
    states = ibis.memtable(
        pa.table({"customer_id": ["young", "old"], "state": ["lost"] * 2, "standing": pa.nulls(2, pa.float64())})
    )
    found = lost_last_year(rollup, states, Strict(silence_of, None, WINDOW), RHYTHM)
    assert set(missed(found)) == {"young"}


def test_whose_returns_ate_all_they_bought_misses_nothing_and_is_not_listed() -> None:
    found = lost([FIRST, *visits("gone", 0, 600), bought("gone", 601, -5_000)], {"gone": "lost"})
    assert (missed(found), found.customers, found.money.value) == ({}, 0, 0)


def test_a_lost_one_time_buyer_is_not_among_the_lost() -> None:
    assert missed(lost([FIRST, *visits("once", 300)], {"once": "lost"})) == {}


NEWCOMERS = [
    FIRST,
    bought("once", 700, 50),
    *visits("twice", 701, 750, amount=60),
    # the same month, and returns lower what an average newcomer has spent
    bought("twice", 790, -20),
    bought("once too", 703, 999),
    # of another month, in which nobody came back
    bought("alone", 650),
    # younger than the window
    bought("fresh", 773),
]


def test_those_who_never_returned_miss_what_an_average_newcomer_of_the_month_spent_later() -> None:
    found = lost(NEWCOMERS, {})
    # of three newcomers one spent 60 - 20 after the first visit
    assert missed(found) == {"once": ("never_returned", 13), "once too": ("never_returned", 13)}
    assert found.parts["never_returned"].customers == 2


def test_newcomers_of_the_first_window_of_the_history_may_be_old_customers_and_are_left_out() -> None:
    # the first window is days 0 to 27; day 27 is of the same month as the others
    rows = [bought("a", 0), bought("b", 27), *visits("back", 28, 60), bought("c", 28), bought("d", 30)]
    assert missed(lost(rows, {}, as_of=100)) == dict.fromkeys("cd", ("never_returned", 33))


def test_a_month_whose_newcomers_returned_more_than_they_bought_later_misses_nothing() -> None:
    rows = [FIRST, bought("once", 700), bought("brought back", 701), bought("brought back", 705, -90)]
    assert missed(lost(rows, {})) == {}


def of_every(period: int, name: str, *, until: int, then: list[int]) -> list[Row]:
    return visits(name, *range(0, until + 1, period), *then)


def below_by_chance(x: int, age: int) -> tuple[float, float]:
    """The mean of a year's visits, and the expected shortfall of those that chance puts into the lowest 5 %."""
    p = (100 + age) / (100 + age + YEAR_DAYS)
    mean = (1 + x) * (1 - p) / p
    counts = np.arange(2_000)
    rare = counts[nbinom.cdf(counts, 1 + x, p) <= 0.05]
    return mean, float(((mean - rare) * nbinom.pmf(rare, 1 + x, p)).sum())


def test_the_shrunken_miss_the_old_rhythm_less_what_they_spent_less_what_chance_would_hide() -> None:
    few, usual = [440, 520, 600, 700, 790], list(range(440, 801, 10))
    rows = [*of_every(10, "shrunken", until=430, then=few), *of_every(10, "steady", until=430, then=usual)]
    mean, by_chance = below_by_chance(43, 435)
    found = (mean - len(few)) * 100
    # chance may strike both of them
    expected = found * (1 - 2 * by_chance * 100 / found)
    assert missed(lost(rows, {})) == {"shrunken": ("shrunken", round(expected))}


def test_the_border_of_rare_is_a_chance_of_five_percent() -> None:
    p = 535 / 900
    border = int(nbinom.ppf(0.05, 44, p)) - 1
    assert nbinom.cdf(border, 44, p) <= 0.05 < nbinom.cdf(border + 1, 44, p)
    for count, rare in ((border, True), (border + 1, False)):
        rows = of_every(10, "ann", until=430, then=[440 + 10 * i for i in range(count)])
        # one visit a day would fill the year: only the number matters
        assert (missed(lost(rows, {})) != {}) is rare


@pytest.mark.parametrize("state", ["lost", "new"])
def test_who_is_lost_is_not_shrunken_as_well(state: str) -> None:
    rows = of_every(10, "ann", until=430, then=[440])
    kinds = {kind for kind, _money in missed(lost(rows, {"ann": state})).values()}
    assert kinds == {"lost" if state == "lost" else "shrunken"}


def test_who_was_silent_when_the_year_began_is_not_shrunken() -> None:
    rows = [FIRST, *of_every(10, "ann", until=400, then=[700, 780])]
    assert missed(lost(rows, {})) == {}


def test_without_90_days_before_the_year_the_old_rhythm_is_unknown_and_that_is_said() -> None:
    enough = lost([*visits("ann", 0, 10, 450), *visits("bob", 0, 450)], {}, as_of=90 + 365)
    assert enough.parts["shrunken"].reason is None
    short = lost([*visits("ann", 0, 10, 450), *visits("bob", 0, 450)], {"bob": "lost"}, as_of=89 + 365)
    assert "at least 90 days before the year" in short.parts["shrunken"].reason
    assert short.parts["shrunken"].money == Estimate(0.0, 0.0, 0.0)


def test_a_history_of_less_than_a_year_counts_from_the_last_visit_too() -> None:
    found = lost([*visits("gone", 0, 50), *visits("here", 0, 150)], {"gone": "lost"}, as_of=150)
    assert missed(found) == {"gone": ("lost", round(2 / 150 * 100 * 100))}
    assert "90 days" in found.parts["shrunken"].reason


def test_where_nobody_is_missed_everything_is_zero() -> None:
    found = lost([*visits("ann", 0, 400, 700)], {})
    assert found.money == Estimate(0.0, 0.0, 0.0)
    assert (found.customers, found.margin) == (0, None)
    assert tuple(found.parts) == PARTS


def a_hundred_gone() -> tuple[list[Row], dict[str, str]]:
    rng = random.Random(1)
    rows = [FIRST]
    for i in range(100):
        rows += visits(f"gone{i}", 100, 300, 440 + 3 * i, amount=rng.randint(10, 500))
        rows += visits(f"here{i}", 100, 300, 500, 790, amount=rng.randint(10, 500))
    return rows, {f"gone{i}": "lost" for i in range(100)}


def test_the_parts_add_up_and_the_margin_is_their_share() -> None:
    rows, states = a_hundred_gone()
    found = lost([*rows, *NEWCOMERS], states, margin_share=0.3)
    assert {kind for kind, _money in missed(found).values()} == {"lost", "never_returned"}
    assert sum(part.customers for part in found.parts.values()) == found.customers == len(missed(found))
    assert sum(part.money.value for part in found.parts.values()) == found.money.value
    assert found.money.value == sum(money for _kind, money in missed(found).values())
    for end in ("value", "low", "high"):
        assert getattr(found.margin, end) == pytest.approx(0.3 * getattr(found.money, end))


def test_the_interval_is_that_of_drawing_all_customers_anew() -> None:
    rows, states = a_hundred_gone()
    found = lost(rows, states)
    amounts = np.array([money for _kind, money in missed(found).values()] + [0] * 101, dtype=float)
    draws = np.random.default_rng(5).choice(amounts, (4_000, amounts.size)).sum(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    assert found.money.low == pytest.approx(low, rel=0.05)
    assert found.money.high == pytest.approx(high, rel=0.05)
    assert found.parts["lost"].money == found.money


def poisson_base(*, drop: float, customers: int = 250) -> tuple[list[Row], float]:
    """Customers of gamma rates (shape 2, one visit in ten days) whose rate falls by `drop` when the year begins."""
    rng = np.random.default_rng(7)
    rows: list[Row] = []
    expected = 0.0
    for i, rate in enumerate(rng.gamma(2.0, 0.05, customers)):
        before = np.flatnonzero(rng.random(435) < rate)
        after = 436 + np.flatnonzero(rng.random(YEAR_DAYS) < rate * (1 - drop))
        rows += visits(f"c{i}", 0, *(before + 1).tolist(), *after.tolist())
        expected += rate * YEAR_DAYS * drop * 100
    return rows, expected


OWN = Rhythm(shape=2.0, scale_days=20.0, check_weight=2.0, mean_check=100.0)


def test_chance_alone_makes_nobody_shrunken_in_money() -> None:
    rows, _expected = poisson_base(drop=0.0)
    revenue = 100 * len(rows)
    assert lost(rows, {}, rhythm=OWN).money.value < 0.01 * revenue


def test_a_fall_by_half_is_found_and_not_overstated() -> None:
    rows, expected = poisson_base(drop=0.5)
    found = lost(rows, {}, rhythm=OWN)
    # small customers hide behind chance, so a part stays unseen
    assert 0.6 * expected < found.parts["shrunken"].money.value < expected
