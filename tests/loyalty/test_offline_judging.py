"""A till that knows a snapshot alone judges as the server does, and learns nothing that is not its business."""

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.core.errors import InputError
from regulars.loyalty.programme.basket import Basket, Line, Member
from regulars.loyalty.programme.judging import Judged, judge
from regulars.loyalty.programme.margin import floor_of
from regulars.loyalty.programme.offline import (
    Goods,
    Snapshot,
    as_paid,
    facts,
    for_any_member,
    judge_by,
    judge_offline,
    read,
)
from regulars.loyalty.programme.rules import RuleSet, parse
from tests.loyalty.programme_cases import PRODUCTS, baskets, rule, rule_data, rule_set

BY_LOT = settings(max_examples=60, deadline=None)
QUANTITIES = st.sampled_from(["1", "2", "3", "7", "0.5", "1.250", "0.355"])
COSTS = st.fixed_dictionaries({name: st.none() | st.integers(0, 60_000) for name in PRODUCTS})


def snapshot_of(
    rules: RuleSet, costs: dict[str, int | None], basket: Basket, *, until: dt.timedelta = dt.timedelta(days=3)
) -> Snapshot:
    """As a till reads it: through JSON, and back."""
    goods = [Goods(name, PRODUCTS[name], cost) for name, cost in costs.items()]
    head = {
        "format": 1, "id": "s", "till": "till:1", "store": basket.store, "zone": basket.store_zone, "partner": "",
        "made_at": basket.purchased_at.isoformat(), "valid_until": (basket.purchased_at + until).isoformat(),
    }  # fmt: skip
    return read(json.dumps(head | facts([(1, basket.purchased_at, rules)], goods)))


def costed(basket: Basket, costs: dict[str, int | None]) -> Basket:
    """The same basket as the server knows it."""

    def cost(line: Line) -> Fraction | None:
        known = costs[line.product]
        return None if known is None else known * Fraction(line.quantity)

    return replace(basket, lines=tuple(replace(one, cost=cost(one)) for one in basket.lines))


def bare(basket: Basket) -> list[Line]:
    """As the till scans it: no cost, and any category."""
    return [replace(one, cost=None, category="whatever") for one in basket.lines]


def money(judged: Judged) -> list[Any]:
    """All that a till says to a customer."""
    return [judged.to_pay, judged.points_spent, *((one.discounts, one.by_points, one.to_pay) for one in judged.lines)]


def is_priced_well(basket: Basket, rules: RuleSet) -> bool:
    """Whether nothing is sold below its own least price as it is."""
    guard = rules.guard
    return guard is None or all(
        one.price >= floor_of(replace(one, price=10**12), guard) for one in basket.lines if one.cost is not None
    )


@BY_LOT
@given(basket=baskets, rules=rule_data(), costs=COSTS, has_card=st.booleans(), points=st.integers(0, 5000))
def test_a_till_with_a_snapshot_judges_as_the_server_does_to_the_minor_unit(
    basket: Basket, rules: dict[str, Any], costs: dict[str, int | None], has_card: bool, points: int
) -> None:
    found, points = parse(rules), points if has_card else 0
    everybody = {**rules, "rules": [one | {"for": "everybody"} for one in rules["rules"] if not _gives_points(one)]}
    found = parse(everybody) if not has_card else found
    here = judge_by(
        snapshot_of(found, costs, basket), bare(basket), at=basket.purchased_at, has_card=has_card,
        channel=basket.channel, points=points,
    )  # fmt: skip
    known = costed(basket, costs)
    there = judge(known, Member(), for_any_member(found), points) if has_card else judge(known, None, found)
    if is_priced_well(known, found):
        assert money(here) == money(there)
    elif not points:
        # of goods that are sold below their least price already a till without a line takes rather less off
        assert here.discount <= there.discount


def _gives_points(one: dict[str, Any]) -> bool:
    return str(one["gives"]["kind"]).startswith("points_")


@BY_LOT
@given(basket=baskets, rules=rule_data(), costs=COSTS)
def test_a_snapshot_tells_neither_costs_nor_margins_nor_codes(
    basket: Basket, rules: dict[str, Any], costs: dict[str, int | None]
) -> None:
    guard = rules.get("guard", {"line": "10"}) | {"line": "12.34"}
    guard["categories"] = dict.fromkeys(guard.get("categories", {}), "12.34")
    head = {name: 10**9 + 7 * place for place, name in enumerate(costs)}
    text = json.dumps(facts([(1, basket.purchased_at, parse({**rules, "guard": guard}))],
                            [Goods(name, PRODUCTS[name], cost) for name, cost in head.items()]))  # fmt: skip
    assert not any(str(cost) in text for cost in head.values())
    assert "SPRING" not in text and "12.34" not in text and '"cost"' not in text


