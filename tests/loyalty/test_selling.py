"""A receipt of a till: judged here, written once, in one transaction with its points."""

import datetime as dt
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.customers.models import Customer
from regulars.customers.services.merging import merge
from regulars.foundation.models import Happening
from regulars.loyalty import members
from regulars.loyalty.balances import balance_of
from regulars.loyalty.ledger import Document, Kind, grant, write_one
from regulars.loyalty.models import Alert, Lot, Programme, Sale, SaleLine, Transaction
from regulars.loyalty.programmes import publish, valid_at
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import OtherSum, quote
from regulars.loyalty.telling import NotNow
from regulars.loyalty.verifying import faults
from regulars.purchases.models import Line, Product, Receipt, Store
from tests.loyalty.at_once import together
from tests.loyalty.selling_cases import RULES, enrolled, no_segments, open_shop, order, publish_in_the_past, sell

pytestmark = pytest.mark.django_db


def closing(work: Callable[[], Sale]) -> Sale:
    """Do it in a thread, whose connection ends with it."""
    try:
        return work()
    finally:
        connection.close()


def wait_for_a_waiting_one() -> None:
    """Until another connection waits for what this one holds."""
    with connection.cursor() as cursor:
        for _try in range(500):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    pytest.fail("nobody waits")


def points_of(customer: Customer) -> int:
    return balance_of(customer.pk, members.points_unit(), at=timezone.now()).available


def give(customer: Customer, points: int) -> None:
    write_one(
        Document(members.points_unit(), Kind.GIFT, "test", f"g{Transaction.objects.count()}", "test",
                 (grant(customer.pk, points),)), at=timezone.now()
    )  # fmt: skip


def test_a_member_pays_less_earns_points_and_has_a_receipt() -> None:
    open_shop()
    anna = enrolled()
    asked = order(("tea", 2, 20_000), ("cup", 1, 5_000), cashier="Irina")
    sale = sell(asked)
    assert (sale.price, sale.discount, sale.to_pay) == (25_000, 1_250, 23_750)
    assert sale.points_earned == 23 == points_of(anna)
    receipt = Receipt.objects.get()
    assert (receipt.customer, receipt.amount, receipt.number) == (anna, 23_750, "1")
    assert (str(receipt.store), str(receipt.seller)) == ("Arbat", "Irina")
    found = list(Line.objects.order_by("position").values_list("product__code", "quantity", "amount", "cost"))
    assert found == [("tea", 2.0, 19_000, 12_000), ("cup", 1.0, 4_750, 1_000)]
    assert Lot.objects.get().expires_at == sale.purchased_at + dt.timedelta(days=365)
    assert faults() == []


def test_who_shows_no_card_pays_the_price_and_earns_nothing() -> None:
    open_shop()
    sale = sell(order(("tea", 1, 10_000), card=""))
    assert (sale.to_pay, sale.points_earned, sale.customer) == (10_000, 0, None)
    assert not Transaction.objects.exists()


def test_points_lower_the_price_and_are_spent() -> None:
    open_shop()
    anna = enrolled()
    give(anna, 100)
    asked = order(("tea", 2, 20_000), points=40)
    found = quote(asked, segments=no_segments)
    assert (found.judged.by_points, found.judged.to_pay, found.most_points) == (4_000, 15_000, 56)
    sale = sell(asked)
    assert (sale.points_spent, sale.points_earned, points_of(anna)) == (40, 15, 75)
    assert Receipt.objects.get().amount == 15_000, "points are a discount in this programme"


def test_points_as_a_payment_leave_the_price() -> None:
    open_shop(spending={"as": "payment", "worth": 100, "most_share": 50})
    give(enrolled(), 100)
    sale = sell(order(("tea", 2, 20_000), points=40))
    assert (sale.to_pay, Receipt.objects.get().amount) == (15_000, 19_000)


def test_nobody_spends_points_that_he_does_not_have() -> None:
    open_shop()
    anna = enrolled()
    give(anna, 10)
    asked = order(("tea", 2, 20_000), points=40)
    with pytest.raises(OtherSum) as told:
        sell(asked, to_pay=15_000)
    assert told.value.quote.judged.points_spent == 10
    assert not (Sale.objects.exists() or Receipt.objects.exists() or Line.objects.exists())
    assert (sell(asked).to_pay, points_of(anna)) == (18_000, 18)


def test_the_same_request_again_is_the_same_sale_and_another_one_is_refused() -> None:
    open_shop()
    anna = enrolled()
    asked = order(("tea", 1, 10_000))
    first = sell(asked, to_pay=9_500)
    assert sell(asked, to_pay=9_500) == first
    with pytest.raises(NotNow, match="another receipt with the number '1'"):
        sell(order(("tea", 1, 20_000)), to_pay=19_000)
    assert (points_of(anna), Receipt.objects.count()) == (9, 1)
    other = sell(replace(asked, till="till:2"))
    assert other != first, "each till counts its own receipts"


