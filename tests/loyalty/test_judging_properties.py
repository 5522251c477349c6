"""What holds of every basket by every set of rules."""

import json
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.loyalty.programme.basket import Basket, Member
from regulars.loyalty.programme.judging import EARNED, LOWERED, TOOK, Judged, judge
from regulars.loyalty.programme.rounding import parts, spread
from regulars.loyalty.programme.rules import as_json, parse
from tests.loyalty.programme_cases import FLOATING, baskets, members, rule_data

BY_LOT = settings(max_examples=40, deadline=None)
CASES = {"basket": baskets, "member": st.none() | members, "rules": rule_data(), "points": st.integers(0, 5000)}


def judged(basket: Basket, member: Member | None, rules: Any, points: int) -> Judged:
    return judge(basket, member, parse(rules), points if member else 0)


def content(found: Judged) -> Counter[Any]:
    """What became of which goods, wherever they stand."""
    return Counter((one.line, one.discounts, one.by_points, one.points) for one in found.lines)


@BY_LOT
@given(**CASES)
def test_no_line_costs_less_than_nothing_or_more_than_its_price(
    basket: Basket, member: Member | None, rules: Any, points: int
) -> None:
    found = judged(basket, member, rules, points)
    for one in found.lines:
        assert 0 <= one.discount <= one.line.price
        assert 0 <= one.by_points <= one.line.price - one.discount
        assert one.to_pay >= 0 and one.earned >= 0
        assert all(amount > 0 for _rule, amount in one.discounts)
    assert found.points_spent <= points
    assert found.by_points == found.points_spent * rules["spending"]["worth"]
    assert [one.line for one in found.lines] == list(basket.lines)


@BY_LOT
@given(**CASES)
def test_discounts_and_points_of_the_trace_add_up_to_those_of_the_receipt(
    basket: Basket, member: Member | None, rules: Any, points: int
) -> None:
    found = judged(basket, member, rules, points)
    for place, one in enumerate(found.lines):
        steps = [step for step in found.trace if step.line == place]
        took = sum(step.amount for step in steps if step.what == TOOK)
        assert one.discount == took - sum(step.amount for step in steps if step.what == LOWERED)
        assert one.earned == sum(step.points for step in steps if step.what == EARNED)
    told = {step.rule for step in found.trace if step.rule}
    acted = {rule for one in found.lines for rule, _amount in one.discounts + one.points}
    assert acted <= told == {one["id"] for one in rules["rules"]}, "every rule is told of"


@BY_LOT
@given(**CASES, random=st.randoms(use_true_random=False))
def test_the_order_of_lines_and_of_rules_changes_nothing(
    basket: Basket, member: Member | None, rules: Any, points: int, random: Any
) -> None:
    lines, shuffled = list(basket.lines), list(rules["rules"])
    random.shuffle(lines)
    random.shuffle(shuffled)
    one = judged(basket, member, rules, points)
    other = judged(replace(basket, lines=tuple(lines)), member, {**rules, "rules": shuffled}, points)
    assert content(one) == content(other)
    assert (one.points_spent, one.stamps) == (other.points_spent, other.stamps)
    assert Counter(replace(step, line=None) for step in one.trace) == Counter(
        replace(step, line=None) for step in other.trace
    )


@BY_LOT
@given(**CASES)
def test_the_guard_lets_no_discount_bring_goods_of_known_cost_below_their_floor(
    basket: Basket, member: Member | None, rules: Any, points: int
) -> None:
    rules = {**rules, "guard": rules.get("guard", {"line": "12.5"})}
    guard = rules["guard"]
    found = judged(basket, member, rules, points)
    guarded, before = [], 0
    for one in found.lines:
        margin = guard.get("categories", {}).get(one.line.category, guard["line"])
        paid = one.to_pay if rules["spending"]["as"] == "discount" else one.line.price - one.discount
        if margin is None:
            continue
        if one.line.cost is None:
            assert guard.get("unknown_cost", "no_discount") == "allow" or paid == one.line.price
            continue
        # margin = (paid - cost) / paid, without dividing
        assert paid == one.line.price or paid * (1 - Fraction(margin) / 100) >= one.line.cost
        guarded.append((paid, one.line.cost))
        before += one.line.price
    receipt = Fraction(guard.get("receipt", 0)) / 100
    paid_all, cost_all = (sum(column) for column in zip(*guarded, strict=True)) if guarded else (0, 0)
    assert paid_all == before or paid_all * (1 - receipt) >= cost_all