def test_somebody_with_a_card_gets_what_everybody_with_a_card_gets() -> None:
    """Of whom nothing is known has bought nothing: his first purchase would be his first each time."""
    basket = _basket()
    rules = rule_set(
        rule("five", 5), rule("first", 50, when={"is": "purchase_number", "number": 1}),
        rule("not gold", 40, when={"not": {"is": "tier", "any_of": ["gold"]}}),
        rule("lot", 30, holdout=10), rule("code", 20, when={"not": {"is": "promo_code", "any_of": ["SPRING"]}}),
    )  # fmt: skip
    snapshot = snapshot_of(rules, {}, basket)
    judged = judge_offline(snapshot, bare(basket), at=basket.purchased_at, has_card=True)
    assert [one.discounts for one in judged.lines] == [(("five", 50),)]


def _basket() -> Basket:
    return Basket("Centre", "Europe/Moscow", "", dt.datetime(2026, 3, 3, 9, tzinfo=dt.UTC),
                  (Line("apple", "Fruit", Decimal(1), 1000),))  # fmt: skip


@pytest.mark.parametrize(
    ("off", "said"),
    [
        (dt.timedelta(hours=-1), "the clock of the till is wrong"),
        (dt.timedelta(days=-365), "the clock of the till is wrong"),
        (dt.timedelta(days=3, seconds=1), "Fetch them again, or set the clock"),
        (dt.timedelta(days=365), "Fetch them again, or set the clock"),
    ],
)
def test_a_till_whose_clock_is_wrong_or_whose_rules_are_old_sells_nothing(off: dt.timedelta, said: str) -> None:
    basket = _basket()
    snapshot = snapshot_of(rule_set(rule("five", 5)), {}, basket)
    with pytest.raises(InputError, match=said):
        judge_offline(snapshot, bare(basket), at=basket.purchased_at + off, has_card=False)


def test_a_till_keeps_to_the_caps_of_points() -> None:
    basket = _basket()
    caps = {"spending": {"offline": {"most_points": 100, "most_receipts": 2}}}
    snapshot = snapshot_of(rule_set(rule("five", 5), **caps), {}, basket)
    told: dict[str, Any] = {"at": basket.purchased_at, "has_card": True}
    assert judge_offline(snapshot, bare(basket), points=100, spent_before=1, **told).to_pay == 850
    with pytest.raises(InputError, match="100 points may be taken on a receipt, not 101"):
        judge_offline(snapshot, bare(basket), points=101, **told)
    with pytest.raises(InputError, match="No more points of this card"):
        judge_offline(snapshot, bare(basket), points=1, spent_before=2, **told)
    with pytest.raises(InputError, match="the rules allow none"):
        judge_offline(snapshot_of(rule_set(), {}, basket), bare(basket), points=1, **told)


def test_rules_that_begin_while_the_till_is_alone_are_in_its_snapshot() -> None:
    basket = _basket()
    later = basket.purchased_at + dt.timedelta(days=1)
    head = {
        "format": 1, "id": "s", "till": "till:1", "store": "Centre", "zone": "Europe/Moscow", "partner": "",
        "made_at": basket.purchased_at.isoformat(),
        "valid_until": (basket.purchased_at + dt.timedelta(days=3)).isoformat(),
    }  # fmt: skip
    versions = [(1, basket.purchased_at - dt.timedelta(days=9), rule_set(rule("five", 5))), (2, later, rule_set())]
    snapshot = read(json.dumps(head | facts(versions, [])))
    sums = [
        judge_offline(snapshot, bare(basket), at=at, has_card=True).to_pay
        for at in (basket.purchased_at, later - dt.timedelta(seconds=1), later)
    ]
    assert sums == [950, 950, 1000]


@BY_LOT
@given(basket=baskets, rules=rule_data(), share=st.integers(0, 100), points=st.integers(0, 500))
def test_whatever_was_paid_the_lines_add_up_to_it(
    basket: Basket, rules: dict[str, Any], share: int, points: int
) -> None:
    judged = judge_by(
        snapshot_of(parse(rules), {}, basket), bare(basket), at=basket.purchased_at, has_card=True, points=points
    )
    paid = (judged.to_pay + judged.discount) * share // 100
    found = as_paid(judged, paid)
    assert found.to_pay == paid
    assert all(0 <= one.discount <= one.line.price - one.by_points for one in found.lines)
