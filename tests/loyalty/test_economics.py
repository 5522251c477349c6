"""What the programme cost: discounts and points of receipts that stand, by tier; and what it would have to bring."""

import datetime as dt
import math

import pytest
from django.utils import timezone

from regulars.customers.models import Customer
from regulars.loyalty.economics import FEWEST_DECIDED, economics
from regulars.loyalty.expiring import expire_points
from regulars.loyalty.ledger import Document, Kind, grant, spend, write
from regulars.loyalty.members import points_unit
from regulars.loyalty.models import TierChange
from regulars.loyalty.returning import Coming, bring_back
from tests.loyalty.selling_cases import enrolled, open_shop, order, sell

WORTH = 100


def last_days(days: int = 2) -> tuple[dt.datetime, dt.datetime]:
    now = timezone.now()
    return now - dt.timedelta(days=days), now + dt.timedelta(minutes=1)


@pytest.mark.django_db
def test_money_and_points_of_receipts_that_stand() -> None:
    open_shop()
    enrolled()
    # five per cent off, one point for ten roubles; two units of tea cost 120 roubles
    sell(order(("tea", 2, 20_000)), "1")
    sell(order(("tea", 2, 20_000)), "2")
    sell(order(("tea", 1, 10_000), card=""), "3")
    bring_back(Coming("till:1", "4", "till:1", "2"))
    found = economics(*last_days(), worth=WORTH)
    whole = found.whole
    assert (whole.members, whole.receipts, whole.turnover, whole.discount, whole.earned) == (1, 1, 20_000, 1_000, 19)
    assert (whole.costed, whole.profit, found.margin) == (20_000, 8_000, 8_000)
    assert found.spent_share is None
    # nobody knows yet how many points are spent: none or all
    assert (found.promised.low, found.promised.high) == (0, 1_900)
    assert (found.cost.low, found.cost.high) == (1_000, 2_900)
    assert found.uplift is not None
    assert found.uplift.value == pytest.approx(2_900 / (8_000 - 2_900))
    dear = economics(*last_days(), worth=WORTH, other=10_000)
    assert dear.uplift is not None and math.isinf(dear.uplift.low)


@pytest.mark.django_db
def test_the_tier_is_that_of_the_purchase_and_others_can_be_left_out() -> None:
    open_shop()
    anna, boris = enrolled(), enrolled("1000000018", "Boris")
    now = timezone.now()
    sell(order(("tea", 1, 10_000), purchased_at=now - dt.timedelta(hours=5)), "1")
    TierChange.objects.create(customer=anna, tier="gold", since=now - dt.timedelta(hours=2), turnover=0)
    sell(order(("tea", 1, 30_000), purchased_at=now - dt.timedelta(hours=1)), "2")
    sell(order(("tea", 1, 50_000), card="1000000018"), "3")
    found = economics(*last_days(), worth=WORTH)
    assert {tier: one.turnover for tier, one in found.by_tier.items()} == {"": 60_000, "gold": 30_000}
    assert sum(one.discount for one in found.by_tier.values()) == found.whole.discount
    only = economics(*last_days(), worth=WORTH, among=Customer.objects.filter(pk=boris.pk))
    assert only.whole.turnover == 50_000


@pytest.mark.django_db
def test_nothing_sold_is_nothing_and_no_error() -> None:
    found = economics(*last_days(), worth=WORTH)
    assert (found.whole.receipts, found.by_tier, found.margin, found.uplift) == (0, {}, None, None)


@pytest.mark.django_db
def test_the_share_that_is_spent_is_of_points_whose_fate_is_known() -> None:
    open_shop()
    unit, now = points_unit(), timezone.now()
    then = now - dt.timedelta(days=10)
    people = [enrolled(str(2_000_000_000 + n)) for n in range(2 * FEWEST_DECIDED)]
    life = {"available_at": then, "expires_at": now - dt.timedelta(days=1)}
    documents = [Document(unit, Kind.GIFT, "t", str(one.pk), "t", (grant(one.pk, 100, **life),)) for one in people]
    write(documents, at=then)
    write([Document(unit, Kind.SALE, "t", str(one.pk), "t", (spend(one.pk, 25),)) for one in people[::2]], at=then)
    write([Document(unit, Kind.GIFT, "u", str(people[0].pk), "t", (grant(people[0].pk, 7_000),))], at=then)
    expire_points(now)
    share = economics(*last_days(), worth=WORTH).spent_share
    assert share is not None
    # 25 of 100 of every second one; what still lives says nothing
    assert share.value == pytest.approx(0.125)
    assert 0.08 < share.low < 0.125 < share.high < 0.17
