"""Which of several discounts act: by examples, and against a reference that tries everything in the simplest way."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.core.errors import InputError
from regulars.loyalty.programme.basket import Basket, Member
from regulars.loyalty.programme.judging import GAVE_NOTHING, GAVE_WAY, NOT_MET, Judged, judge
from regulars.loyalty.programme.rules import parse
from tests.loyalty.programme_cases import FLOATING, PRODUCTS, basket, judged, line, rule, rule_data, rule_set

ONE = {"groups": {"sale": "receipt"}}
FROM_1000 = {"is": "receipt_sum", "at_least": 1000}


def acted(found: Judged) -> set[str]:
    return {name for one in found.lines for name, _amount in one.discounts}


def what(found: Judged, name: str) -> str:
    return next(step.what for step in found.trace if step.rule == name)


def test_rules_of_no_group_all_act() -> None:
    assert judged(rule("a", 10), rule("b", 20), stacking={"percent_of": "original"}).discount == 300
    assert judged(rule("a", 10), rule("b", 20), stacking={"percent_of": "running"}).discount == 280


def test_of_a_group_the_best_for_the_customer_acts_whatever_the_order() -> None:
    found = judged(rule("a", 10, group="sale", order=1), rule("b", 20, group="sale", order=2), **ONE)
    assert (acted(found), found.discount) == ({"b"}, 200)
    (way,) = (step for step in found.trace if step.what == GAVE_WAY)
    assert (way.rule, way.other) == ("a", "b")


def test_of_a_group_by_priority_the_first_acts_though_it_gives_less() -> None:
    rules = [rule("a", 10, group="sale", order=1), rule("b", 20, group="sale", order=2)]
    found = judged(*rules, **ONE, stacking={"choose": "priority"})
    assert (acted(found), found.discount) == ({"a"}, 100)


def test_by_priority_a_rule_that_gives_nothing_does_not_stand_in_the_way() -> None:
    rules = [rule("a", 50, group="sale", order=1, on={"categories": ["Coffee"]}), rule("b", 20, group="sale", order=2)]
    found = judged(*rules, **ONE, stacking={"choose": "priority"})
    assert (acted(found), what(found, "a")) == ({"b"}, GAVE_WAY)


def test_of_equal_discounts_the_one_whose_id_comes_first_acts() -> None:
    for order in (1, 2):
        found = judged(rule("x", 10, group="sale", order=order), rule("b", 10, group="sale", order=3 - order), **ONE)
        assert acted(found) == {"b"}


def test_a_group_by_line_gives_each_line_its_highest_percentage() -> None:
    tea, coffee = line("tea", 1000), line("coffee", 1000, category="Coffee")
    rules = [rule("all", 10, group="shelf"), rule("coffee", 30, group="shelf", on={"categories": ["Coffee"]})]
    found = judged(*rules, of=basket(tea, coffee), groups={"shelf": "line"})
    assert [one.discounts for one in found.lines] == [(("all", 100),), (("coffee", 300),)]
    found = judged(*rules, of=basket(tea, coffee), groups={"shelf": "receipt"})
    assert [one.discount for one in found.lines] == [0, 300], "one for the receipt: the one with the most money off"


def test_whoever_gave_way_line_by_line_is_not_said_to_have_missed_its_threshold() -> None:
    rules = [rule("a", 50, group="shelf", order=1), rule("b", 5, group="shelf", order=2, when=FROM_1000)]
    found = judged(*rules, groups={"shelf": "line"}, stacking={"thresholds": "running"})
    assert (found.discount, what(found, "b")) == (500, GAVE_WAY)


def test_a_threshold_on_the_running_sum_is_lost_to_an_earlier_discount() -> None:
    rules = [rule("a", 10, order=1), rule("b", 5, order=2, when=FROM_1000)]
    assert acted(judged(*rules, stacking={"thresholds": "original"})) == {"a", "b"}
    found = judged(*rules, stacking={"thresholds": "running"})
    assert (acted(found), what(found, "b")) == ({"a"}, NOT_MET)


def test_the_best_combination_may_be_one_that_keeps_a_threshold() -> None:
    rules = [
        rule("small", 2, order=1, group="sale"), rule("large", 10, order=1, group="sale"),
        rule("gift", {"kind": "amount_off", "amount": 300}, order=2, when={"is": "receipt_sum", "at_least": 950}),
    ]  # fmt: skip
    found = judged(*rules, **ONE, stacking={"thresholds": "running"})
    assert (acted(found), found.discount) == ({"small", "gift"}, 320)


def test_the_best_is_judged_after_the_guard() -> None:
    lean, rich = line("lean", 1000, category="Lean", cost=950), line("rich", 1000, category="Rich", cost=100)
    rules = [
        rule("lean", 50, group="sale", on={"categories": ["Lean"]}),
        rule("rich", 20, group="sale", on={"categories": ["Rich"]}),
    ]
    found = judged(*rules, **ONE, of=basket(lean, rich), guard={})
    assert (acted(found), found.discount) == ({"rich"}, 200)


def test_more_combinations_than_a_till_can_compare_are_refused() -> None:
    rules = [rule(f"{group}{n}", 5, group=group) for group in "abc" for n in range(11)]
    with pytest.raises(InputError, match="1331 combinations; 1000"):
        rule_set(*rules, groups=dict.fromkeys("abc", "receipt"))


def test_a_rule_that_holds_but_finds_nothing_to_lower_says_so() -> None:
    assert what(judged(rule("a", 10), of=basket(line(price=0))), "a") == GAVE_NOTHING


# --- the reference ---


def rounded(exact: list[Fraction], total: int) -> list[int]:
    found = [floor(one) for one in exact]
    while sum(found) < total:
        most = max(one - part for one, part in zip(exact, found, strict=True))
        found[next(i for i, one in enumerate(exact) if one - found[i] == most)] += 1
    return found


def off(gives: dict[str, Any], original: list[int], running: list[int], percent_of: str) -> list[int]:
    if gives["kind"] == "amount_off":
        money = min(gives["amount"], sum(running))
        return rounded([Fraction(money * one, sum(running) or 1) for one in running], money)
    base = original if percent_of == "original" else running
    share = Fraction(gives["percent"]) / 100
    exact = [min(one * share, Fraction(left)) for one, left in zip(base, running, strict=True)]
    return rounded(exact, floor(sum(exact) + Fraction(1, 2)))


def told(rules: list[dict[str, Any]], prices: list[int], stacking: dict[str, str]) -> dict[str, list[int]]:
    """What each of the rules takes off, all of them acting one after another."""
    running, found = list(prices), {}
    for one in sorted(rules, key=lambda one: (one["order"], one["id"])):
        looked_at = sum(prices if stacking["thresholds"] == "original" else running)
        if looked_at >= one.get("when", {}).get("at_least", 0):
            found[one["id"]] = off(one["gives"], prices, running, stacking["percent_of"])
            running = [left - less for left, less in zip(running, found[one["id"]], strict=True)]
    return {name: amounts for name, amounts in found.items() if any(amounts)}


def choices(rules: list[dict[str, Any]], prices: list[int], stacking: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    """Every way to keep one of each group, among those that the sum of the receipt does not rule out."""
    possible = [
        one
        for one in rules
        if "when" not in one or stacking["thresholds"] == "running" or sum(prices) >= one["when"]["at_least"]
    ]
    groups = sorted({one["group"] for one in possible if "group" in one})
    for chosen in itertools.product(*([one for one in possible if one.get("group") == group] for group in groups)):
        yield [one for one in possible if "group" not in one] + list(chosen)


def best(rules: list[dict[str, Any]], prices: list[int], stacking: dict[str, str]) -> dict[str, list[int]]:
    def worth(chosen: list[dict[str, Any]]) -> tuple[int, list[str]]:
        money = sum(sum(one) for one in told(chosen, prices, stacking).values())
        return -money, sorted(one["id"] for one in chosen if "group" in one)

    return told(min(choices(rules, prices, stacking), key=worth), prices, stacking)


def first(rules: list[dict[str, Any]], prices: list[int], stacking: dict[str, str]) -> dict[str, list[int]]:
    kept: list[dict[str, Any]] = []
    for one in sorted(rules, key=lambda one: (one["order"], one["id"])):
        before = told(kept, prices, stacking)
        taken = {other["group"] for other in kept if "group" in other and other["id"] in before}
        if one.get("group") not in taken:
            kept.append(one)
    return told(kept, prices, stacking)


_small = st.fixed_dictionaries(
    {
        "id": st.sampled_from("abcdefgh"), "order": st.integers(0, 2),
        "gives": st.fixed_dictionaries(
            {"kind": st.just("percent_off"), "percent": st.sampled_from(["5", "10", "12.34", "50", "100"])}
        ) | st.fixed_dictionaries({"kind": st.just("amount_off"), "amount": st.integers(1, 700)}),
    },
    optional={
        "group": st.sampled_from(["one", "two"]),
        "when": st.integers(1, 1500).map(lambda money: {"is": "receipt_sum", "at_least": money}),
    },
)  # fmt: skip
_stackings = st.fixed_dictionaries(
    {
        "choose": st.sampled_from(["best_for_customer", "priority"]),
        "percent_of": st.sampled_from(["original", "running"]), "thresholds": st.sampled_from(["original", "running"]),
    }
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    rules=st.lists(_small, max_size=6, unique_by=lambda one: one["id"]),
    prices=st.lists(st.integers(0, 600), min_size=1, max_size=4),
    stacking=_stackings,
)
def test_the_judge_agrees_with_a_reference_that_tries_everything(
    rules: list[dict[str, Any]], prices: list[int], stacking: dict[str, str]
) -> None:
    lines = [line(product, price) for product, price in zip(PRODUCTS, prices, strict=False)]
    groups = {"one": "receipt", "two": "receipt"}
    found = judged(*rules, of=basket(*lines), groups=groups, stacking=stacking)
    expected = (best if stacking["choose"] == "best_for_customer" else first)(rules, prices, stacking)
    for place, one in enumerate(found.lines):
        assert dict(one.discounts) == {name: amounts[place] for name, amounts in expected.items() if amounts[place]}


_shelf = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from("abcdef"), "order": st.integers(0, 2), "group": st.just("shelf"),
            "on": st.lists(st.sampled_from(list(PRODUCTS)), min_size=1, unique=True).map(lambda one: {"products": one}),
            "gives": st.sampled_from(["5", "12.34", "50"]).map(lambda one: {"kind": "percent_off", "percent": one}),
        }
    ),
    max_size=5, unique_by=lambda one: one["id"],
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(rules=_shelf, prices=st.lists(st.integers(0, 600), min_size=1, max_size=5), stacking=_stackings)
def test_line_by_line_each_line_has_the_highest_percentage_or_the_first_by_order(
    rules: list[dict[str, Any]], prices: list[int], stacking: dict[str, str]
) -> None:
    lines = [line(product, price) for product, price in zip(PRODUCTS, prices, strict=False)]
    found = judged(*rules, of=basket(*lines), groups={"shelf": "line"}, stacking=stacking)

    def rank(one: dict[str, Any]) -> Any:
        return one["order"] if stacking["choose"] == "priority" else -float(one["gives"]["percent"]), one["id"]

    won = [
        min((one for one in rules if each.product in one["on"]["products"]), key=rank, default=None) for each in lines
    ]
    exact = [
        price * Fraction(one["gives"]["percent"]) / 100 if one else Fraction(0)
        for one, price in zip(won, prices, strict=False)
    ]
    amounts = rounded(exact, floor(sum(exact) + Fraction(1, 2)))
    for place, (one, amount) in enumerate(zip(won, amounts, strict=True)):
        assert found.lines[place].discounts == (((one["id"], amount),) if one and amount else ())


@settings(max_examples=40, deadline=None)
@given(rules=rule_data(), lines=st.lists(st.integers(0, 900), min_size=1, max_size=4))
def test_the_best_never_gives_less_than_the_first_by_order(rules: Any, lines: list[int]) -> None:
    goods = [line(product, price, cost=price // 2) for product, price in zip(PRODUCTS, lines, strict=False)]
    rules = {**rules, "rules": [one for one in rules["rules"] if one.get("group") != "each"]}
    member = Member(turnover={"all": 900, "days:30": 5}, floating={FLOATING: 3}, stamps={"coffee": 4})
    found = {}
    for choose in ("best_for_customer", "priority"):
        stacking = {**rules["stacking"], "choose": choose}
        found[choose] = judge(basket(*goods), member, parse({**rules, "stacking": stacking}))
    assert found["best_for_customer"].discount >= found["priority"].discount


def test_points_too_are_chosen_by_group() -> None:
    ten, gift = {"kind": "points_percent", "percent": 10}, {"kind": "points_gift", "points": 70}
    rules = [rule("gift", gift, group="points", order=1), rule("ten", ten, group="points", order=2)]
    points = {"groups": {"points": "receipt"}}
    assert judged(*rules, **points).earned == 100
    assert judged(*rules, **points, stacking={"choose": "priority"}).earned == 70


def test_whoever_shows_no_card_has_only_what_is_for_everybody() -> None:
    rules = [
        rule("members", 50),
        rule("all", 10, **{"for": "everybody"}),
        rule("p", {"kind": "points_gift", "points": 5}),
    ]
    found = judged(*rules, by=None)
    assert (acted(found), found.earned) == ({"all"}, 0)
    assert [step.what for step in found.trace if step.rule in ("members", "p")] == ["not_a_member"] * 2


def test_a_basket_of_nothing_is_judged_as_nothing() -> None:
    empty: Basket = replace(basket(), lines=())
    found = judge(empty, Member(), rule_set(rule("a", 10), rule("g", {"kind": "points_gift", "points": 5})), 10)
    assert (found.discount, found.earned, found.points_spent, found.lines) == (0, 0, 0, ())
