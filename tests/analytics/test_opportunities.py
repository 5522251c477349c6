"""Opportunities by hand: with this rhythm x repeat visits in t days are (1 + x) / (100 + t) visits a day."""

import math
from dataclasses import replace
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import Evidence, Finding
from regulars.analytics.opportunities import (
    ASSUMED_SHARES,
    FINDING_SHARES,
    OPPORTUNITIES,
    Budget,
    Opportunities,
    opportunities,
)
from regulars.analytics.rhythm import Rhythm
from regulars.analytics.trial_size import control_group
from tests.analytics.purchase_rows import Row, bought, by_customer, rolled, visits

RHYTHM = Rhythm(shape=1.0, scale_days=100.0, check_weight=2.0, mean_check=100.0)
AS_OF = 400


def found(rows: list[Row], states: dict[str, tuple[str, float | None, float | None]]) -> Opportunities:
    """With (state, chance to return, standing) of customers; those not named are regulars in full standing."""
    rollup = rolled(rows, as_of=AS_OF)
    names = list(by_customer(rollup.customers))
    known = [states.get(name, ("regular", 1.0, 1.0)) for name in names]
    table = {
        "customer_id": pa.array(names),
        "state": pa.array([row[0] for row in known]),
        "return_chance": pa.array([row[1] for row in known], pa.float64()),
        "standing": pa.array([row[2] for row in known], pa.float64()),
    }
    return opportunities(rollup, ibis.memtable(pa.table(table)), RHYTHM)


def gains(result: Opportunities) -> dict[str, tuple[str, int]]:
    people = by_customer(result.people)
    return {name: (row["opportunity"], row["opportunity_amount"]) for name, row in people.items()}


def test_every_opportunity_has_its_modest_share() -> None:
    assert tuple(ASSUMED_SHARES) == OPPORTUNITIES
    assert all(0 < share <= 0.2 for share in ASSUMED_SHARES.values())


def test_a_second_purchase_is_worth_what_one_more_customer_of_this_age_spends() -> None:
    once = [bought("once", 300, 160)]
    # (1 + 0) / (100 + 100) a day; a check of (160 + 2 x 100) / (1 + 2)
    year = 1 / 200 * 365 * 120
    assert gains(found(once, {"once": ("regular", 0.0, 0.0)})) == {"once": ("second_purchase", round(0.1 * year))}


def test_of_a_newcomer_only_the_chance_to_stay_away_counts() -> None:
    year = 1 / 200 * 365 * 120
    result = found([bought("once", 300, 160)], {"once": ("new", 0.75, 1.0)})
    assert gains(result) == {"once": ("second_purchase", round(0.1 * 0.25 * year))}


def test_a_lost_customer_brings_back_the_former_rhythm() -> None:
    # three repeats in 200 days while they came, whatever the silence since
    year = 4 / 300 * 365 * 100
    result = found(visits("gone", 0, 50, 100, 200), {"gone": ("lost", 0.0, 0.0)})
    assert gains(result) == {"gone": ("win_back_lost", round(0.05 * year))}


def test_who_may_have_left_counts_by_the_chance_of_it() -> None:
    lost = found(visits("ann", 0, 50, 100, 200), {"ann": ("lost", 0.3, 0.4)})
    assert gains(lost) == {"ann": ("win_back_lost", round(0.05 * 0.6 * 4 / 300 * 365 * 100))}
    # whoever is still there has been there for 400 days
    slipping = found(visits("ann", 0, 50, 100, 200), {"ann": ("slipping", 0.5, 0.6)})
    assert gains(slipping) == {"ann": ("hold_slipping", round(0.2 * 0.4 * 4 / 500 * 365 * 100))}


def test_without_a_back_test_the_whole_money_of_the_silent_counts() -> None:
    result = found(
        [*visits("gone", 0, 200), *visits("slipping", 0, 300), *visits("once", 300)],
        {"gone": ("lost", None, None), "slipping": ("slipping", None, None), "once": ("regular", None, None)},
    )
    assert gains(result) == {
        "gone": ("win_back_lost", round(0.05 * 2 / 300 * 365 * 100)),
        "slipping": ("hold_slipping", round(0.2 * 2 / 500 * 365 * 100)),
        "once": ("second_purchase", round(0.1 * 1 / 200 * 365 * 100)),
    }


