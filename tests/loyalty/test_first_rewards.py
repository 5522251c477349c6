"""Time to the first reward: of all members, and for one of them."""

import datetime as dt
import re

import pytest
from django.utils import timezone

from regulars.customers.models import Customer
from regulars.customers.services.erasing import ask_erasure, erase
from regulars.customers.services.merging import merge
from regulars.loyalty import members
from regulars.loyalty.first_rewards import FirstRewards, first_reward_of, first_rewards
from regulars.loyalty.gifts import GiftData, add_gift, cancel, offers_for, take
from regulars.loyalty.ledger import Document, Kind, grant, write_one
from regulars.loyalty.models import Account, Gift
from regulars.loyalty.returning import Coming, bring_back
from tests.loyalty.selling_cases import enrolled, open_shop, order, sell
from tests.loyalty.test_gifts import DAY, give, wish
from tests.web.people import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop() -> None:
    open_shop()


def joined(ago: int, card: str = "1000000017") -> Customer:
    member = enrolled(card, f"Member {card}")
    Account.objects.filter(customer=member).update(opened_at=timezone.now() - ago * DAY - dt.timedelta(minutes=5))
    return member


def mug(points: int = 100) -> Gift:
    return add_gift(GiftData("Mug", points, 0), stock=9, by=None)


def words(member: Customer) -> str:
    found = first_reward_of(member, offers_for(member))
    assert found is not None
    return found.words


def total() -> FirstRewards:
    return first_rewards(at=timezone.now())


def test_who_still_waits_counts_as_long_as_he_waited() -> None:
    gift = mug(10)
    for number, ago in enumerate((10, 20, 40, 100)):
        member = joined(ago, str(10_000 + number))
        if ago != 100:
            give(member, 10)
            take(member, wish(gift, str(number)))
    found = total()
    assert (found.members, found.rewarded, found.median.value) == (4, 3, 20)
    # without the fourth a half would have had it after 20 days too, but all after 40
    assert [(day, round(share, 2)) for day, share, _low, _high in found.shares] == [(30, 0.5), (90, 0.75)]


def test_points_that_pay_a_receipt_are_a_reward_unless_it_comes_back_whole() -> None:
    anna = joined(30)
    give(anna, 50)
    sale = sell(order(("tea", 1, 10_000), points=10))
    assert sale.points_spent == 10
    assert (total().rewarded, first_reward_of(anna, offers_for(anna))) == (1, first_reward_of(anna, offers_for(anna)))
    assert first_reward_of(anna, offers_for(anna)).words == "after 30 days"
    bring_back(Coming(sale.till, "r", sale.till, sale.number))
    assert total().rewarded == 0
    assert first_reward_of(anna, offers_for(anna)).words == "none for 30 days"


def test_a_cancelled_gift_is_no_reward_and_the_next_is() -> None:
    anna, gift = joined(30), mug()
    give(anna, 300)
    cancel(take(anna, wish(gift)), who="user:1")
    assert total().rewarded == 0
    take(anna, wish(gift, "2"))
    assert total().rewarded == 1


def test_a_merged_member_joined_with_the_first_of_both() -> None:
    anna, vera, owner = joined(80), joined(10, "10001"), make_user("owner")
    merge(vera, anna, by=owner, reasons=[])
    found = first_reward_of(vera, offers_for(vera))
    assert found is not None
    assert (found.days, total().members) == (80, 1)
    day = timezone.now().date()
    erase(ask_erasure(vera, asked_on=day, due_on=None, asked_by="a letter", by=owner), by=owner)
    assert total().members == 0


def test_nobody_and_strangers_have_none() -> None:
    assert total() == FirstRewards(0, 0, total().median, ())
    assert first_reward_of(Customer.objects.create(name="Nobody"), []) is None


def earned(member: Customer, points: int, ago: int) -> None:
    """As a purchase of so many days ago."""
    unit, at = members.points_unit(), timezone.now() - ago * DAY
    write_one(Document(unit, Kind.SALE, "test", f"s{ago}", "test", (grant(member.pk, points),)), at=at)


def forecast(member: Customer) -> str:
    found = first_reward_of(member, offers_for(member))
    assert found is not None
    return found.forecast


def test_a_forecast_needs_a_pace_and_has_an_interval() -> None:
    anna = joined(60)
    assert forecast(anna) == "", "without a gift there is nothing to wait for"
    mug(100)
    for ago in (50, 30):
        earned(anna, 20, ago)
    assert forecast(anna).startswith("Not enough data")
    earned(anna, 20, 10)
    # 60 points in 60 days: the other 40 take 40 days
    about, soonest, latest = map(int, re.findall(r"\d+", forecast(anna)))
    assert (about, soonest, latest) == (40, 13, 124)
    give(anna, 40)
    assert forecast(anna) == "He can take Mug now."


def test_who_earns_slower_than_points_expire_hears_so() -> None:
    anna = joined(300)
    mug(100_000)
    for ago in (200, 100, 10):
        earned(anna, 20, ago)
    assert forecast(anna) == "At his pace points expire before they are enough for Mug."