@BY_LOT
@given(basket=baskets, rules=rule_data())
def test_a_hundred_per_cent_off_leaves_exactly_nothing_to_pay(basket: Basket, rules: Any) -> None:
    free = {"id": "zz", "gives": {"kind": "percent_off", "percent": 100}, "for": "everybody", "order": 10**6}
    plain = {name: part for name, part in rules.items() if name not in ("guard", "never_discounted")}
    member = Member(turnover={"all": 0, "days:30": 0}, floating={FLOATING: 0})
    found = judged(basket, member, {**plain, "rules": [*rules["rules"], free]}, 0)
    assert found.to_pay == 0
    assert all(one.to_pay == 0 for one in found.lines)


@BY_LOT
@given(rules=rule_data())
def test_rules_come_back_from_json_as_they_were(rules: Any) -> None:
    found = parse(rules)
    written = json.loads(json.dumps(as_json(found)))
    assert parse(written) == found
    assert as_json(parse(written)) == written


@BY_LOT
@given(weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=20), data=st.data())
def test_parts_add_up_and_are_no_further_than_one_unit_from_their_share(weights: list[int], data: Any) -> None:
    total = data.draw(st.integers(0, sum(weights)))
    found = spread(total, weights)
    assert sum(found) == total
    for part, weight in zip(found, weights, strict=True):
        assert 0 <= part <= weight
        assert not sum(weights) or abs(part - Fraction(total * weight, sum(weights))) < 1


def test_a_share_that_is_whole_is_left_alone() -> None:
    assert parts([100, 50, 50], 100, 2) == [1, 1, 0]
    assert spread(0, [0, 0]) == [0, 0]


@BY_LOT
@given(basket=baskets, percent=st.integers(1, 100), per=st.integers(1, 300), data=st.data())
def test_a_line_rung_up_as_two_costs_and_earns_the_same(basket: Basket, percent: int, per: int, data: Any) -> None:
    rules = parse(
        {
            "format": 1, "currency": "RUB",
            "stacking": {"choose": "priority", "percent_of": "running", "thresholds": "running"},
            "accrual": {"basis": "after_discounts", "on_part_paid_with_points": True},
            "spending": {"as": "payment", "worth": 1, "most_share": 0},
            "rules": [
                {"id": "off", "gives": {"kind": "percent_off", "percent": percent}},
                {"id": "earn", "gives": {"kind": "points_per", "points": 3, "per": per}},
            ],
        }
    )  # fmt: skip
    first, *rest = basket.lines
    cut = data.draw(st.integers(0, first.price))
    half = first.quantity / 2
    pieces = [replace(first, quantity=half, price=part, cost=None) for part in (cut, first.price - cut)]
    one, two = (judge(replace(basket, lines=(*ls, *rest)), Member(), rules) for ls in ([first], pieces))
    assert (one.discount, one.earned) == (two.discount, two.earned)


@BY_LOT
@given(basket=baskets, percent=st.integers(1, 40), per=st.integers(1, 300))
def test_two_receipts_never_earn_more_points_than_one(basket: Basket, percent: int, per: int) -> None:
    rules = parse(
        {
            "format": 1, "currency": "RUB",
            "stacking": {"choose": "priority", "percent_of": "running", "thresholds": "running"},
            "accrual": {"basis": "before_discounts", "on_part_paid_with_points": True},
            "spending": {"as": "payment", "worth": 1, "most_share": 0},
            "rules": [
                {"id": "off", "gives": {"kind": "percent_off", "percent": percent}},
                {"id": "earn", "gives": {"kind": "points_per", "points": 1, "per": per}},
                {"id": "gold", "gives": {"kind": "points_times", "times": "1.5"}},
            ],
        }
    )  # fmt: skip
    middle = len(basket.lines) // 2
    whole, *halves = (
        judge(replace(basket, lines=some), Member(), rules).earned
        for some in (basket.lines, basket.lines[:middle], basket.lines[middle:])
    )
    assert sum(halves) <= whole
