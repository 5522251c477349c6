"""Whether a rule pays: each thing counts once, what came back leaves no trace, and a planted gain is found."""

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from regulars.core.i18n import use_language
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.loyalty import paying_words
from regulars.loyalty.breakage import Outlook
from regulars.loyalty.gifts import GiftData, Wish, add_gift, take
from regulars.loyalty.ledger import Document, Kind, grant, write_one
from regulars.loyalty.members import points_unit
from regulars.loyalty.models import Sale, SaleLine, SpentShare
from regulars.loyalty.paying import Payoff, Price
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import quote
from regulars.loyalty.trials import FEWEST, trials
from regulars.purchases.models import Line, Receipt
from regulars.report.words import Purse
from tests.loyalty.selling_cases import RULES, no_segments, open_store, order, publish_in_the_past, sell
from tests.loyalty.test_trials import HALF, enrol_many, held
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db

WORTH = 100
Basket = tuple[int, int, int, int]  # price, discount, paid by points, points earned


def opened(count: int = 300, **rules: Any) -> list[Customer]:
    open_store()
    publish_in_the_past(RULES | {"rules": [HALF]} | rules, dt.timedelta(days=60))
    return enrol_many(count)


def bought(people: list[Customer], basket: Callable[[Customer], Basket], *, cost: float | None = 0.6) -> None:
    """A receipt of each, as a till would have written it; `cost` is a share of the price."""
    at, programme = timezone.now() - dt.timedelta(days=20), None
    asked = [(one, basket(one)) for one in people]
    receipts = Receipt.objects.bulk_create(
        Receipt(customer=one, purchased_at=at, amount=price - discount - points, key=f"b{one.pk}".encode())
        for one, (price, discount, points, _earned) in asked
    )
    Line.objects.bulk_create(
        Line(receipt=receipt, position=1, amount=receipt.amount, cost=None if cost is None else round(basket[0] * cost))
        for receipt, (_one, basket) in zip(receipts, asked, strict=True)
    )
    sales = Sale.objects.bulk_create(
        Sale(
            till="till:9", number=str(one.pk), digest=b"", customer=one, programme=programme, receipt=receipt,
            purchased_at=at, recorded_at=at, price=price, discount=discount, by_points=points,
            points_spent=points // WORTH, points_earned=earned, points_as="discount",
        )
        for receipt, (one, (price, discount, points, earned)) in zip(receipts, asked, strict=True)
    )  # fmt: skip
    SaleLine.objects.bulk_create(
        SaleLine(
            sale=sale, position=1, product="tea", quantity=1, price=sale.price, discount=sale.discount,
            by_points=sale.by_points, lowered=sale.discount + sale.by_points, earned=sale.points_earned,
        )
        for sale in sales
    )  # fmt: skip


def paid_off() -> Payoff:
    (found,) = trials(timezone.now())
    assert found.payoff is not None
    return found.payoff


def noise(seed: int = 1) -> Callable[[], int]:
    chance = random.Random(seed)
    return lambda: round(chance.gauss(0, 400))


def test_a_discount_that_changes_nothing_costs_itself_once_and_points_what_they_are_worth() -> None:
    people, more = opened(), noise()
    bought(people, lambda one: (10_000 + more(), 0, 0, 0) if held(one) else (10_000 + more(), 1_000, 0, 5))
    SpentShare.objects.create(
        unit=points_unit(), lasts=False, estimated_on=dt.date(2026, 1, 1), share="0.5", low="0.4", high="0.6",
        members=40, points=100,
    )  # fmt: skip
    found = paid_off()
    # 1,000 off, and 5 points worth 100 of which half are spent
    assert found.is_margin and found.cost.each.value == pytest.approx(1_250)
    assert (found.cost.each.low, found.cost.each.high) == (pytest.approx(1_200), pytest.approx(1_300))
    assert found.brought.each.low < 0 < found.brought.each.high
    assert found.net.each.value == pytest.approx(found.brought.each.value - 1_250)
    assert found.net.is_shown and found.net.total.value < 0
    assert found.net.total.value == pytest.approx(found.net.each.value * sum(not held(one) for one in people))


def test_what_points_pay_was_counted_when_they_were_promised() -> None:
    people, more = opened(), noise(2)
    sums = {one.pk: 10_000 + more() for one in people}
    bought(people, lambda one: (sums[one.pk], 0, 0 if held(one) else 2_000, 0))
    (found,) = trials(timezone.now())
    assert found.paid is not None and found.paid.each.value < -1_800, "they paid less money"
    assert found.payoff is not None and found.payoff.cost.each.value == 0
    assert abs(found.payoff.brought.each.value) < 200 and not found.payoff.net.is_shown