def test_a_sum_that_is_no_longer_right_is_told_with_the_new_one() -> None:
    open_shop()
    enrolled()
    asked = order(("tea", 1, 10_000))
    publish(RULES | {"rules": RULES["rules"][1:]}, by=None)
    with pytest.raises(OtherSum, match="10000 minor units, not 9500") as told:
        sell(asked, to_pay=9_500)
    assert told.value.quote is not None
    assert told.value.quote.judged.to_pay == 10_000
    assert not Sale.objects.exists()


def test_a_receipt_is_judged_by_the_rules_of_its_moment_however_late_it_comes() -> None:
    open_shop()
    anna = enrolled()
    publish_in_the_past(RULES | {"rules": RULES["rules"][1:]}, dt.timedelta(days=2))
    then = timezone.now() - dt.timedelta(days=5)
    late = sell(order(("tea", 1, 10_000), purchased_at=then), "old")
    now = sell(order(("tea", 1, 10_000)), "new")
    assert (late.to_pay, now.to_pay) == (9_500, 10_000)
    assert {one.available_at for one in Lot.objects.all()} == {then, now.purchased_at}
    assert points_of(anna) == 19


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (dt.timedelta(hours=3), "has not come yet"),
        (dt.timedelta(days=366), "has not come yet"),
        (-dt.timedelta(days=366), "more than 35 days ago"),
    ],
)
def test_a_clock_that_is_off_is_caught(away: dt.timedelta, words: str) -> None:
    open_shop()
    enrolled()
    with pytest.raises(InputError, match=words):
        sell(order(("tea", 1, 10_000), purchased_at=timezone.now() + away))


def test_a_moment_that_is_over_counts_though_the_clock_may_be_behind() -> None:
    open_shop()
    enrolled()
    behind = timezone.now() - dt.timedelta(hours=3)
    assert sell(order(("tea", 1, 10_000), purchased_at=behind)).purchased_at == behind
    assert not Alert.objects.exists(), "whoever calls without a till has no clock of his own"


def test_what_the_till_says_of_goods_is_not_believed() -> None:
    open_shop(rules=[{"id": "gifts", "on": {"categories": ["Gifts"]}, "gives": {"kind": "percent_off", "percent": 50}}])
    enrolled()
    asked = order(("tea", 1, 10_000))
    cheat = replace(asked, items=(replace(asked.items[0], category="Gifts"),))
    assert sell(cheat).to_pay == 10_000, "tea is a drink here, whatever it is called at the till"


def test_the_guard_keeps_the_margin_and_the_database_is_its_last_judge() -> None:
    open_shop(rules=[{"id": "half", "gives": {"kind": "percent_off", "percent": 50}}])
    enrolled()
    sale = sell(order(("tea", 1, 10_000)))
    line = sale.lines.get()
    assert (line.cost, line.floor, line.to_pay) == (6_000, 6_667, 6_667)
    assert any("margin" in step for step in sale.why), sale.why
    with pytest.raises(IntegrityError, match="sale_line_keeps_margin"), transaction.atomic():
        SaleLine.objects.create(
            sale=sale, position=2, product="tea", quantity=1, price=10_000, floor=6_667, discount=5_000, by_points=0,
            lowered=5_000, earned=0,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("quantity", "price"), [("0", 100), ("-1", 100), ("1e12", 100), ("NaN", 100), ("1", -100), ("1", 10**14)]
)
def test_odd_quantities_and_prices_are_refused(quantity: str, price: int) -> None:
    open_shop()
    enrolled()
    with pytest.raises(InputError, match="tea"):
        sell(order(("tea", quantity, price)), to_pay=0)
    assert not Sale.objects.exists()


def test_stamps_come_with_cups_and_the_sixth_is_free() -> None:
    cups = {"id": "cups", "on": {"categories": ["Cups"]}, "gives": {"kind": "nth_free", "n": 6, "counter": "cups"}}
    open_shop(rules=[cups], guard={"categories": {"Cups": None}, "unknown_cost": "allow"})
    anna = enrolled()
    paid = [sell(order(("cup", 2, 10_000)), str(number)).to_pay for number in range(3)]
    assert paid == [10_000, 10_000, 5_000]
    assert balance_of(anna.pk, members.stamps_unit("cups"), at=timezone.now()).available == 0
    assert faults() == []