def five_regulars() -> list[Row]:
    """Checks of 100 to 500 (drawn to 100 by the weight of two visits), nine visits each but for the dearest."""
    rows = [row for i in (1, 2, 3, 4) for row in visits(f"c{i}", *range(0, 397, 44), amount=100 * i)]
    return [*rows, *visits("c5", 0, 200, 400, amount=500)]


def shrunk(check: int, number: int) -> float:
    return (check * number + 200) / (number + 2)


def test_who_has_a_high_check_and_comes_rarely_may_come_as_often_as_the_median() -> None:
    result = gains(found(five_regulars(), {}))
    # ten visits in 400 days against three
    missing = (10 / 500 - 3 / 500) * 365
    assert result["c5"] == ("raise_frequency", round(0.1 * missing * shrunk(500, 3)))


def test_who_comes_rarely_with_a_check_below_the_top_quarter_is_not_asked_to_come_more_often() -> None:
    # checks, drawn to 100: 100, 183, 267, 310 (this one), 340, 350; the top quarter begins at 332
    result = gains(found([*five_regulars(), *visits("middle", 0, 200, 400, amount=450)], {}))
    assert "middle" not in result
    assert result["c5"][0] == "raise_frequency"


def test_whose_check_is_below_the_median_may_buy_as_much_as_the_median() -> None:
    result = gains(found(five_regulars(), {}))
    median = shrunk(300, 10)
    for name, check in (("c1", 100), ("c2", 200)):
        assert result[name] == ("raise_check", round(0.1 * (median - shrunk(check, 10)) * 10 / 500 * 365))


def test_who_lacks_nothing_is_in_no_opportunity() -> None:
    assert set(gains(found(five_regulars(), {}))) == {"c1", "c2", "c5"}


def test_equal_customers_have_nothing_to_raise() -> None:
    result = found([*visits("ann", 0, 100, 200), *visits("bob", 0, 100, 200)], {})
    assert (result.items, gains(result)) == ((), {})


def test_whose_returns_ate_all_they_bought_have_no_stake_of_their_own_check() -> None:
    rows = [*visits("gone", 0, 200), bought("gone", 201, -5_000)]
    assert gains(found(rows, {"gone": ("lost", 0.0, 0.0)})) == {}


def mixed() -> Opportunities:
    rows = five_regulars()
    states: dict[str, Any] = {}
    for i in range(40):
        rows += visits(f"gone{i}", 0, 40, 200, amount=50 + 10 * i)
        states[f"gone{i}"] = ("lost", 0.0, 0.0)
        rows += visits(f"once{i}", 250, amount=30 + 5 * i)
        states[f"once{i}"] = ("regular", 0.1, 0.2)
    return found(rows, states)


def test_items_come_by_money_and_agree_with_their_people() -> None:
    result, people = mixed(), list(gains(mixed()).values())
    assert [item.id for item in result.items] == sorted(
        {name for name, _money in people}, key=lambda name: -sum(money for other, money in people if other == name)
    )
    for item in result.items:
        mine = [money for name, money in people if name == item.id]
        assert (item.customers, item.money.value) == (len(mine), sum(mine))
        assert item.assumed_share == ASSUMED_SHARES[item.id]
        assert item.at_stake * item.assumed_share == pytest.approx(item.money.value)
        assert 0 <= item.money.low <= item.money.value <= item.money.high


def test_nobody_is_in_two_opportunities_and_nobody_without_money_in_any() -> None:
    people = by_customer(mixed().people)
    assert mixed().people.count().to_pyarrow().as_py() == len(people)
    assert min(row["opportunity_amount"] for row in people.values()) > 0


