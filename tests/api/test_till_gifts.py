"""Gifts at a till, and programs that try to get more than is theirs."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from regulars.api.models import Scope
from regulars.customers.models import Contact, Customer
from regulars.customers.services.fields import add_field, set_own_fields
from regulars.loyalty.cards import block
from regulars.loyalty.gifts import GiftData, add_gift, change_gift
from regulars.loyalty.models import Gift, Reward
from regulars.loyalty.verifying import faults
from tests.api.test_till import Till, points
from tests.loyalty.at_once import together
from tests.loyalty.selling_cases import CARD, enrolled, open_shop
from tests.loyalty.test_gifts import give
from tests.web.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def till() -> Till:
    open_shop()
    return Till()


@pytest.fixture
def anna(till: Till) -> Customer:
    member = enrolled()
    give(member, 272)
    return member


@pytest.fixture
def gift(till: Till) -> Gift:
    return add_gift(GiftData("Tea", 100, 6_000, product="tea"), stock=3, by=None)


def wish(one: Gift, **more: Any) -> dict[str, Any]:
    return {"card": CARD, "number": "G-1", "gift": one.pk, "points": 100, "cashier": "Irina"} | more


def test_gifts_are_shown_taken_and_cancelled(till: Till, anna: Customer, gift: Gift) -> None:
    add_gift(GiftData("Teapot", 300, 90_000, product="cup"), stock=1, by=None)
    till.sell("1")
    mug = {"gift": gift.pk, "name": "Tea", "points": 100, "missing": 0, "left": 3}
    status, found = till("till/gifts", {"card": CARD})
    assert (status, found["can_take"], found["balance"]["available"]) == (200, [mug], 281)
    assert found["suits"] == [mug | {"reason": "He bought it 1 time in a year."}]
    loves = add_field(title="What do you love?", type="choice", choices=["CUPS"])
    set_own_fields(anna, {loves.slug: "CUPS"}, by=None)
    assert till("till/gifts", {"card": CARD})[1]["suits"][1]["reason"] == "He said: What do you love? — CUPS."
    taken = {"number": "G-1", "name": "Tea", "points": 100, "state": "handed_out", "code": None}
    for _time in range(2):
        assert till("till/gifts/take", wish(gift)) == (200, taken)
    assert (points(anna), Gift.objects.get(pk=gift.pk).stock) == (181, 2)
    assert Reward.objects.get().handed_by.endswith(" Irina")
    assert till("till/gifts/take", wish(gift, number="G-2", handed_out=False))[1]["state"] == "waits"
    for _time in range(2):
        assert till("till/gifts/cancel", {"number": "G-1"}) == (200, taken | {"state": "cancelled"})
    assert (points(anna), Gift.objects.get(pk=gift.pk).stock, faults()) == (181, 2, [])


def test_what_does_not_go_says_why_and_changes_nothing(till: Till, anna: Customer, gift: Gift) -> None:
    dear = add_gift(GiftData("Teapot", 300, 90_000), stock=1, by=None)
    for body, status, words in (
        (wish(gift, points=99), 409, "costs 100 points by now, not 99"),
        (wish(dear, points=300), 409, "28 points missing"),
        (wish(gift, gift=999), 404, "no gift 999"),
        (wish(gift, card="9999999999"), 404, "No member"),
        (wish(gift, card=""), 400, "either the card, the phone or the code"),
        (wish(gift, gift=0), 422, ""),
        (wish(gift, gift=10**30), 422, ""),
        (wish(gift, number=""), 422, ""),
        (wish(gift, customer=1), 422, ""),
        (wish(gift, handed_by="user:1"), 422, ""),
    ):
        found, answer = till("till/gifts/take", body)
        assert found == status, answer
        assert words in str(answer["detail"])
    assert (points(anna), Reward.objects.count()) == (272, 0)


def test_a_repetition_is_answered_as_it_was_whatever_has_changed(till: Till, anna: Customer, gift: Gift) -> None:
    first = till("till/gifts/take", wish(gift))
    change_gift(gift, GiftData("Tea", 900, 0, ends_on=timezone.now().date() - dt.timedelta(days=9)), more=-2, by=None)
    assert till("till/gifts/take", wish(gift)) == first
    block(Contact.objects.get(value=CARD), reason="lost", by=make_user("owner"))
    assert till("till/gifts/take", wish(gift)) == first
    assert till("till/gifts/take", wish(gift, number="G-2"))[0] == 404
    status, answer = till("till/gifts/take", wish(gift, cashier="Olga"))
    assert (status, answer["detail"]) == (422, "Another gift was taken with the number 'G-1'.")
    assert (points(anna), Reward.objects.count()) == (172, 1)


def test_what_waits_is_fetched_once_by_its_code(till: Till, anna: Customer, gift: Gift) -> None:
    _status, taken = till("till/gifts/take", wish(gift, handed_out=False))
    (waiting,) = till("till/gifts", {"card": CARD})[1]["waiting"]
    assert waiting == {"code": taken["code"], "name": "Tea", "points": 100, "until": None}
    body = {"code": f" {waiting['code'][:5].lower()}-{waiting['code'][5:]} ", "number": "H-1", "cashier": "Olga"}
    other = Till()
    for _time in range(2):
        status, answer = other("till/gifts/hand-out", body)
        assert (status, answer["state"], answer["code"]) == (200, "handed_out", None)
    for again, at in ((body | {"number": "H-2"}, other), (body, till), (body | {"cashier": "Irina"}, other)):
        status, answer = at("till/gifts/hand-out", again)
        assert status == 409
        assert answer["detail"].startswith("This gift was handed out already, on ")
    assert (till("till/gifts", {"card": CARD})[1]["waiting"], points(anna)) == ([], 172)


def test_who_tries_codes_has_to_wait(till: Till) -> None:
    codes = [f"BCDFGHJK{number}" for number in range(22, 42)]
    answers = [till("till/gifts/hand-out", {"code": code, "number": "1"})[0] for code in codes]
    assert (answers[0], answers[-1]) == (404, 429)


def test_a_till_cancels_what_it_took_itself(till: Till, anna: Customer, gift: Gift) -> None:
    till("till/gifts/take", wish(gift))
    assert Till()("till/gifts/cancel", {"number": "G-1"})[0] == 404
    assert Till(Scope.READ_CUSTOMERS)("till/gifts/take", wish(gift))[0] == 403
    assert (points(anna), Reward.objects.get().cancelled_at) == (172, None)


def test_who_tries_cards_for_gifts_has_to_wait(till: Till) -> None:
    answers = [till("till/gifts", {"card": str(number)})[0] for number in range(10**9, 10**9 + 20)]
    assert (answers[0], answers[-1]) == (404, 429)


def test_of_many_tills_with_the_last_piece_one_hands_it_out(till: Till, anna: Customer, gift: Gift) -> None:
    change_gift(gift, GiftData("Tea", 10, 0), more=-2, by=None)
    tills = [Till() for _number in range(6)]
    answers = together(6, lambda place: tills[place]("till/gifts/take", wish(gift, points=10))[0])
    assert sorted(answers) == [200, *[409] * 5]
    assert (points(anna), faults()) == (262, [])
