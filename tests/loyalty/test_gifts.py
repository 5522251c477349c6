"""Gifts for points: points and pieces move together, once, and come back whole."""

import datetime as dt
import io
import json
import zipfile
from contextlib import suppress
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.core.errors import InputError
from regulars.core.i18n import format_date
from regulars.customers.models import Customer
from regulars.customers.selectors.export import archive
from regulars.customers.services.merging import merge, unmerge
from regulars.loyalty import gifts, members
from regulars.loyalty.gifts import (
    GiftData,
    NoGift,
    Wish,
    add_gift,
    cancel,
    catalogue,
    change_gift,
    hand_out,
    offers_for,
    rewards_of,
    take,
)
from regulars.loyalty.ledger import Document, Kind, grant, write_one
from regulars.loyalty.models import Alert, Gift, Lot, Reward, TierChange, Transaction
from regulars.loyalty.telling import NotNow
from regulars.loyalty.verifying import faults
from regulars.loyalty.watching import Beyond
from regulars.purchases.models import Store
from tests.loyalty.at_once import together
from tests.loyalty.coalition_cases import partner
from tests.loyalty.selling_cases import RULES, enrolled, open_shop, order, publish_in_the_past, sell
from tests.web.people import make_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
TIERS = {"levels": [{"id": "gold", "title": "Gold", "from": 100_000}]}


@pytest.fixture(autouse=True)
def shop() -> None:
    open_shop(tiers=TIERS)


def data(**more: Any) -> GiftData:
    return GiftData(**{"name": "Mug", "points": 100, "cost": 25_000} | more)


def mug(stock: int = 5, **more: Any) -> Gift:
    return add_gift(data(**more), stock=stock, by=None)


def rich(points: int = 250, card: str = "1000000017", **more: Any) -> Customer:
    customer = enrolled(card, f"Member {card}")
    give(customer, points, **more)
    return customer


def give(customer: Customer, points: int, **more: Any) -> None:
    number = str(Transaction.objects.count())
    movement = grant(customer.pk, points, **more)
    write_one(Document(members.points_unit(), Kind.GIFT, "test", number, "test", (movement,)), at=timezone.now())


def wish(gift: Gift, number: str = "1", **more: Any) -> Wish:
    return Wish(**{"till": "till:1", "number": number, "gift": gift.pk, "points": gift.points} | more)


def has(customer: Customer) -> int:
    return members.points_of(customer).available


def stock() -> int:
    return Gift.objects.get().stock


def test_points_and_the_piece_go_together_and_once() -> None:
    anna, gift = rich(), mug()
    reward = take(anna, wish(gift))
    assert (has(anna), stock(), reward.points, reward.cost) == (150, 4, 100, 25_000)
    assert take(anna, wish(gift)) == reward, "told again, answered alike"
    assert (has(anna), stock(), Reward.objects.count()) == (150, 4, 1)
    assert Transaction.objects.get(pk=reward.transaction_id).reason == "Mug"
    assert faults() == []


def test_a_number_has_one_gift_and_one_member() -> None:
    anna, vera, gift = rich(), rich(card="1000000022"), mug()
    take(anna, wish(gift))
    for who, again in ((anna, wish(gift, points=99)), (vera, wish(gift)), (anna, wish(gift, is_handed_out=True))):
        with pytest.raises(NotNow, match="Another gift was taken"):
            take(who, again)
    assert (has(anna), has(vera), stock()) == (150, 250, 4)
    take(vera, wish(gift, till="till:2"))
    assert stock() == 3


def test_it_costs_what_was_shown_or_nothing_happens() -> None:
    anna, gift = rich(), mug()
    change_gift(gift, data(points=120), by=None)
    with pytest.raises(NotNow, match="costs 120 points by now, not 100"):
        take(anna, wish(gift))
    assert (has(anna), stock()) == (250, 5)


def test_who_has_too_few_points_hears_how_many_are_missing() -> None:
    anna, gift = rich(72), mug()
    with pytest.raises(NotNow, match="28 points missing"):
        take(anna, wish(gift))
    (offer,) = offers_for(anna)
    assert (offer.can_take, offer.missing, offer.why_not) == (False, 28, "28 points missing")
    give(anna, 28, available_at=timezone.now() + DAY)
    assert offers_for(anna)[0].missing == 28, "points that come later cannot be spent yet"