def test_turnover_first_purchase_and_repeat_are_known() -> None:
    steps = [{"from": 5_000, "percent": 10}]
    rules = [
        {"id": "turnover", "gives": {"kind": "percent_by_turnover", "period": "month", "steps": steps}},
        {"id": "first", "when": {"is": "purchase_number", "number": 1}, "gives": {"kind": "points_gift", "points": 7}},
        {"id": "soon", "when": {"is": "repeat", "within_days": 4, "same_day": True},
         "gives": {"kind": "points_gift", "points": 3}},
    ]  # fmt: skip
    open_shop(rules=rules, guard={"unknown_cost": "allow"})
    enrolled()
    first, second = sell(order(("cup", 1, 10_000)), "1"), sell(order(("cup", 1, 10_000)), "2")
    assert (first.to_pay, first.points_earned) == (10_000, 7)
    assert (second.to_pay, second.points_earned) == (9_000, 3)


def test_a_segment_of_the_rules_is_asked_for_and_no_other() -> None:
    asked: list[set[str]] = []

    def segments(_customer: int, wanted: Any) -> frozenset[str]:
        asked.append(set(wanted))
        return frozenset({"best"})

    when = {"is": "segment", "any_of": ["best", "new"]}
    open_shop(rules=[{"id": "best", "when": when, "gives": {"kind": "percent_off", "percent": 20}}])
    enrolled()
    assert quote(order(("tea", 1, 10_000)), segments=segments).judged.to_pay == 8_000
    assert asked[0] == {"best", "new"}


def test_answers_are_the_own_fields_that_questionnaires_fill() -> None:
    when = {"is": "answer", "question": "pets", "any_of": ["cat"]}
    open_shop(rules=[{"id": "cats", "when": when, "gives": {"kind": "percent_off", "percent": 20}}])
    anna = enrolled()
    Customer.objects.filter(pk=anna.pk).update(own_fields={"pets": ["cat", "dog"]})
    assert quote(order(("tea", 1, 10_000)), segments=no_segments).judged.to_pay == 8_000


@pytest.mark.parametrize("who", [{"card": "999"}, {"card": "", "phone": "+79161234567"}])
def test_a_stranger_is_no_member_and_is_told_alike(who: dict[str, str]) -> None:
    open_shop()
    Customer.objects.create(name="No member")
    with pytest.raises(members.NoMember, match="No member has this card or phone"):
        sell(order(("tea", 1, 10_000), **who))


def test_the_card_of_somebody_merged_is_that_of_who_was_kept() -> None:
    open_shop()
    anna, other = enrolled(), enrolled("1000000025", "Anna again")
    merge(kept=anna, gone=other, by=None)
    sale = sell(order(("tea", 1, 10_000), card="1000000025"))
    assert sale.customer == anna
    assert points_of(anna) == 9


