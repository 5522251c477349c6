"""The guard lowers discounts to the floor, and says so."""

from typing import Any

import pytest

from regulars.loyalty.programme.judging import LOWERED, TOOK, Judged
from tests.loyalty.programme_cases import basket, judged, line, rule

HALF = rule("half", 50)


def paid(found: Judged) -> list[int]:
    return [one.to_pay for one in found.lines]


@pytest.mark.parametrize(("margin", "expected"), [(0, 800), (20, 1000), ("15.5", 947), (90, 1000)])
def test_the_price_stays_above_the_cost_by_the_margin(margin: Any, expected: int) -> None:
    assert paid(judged(HALF, of=basket(line(cost=800)), guard={"line": margin})) == [expected]


def test_a_category_has_a_floor_of_its_own_or_none() -> None:
    of = basket(line(cost=800), line("cup", cost=800, category="Cups"), line("beer", cost=800, category="Beer"))
    guard = {"line": 0, "categories": {"Cups": 20, "Beer": None}}
    assert paid(judged(HALF, of=of, guard=guard)) == [800, 1000, 500]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [({"unknown_cost": "allow"}, 500), ({}, 1000), ({"unknown_cost": "at_most", "unknown_most": "7.5"}, 925)],
)
def test_goods_of_unknown_cost_follow_the_policy(policy: dict[str, Any], expected: int) -> None:
    assert paid(judged(HALF, guard=policy)) == [expected]


def test_the_receipt_has_a_floor_too_and_all_discounts_give_way_to_it_in_proportion() -> None:
    of = basket(line("a", 1000, cost=400), line("b", 1000, cost=400))
    found = judged(
        rule("a", 60, on={"products": ["a"]}), rule("b", 30, on={"products": ["b"]}), of=of, guard={"receipt": 50}
    )
    assert found.to_pay == 1600
    assert paid(found) == [733, 867], "600 and 300 become 267 and 133"


def test_goods_of_unknown_cost_do_not_help_the_receipt() -> None:
    of = basket(line("a", 1000, cost=800), line("b", 100_000))
    assert paid(judged(HALF, of=of, guard={"receipt": 10, "unknown_cost": "allow"})) == [889, 50_000]


def test_points_and_discounts_share_the_room_above_the_floor_of_a_line() -> None:
    of = basket(line("lean", 1000, cost=800), line("rich", 1000, cost=0))
    found = judged(rule("r", 15), of=of, points=5000, guard={})
    assert paid(found) == [800, 0]


def test_points_and_discounts_share_the_room_above_the_floor_of_the_receipt() -> None:
    of = basket(line("a", 1000, cost=400), line("b", 1000, cost=400))
    found = judged(rule("r", 10), of=of, points=5000, guard={"receipt": 50})
    assert (found.discount, found.points_spent, found.to_pay) == (200, 200, 1600)


def test_the_last_rule_gives_up_its_discount_first_and_the_trace_says_so() -> None:
    rules = [rule("first", 15, order=1), rule("second", 10, order=2)]
    found = judged(*rules, of=basket(line(cost=800)), guard={}, stacking={"percent_of": "original"})
    assert found.lines[0].discounts == (("first", 150), ("second", 50))
    assert [(step.what, step.rule, step.amount) for step in found.trace] == [
        (TOOK, "first", 150), (TOOK, "second", 100), (LOWERED, "second", 50)
    ]  # fmt: skip


def test_a_price_below_the_floor_already_is_left_as_it_is() -> None:
    found = judged(HALF, of=basket(line(cost=5000)), guard={"line": 10})
    assert (paid(found), found.lines[0].discounts) == ([1000], ())


def test_without_a_guard_nothing_is_lowered() -> None:
    assert paid(judged(HALF, of=basket(line(cost=800)))) == [500]