def test_each_obstacle_is_said_and_holds() -> None:
    anna, today = rich(), timezone.now().astimezone(dt.timezone(dt.timedelta(hours=3))).date()
    cases = [
        (mug(begins_on=today + DAY), f"can be taken from {format_date(today + DAY)}"),
        (mug(ends_on=today - DAY), f"could be taken through {format_date(today - DAY)}"),
        (mug(tiers=("gold",)), "for other tiers"),
        (mug(stock=0), "None of this gift is left"),
    ]
    for place, (gift, why) in enumerate(cases):
        with pytest.raises(NotNow, match=why):
            take(anna, wish(gift, str(place)))
    once = mug(most_each=1)
    first = take(anna, wish(once, "a"))
    with pytest.raises(NotNow, match="as often as he may"):
        take(anna, wish(once, "b"))
    cancel(first, who="user:1")
    take(anna, wish(once, "c"))
    TierChange.objects.create(customer=anna, tier="gold", since=timezone.now(), turnover=0)
    take(anna, wish(cases[2][0], "d"))
    with pytest.raises(NoGift, match="There is no gift 999"):
        take(anna, Wish("till:1", "e", 999, 100))
    assert (has(anna), faults()) == (50, [])


def test_what_is_over_is_not_offered_and_what_begins_later_is() -> None:
    anna, today = rich(), timezone.now().date()
    later, over = (
        mug(name="Later", begins_on=today + 9 * DAY),
        mug(name="A thing that is over", ends_on=today - 9 * DAY),
    )
    assert [one.gift for one in offers_for(anna)] == [later]
    assert catalogue() == [later, over]


def test_a_cancelled_gift_gives_the_points_back_to_their_lots_and_the_piece_to_the_stock() -> None:
    anna, gift, soon = rich(60, expires_at=timezone.now() + DAY), mug(), timezone.now() + 9 * DAY
    give(anna, 90, expires_at=soon)
    before = list(Lot.objects.order_by("id").values_list("id", "remaining"))
    reward = take(anna, wish(gift))
    assert list(Lot.objects.order_by("id").values_list("remaining", flat=True)) == [0, 50]
    for _time in range(2):
        cancel(reward, who="user:7")
    assert list(Lot.objects.order_by("id").values_list("id", "remaining")) == before
    reward.refresh_from_db()
    assert (stock(), has(anna), reward.cancelled_by) == (5, 150, "user:7")
    assert faults() == []


def test_handing_out_is_written_down_once_and_what_came_back_is_not_handed_out() -> None:
    anna, gift = rich(), mug()
    first = take(anna, wish(gift, cashier="Irina", is_handed_out=True))
    assert (first.handed_by, first.handed_at) == ("till:1 Irina", first.taken_at)
    second = take(anna, wish(gift, "2"))
    assert second.handed_at is None
    for _time in range(2):
        hand_out(second, who="user:3", number="once")
    for who, number in (("user:4", "once"), ("user:3", "again"), ("user:3", "")):
        with pytest.raises(NotNow, match="handed out already, on "):
            hand_out(second, who=who, number=number)
    assert [one.handed_by for one in rewards_of(anna)] == ["user:3", "till:1 Irina"]
    assert not cancel(second, who="job", only_waiting=True), "what is in his hands does not wait"
    assert cancel(second, who="user:3")
    with pytest.raises(NotNow, match="nothing to hand out"):
        hand_out(second, who="user:3")
    assert (stock(), has(anna)) == (4, 150)


def test_a_merge_takes_the_gifts_along_and_its_undo_gives_them_back() -> None:
    anna, vera, gift, owner = rich(100), rich(100, "1000000022"), mug(most_each=1), make_user("owner")
    reward = take(anna, wish(gift))
    merged = merge(vera, anna, by=owner, reasons=[])
    assert rewards_of(vera) == [reward]
    with pytest.raises(NotNow, match="as often as he may"):
        take(vera, wish(gift, "2"))
    unmerge(merged, by=owner)
    assert (rewards_of(anna), rewards_of(vera)) == ([reward], [])
    cancel(reward, who="user:1")
    assert (has(anna), has(vera), faults()) == (100, 100, [])


def test_a_person_reads_which_gifts_he_took() -> None:
    anna, gift = rich(), mug()
    cancel(take(anna, wish(gift)), who="user:1")
    told = zipfile.ZipFile(io.BytesIO(b"".join(archive(anna))))
    page = told.read("readable.html").decode()
    assert all(words in page for words in ("<h2>Gifts</h2>", "Mug", "Handed out", "Cancelled"))
    (row,) = json.loads(told.read("data.json"))["reward"]
    assert (row["points"], row["cancelled_by"]) == (100, "user:1")