@pytest.mark.parametrize("points_as", ["discount", "payment"])
@pytest.mark.parametrize("guard", [None, {"line": 10}, {"line": 40, "receipt": 45, "unknown_cost": "no_discount"}])
def test_what_is_quoted_can_be_written(points_as: str, guard: dict[str, Any] | None) -> None:
    open_shop(spending={"as": points_as, "worth": 100, "most_share": 80}, **({"guard": guard} if guard else {}))
    anna = enrolled()
    for number, price in enumerate((7_000, 9_999, 20_001, 100)):
        give(anna, 50)
        asked = order(("tea", 1, price), ("cup", 2, price // 3), ("new", 1, 500), points=70)
        sale = sell(asked, str(number))
        assert sale.price - sale.discount - sale.by_points == sale.to_pay
    assert faults() == []


def test_a_purchase_that_was_cancelled_was_none() -> None:
    gift = {"kind": "points_gift", "points": 500}
    open_shop(rules=[{"id": "first", "when": {"is": "purchase_number", "number": 1}, "gives": gift}])
    anna = enrolled()
    for number in range(3):
        assert sell(order(("cup", 1, 10_000)), str(number)).points_earned == 500
        bring_back(Coming("till:1", f"v{number}", "till:1", str(number), is_void=True))
    assert points_of(anna) == 0


def test_rules_that_give_more_points_than_can_be_kept_are_named() -> None:
    open_shop(rules=[{"id": "mad", "gives": {"kind": "points_per", "points": 10**9, "per": 1}}])
    enrolled()
    with pytest.raises(InputError, match="the rules give too many"):
        sell(order(("tea", 1, 10_000)))


def test_goods_and_stores_that_nobody_knows() -> None:
    open_shop()
    enrolled()
    assert sell(order(("new thing", "0.355", 1_000))).to_pay == 950
    assert Product.objects.get(code="new thing").name == "new thing"
    quote(order(("tea", 1, 100), store="Elsewhere"), segments=no_segments)
    assert not Store.objects.filter(name="Elsewhere").exists(), "a quote writes nothing"
    sell(order(("tea", 1, 100), store="Elsewhere"), "2")
    assert Receipt.objects.get(store__name="Elsewhere").number == "2"


def test_a_version_is_published_once_and_stays() -> None:
    first = open_shop()
    with pytest.raises(InputError, match="has passed"):
        publish(RULES, by=None, valid_from=timezone.now() - dt.timedelta(minutes=1))
    with pytest.raises(InputError, match="counts in EUR"):
        publish(RULES | {"currency": "EUR"}, by=None)
    for_some = {"is": "segment", "any_of": ["7"]}
    with pytest.raises(InputError, match=r"the segment '7', which there is not\. Known: 3, 5"):
        publish(RULES | {"rules": [RULES["rules"][0] | {"when": for_some}]}, by=None, segments=["5", "3"])
    asked = {"not": {"is": "answer", "question": "shoe", "any_of": ["42"]}}
    with pytest.raises(InputError, match=r"the own field 'shoe', which there is not\. Known: -"):
        publish(RULES | {"rules": [RULES["rules"][0] | {"when": asked}]}, by=None)
    tomorrow = timezone.now() + dt.timedelta(days=1)
    told = Happening.objects.filter(event="programme.published")
    before = told.count()
    later = publish(RULES, by=None, valid_from=tomorrow, note="From tomorrow")
    # what is refused is not told
    with pytest.raises(InputError, match="Another version begins"):
        publish(RULES, by=None, valid_from=tomorrow)
    content = {"id": later.pk, "valid_from": tomorrow.isoformat(), "note": "From tomorrow"}
    assert (told.count(), told.latest("id").content) == (before + 1, content)
    now = valid_at(timezone.now())
    assert now is not None and now[0] == first
    for change in (lambda: Programme.objects.update(note="other"), first.delete):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_before_the_first_version_nothing_is_sold() -> None:
    open_shop()
    enrolled()
    with pytest.raises(InputError, match="No programme was valid"):
        sell(order(("tea", 1, 100), purchased_at=timezone.now() - dt.timedelta(days=31)))


def test_sales_stay_as_they_were_written() -> None:
    open_shop()
    enrolled()
    sale = sell(order(("tea", 1, 10_000)))
    for change in (
        lambda: Sale.objects.update(points_earned=1_000),
        lambda: SaleLine.objects.update(discount=0),
        sale.delete,
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    """Many requests at one moment."""

    def test_who_is_merged_while_he_pays_is_the_one_that_is_kept(self) -> None:
        open_shop()
        anna, other = enrolled(), enrolled("1000000025", "Anna again")
        asked = order(("tea", 1, 10_000), card="1000000025")
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                merge(kept=anna, gone=other, by=None)
                selling = pool.submit(closing, lambda: sell(asked, to_pay=9_500))
                wait_for_a_waiting_one()
            sale = selling.result(timeout=30)
        assert (sale.customer, sale.receipt.customer, points_of(anna)) == (anna, anna, 9)

    def test_the_same_receipt_is_written_once_and_all_are_told_of_it(self) -> None:
        open_shop()
        anna = enrolled()
        asked = order(("tea", 1, 10_000), purchased_at=timezone.now())
        answers = together(12, lambda _place: sell(asked, to_pay=9_500).pk)
        assert len(set(answers)) == 1
        assert (points_of(anna), Receipt.objects.count()) == (9, 1)

    def test_the_last_points_are_spent_at_one_till(self) -> None:
        open_shop()
        anna = enrolled()
        give(anna, 40)

        def spending(place: int) -> Any:
            try:
                return sell(order(("tea", 2, 20_000), till=f"till:{place}", points=40), to_pay=15_000).pk
            except OtherSum as other:
                return f"now {other.quote.judged.points_spent}"

        answers = together(12, spending)
        # whoever comes later finds what the sale itself has earned
        assert sorted(map(str, answers))[1:] == ["now 15"] * 11
        assert points_of(anna) == 15

    def test_the_free_cup_is_given_once(self) -> None:
        cups = {"id": "cups", "on": {"categories": ["Cups"]}, "gives": {"kind": "nth_free", "n": 6, "counter": "cups"}}
        open_shop(rules=[cups], guard={"categories": {"Cups": None}, "unknown_cost": "allow"})
        enrolled()
        sell(order(("cup", 5, 25_000)), "five")

        def sixth(place: int) -> str:
            try:
                return f"free at {sell(order(('cup', 1, 5_000), till=f'till:{place}'), to_pay=0).pk}"
            except NotNow:
                return "not free"

        assert sorted(together(8, sixth))[1:] == ["not free"] * 7
        assert faults() == []
