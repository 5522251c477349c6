"""What comes back: in any parts and order, never more than was sold, and the same in the end."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from regulars.core.errors import InputError
from regulars.customers.models import Customer
from regulars.customers.services.merging import merge, unmerge
from regulars.loyalty import members
from regulars.loyalty.balances import Balance, balance_of, position
from regulars.loyalty.ledger import Document, Kind, grant, spend, write_one
from regulars.loyalty.models import Sale, SaleReturn, WaitingReturn
from regulars.loyalty.returning import Coming, bring_back, share
from regulars.loyalty.selling import commit, quote
from regulars.loyalty.telling import NotNow
from regulars.loyalty.verifying import faults
from regulars.purchases.models import Line, Receipt
from tests.loyalty.at_once import together
from tests.loyalty.selling_cases import RULES, enrolled, no_segments, open_shop, order, publish_in_the_past
from tests.web.people import make_user

pytestmark = pytest.mark.django_db


def sold(*items: tuple[str, str | int, int], points: int = 0, number: str = "1", **more: Any) -> Sale:
    asked = order(*items, points=points, **more)
    to_pay = quote(asked, segments=no_segments).judged.to_pay
    return commit(asked, number, to_pay=to_pay, segments=no_segments)


def coming(number: str, *lines: tuple[int, str | int], sale: str = "1", **more: Any) -> Coming:
    found = tuple((place, Decimal(quantity)) for place, quantity in lines)
    return Coming(
        **{"till": "till:1", "sale_till": "till:1", "number": number, "sale_number": sale, "lines": found} | more
    )


def back(number: str, *lines: tuple[int, str | int], **more: Any) -> SaleReturn:
    found = bring_back(coming(number, *lines, **more))
    assert isinstance(found, SaleReturn)
    return found


def balance(customer: Customer) -> Balance:
    return balance_of(customer.pk, members.points_unit(), at=timezone.now())


def with_points(points: int = 100) -> Customer:
    anna = enrolled()
    document = Document(members.points_unit(), Kind.GIFT, "test", "g", "test", (grant(anna.pk, points),))
    write_one(document, at=timezone.now())
    return anna


def test_a_part_comes_back_with_its_money_and_points() -> None:
    open_shop(guard={"categories": {"Drinks": None, "Cups": None}})
    anna = with_points()
    sold(("tea", 3, 30_000), ("cup", 1, 5_000), points=60)
    assert balance(anna).available == 100 - 60 + 27
    first = back("r1", (1, 1), cashier="Irina")
    # by points 6,000 of 33,250 after discount: 5,143 of the tea, 857 of the cup
    assert (first.refund, first.points_back, first.points_taken) == (7_785, 17, 7)
    receipt = Receipt.objects.get(number="r1")
    assert (receipt.amount, receipt.customer, str(receipt.seller)) == (-7_785, anna, "Irina")
    line = Line.objects.get(receipt=receipt)
    assert (line.quantity, line.amount, line.cost) == (-1.0, -7_785, -6_000)
    assert faults() == []


def test_when_all_is_back_nothing_is_left_of_the_sale() -> None:
    open_shop()
    anna = with_points()
    sale = sold(("tea", 3, 30_000), ("cup", 1, 5_000), points=60)
    parts = [back("r1", (1, 1)), back("r2", (2, 1)), back("r3")]
    assert sum(one.refund for one in parts) == sale.to_pay
    assert (sum(one.points_back for one in parts), sum(one.points_taken for one in parts)) == (60, sale.points_earned)
    assert balance(anna) == Balance(100, 0, 0, 0)
    assert Receipt.objects.aggregate(sum=Sum("amount"))["sum"] == 0
    with pytest.raises(InputError, match="came back already"):
        back("r4")


def test_a_cancelled_sale_is_void_and_only_a_whole_one_can_be() -> None:
    open_shop()
    anna = with_points()
    sold(("tea", 2, 20_000), points=40)
    assert back("v", is_void=True).is_void
    assert balance(anna) == Balance(100, 0, 0, 0)
    sold(("tea", 2, 20_000), number="2")
    back("r", (1, 1), sale="2")
    with pytest.raises(InputError, match="return the rest instead"):
        back("v2", sale="2", is_void=True)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (((1, 3),), "Of line 1 2 can come back, not 3"),
        (((1, 0),), "can come back, not 0"),
        (((1, -1),), "can come back, not -1"),
        (((1, "NaN"),), "can come back, not NaN"),
        (((2, 1),), "lines from 1 to 1"),
        (((1, 1), (1, 1)), "name each of them once"),
    ],
)
def test_more_than_was_sold_and_odd_lines_are_refused(lines: Any, words: str) -> None:
    open_shop()
    anna = with_points()
    sold(("tea", 2, 20_000))
    before = balance(anna)
    with pytest.raises(InputError, match=words):
        back("r", *lines)
    assert balance(anna) == before
    assert not SaleReturn.objects.exists()


def test_the_same_return_again_is_the_same_and_another_of_its_number_is_refused() -> None:
    open_shop()
    with_points()
    sold(("tea", 2, 20_000))
    assert back("r", (1, 1)) == back("r", (1, 1))
    with pytest.raises(NotNow, match="another receipt with the number 'r'"):
        back("r", (1, 2))


def test_earned_points_that_are_spent_are_owed() -> None:
    open_shop()
    anna = enrolled()
    sold(("tea", 4, 40_000))
    sold(("tea", 4, 40_000), number="2", points=38)
    back("r")
    assert balance(anna).debt == 38 - 34
    assert faults() == []


def test_stamps_go_with_the_cups() -> None:
    cups = {"id": "cups", "on": {"categories": ["Cups"]}, "gives": {"kind": "nth_free", "n": 6, "counter": "cups"}}
    open_shop(rules=[cups], guard={"categories": {"Cups": None}, "unknown_cost": "allow"})
    anna = enrolled()
    sold(("cup", 4, 20_000), ("tea", 1, 10_000))

    def stamps() -> int:
        return balance_of(anna.pk, members.stamps_unit("cups"), at=timezone.now()).available

    back("r1", (2, 1))
    assert stamps() == 4
    back("r2", (1, 1))
    assert stamps() == 3
    back("r3")
    assert stamps() == 0
    sold(("cup", 6, 30_000), number="2")
    assert stamps() == 0, "the sixth was free"
    back("r4", sale="2")
    assert stamps() == 0


def test_a_return_that_comes_before_its_sale_waits_for_it() -> None:
    open_shop()
    anna = with_points()
    early = bring_back(coming("r", (1, 1)))
    assert isinstance(early, WaitingReturn)
    assert bring_back(coming("r", (1, 1))) == early, "told again, it waits once"
    sold(("tea", 2, 20_000))
    done = SaleReturn.objects.get()
    assert (done.refund, done.points_taken) == (9_500, 9)
    assert bring_back(coming("r", (1, 1))) == done
    assert balance(anna).available == 100 + 19 - 9
    assert not WaitingReturn.objects.exists()


def test_a_misread_number_takes_nothing_from_a_later_sale() -> None:
    open_shop()
    anna = with_points()
    with pytest.raises(InputError, match="has no receipt '1'"):
        back("v", is_void=True)
    assert isinstance(bring_back(coming("r", returned_at=timezone.now() - dt.timedelta(days=20))), WaitingReturn)
    sold(("tea", 2, 20_000))
    assert not SaleReturn.objects.exists()
    assert "before the receipt of that number was sold" in WaitingReturn.objects.get().wanted["refused"]
    assert balance(anna).available == 119


def test_the_answer_of_a_sale_knows_of_the_return_that_waited_for_it() -> None:
    open_shop()
    with_points()
    bring_back(coming("r", (1, 1)))
    assert sold(("tea", 2, 20_000)).balance == 100 + 19 - 9


def test_a_return_after_a_merge_goes_back_with_its_sale_when_the_merge_does() -> None:
    open_shop()
    anna, other = with_points(), enrolled("1000000025", "Anna again")
    sold(("tea", 2, 20_000), card="1000000025")
    merged = merge(kept=anna, gone=other, by=None)
    assert back("r", (1, 1)).receipt.customer == anna
    unmerge(merged, by=make_user("owner"))
    assert {one.customer_id for one in Receipt.objects.all()} == {other.pk}


def test_a_stamp_goes_with_the_cup_that_was_stamped() -> None:
    cups = {"id": "cups", "gives": {"kind": "nth_free", "n": 6, "counter": "cups"}}
    open_shop(rules=[cups], never_discounted={"categories": ["Drinks"]}, guard={"unknown_cost": "allow"})
    anna = enrolled()
    sold(("cup", 1, 5_000), ("tea", 5, 50_000))
    back("r", (1, 1))
    assert balance_of(anna.pk, members.stamps_unit("cups"), at=timezone.now()).available == 0


def test_points_that_are_lost_by_a_late_return_are_not_said_to_be_back() -> None:
    open_shop()
    anna, now = enrolled(), timezone.now()
    soon = grant(anna.pk, 50, expires_at=now + dt.timedelta(days=1))
    write_one(Document(members.points_unit(), Kind.GIFT, "test", "g", "test", (soon,)), at=now)
    sold(("tea", 2, 20_000), points=50)
    later = now + dt.timedelta(days=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: later)
        assert back("r").points_back == 0
        assert balance(anna).available == 0


def test_a_waiting_return_of_more_than_was_sold_stays_and_says_why() -> None:
    open_shop()
    with_points()
    bring_back(coming("r", (1, 9)))
    sold(("tea", 2, 20_000))
    assert "Of line 1 2 can come back" in WaitingReturn.objects.get().wanted["refused"]
    assert not SaleReturn.objects.exists()


def test_what_expired_meanwhile_is_lost_or_lives_on_as_the_rules_say() -> None:
    rules = RULES | {"life": {"days": 365, "late_days": 30}}
    open_shop()
    publish_in_the_past(rules, dt.timedelta(days=20))
    anna = enrolled()
    now = timezone.now()
    soon = grant(anna.pk, 50, available_at=now - dt.timedelta(days=9), expires_at=now + dt.timedelta(seconds=1))
    write_one(Document(members.points_unit(), Kind.GIFT, "test", "g", "test", (soon,)), at=now - dt.timedelta(days=9))
    sold(("tea", 2, 20_000), points=50)
    timezone_now = now + dt.timedelta(days=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: timezone_now)
        back("r")
        assert balance(anna).available == 50


class TestAnyOrder(TestCase):
    """Parts of one sale come back in any order and size: money and points depend on what is back, not on the way."""

    @settings(max_examples=25, deadline=None)
    @given(data=st.data())
    def test_the_way_does_not_matter(self, data: Any) -> None:
        items = data.draw(
            st.lists(
                st.tuples(st.sampled_from(["tea", "cup"]), st.integers(1, 4), st.integers(1_000, 90_000)),
                min_size=1, max_size=4,
            )
        )  # fmt: skip
        points = data.draw(st.integers(0, 200))
        units = [place for place, (_code, count, _price) in enumerate(items, start=1) for _unit in range(count)]
        gone = data.draw(st.permutations(units))[data.draw(st.integers(0, len(units) - 1)) :]
        ways = {"a": gone, "b": data.draw(st.permutations(gone))}
        open_shop()
        anna = with_points(5_000)
        before = balance(anna).available
        sales = [sold(*items, points=points, number=number) for number in ways]
        for number, way in ways.items():
            for step, place in enumerate(way):
                back(f"{number}{step}", (place, 1), sale=number)
        totals = [self._total(one) for one in sales]
        assert totals[0] == totals[1]
        for one in sales:
            if len(gone) < len(units):
                back(f"{one.number}-rest", sale=one.number)
            assert self._total(one) == (one.to_pay, one.points_spent, one.points_earned)
        assert balance(anna).available - balance(anna).debt == before
        assert Receipt.objects.aggregate(sum=Sum("amount"))["sum"] == 0
        assert position(members.points_unit(), at=timezone.now()).is_balanced
        assert faults() == []

    @staticmethod
    def _total(sale: Sale) -> tuple[int, ...]:
        return tuple(sale.returns.aggregate(Sum("refund"), Sum("points_back"), Sum("points_taken")).values())


def test_a_share_is_never_more_than_the_whole() -> None:
    assert [share(100, Decimal(part), Decimal(3)) for part in (0, 1, 2, 3)] == [0, 33, 66, 100]


@pytest.mark.django_db(transaction=True)
def test_two_returns_at_once_never_bring_more_than_was_sold() -> None:
    open_shop()
    anna = with_points()
    sold(("tea", 3, 30_000), points=30)

    def one(place: int) -> str:
        try:
            return f"{back(f'r{place}', (1, 1), till=f'till:{place}').refund}"
        except InputError:
            return "no"

    answers = together(9, one)
    assert sorted(answers)[3:] == ["no"] * 6
    assert balance(anna) == Balance(100, 0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_sale_and_its_return_at_one_moment_both_happen() -> None:
    open_shop()
    with_points()
    asked = order(("tea", 1, 10_000))

    def one(place: int) -> Any:
        if place % 2:
            return bring_back(coming("r", (1, 1)))
        return commit(asked, "1", to_pay=9_500, segments=no_segments)

    together(6, one)
    assert SaleReturn.objects.get().refund == 9_500
    assert not WaitingReturn.objects.exists()


def test_who_joined_before_debts_were_allowed_owes_as_the_rules_of_now_say() -> None:
    """And a version that allows less changes nothing of what he owes already."""
    open_shop(life={"days": 365, "most_debt": 0})
    anna = enrolled()
    anna.accounts.update(debt_limit=0)
    assert sold(("cup", 10, 200_000)).points_earned == 190
    assert sold(("cup", 5, 100_000), number="2").points_earned == 95
    spent = Document(members.points_unit(), Kind.SALE, "till:1", "3", "till:1", (spend(anna.pk, 280),))
    write_one(spent, at=timezone.now())
    publish_in_the_past(RULES | {"life": {"days": 365, "most_debt": 150}}, dt.timedelta(minutes=2))
    first = bring_back(coming("r1"))
    assert isinstance(first, SaleReturn)
    assert (first.points_taken, first.points_forgiven) == (5 + 150, 190 - 5 - 150), "what he has, may owe, and the rest"
    assert (members.points_of(anna).debt, anna.accounts.get().debt_limit) == (150, 150)
    publish_in_the_past(RULES | {"life": {"days": 365, "most_debt": 20}}, dt.timedelta(minutes=1))
    second = bring_back(coming("r2", sale="2"))
    assert isinstance(second, SaleReturn)
    assert (second.points_taken, second.points_forgiven) == (0, 95)
    assert (members.points_of(anna).debt, anna.accounts.get().debt_limit) == (150, 150)
    assert faults() == []
