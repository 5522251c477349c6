"""The database judges last whether a receipt is sold below its floor, whoever computed its discounts."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from regulars.loyalty import selling
from regulars.loyalty.models import Sale, SaleLine
from regulars.loyalty.programme.judging import Judged
from regulars.loyalty.returning import Coming, bring_back
from regulars.purchases.models import Product
from tests.loyalty.selling_cases import RULES, enrolled, open_shop, open_store, order, publish_in_the_past, sell

pytestmark = pytest.mark.django_db
GUARD = {"line": 0, "receipt": 30, "unknown_cost": "allow", "categories": {"Gifts": None}}
HALF = [{"id": "half", "gives": {"kind": "percent_off", "percent": 50}}]


def judged_at_once() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def cheaper(judged: Judged, off: int, at: int = 0) -> Judged:
    """As a mistake in our own code would have it."""
    lines = list(judged.lines)
    lines[at] = replace(lines[at], discounts=(*lines[at].discounts, ("mistake", off)))
    return replace(judged, lines=tuple(lines))


@pytest.fixture
def shop(db: None) -> None:
    open_shop(rules=HALF, guard=GUARD)
    Product.objects.create(code="toy", name="Toy", category="Gifts", cost=9_000)
    enrolled()


def test_a_receipt_keeps_its_floor_and_which_lines_it_is_over(shop: None) -> None:
    sale = sell(order(("tea", 1, 10_000), ("cup", 1, 10_000), ("toy", 1, 10_000), ("new", 1, 10_000)))
    judged_at_once()
    # of 7,000 that two of them cost, with thirty per cent of the price above
    assert (sale.floor, sale.to_pay) == (10_000, 21_000)
    assert [one.in_receipt for one in sale.lines.order_by("position")] == [True, True, False, False]


def test_below_the_floor_the_database_refuses(shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    judge: Any = selling.judge

    def mistaken(*asked: Any) -> Judged:
        # the line of coffee has room down to its cost, the receipt has none
        return cheaper(judge(*asked), 1_001, at=1)

    monkeypatch.setattr(selling, "judge", mistaken)
    with pytest.raises(IntegrityError, match="sold below its floor"), transaction.atomic():
        sell(order(("tea", 1, 10_000), ("cup", 1, 10_000)))
        judged_at_once()
    assert not Sale.objects.exists()


def test_what_is_not_guarded_may_be_given_away(shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    judge: Any = selling.judge
    monkeypatch.setattr(selling, "judge", lambda *asked: cheaper(judge(*asked), 5_000, at=1))
    assert sell(order(("tea", 1, 10_000), ("toy", 1, 10_000))).to_pay == 8_572
    judged_at_once()


def test_a_price_that_is_below_the_floor_already_is_no_fault(shop: None) -> None:
    sale = sell(order(("tea", 1, 5_000)))
    judged_at_once()
    assert (sale.floor, sale.to_pay) == (5_000, 5_000)


def test_points_that_lower_the_price_count_and_points_that_pay_do_not(db: None) -> None:
    open_shop(rules=RULES_OF_POINTS, guard=GUARD, spending={"as": "payment", "worth": 100, "most_share": 100})
    enrolled()
    sell(order(("cup", 1, 100_000)), "1")
    sale = sell(order(("cup", 1, 2_000), points=20), "2")
    judged_at_once()
    assert (sale.points_spent, sale.to_pay, sale.floor) == (20, 0, 1_429)


RULES_OF_POINTS = [{"id": "base", "gives": {"kind": "points_per", "points": 1, "per": 1_000}}]


def test_without_a_guard_there_is_no_floor(db: None) -> None:
    open_store()
    publish_in_the_past({name: value for name, value in RULES.items() if name != "guard"}, dt.timedelta(days=30))
    enrolled()
    sale = sell(order(("tea", 1, 10_000)))
    assert (sale.floor, sale.to_pay, SaleLine.objects.get().in_receipt) == (None, 9_500, False)
    bring_back(Coming("till:1", "2", "till:1", "1"))
    judged_at_once()
