"""A till that sells through the interface, and programs that try to get more than is theirs."""

import datetime as dt
import json
from typing import Any

import pytest
from django.db import DataError
from django.test import Client
from django.utils import timezone

from regulars.api.models import Scope
from regulars.api.services import make_key
from regulars.customers.models import Contact, Customer
from regulars.customers.services.contacts import add_contact
from regulars.loyalty import batches, members, selling
from regulars.loyalty.balances import balance_of
from regulars.loyalty.models import Account, Alert, Sale
from regulars.loyalty.verifying import faults
from regulars.loyalty.watching import look
from regulars.purchases.models import Product, Receipt
from tests.loyalty.at_once import together
from tests.loyalty.selling_cases import CARD, enrolled, open_shop

pytestmark = pytest.mark.django_db(transaction=True)


class Till:
    """A program with a key for tills."""

    def __init__(self, *scopes: Scope) -> None:
        self.key = make_key(name="Till", scopes=scopes or [Scope.TILL], by=None)

    def __call__(self, path: str, body: Any, method: str = "post") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = getattr(Client(), method)(f"/api/v1/{path}", body, content_type="application/json", headers=headers)
        return answer.status_code, answer.json()

    def quote(self, **more: Any) -> tuple[int, Any]:
        return self("till/quote", basket(**more))

    def sell(self, number: str = "17", to_pay: int = 9_500, **more: Any) -> tuple[int, Any]:
        return self("till/receipts", basket(number=number, to_pay=to_pay, **more))


def basket(**more: Any) -> dict[str, Any]:
    lines = [{"product_id": "tea", "quantity": "1", "price": 10_000}]
    return {"store": "Arbat", "card": CARD, "lines": lines} | more


@pytest.fixture
def till() -> Till:
    open_shop()
    return Till()


def points(customer: Customer) -> int:
    return members.points_of(customer).available


def test_a_member_is_made_found_quoted_sold_to_and_comes_back(till: Till) -> None:
    who = {"phone": "8 916 123-45-67", "card": "1000 000017", "name": "Anna"}
    nothing = {"available": 0, "held": 0, "pending": 0, "debt": 0}
    made = {"name": "Anna", "balance": nothing, "tier": "", "tier_ends_on": None}
    assert till("till/members", who) == (200, made)
    assert till("till/members", who)[0] == 200
    assert (Customer.objects.count(), Account.objects.count(), Contact.objects.count()) == (1, 1, 2)
    assert till("till/member", {"phone": "+79161234567"})[1]["name"] == "Anna"
    status, quote = till.quote()
    assert (status, quote["to_pay"], quote["points_earned"], quote["balance"]["available"]) == (200, 9_500, 9, 0)
    sums = {"price_to_print": 9_500, "paid_by_points": 0}
    assert quote["lines"] == [{"price": 10_000, "discount": 500, "by_points": 0, "to_pay": 9_500, **sums, "points": 9}]
    assert quote["why"][0] == "Line 1 (“tea”): ₽5.00 off by the rule “five”."
    status, sale = till.sell()
    assert (status, sale["balance"], sale["to_pay"]) == (200, 9, 9_500)
    assert till.sell() == (200, sale), "told again, answered alike"
    status, back = till("till/returns", {"number": "18", "receipt": "17"})
    done = {"number": "18", "state": "done", "detail": "", "refund": 9_500, "to_certificates": 0,
            "points_back": 0, "points_taken": 9, "points_forgiven": 0, "points_as": "discount", **sums,
            "lines": [{"line": 1, "quantity": "1", **sums}]}  # fmt: skip
    assert (status, back) == (200, done)
    assert till("till/member", {"card": CARD})[1]["balance"]["available"] == 0
    assert faults() == []


def test_a_discount_from_a_price_that_was_raised_is_flagged() -> None:
    open_shop(price_watch_days=14)
    enrolled()
    till = Till(Scope.TILL, Scope.WRITE_PURCHASES)
    flag = "Line 1 (“tea”): discounted, though its price was raised in the last 14 days."
    for price in (9_000, 9_000, 8_000):
        assert till("products/by-code/tea", {"price": price}, "put")[0] == 200
    assert flag not in till.quote()[1]["why"], "a price that is told first, stays or falls is not raised"
    assert till("products/by-code/tea", {"price": 10_000}, "put")[0] == 200
    assert flag in till.quote()[1]["why"]
    assert flag not in till.quote(card="")[1]["why"], "nobody gets anything off"
    status, sale = till.sell()
    assert (status, sale["why"].count(flag)) == (200, 1)
    assert flag in Sale.objects.get().why
    look(timezone.now())
    assert Alert.objects.get().subject == "Tea"


def test_a_phone_makes_a_customer_of_before_a_member(till: Till) -> None:
    vera = Customer.objects.create(name="Vera Sokolova", given_name="Vera")
    add_contact(vera, kind="phone", written="+79161234567", by=None)
    assert till("till/member", {"phone": "+79161234567"})[0] == 404
    told = till("till/members", {"phone": "+79161234567", "name": "Somebody"})[1]
    assert told["name"] == "Somebody", "phones cannot be tried for names"
    assert Account.objects.get().customer == vera


def test_a_card_of_somebody_else_is_not_given_away(till: Till) -> None:
    enrolled()
    tried = {"phone": "+79161234567", "card": CARD, "name": "Vera"}
    answers = [till("till/members", tried) for _time in range(20)]
    assert answers[0] == (404, {"detail": "This card is somebody else's: give another one."})
    assert answers[-1][0] == 429
    assert not Contact.objects.filter(kind="phone").exists()