def test_while_nobody_knows_how_many_are_spent_all_count_and_the_interval_says_so() -> None:
    people, more = opened(), noise(3)
    bought(people, lambda one: (10_000 + more(), 0, 0, 0 if held(one) else 10))
    found = paid_off()
    assert found.price == Price(WORTH, Outlook(None, 0.0, 1.0))
    assert (found.cost.each.low, found.cost.each.value, found.cost.each.high) == (0, 1_000, 1_000)
    assert found.net.each.low < found.brought.each.low - 900 and found.net.each.high == found.brought.each.high > 0
    assert not found.net.is_shown, "it may have cost nothing"
    with use_language("en"):
        said = " ".join(paying_words.paying_sentences(found, Purse("RUB")))
    assert "is not shown" in said and "not known: here all of them count" in said


def test_a_planted_gain_beyond_the_cost_is_found_with_its_figure() -> None:
    people, more = opened(600), noise(4)
    bought(people, lambda one: (10_000 + more(), 0, 0, 0) if held(one) else (20_000 + more(), 1_000, 0, 0))
    found = paid_off()
    # 40 per cent of 10,000 more, less 1,000
    assert found.brought.each.low < 4_000 < found.brought.each.high
    assert found.net.each.low < 3_000 < found.net.each.high and found.net.is_shown
    with use_language("en"):
        said = paying_words.paying_sentences(found, Purse("RUB"))
        table = paying_words.paying_table(found, Purse("RUB"))
    assert said[0].startswith("It pays: it brought ₽") and "cost of goods is known" in said[1]
    assert [title.split(",")[0] for title, _cells in table] == [
        "Margin that it brought", "Its cost: discounts", "What is left"
    ]  # fmt: skip
    assert all(len(cells) == 2 and "(" in cells[0] for _title, cells in table)


def test_growth_of_money_is_never_called_profit_when_no_cost_is_known() -> None:
    people, more = opened(400), noise(5)
    bought(
        people, lambda one: (10_000 + more(), 0, 0, 0) if held(one) else (14_000 + more(), 1_000, 0, 0), cost=None
    )  # fmt: skip
    found = paid_off()
    assert not found.is_margin and found.net.is_shown and found.net.each.low < 3_000 < found.net.each.high
    with use_language("en"):
        said = paying_words.paying_sentences(found, Purse("RUB"))
    assert "more money than it cost" in said[0] and not said[0].startswith("It pays")
    assert "no profit" in said[1]


def test_what_came_back_whole_leaves_no_trace() -> None:
    people, more = opened(), noise(6)
    bought(people, lambda _one: (10_000 + more(), 0, 0, 0))
    before = paid_off()
    first = next(n for n, one in enumerate(people) if not held(one))
    asked = order(("tea", 2, 20_000), card=str(10**9 + first))
    assert quote(asked, segments=no_segments).judged.discount > 0
    sell(asked, "1")
    assert paid_off().cost.total.value > before.cost.total.value
    bring_back(Coming("till:1", "2", "till:1", "1"))
    after = paid_off()
    for name in ("brought", "cost", "net"):
        assert getattr(after, name).total.value == pytest.approx(getattr(before, name).total.value)


def test_of_a_gift_only_what_it_costs_beyond_its_points_is_added() -> None:
    people, more = opened(), noise(7)
    bought(people, lambda _one: (10_000 + more(), 0, 0, 0))
    one = next(one for one in people if not held(one))
    write_one(Document(points_unit(), Kind.GIFT, "t", "1", "t", (grant(one.pk, 100),)), at=timezone.now())
    before = paid_off().cost.total.value
    gift = add_gift(GiftData("Mug", 50, 7_000), stock=5, by=None)
    take(one, Wish("till:1", "g-1", gift.pk, 50))
    # 50 points are worth 5,000 of its 7,000
    assert paid_off().cost.total.value - before == pytest.approx(2_000)


def test_few_members_say_nothing_and_the_page_says_that() -> None:
    opened(FEWEST)
    (found,) = trials(timezone.now())
    assert found.payoff is None and found.gains == []
    page = logged_in(make_user("owner")).get("/programme/results/rules/").content.decode()
    assert "Not enough data" in page and "Does it pay?" not in page


def test_the_page_sets_the_cost_of_a_rule_against_what_it_brought_in_both_languages() -> None:
    people, more = opened(), noise(8)
    bought(people, lambda one: (10_000 + more(), 0, 0, 0) if held(one) else (20_000 + more(), 1_000, 0, 5))
    user = make_user("owner")
    page = logged_in(user).get("/programme/results/rules/").content.decode()
    assert "Does it pay?" in page and "What is left" in page and "It pays: it brought" in page
    type(user).objects.filter(pk=user.pk).update(language="ru")
    assert "Правило окупается" in logged_in(user).get("/programme/results/rules/").content.decode()
    assert Business.objects.count() == 1