def a_finding(rows: dict[str, int], money: float, kind: str = "test_kind") -> Finding:
    people = ibis.memtable(pa.table({"customer_id": list(rows), "amount": pa.array(list(rows.values()), pa.int64())}))
    worth = Estimate(money, money, money)
    return Finding("test:one", "test", kind, {}, len(rows), worth, Evidence("tested"), people)


def with_findings(rows: list[Row], *findings: Finding, budget: Budget | None = None) -> Opportunities:
    rollup = rolled(rows, as_of=AS_OF)
    names = list(by_customer(rollup.customers))
    table = pa.table(
        {
            "customer_id": names,
            "state": ["regular"] * len(names),
            "return_chance": pa.array([0.5] * len(names), pa.float64()),
            "standing": pa.array([1.0] * len(names), pa.float64()),
        }
    )
    return opportunities(rollup, ibis.memtable(table), RHYTHM, findings=findings, margin_share=0.25, budget=budget)


@pytest.fixture
def acted_upon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FINDING_SHARES, "test_kind", 0.1)


@pytest.mark.usefixtures("acted_upon")
def test_a_customer_in_two_opportunities_is_counted_where_most_is_expected() -> None:
    once = [bought(name, 300, 160) for name in ("a", "b")]
    second = round(0.1 * 0.5 * 1 / 200 * 365 * 120)
    # a tenth of 10,000 is split 1 : 99; what "a" gets of it is less than the second purchase
    result = with_findings(once, a_finding({"a": 1, "b": 99}, 10_000.0))
    assert gains(result) == {"a": ("second_purchase", second), "b": ("test:one", 990)}
    best = result.items[0]
    assert (best.id, best.customers, best.at_stake) == ("test:one", 1, 9_900.0)
    assert [item.profit for item in result.items] == [247.5, second / 4]


def test_a_finding_that_nobody_can_act_upon_one_by_one_takes_no_money() -> None:
    result = with_findings([bought("a", 300, 160)], a_finding({"a": 1}, 1e9, kind="only_to_know"))
    assert [item.id for item in result.items] == ["second_purchase"]


@pytest.mark.usefixtures("acted_upon")
def test_a_budget_reaches_those_who_bring_most() -> None:
    rows = [bought(name, 300, 160) for name in ("a", "b", "c")]
    result = with_findings(rows, a_finding({"a": 2, "c": 3}, 50_000.0), budget=Budget(amount=25, contact_cost=10))
    reached = {name: row["within_budget"] for name, row in by_customer(result.people).items()}
    assert reached == {"a": True, "b": False, "c": True}
    assert {item.id: item.within_budget for item in result.items} == {"test:one": 2, "second_purchase": 0}
    best = result.items[0]
    assert best.profit == best.money.value * 0.25 - 2 * 10


def test_the_control_group_is_the_smallest_that_shows_the_gain() -> None:
    size = control_group(2_000, gain=0.1, variances=(0.25, 0.24))
    assert size is not None
    needed = (0.1 / (1.959964 + 0.841621)) ** 2
    spread = [0.25 / c + 0.24 / (2_000 - c) for c in (size, size - 1)]
    assert spread[0] <= needed < spread[1]


@pytest.mark.parametrize(("people", "gain"), [(1, 0.1), (100, 0.1), (1_000_000, 0.0)])
def test_without_enough_people_or_gain_nothing_can_be_proved(people: int, gain: float) -> None:
    assert control_group(people, gain=gain, variances=(0.25, 0.25)) is None


@pytest.mark.usefixtures("acted_upon")
def test_nobody_is_contacted_who_brings_less_than_the_contact_costs() -> None:
    rows = [bought(name, 300, 160) for name in ("a", "b")]
    # a quarter of the 11 that "b" brings is less than 10
    result = with_findings(rows, a_finding({"a": 1}, 1_000.0), budget=Budget(amount=10_000, contact_cost=10))
    assert {name: row["within_budget"] for name, row in by_customer(result.people).items()} == {"a": True, "b": False}