def test_one_phone_makes_one_member_however_often_and_at_once(till: Till) -> None:
    answers = together(6, lambda _place: till("till/members", {"phone": "+79161234567"})[0])
    assert (answers, Customer.objects.count(), Account.objects.count()) == ([200] * 6, 1, 1)
    assert Customer.objects.get().name == "Member 4567"
    add_contact(Customer.objects.create(name="Wife"), kind="phone", written="+79161234567", by=None)
    status, answer = till("till/members", {"phone": "+79161234567"})
    assert (status, "Several customers have this phone" in answer["detail"]) == (400, True)
    assert Customer.objects.count() == 2


def test_one_bad_receipt_leaves_the_others_of_its_batch(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    enrolled()
    write_sales = selling.write_sales

    def failing(agreed: Any) -> Any:
        if any(paid.number == "1" for paid, _case, _quoted in agreed):
            raise DataError("out of range")
        return write_sales(agreed)

    for module in (selling, batches):
        monkeypatch.setattr(module, "write_sales", failing)
    told = till("till/batch", {"receipts": [basket(number=str(n), to_pay=9_500) for n in range(3)]})[1]
    assert [bool(one["sale"]) for one in told["receipts"]] == [True, False, True]
    assert "tell it again" in told["receipts"][1]["detail"]


def test_a_body_in_another_encoding_is_refused(till: Till) -> None:
    body = json.dumps(basket(card="b\0")).encode("utf-16")
    headers = {"Authorization": f"Bearer {till.key}"}
    answer = Client().post("/api/v1/till/quote", body, content_type="application/json", headers=headers)
    assert answer.status_code == 400


def test_another_sum_is_answered_with_the_right_one(till: Till) -> None:
    enrolled()
    status, answer = till.sell(to_pay=1)
    assert (status, answer["quote"]["to_pay"]) == (409, 9_500)
    assert not Sale.objects.exists()


def test_a_number_used_for_another_receipt_is_refused(till: Till) -> None:
    enrolled()
    first = till.sell()
    status, answer = till.sell(lines=[{"product_id": "tea", "quantity": "2", "price": 20_000}], to_pay=19_000)
    assert (status, answer["detail"]) == (422, "This till has another receipt with the number '17'.")
    # a sum that is not right either is no reason to send that number again
    assert till.sell(to_pay=1)[0] == 422
    assert till.sell() == first
    back = {"number": "b", "receipt": "17", "lines": [{"line": 1, "quantity": "1"}]}
    assert [till("till/returns", back | more)[0] for more in ({}, {"lines": []}, {})] == [200, 422, 200]


def test_points_that_are_not_there_are_not_spent(till: Till) -> None:
    enrolled()
    status, answer = till.sell(points=20, to_pay=7_500)
    assert (status, answer["quote"]["points_spent"], answer["quote"]["to_pay"]) == (409, 0, 9_500)


def test_a_void_undoes_a_whole_receipt(till: Till) -> None:
    anna = enrolled()
    till.sell()
    assert till("till/voids", {"number": "v", "receipt": "17"})[1]["refund"] == 9_500
    assert points(anna) == 0
    assert till("till/voids", {"number": "v2", "receipt": "17"})[0] == 400


def test_goods_come_back_at_another_till(till: Till) -> None:
    enrolled()
    sale, other = till.sell()[1], Till()
    back = {"number": "1", "receipt": "17", "receipt_till": sale["till"]}
    assert other("till/returns", back)[1]["refund"] == 9_500


def test_an_offline_till_tells_in_any_order_and_several_times(till: Till) -> None:
    anna = enrolled()
    then = (timezone.now() - dt.timedelta(days=2)).isoformat()
    told = {
        "receipts": [basket(number=str(n), to_pay=9_500, purchased_at=then) for n in range(3)]
        + [basket(number="wrong", to_pay=1, purchased_at=then)],
        "returns": [{"number": "r", "receipt": "0", "returned_at": then}, {"number": "e", "receipt": "9"}],
    }
    early = till("till/batch", {"returns": told["returns"]})[1]
    assert [one["back"]["state"] for one in early["returns"]] == ["waits", "waits"]
    status, first = till("till/batch", told)
    assert (status, [bool(one["sale"]) for one in first["receipts"]]) == (200, [True, True, True, False])
    assert [one["back"]["state"] for one in first["returns"]] == ["done", "waits"]
    assert "9500 minor units, not 1" in first["receipts"][3]["detail"]
    assert till("till/batch", told)[1] == first
    assert (points(anna), Receipt.objects.count()) == (18, 4)


def test_costs_and_raised_prices_come_with_the_products() -> None:
    open_shop(price_watch_days=14)
    enrolled()
    till = Till(Scope.TILL, Scope.WRITE_PURCHASES)
    assert till("products/by-code/milk", {"name": "Milk", "price": 9_000, "cost": 8_000}, method="put")[0] == 201
    milk = [{"product_id": "milk", "quantity": "1", "price": 10_000}]
    assert till.quote(lines=milk)[1]["to_pay"] == 9_500
    assert till("products/by-code/milk", {"price": 10_000, "cost": 9_000}, method="put")[1]["price"] == 10_000
    quoted = till.quote(lines=milk)[1]
    assert quoted["to_pay"] == 10_000, "ten per cent are left of it, and no discount"
    assert Product.objects.get(code="milk").price_raised_on is not None
    assert balance_of(Customer.objects.get().pk, members.points_unit(), at=timezone.now()).available == 0
