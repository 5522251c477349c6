"""Gifts that members set aside themselves: fetched once, let go, or back on the shelf when nobody comes."""

import datetime as dt

import pytest
from django.utils import timezone

from regulars.customers.models import Customer
from regulars.customers.services.merging import merge
from regulars.loyalty import gifts
from regulars.loyalty.gifts import NoGift, TooManySetAside, hand_out, waiting_gifts
from regulars.loyalty.models import CustomerPage, Gift, Reward
from regulars.loyalty.page_links import open_page, whose
from regulars.loyalty.setting_aside import HOURS, NoCode, fetch, let_go, release_forgotten, set_aside
from regulars.loyalty.telling import NotNow
from regulars.loyalty.verifying import faults
from tests.loyalty.at_once import together
from tests.loyalty.coalition_cases import partner
from tests.loyalty.selling_cases import open_shop
from tests.loyalty.test_gifts import has, mug, rich, stock
from tests.web.people import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop() -> None:
    open_shop()


def page_of(customer: Customer) -> CustomerPage:
    return open_page(customer, by=None, at=timezone.now())


def aside(customer: Customer, gift: Gift, number: str = "1") -> Reward:
    return set_aside(customer, page_of(customer), number=number, gift=gift.pk, points=gift.points)


def fetched(reward: Reward, till: str = "till:1", number: str = "h") -> Reward:
    assert reward.code is not None
    return fetch(reward.code, who=f"{till} Irina", till=till, number=number)


def later(hours: int) -> dt.datetime:
    return timezone.now() + dt.timedelta(hours=hours)


def test_what_is_set_aside_is_paid_waits_and_is_fetched_once() -> None:
    anna, gift = rich(), mug()
    reward = aside(anna, gift)
    assert aside(anna, gift) == reward, "pressed twice"
    assert (has(anna), stock(), waiting_gifts(anna)) == (150, 4, [reward])
    assert reward.until is not None
    assert abs(reward.until - later(HOURS)) < dt.timedelta(minutes=1)
    assert fetched(reward) == fetched(reward)
    with pytest.raises(NotNow, match="handed out already"):
        fetched(reward, "till:2")
    assert release_forgotten(later(HOURS + 1)) == 0
    assert (has(anna), stock(), waiting_gifts(anna), faults()) == (150, 4, [], [])


def test_what_nobody_fetches_goes_back_and_the_points_too() -> None:
    anna, gift = rich(), mug()
    reward = aside(anna, gift)
    assert release_forgotten(later(HOURS - 1)) == 0
    assert (release_forgotten(later(HOURS + 1)), release_forgotten(later(HOURS + 1))) == (1, 0)
    assert (has(anna), stock(), faults()) == (250, 5, [])
    with pytest.raises(NotNow, match="nothing to hand out"):
        fetched(reward)


def test_a_member_lets_go_what_waits_and_nothing_else() -> None:
    anna, vera, gift = rich(), rich(card="1000000022"), mug()
    first, second = aside(anna, gift), aside(anna, gift, "2")
    with pytest.raises(NoGift):
        let_go(vera, first.pk, page_of(vera))
    for _time in range(2):
        let_go(anna, first.pk, page_of(anna))
    fetched(second)
    with pytest.raises(NoGift, match="does not wait for you"):
        let_go(anna, second.pk, page_of(anna))
    assert (has(anna), stock(), faults()) == (150, 4, [])


def test_nobody_empties_the_shelf_or_fills_the_ledger_from_home(monkeypatch: pytest.MonkeyPatch) -> None:
    anna, gift = rich(10_000), mug(stock=50)
    rewards = [aside(anna, gift, str(number)) for number in range(3)]
    with pytest.raises(TooManySetAside, match="3 gifts wait for you already"):
        aside(anna, gift, "x")
    monkeypatch.setattr(gifts, "MOST_SET_ASIDE_A_DAY", 4)
    for reward in rewards:
        let_go(anna, reward.pk, page_of(anna))
    aside(anna, gift, "4")
    with pytest.raises(TooManySetAside, match="many gifts today"):
        aside(anna, gift, "5")
    assert (stock(), has(anna)) == (49, 9_900)


def test_codes_that_nobody_has_open_nothing() -> None:
    aside(rich(), mug())
    for code in ("", "BCDFGHJK22", "' OR 1=1 --", "x" * 500, "\x00" * 10):
        with pytest.raises(NoCode):
            fetch(code, who="till:1", till="till:1", number="1")


def test_a_partner_hands_nothing_out() -> None:
    reward = aside(rich(), mug())
    partner("books", "till:9")
    with pytest.raises(NotNow, match="not by partners"):
        fetched(reward, "till:9")


def test_a_merge_takes_along_what_waits() -> None:
    anna, vera, gift = rich(100), rich(100, "1000000022"), mug()
    page, reward = page_of(anna), aside(anna, gift)
    merge(vera, anna, by=make_user("owner"), reasons=[])
    page.refresh_from_db()
    let_go(whose(page), reward.pk, page)
    assert (has(vera), stock(), faults()) == (200, 5, [])


@pytest.mark.django_db(transaction=True)
def test_fetched_let_go_and_forgotten_at_one_moment_is_one_of_them() -> None:
    anna, gift = rich(), mug()
    page = page_of(anna)
    reward = aside(anna, gift)

    def one(place: int) -> str:
        try:
            if place % 3 == 0:
                fetched(reward, f"till:{place}")
                return "fetched"
            if place % 3 == 1:
                return "released" if release_forgotten(later(HOURS + 1)) else ""
            let_go(anna, reward.pk, page)
        except (NotNow, NoGift):
            pass
        return ""

    done = [word for word in together(9, one) if word]
    reward.refresh_from_db()
    assert (reward.handed_at is None) != (reward.cancelled_at is None)
    assert done.count("fetched") == (reward.handed_at is not None)
    assert (stock(), has(anna)) == ((4, 150) if reward.handed_at else (5, 250))
    assert faults() == []


def test_who_hands_out_and_then_cancels_is_seen() -> None:
    anna, gift = rich(), mug()
    reward = aside(anna, gift)
    hand_out(reward, who="user:1", number="1")
    assert gifts.cancel(reward, who="user:1")
    reward.refresh_from_db()
    assert (reward.handed_by, reward.cancelled_by, stock()) == ("user:1", "user:1", 5)