def test_the_stock_is_changed_by_a_difference() -> None:
    anna, gift = rich(), mug(stock=2)
    take(anna, wish(gift))
    change_gift(gift, data(name="Big mug"), more=10, by=None)
    assert (stock(), Gift.objects.get().name) == (11, "Big mug")
    with pytest.raises(InputError, match="stock would be -1"):
        change_gift(gift, data(), more=-12, by=None)


def test_the_database_keeps_the_stock_and_what_was_taken() -> None:
    reward = take(rich(), wish(mug()))
    for wrong in ({"stock": -1}, {"points": 0}, {"cost": -1}, {"most_each": 0}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Gift.objects.update(**wrong)
    now = timezone.now()
    for changes in (
        {"points": 1}, {"cost": 1}, {"taken_at": now}, {"handed_at": now}, {"handed_by": "x"}, {"cancelled_at": now},
        {"handed_at": now - DAY, "handed_by": "x"},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            Reward.objects.update(**changes)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM loyalty_reward WHERE id = %s", [reward.pk])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": " "}, "1 to 200 signs"),
        ({"name": "x" * 201}, "1 to 200 signs"),
        ({"name": "a\x00b"}, "1 to 200 signs"),
        ({"points": 0}, "1 to 1000000000 points, not 0"),
        ({"points": 10**30}, "1 to 1000000000 points"),
        ({"cost": -1}, "what one piece costs"),
        ({"cost": 10**30}, "what one piece costs"),
        ({"most_each": 0}, "One member may take"),
        ({"product": "unknown"}, "no goods with the code 'unknown'"),
        ({"tiers": ("platinum",)}, "no tier 'platinum'. Known: gold"),
        ({"begins_on": dt.date(1, 1, 1)}, "too far away"),
        ({"ends_on": dt.date.max}, "too far away"),
        ({"begins_on": dt.date(2026, 5, 2), "ends_on": dt.date(2026, 5, 1)}, "before the first"),
    ],
)
def test_gifts_that_cannot_be_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        mug(**wrong)
    for stock_ in (-1, 10**30):
        with pytest.raises(InputError, match="stock would be"):
            mug(stock=stock_)
    assert not Gift.objects.exists()


@given(steps=st.lists(st.tuples(st.sampled_from(["take", "hand", "cancel"]), st.integers(0, 5)), max_size=14))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pieces_and_points_always_add_up(steps: list[tuple[str, int]]) -> None:
    with transaction.atomic():
        anna, gift = rich(350), mug(stock=3)
        for what, which in steps:
            known = list(Reward.objects.order_by("pk"))
            with suppress(NotNow):
                if what == "take":
                    take(anna, wish(gift, str(which)))
                elif known:
                    (hand_out if what == "hand" else cancel)(known[which % len(known)], who="user:1")
            kept = Reward.objects.filter(cancelled_at=None).count()
            assert stock() == 3 - kept
            assert has(anna) == 350 - 100 * kept
        assert faults() == []
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_take_the_last_piece_one_has_it() -> None:
    gift = mug(stock=1)
    people = [rich(card=str(number)) for number in range(1_000, 1_010)]

    def one(place: int) -> bool:
        try:
            return take(people[place], wish(gift, str(place))) is not None
        except NotNow:
            return False

    assert sum(together(10, one)) == 1
    assert (stock(), sum(has(one) for one in people), faults()) == (0, 2_400, [])


@pytest.mark.django_db(transaction=True)
def test_of_many_with_the_last_points_one_has_a_gift() -> None:
    anna, gift = rich(150), mug(stock=50)

    def one(place: int) -> bool:
        try:
            return take(anna, wish(gift, str(place))) is not None
        except NotNow:
            return False

    assert sum(together(10, one)) == 1
    assert (stock(), has(anna)) == (49, 50)


@pytest.mark.django_db(transaction=True)
def test_one_request_told_many_times_at_once_takes_one() -> None:
    anna, gift = rich(), mug()
    assert len(set(together(8, lambda _place: take(anna, wish(gift)).pk))) == 1
    assert (stock(), has(anna)) == (4, 150)


