"""Hundreds of clients of a real server, all after one thing that is there once."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from regulars.api.models import Scope
from regulars.api.services import make_key
from regulars.customers.models import Customer
from regulars.customers.services.merging import merge
from regulars.loyalty import expiring, members
from regulars.loyalty.balances import Balance, position
from regulars.loyalty.codes import make_codes
from regulars.loyalty.ledger import Document, Kind, grant, write_one
from regulars.loyalty.models import PromoCode, Sale
from regulars.loyalty.selling import quote
from regulars.loyalty.verifying import faults
from regulars.purchases.models import Receipt
from tests.loyalty.selling_cases import CARD, RULES, enrolled, no_segments, open_shop, order
from tests.loyalty.served import Client, crowd, served
from tests.server.installation import Installation

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 200
OTHER_CARD = "1000000025"
FIVE = RULES["rules"][0]
SPRING = {"id": "spring", "when": {"is": "promo_code", "any_of": ["spring"]},
          "gives": {"kind": "percent_off", "percent": 50}, "for": "everybody"}  # fmt: skip


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[Installation]:
    with served() as server:
        yield server


def tills(server: Installation, count: int = 5) -> list[Client]:
    return [Client(server, make_key(name=f"Till {n}", scopes=[Scope.TILL], by=None)) for n in range(count)]


def basket(number: int | str, to_pay: int, **more: Any) -> dict[str, Any]:
    lines = [{"product_id": "tea", "quantity": "1", "price": 100_000}]
    return {"store": "Arbat", "number": str(number), "lines": lines, "to_pay": to_pay} | more


def price(points: int) -> int:
    """What the basket costs whoever spends so many."""
    return quote(order(("tea", 1, 100_000), points=points), segments=no_segments).judged.to_pay


def give(customer: Customer, points: int, number: str = "1", expires_at: dt.datetime | None = None) -> None:
    given = grant(customer.pk, points, expires_at=expires_at)
    document = Document(members.points_unit(), Kind.SALE, f"test:{customer.pk}", number, "test", (given,))
    write_one(document, at=timezone.now() - dt.timedelta(hours=1))


def statuses(told: list[Any]) -> dict[int, int]:
    return dict(Counter(status for status, _body in told))


def test_a_code_for_one_is_used_by_one_of_hundreds(server: Installation) -> None:
    open_shop(rules=[SPRING])
    ((code, _owner),) = make_codes("spring", count=1)
    mine = tills(server)
    told = crowd(MANY, lambda n: mine[n % 5].post("till/receipts", basket(n, 50_000, promo_codes=[code])))
    assert statuses(told) == {200: 1, 409: MANY - 1}
    assert {body["quote"]["to_pay"] for status, body in told if status == 409} == {100_000}
    assert (PromoCode.objects.get().used, Receipt.objects.count()) == (1, 1)
    assert faults() == []


def test_the_last_points_of_one_are_spent_by_one_of_hundreds(server: Installation) -> None:
    open_shop(rules=[FIVE])
    anna = enrolled()
    give(anna, 300)
    mine, to_pay = tills(server), price(300)
    told = crowd(MANY, lambda n: mine[n % 5].post("till/receipts", basket(n, to_pay, card=CARD, points=300)))
    assert statuses(told) == {200: 1, 409: MANY - 1}
    assert {body["quote"]["points_spent"] for status, body in told if status == 409} == {0}
    assert members.points_of(anna) == Balance(0, 0, 0, 0)
    assert (Sale.objects.get().points_spent, Receipt.objects.count()) == (300, 1)
    assert faults() == []


def test_one_receipt_told_by_hundreds_is_written_once_and_answered_alike(server: Installation) -> None:
    open_shop()
    anna = enrolled()
    give(anna, 300)
    (mine,) = tills(server, 1)
    body = basket("one", price(300), card=CARD, points=300)
    told = crowd(MANY, lambda _n: mine.post("till/receipts", body))
    assert statuses(told) == {200: MANY}
    assert all(answer == told[0] for answer in told)
    assert members.points_of(anna).available == Sale.objects.get().points_earned
    assert faults() == []


def test_a_merge_while_both_spend_neither_loses_nor_doubles_points(server: Installation) -> None:
    open_shop(rules=[FIVE])
    anna, anya = enrolled(), enrolled(OTHER_CARD, "Anya")
    give(anna, 300)
    give(anya, 300)
    mine, to_pay = tills(server), price(100)

    def one(n: int) -> tuple[int, Any]:
        if n == 30:
            merge(anna, anya, by=None)
            connection.close()
            return 0, None
        card = CARD if n % 2 else OTHER_CARD
        return mine[n % 5].post("till/receipts", basket(n, to_pay, card=card, points=100))

    assert statuses(crowd(61, one)) == {0: 1, 200: 6, 409: 54}
    assert members.points_of(anna) == Balance(0, 0, 0, 0)
    assert set(Sale.objects.values_list("customer", flat=True)) == {anna.pk}
    assert faults() == []


def test_the_night_and_the_tills_never_take_the_same_points(server: Installation) -> None:
    open_shop(rules=[FIVE])
    anna = enrolled()
    ends = timezone.now() + dt.timedelta(seconds=2)
    for n in range(20):
        give(anna, 100, f"{n}", expires_at=ends)
    mine, to_pay = tills(server), price(100)

    def one(n: int) -> tuple[int, Any]:
        if n % 12:
            return mine[n % 5].post("till/receipts", basket(n, to_pay, card=CARD, points=100))
        try:
            while timezone.now() < ends:
                expiring.expire_points(timezone.now())
            return 0, expiring.expire_points(timezone.now())
        finally:
            connection.close()

    told = statuses(crowd(60, one))
    assert told.keys() <= {0, 200, 409}
    found = position(members.points_unit(), at=timezone.now())
    assert found.redeemed == 100 * told.get(200, 0)
    assert (found.redeemed + found.expired, found.outstanding.total) == (2_000, 0)
    assert faults() == []
