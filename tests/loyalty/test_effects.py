"""What each kind of rule gives: money off, free units, points; and what points pay."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from regulars.core.errors import InputError
from regulars.loyalty.programme.basket import Basket, Line, Member
from regulars.loyalty.programme.floating import Terms
from regulars.loyalty.programme.judging import PRICE_RAISED, SPENT_LESS, STAMPED, Judged, Stamps
from tests.loyalty.programme_cases import POINTS, basket, judged, line, rule

STEPS = [{"from": 10_000, "percent": 3}, {"from": 50_000, "percent": "7.5"}]
SIXTH = {"kind": "nth_free", "n": 6, "counter": "coffee"}


def discounts(found: Judged) -> list[int]:
    return [one.discount for one in found.lines]


def test_a_fixed_discount_is_rounded_once_and_a_half_goes_up() -> None:
    assert judged(rule("r", 5), of=basket(line(price=10))).discount == 1
    assert judged(rule("r", 5), of=basket(line(price=9))).discount == 0
    assert discounts(judged(rule("r", 5), of=basket(*[line(price=9)] * 3))) == [1, 0, 0], "27 at 5% is 1.35"


def test_money_off_is_spread_over_the_lines_to_the_minor_unit() -> None:
    off = {"kind": "amount_off", "amount": 100}
    found = judged(rule("r", off), of=basket(line("a", 1000), line("b", 1000), line("c", 1000)))
    assert discounts(found) == [34, 33, 33]
    assert discounts(judged(rule("r", off), of=basket(line("a", 30), line("b", 50)))) == [30, 50], (
        "no more than it costs"
    )


def test_the_odd_kopeck_falls_on_the_same_goods_whichever_was_scanned_first() -> None:
    off = rule("r", {"kind": "amount_off", "amount": 101})
    assert discounts(judged(off, of=basket(line("a"), line("b")))) == [51, 50]
    assert discounts(judged(off, of=basket(line("b"), line("a")))) == [50, 51]


def test_a_discount_is_on_the_goods_of_its_scope() -> None:
    of = basket(line("tea"), line("coffee", category="Coffee"), line("beer", category="Beer"))
    assert discounts(judged(rule("r", 10, on={"not_categories": ["Beer"]}), of=of)) == [100, 100, 0]
    assert discounts(judged(rule("r", 10), of=of, never_discounted={"categories": ["Beer"]})) == [100, 100, 0]


@pytest.mark.parametrize(("turnover", "expected"), [(9_999, 0), (10_000, 30), (49_999, 30), (50_000, 75)])
def test_a_cumulative_discount_goes_by_the_turnover_of_its_period(turnover: int, expected: int) -> None:
    gives = {"kind": "percent_by_turnover", "steps": STEPS, "period": "days:365"}
    assert judged(rule("r", gives), by=Member(turnover={"days:365": turnover})).discount == expected


def test_a_turnover_that_nobody_told_is_an_error_and_not_nothing() -> None:
    gives = {"kind": "percent_by_turnover", "steps": STEPS, "period": "year"}
    with pytest.raises(InputError, match="'year'"):
        judged(rule("r", gives), by=Member(turnover={"all": 5}))
    assert judged(rule("r", gives, **{"for": "everybody"}), by=None).discount == 0


@pytest.mark.parametrize(("points", "expected"), [(9, 0), (10, 50), (20, 100)])
def test_a_floating_discount_goes_by_points(points: int, expected: int) -> None:
    steps = [{"from": 10, "percent": 5}, {"from": 20, "percent": 10}]
    gives = {"kind": "percent_by_points", "steps": steps, "per": 1_000, "falls": 5}
    assert judged(rule("r", gives), by=Member(floating={Terms(1_000, 30, 5): points})).discount == expected
    with pytest.raises(InputError, match="floating points by"):
        judged(rule("r", gives), by=Member())


def test_a_volume_discount_goes_by_quantity_in_its_scope() -> None:
    gives = {"kind": "percent_by_quantity", "steps": [{"from": 3, "percent": 10}]}
    of = basket(line("tea", quantity="2.5"), line("cup", category="Things", quantity="9"))
    assert discounts(judged(rule("r", gives, on={"categories": ["Tea"]}), of=of)) == [0, 0]
    of = basket(line("tea", quantity="2.5"), line("tea", quantity="0.5"), line("cup", category="Things"))
    assert discounts(judged(rule("r", gives, on={"categories": ["Tea"]}), of=of)) == [100, 100, 0]


def test_a_volume_discount_goes_by_the_sum_before_or_after_other_discounts() -> None:
    rules = [
        rule("a", 10, order=1),
        rule("b", {"kind": "percent_by_sum", "steps": [{"from": 1000, "percent": 10}]}, order=2),
    ]
    assert judged(*rules, stacking={"thresholds": "original"}).discount == 190
    assert judged(*rules, stacking={"thresholds": "running"}).discount == 100


# --- stamps ---


def stamps(had: int, *lines: Line) -> tuple[list[int], Stamps]:
    found = judged(rule("r", SIXTH), of=basket(*lines), by=Member(stamps={"coffee": had}))
    return discounts(found), found.stamps[0]


def test_each_sixth_is_free_and_spends_the_stamps() -> None:
    assert stamps(4, line(price=200)) == ([0], Stamps("r", "coffee", 1, 0))
    assert stamps(5, line(price=200)) == ([200], Stamps("r", "coffee", 1, 6))
    assert stamps(0, line(price=1200, quantity="6")) == ([200], Stamps("r", "coffee", 6, 6))
    assert stamps(5, line(price=1400, quantity="7")) == ([400], Stamps("r", "coffee", 7, 12))


def test_the_cheapest_is_the_free_one_wherever_it_stands() -> None:
    dear, cheap = line("latte", 300), line("espresso", 400, quantity="2")
    assert stamps(5, dear, cheap)[0] == [0, 200]
    assert stamps(5, cheap, dear)[0] == [200, 0]


def test_goods_by_weight_and_goods_for_nothing_get_no_stamps() -> None:
    found = judged(rule("r", SIXTH), of=basket(line(quantity="1.5"), line(price=0)), by=Member(stamps={"coffee": 5}))
    assert (found.discount, found.stamps) == (0, ())


def test_a_free_unit_that_the_guard_forbids_costs_no_stamps() -> None:
    of, by = basket(line(price=200, cost=200)), Member(stamps={"coffee": 5})
    found = judged(rule("r", SIXTH), of=of, by=by, guard={})
    assert (found.discount, found.stamps) == (0, (Stamps("r", "coffee", 1, 0),))
    free = judged(rule("r", SIXTH), of=of, by=by, guard={"categories": {"Tea": None}})
    assert (free.discount, free.stamps) == (200, (Stamps("r", "coffee", 1, 6),))
    assert [step.spent for step in free.trace if step.what == STAMPED] == [6]


def test_stamps_that_could_not_be_spent_are_spent_next_time() -> None:
    assert stamps(6, line(price=200)) == ([200], Stamps("r", "coffee", 1, 6))


# --- points ---


def test_points_are_for_whole_sums_and_are_rounded_down_once() -> None:
    assert judged(rule("r", POINTS), of=basket(line(price=99))).earned == 0
    found = judged(rule("r", POINTS), of=basket(line("a", 150), line("b", 150)))
    assert (found.earned, [one.earned for one in found.lines]) == (3, [2, 1])


def test_points_in_per_cent_go_by_what_a_point_pays() -> None:
    back = {"kind": "points_percent", "percent": "7.5"}
    assert judged(rule("r", back)).earned == 75
    assert judged(rule("r", back), spending={"worth": 10}).earned == 7


@pytest.mark.parametrize(("basis", "expected"), [("before_discounts", 10), ("after_discounts", 8)])
def test_points_are_earned_on_the_price_before_or_after_discounts(basis: str, expected: int) -> None:
    accrual = {"basis": basis, "on_part_paid_with_points": True}
    assert judged(rule("off", 20), rule("r", POINTS), accrual=accrual).earned == expected


@pytest.mark.parametrize("way", ["discount", "payment"])
@pytest.mark.parametrize(("does", "expected"), [(True, 10), (False, 6)])
def test_the_part_paid_with_points_earns_or_does_not(way: str, does: bool, expected: int) -> None:
    for basis in ("before_discounts", "after_discounts"):
        found = judged(
            rule("r", POINTS), points=400, spending={"as": way},
            accrual={"basis": basis, "on_part_paid_with_points": does},
        )  # fmt: skip
        assert (found.points_spent, found.to_pay, found.earned) == (400, 600, expected)


def test_a_tier_multiplies_what_is_earned_and_no_gift() -> None:
    tiers = rule("tiers", {"kind": "points_by_tier", "times": {"gold": "1.55"}})
    rules = [rule("r", POINTS), rule("gift", {"kind": "points_gift", "points": 100}), tiers]
    assert judged(*rules, by=Member(tier="gold")).earned == 115
    assert judged(*rules, by=Member(tier="silver")).earned == 110


@pytest.mark.parametrize(("how", "expected"), [("multiply", 60), ("greatest", 30)])
def test_multipliers_multiply_each_other_or_the_greatest_counts(how: str, expected: int) -> None:
    rules = [rule("r", POINTS), *(rule(f"x{n}", {"kind": "points_times", "times": n}) for n in (2, 3))]
    assert judged(*rules, stacking={"multipliers": how}).earned == expected


def test_a_multiplier_is_for_the_goods_of_its_scope() -> None:
    double = rule("x", {"kind": "points_times", "times": 2}, on={"categories": ["Tea"]})
    found = judged(rule("r", POINTS), double, of=basket(line("tea"), line("cup", category="Things")))
    assert [one.earned for one in found.lines] == [20, 10]


def test_double_points_for_a_repeat_within_four_days() -> None:
    rules = [
        rule("r", POINTS),
        rule("x", {"kind": "points_times", "times": 2}, when={"is": "repeat", "within_days": 4}),
    ]
    last = dt.datetime(2026, 2, 27, 12, tzinfo=dt.UTC)
    assert judged(*rules, by=Member(last_purchase_at=last)).earned == 20
    assert judged(*rules, by=Member(last_purchase_at=last - dt.timedelta(days=1))).earned == 10


def test_a_gift_of_points_needs_something_of_its_scope() -> None:
    gift = rule("g", {"kind": "points_gift", "points": 5}, on={"categories": ["Coffee"]})
    assert judged(gift).earned == 0
    assert judged(gift, of=basket(line(), line("coffee", 0, category="Coffee"))).earned == 5


# --- spending points ---


def spent(points: int, of: Basket | None = None, **spending: Any) -> tuple[int, int, str]:
    guard = {"guard": spending.pop("guard")} if "guard" in spending else {}
    found = judged(of=of, points=points, spending=spending, **guard)
    return found.points_spent, found.by_points, "".join(step.why for step in found.trace if step.what == SPENT_LESS)


def test_points_pay_up_to_their_share_of_the_receipt() -> None:
    assert spent(400, most_share=50) == (400, 400, "")
    assert spent(600, most_share=50) == (500, 500, "share")
    assert spent(60, most_share="33.33", worth=100) == (3, 300, "share"), "whole points only"


def test_points_do_not_pay_for_tobacco() -> None:
    of = basket(line("tea", 300), line("cigarettes", 700, category="Tobacco"))
    only = {"on": {"not_categories": ["Tobacco"]}}
    assert spent(1000, of, **only) == (300, 300, "goods")
    found = judged(of=of, points=1000, spending=only)
    assert [one.by_points for one in found.lines] == [300, 0]


def test_points_as_a_discount_respect_the_margin_and_as_a_payment_need_not() -> None:
    of = basket(line(price=1000, cost=800))
    assert spent(500, of, guard={}) == (200, 200, "guard")
    assert spent(500, of, guard={}, **{"as": "payment"}) == (500, 500, "")


def test_points_take_what_discounts_left_of_the_margin() -> None:
    found = judged(rule("r", 15), of=basket(line(price=1000, cost=800)), points=500, guard={})
    assert (found.discount, found.by_points, found.to_pay) == (150, 50, 800)


def test_points_below_nothing_and_points_of_nobody_are_refused() -> None:
    for points, by in ((-1, Member()), (5, None)):
        with pytest.raises(InputError, match=f"{points} points cannot be spent"):
            judged(points=points, by=by)


# --- the price ---


@pytest.mark.parametrize(("days", "flagged"), [(0, True), (13, True), (14, False), (-1, False)])
def test_a_discount_from_a_price_raised_lately_is_flagged(days: int, flagged: bool) -> None:
    raised = dt.date(2026, 3, 3) - dt.timedelta(days=days)
    found = judged(rule("r", 10), of=basket(line(), line(raised=raised)), price_watch_days=14)
    assert [one.is_price_raised for one in found.lines] == [False, flagged]
    assert [step.line for step in found.trace if step.what == PRICE_RAISED] == [1] * flagged
    untouched = judged(of=basket(line(raised=raised)), price_watch_days=14)
    assert not untouched.lines[0].is_price_raised, "no discount, no flag"


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity", "10000000000"])
def test_a_quantity_that_cannot_be_is_refused(quantity: str) -> None:
    with pytest.raises(InputError, match="quantity of 'tea'"):
        Line("tea", "Tea", Decimal(quantity), 100)


@pytest.mark.parametrize("facts", [{"price": -1}, {"price": 10**14}, {"price": 1.5}, {"cost": -1}])
def test_money_that_cannot_be_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="minor units"):
        line(**facts)


def test_the_largest_basket_is_judged_at_once() -> None:
    of = basket(*(line(f"p{n % 9}", n, quantity="1000000000") for n in range(2_000)))
    rules = [rule("r", 12), rule("s", SIXTH)]
    found = judged(*rules, rule("p", POINTS), of=of, by=Member(stamps={"coffee": 5}))
    assert found.discount == sum(one.discount for one in found.lines) <= sum(one.price for one in of.lines)
    with pytest.raises(InputError, match="2000 lines"):
        basket(*of.lines, line())