@pytest.mark.django_db(transaction=True)
def test_takers_and_cancellers_at_once_leave_everything_in_order() -> None:
    anna, gift = rich(1_000), mug(stock=20)
    first = [take(anna, wish(gift, f"first {number}")) for number in range(4)]

    def one(place: int) -> bool:
        try:
            if place % 2:
                take(anna, wish(gift, str(place)))
            else:
                cancel(first[place % 4], who="user:1")
        except (NotNow, OperationalError) as error:
            return isinstance(error, NotNow)
        return True

    assert all(together(12, one))
    kept = Reward.objects.filter(cancelled_at=None).count()
    assert (stock(), has(anna), faults()) == (20 - kept, 1_000 - 100 * kept, [])


def test_points_for_gifts_are_counted_by_the_limits_of_the_watch() -> None:
    limit = {"of": "member", "spent": 150, "refuse": True}
    publish_in_the_past(RULES | {"watch": {"limits": [limit]}}, dt.timedelta(days=1))
    anna, gift = rich(400), mug()
    first = take(anna, wish(gift))
    for _time in range(2):
        with pytest.raises(Beyond, match="This gift goes beyond the limit of the programme: 150 points spent in a day"):
            take(anna, wish(gift, "2"))
    (told,) = Alert.objects.all()
    assert (told.kind, told.customer, told.figures["spent"], told.figures["times"]) == ("refused", anna, 200, 2)
    assert (has(anna), stock(), take(anna, wish(gift))) == (300, 4, first), "a repetition is no second gift"
    cancel(first, who="user:1")
    with pytest.raises(Beyond):
        take(anna, wish(gift, "3"))
    sell(order(("cup", 1, 40_000), points=50), "r1")
    with pytest.raises(Beyond, match="This receipt goes beyond"):
        sell(order(("cup", 1, 40_000), points=1), "r2", to_pay=37_900)


@pytest.mark.parametrize("of", ["cashier", "till", "shop"])
def test_a_cashier_a_till_and_a_shop_hand_out_for_so_many_points(of: str) -> None:
    limits = [{"of": of, "spent": 150, "refuse": True}, {"of": of, "receipts": 1, "refuse": True}]
    publish_in_the_past(RULES | {"watch": {"limits": limits}}, dt.timedelta(days=1))
    anna, vera, gift = rich(), rich(card="1000000022"), mug()
    sell(order(("cup", 1, 40_000), cashier="Irina"), "r1")
    more = {"cashier": "Irina", "store": "Arbat" if of == "shop" else ""}
    take(anna, wish(gift, **more))
    with pytest.raises(Beyond):
        # who keeps silent of the shop stands where he sold last
        take(vera, wish(gift, "2", cashier="Irina"))
    Store.objects.create(name="Tverskaya")
    other = {"till": "till:2", "cashier": "Olga", "store": "Tverskaya"}
    assert take(vera, wish(gift, **other)).store is not None
    with pytest.raises(InputError, match="no store 'Nowhere'"):
        take(vera, wish(gift, "3", store="Nowhere"))


def test_there_are_not_more_gifts_than_a_till_can_go_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gifts, "MOST_LIVING", 2)
    today = timezone.now().date()
    old = mug(ends_on=today - 3 * DAY)
    mug()
    mug()
    for anew in (mug, lambda: change_gift(old, data(), by=None)):
        with pytest.raises(InputError, match="There are 2 gifts already"):
            anew()
    assert mug(ends_on=today - 3 * DAY) in catalogue(since=2)


@pytest.mark.django_db(transaction=True)
def test_of_many_tills_that_hand_out_one_gift_one_does() -> None:
    waits = take(rich(), wish(mug()))

    def one(place: int) -> bool:
        try:
            return hand_out(waits, who=f"till:{place}", number="1") is not None
        except NotNow:
            return False

    assert sum(together(8, one)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_limit_on_points_is_not_passed_by_two_gifts_at_once() -> None:
    publish_in_the_past(
        RULES | {"watch": {"limits": [{"of": "cashier", "spent": 300, "refuse": True}]}}, dt.timedelta(days=1)
    )
    gift = mug(stock=20)
    people = [rich(card=str(number)) for number in range(1_000, 1_008)]

    def one(place: int) -> bool:
        try:
            return take(people[place], wish(gift, str(place), cashier="Irina")) is not None
        except NotNow:
            return False

    assert sum(together(8, one)) == 3
    assert (stock(), Alert.objects.get().figures["times"]) == (17, 5)


def test_a_partner_hands_out_no_gifts_of_the_operator() -> None:
    anna, gift = rich(), mug()
    partner("books", "till:9")
    with pytest.raises(NotNow, match="not by partners"):
        take(anna, wish(gift, till="till:9"))
    assert (has(anna), stock()) == (250, 5)