def test_a_cause_that_is_mended_for_all_takes_no_contacts_and_no_control_group() -> None:
    rows = [bought(name, 300, 160) for name in ("a", "b")]
    cause = a_finding({"a": 1}, 1e6, kind="service_worse")
    result = with_findings(rows, cause, budget=Budget(amount=10_000, contact_cost=1))
    first = result.items[0]
    assert (first.id, first.within_budget, first.control_group) == ("test:one", None, None)
    assert first.profit == first.money.value * 0.25
    assert {name: row["within_budget"] for name, row in by_customer(result.people).items()} == {"a": False, "b": True}


def test_what_is_about_money_is_proved_by_money() -> None:
    # of a thousand people whose money differs by 100, each is to spend 50 more
    size = control_group(1_000, gain=50.0, variances=(10_000.0, 10_000.0))
    assert size is not None
    assert 1 / size + 1 / (1_000 - size) <= (50 / (1.959964 + 0.841621)) ** 2 / 10_000


def test_who_brought_back_more_than_was_bought_makes_nobody_elses_part_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FINDING_SHARES, "test_kind", 0.1)
    result = with_findings([bought("a", 300, 160)], a_finding({"a": 100, "b": -99}, 10_000.0))
    assert gains(result)["a"] == ("test:one", 1_000)


SPENT = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-500, 5_000), min_size=1)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(SPENT, st.integers(0, 10**7)), max_size=4), st.integers(0, 500), st.integers(0, 90))
def test_no_money_is_counted_twice_and_no_budget_is_overspent(
    given_findings: list[tuple[dict[str, int], int]], amount: int, cost: int
) -> None:
    kinds = sorted(FINDING_SHARES)
    findings = [
        replace(a_finding(rows, float(money), kinds[place]), id=f"f:{place}")
        for place, (rows, money) in enumerate(given_findings)
    ]
    rows = [bought(name, 300, 160) for name in "abcdefgh"]
    result = with_findings(rows, *findings, budget=Budget(amount, cost))
    people = result.people.to_pyarrow().to_pylist()
    assert len({row["customer_id"] for row in people}) == len(people)
    assert sum(item.money.value for item in result.items) == sum(row["opportunity_amount"] for row in people)
    assert sum(item.customers for item in result.items) == len(people)
    worth = {one.id: FINDING_SHARES[one.kind] * one.money.value for one in findings if one.money is not None}
    for item in result.items:
        # each part is rounded to a whole kopeck
        assert item.id not in worth or item.money.value <= worth[item.id] + item.customers / 2
        assert item.profit is not None
        contacts = 0 if item.within_budget is None else cost * item.customers
        assert item.profit == pytest.approx(item.money.value * 0.25 - contacts)
    reached = [row for row in people if row["within_budget"]]
    assert len(reached) * cost <= amount
    assert all(row["opportunity_amount"] * 0.25 > cost for row in reached)


@pytest.mark.parametrize(("usual", "treated"), [(0.05, 0.145), (0.3, 0.37), (0.5, 0.6)])
def test_halves_of_equal_size_are_the_textbook_sample_size_of_two_proportions(usual: float, treated: float) -> None:
    # n = (z(1 - a / 2) + z(power))^2 (p1 q1 + p2 q2) / (p1 - p2)^2 in each group (Fleiss, Levin & Paik 2003, 4.14)
    each = (1.959964 + 0.841621) ** 2 * (usual * (1 - usual) + treated * (1 - treated)) / (treated - usual) ** 2
    variances = (usual * (1 - usual), treated * (1 - treated))
    gain = treated - usual
    # fewer people than the best split of them needs (Neyman 1934) prove nothing
    fewest = (1.959964 + 0.841621) ** 2 * sum(math.sqrt(one) for one in variances) ** 2 / gain**2
    assert control_group(math.floor(fewest) - 1, gain=gain, variances=variances) is None
    size = control_group(math.ceil(2 * each) + 4, gain=gain, variances=variances)
    assert size is not None and size <= each + 3
    # the more are contacted, the fewer must be left alone, down to the limit of an endless campaign
    least = (1.959964 + 0.841621) ** 2 * variances[0] / gain**2
    assert least <= (control_group(10**7, gain=gain, variances=variances) or 0) <= 1.01 * least + 1
