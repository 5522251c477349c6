"""Tills that sell without a line: what they carry with them, what they tell later, and what must not work."""

import base64
import datetime as dt
import json
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from regulars.api import jobs
from regulars.api.services import find_key
from regulars.core.errors import InputError
from regulars.customers.models import Contact, Customer
from regulars.loyalty import members
from regulars.loyalty.cards import block
from regulars.loyalty.ledger import Document, Kind, grant, write_one
from regulars.loyalty.models import Account, Alert, OfflineDocument, Sale, SnapshotFacts, TillSnapshot
from regulars.loyalty.offline import PATIENCE, write_waiting
from regulars.loyalty.partners import Terms, add_partner, agree, bind_till
from regulars.loyalty.signatures import public_key, sign, verify
from regulars.loyalty.snapshots import forget_snapshots
from regulars.loyalty.verifying import faults
from regulars.loyalty.watching import look
from regulars.purchases.models import Product, Receipt, Store
from tests.loyalty.at_once import together
from tests.loyalty.offline_cases import CAPS, LATER, OfflineTill, settle
from tests.loyalty.selling_cases import CARD, RULES, enrolled, no_segments, open_shop, publish_in_the_past
from tests.web.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def till() -> OfflineTill:
    open_shop(spending=CAPS)
    found = OfflineTill()
    found.fetch()
    return found


def give(customer: Customer, many: int) -> None:
    write_one(
        Document(members.points_unit(), Kind.GIFT, "test", "gift", "test", (grant(customer.pk, many),)),
        at=timezone.now(),
    )


def points(customer: Customer) -> tuple[int, int]:
    found = members.points_of(customer)
    return found.available, found.debt


# --- the snapshot ---


def test_a_snapshot_is_the_same_until_something_changes(till: OfflineTill) -> None:
    headers = {"Authorization": f"Bearer {till.key}"}
    ask = lambda **more: Client().get("/api/v1/till/snapshot?store=Arbat", headers=headers | more)  # noqa: E731
    first = ask()
    tag = first.headers["ETag"]
    again = ask(**{"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert ask().json() == first.json()
    Product.objects.filter(code="tea").update(cost=7_000)
    changed = ask(**{"If-None-Match": tag})
    assert changed.status_code == 200 and changed.headers["ETag"] != tag
    assert (TillSnapshot.objects.count(), SnapshotFacts.objects.count()) == (2, 2)


def test_a_snapshot_names_no_person_and_no_cost(till: OfflineTill) -> None:
    enrolled()
    text = till("till/snapshot", {"store": "Arbat"}, "get")[1]["snapshot"]
    data = json.loads(text)
    assert CARD not in text and "Anna" not in text and "6000" not in text
    assert data["versions"][0]["least"] == {"cup": "10000/9", "tea": "20000/3"}
    assert (data["till"], data["store"], data["zone"]) == (f"till:{_key(till)}", "Arbat", "Europe/Moscow")


def _key(till: OfflineTill) -> int:
    key = find_key(till.key)
    assert key is not None
    return key.pk


def test_a_snapshot_that_was_tampered_with_is_none(till: OfflineTill) -> None:
    got = till("till/snapshot", {"store": "Arbat"}, "get")[1]
    verify(got["snapshot"], got["signature"], till.public)
    cheaper = got["snapshot"].replace('"percent":"5"', '"percent":"50"')
    assert cheaper != got["snapshot"]
    other = public_key("another secret" * 4)
    for text, signature, key in [
        (cheaper, got["signature"], till.public), (got["snapshot"] + " ", got["signature"], till.public),
        (got["snapshot"], got["signature"], other), (cheaper, sign(cheaper, "a" * 50), till.public),
        (got["snapshot"], "", till.public), (got["snapshot"], "?", till.public), (got["snapshot"], "AAAA", "AAAA"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match="fetch the rules again"):
            verify(text, signature, key)
    assert len(base64.b64decode(till.public)) == 32
    assert settings.SECRET_KEY not in got["snapshot"]


def test_only_tills_are_given_snapshots(till: OfflineTill) -> None:
    assert Client().get("/api/v1/till/snapshot?store=Arbat").status_code == 401
    assert till("till/snapshot", {}, "get")[0] == 422


def test_old_snapshots_go_when_nothing_can_be_told_of_them(till: OfflineTill) -> None:
    assert forget_snapshots(timezone.now() + dt.timedelta(days=37)) == 0
    assert forget_snapshots(timezone.now() + dt.timedelta(days=39)) == 1
    assert (TillSnapshot.objects.count(), SnapshotFacts.objects.count()) == (0, 0)


# --- telling ---


def test_what_was_sold_alone_is_written_as_it_was_paid_and_earns_by_the_rules(till: OfflineTill) -> None:
    anna = enrolled()
    sold = till.sold("17")
    assert (sold["paid"], till.tell(sold)[0]["state"]) == (9_500, "waits")
    assert Sale.objects.count() == 0 and write_waiting(timezone.now(), segments=no_segments) == 0
    assert settle() == 1
    (answer,) = till.tell(sold)
    assert answer["state"] == "written"
    assert {name: answer["sale"][name] for name in ("to_pay", "discount", "points_earned", "balance")} == {
        "to_pay": 9_500, "discount": 500, "points_earned": 9, "balance": 9
    }  # fmt: skip
    assert (points(anna), Alert.objects.count(), OfflineDocument.objects.count()) == ((9, 0), 0, 0)
    assert Receipt.objects.get().amount == 9_500
    assert faults() == []


def test_a_stranger_pays_by_the_rules_for_everybody(till: OfflineTill) -> None:
    sold = till.sold("17", card="")
    assert (sold["paid"], till.told(sold)[0]["sale"]["points_earned"]) == (10_000, 0)


def test_points_are_those_of_the_rules_and_the_tier_that_he_had(till: OfflineTill) -> None:
    """The till sold by what it knew; he gets what he has deserved."""
    enrolled()
    doubled = {"id": "twice", "gives": {"kind": "points_times", "times": 2}}
    rules = RULES | {"rules": [*RULES["rules"], doubled]}
    at = timezone.now() - HOUR
    till.age(2 * HOUR)
    publish_in_the_past(rules, 2 * HOUR - dt.timedelta(minutes=10))
    sold = till.sold("17", at=at)
    assert till.told(sold)[0]["sale"]["points_earned"] == 19
    assert Alert.objects.count() == 0


def test_costs_that_change_before_it_is_told_change_nothing(till: OfflineTill) -> None:
    enrolled()
    sold = till.sold("17", ("tea", 1, 6_700))
    assert sold["paid"] == 6_667
    Product.objects.update(cost=100_000)
    assert till.told(sold)[0]["sale"]["to_pay"] == 6_667
    assert Alert.objects.count() == 0


def test_points_that_he_has_not_become_a_debt_that_is_shown(till: OfflineTill) -> None:
    anna = enrolled()
    give(anna, 15)
    sold = till.sold("17", points=40)
    assert (sold["paid"], sold["points"]) == (5_500, 40)
    sale = till.told(sold)[0]["sale"]
    assert (sale["points_spent"], sale["by_points"], sale["points_earned"]) == (40, 4_000, 5)
    assert points(anna) == (0, 20)
    assert till("till/member", {"card": CARD})[1]["balance"] == {"available": 0, "held": 0, "pending": 0, "debt": 20}
    assert (Alert.objects.count(), faults()) == (0, [])


def test_what_comes_back_of_a_debt_pays_the_debt_and_then_is_his(till: OfflineTill) -> None:
    anna = enrolled()
    give(anna, 15)
    till.told(till.sold("17", ("tea", 4, 40_000), points=40))
    assert points(anna) == (9, 0)  # 25 were owed, and 34 earned
    status, back = till("till/returns", {"number": "18", "receipt": "17", "lines": [{"line": 1, "quantity": "1"}]})
    assert (status, back["points_back"], faults()) == (200, 10, [])
    till("till/returns", {"number": "19", "receipt": "17"})
    assert (points(anna), faults()) == ((15, 0), [])


def test_a_debt_that_comes_back_is_a_debt_no_more(till: OfflineTill) -> None:
    anna = enrolled()
    till.told(till.sold("17", points=40))
    assert points(anna) == (0, 35)
    till("till/returns", {"number": "18", "receipt": "17"})
    assert (points(anna), faults()) == ((0, 0), [])


def test_beyond_what_he_may_owe_the_shop_bears_it_and_is_told(till: OfflineTill) -> None:
    anna = enrolled()
    publish_in_the_past(RULES | {"spending": CAPS, "life": {"days": 365, "most_debt": 10}}, 2 * HOUR)
    sale = till.told(till.sold("17", points=40))[0]["sale"]
    assert (sale["to_pay"], sale["points_spent"], sale["by_points"], sale["discount"]) == (5_500, 10, 1_000, 3_500)
    alert = Alert.objects.get()
    assert (alert.kind, alert.figures, alert.customer) == ("offline", {"gap": 3_000, "points": 30}, anna)
    assert sale["points_earned"] == 5 and points(anna) == (0, 5)
    assert faults() == []


# --- attacks ---


def test_a_till_takes_no_more_points_than_the_caps_whatever_it_tells(till: OfflineTill) -> None:
    anna = enrolled()
    give(anna, 500)
    at = timezone.now() - dt.timedelta(seconds=1)
    greedy = till.sold("17", at=at) | {"points": 90, "paid": 500}
    second = till.sold("18", points=40, at=at + dt.timedelta(seconds=1))
    answers = till.told(greedy, second)
    assert [one["sale"]["points_spent"] for one in answers] == [40, 0]
    assert [one["sale"]["points_earned"] for one in answers] == [0, 5]
    assert points(anna) == (465, 0)
    assert [one.figures["points"] for one in Alert.objects.order_by("begins_at")] == [50, 40]
    assert faults() == []


def test_a_receipt_that_cost_nothing_earns_nothing(till: OfflineTill) -> None:
    anna = enrolled()
    publish_in_the_past(
        RULES | {"rules": [{"id": "gift", "gives": {"kind": "points_gift", "points": 500}}],
                 "accrual": {"basis": "before_discounts", "on_part_paid_with_points": True}},
        HOUR,
    )  # fmt: skip
    sale = till.told(till.sold("17") | {"paid": 0})[0]["sale"]
    assert (sale["to_pay"], sale["points_earned"], points(anna)) == (0, 0, (0, 0))
    assert Alert.objects.get().figures == {"gap": 9_500, "points": 0}


@pytest.mark.parametrize(("paid", "earned"), [(9_000, 9), (5_000, 5), (10_000, 9)])
def test_points_are_earned_on_what_was_paid_or_judged_whichever_is_less(
    till: OfflineTill, paid: int, earned: int
) -> None:
    enrolled()
    sale = till.told(till.sold("17") | {"paid": paid})[0]["sale"]
    assert (sale["to_pay"], sale["points_earned"]) == (paid, earned)
    assert Alert.objects.get().figures["gap"] == 9_500 - paid


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"paid": 10_001}, "10001 were taken"),
        ({"paid": 9_500, "points": 6}, "10100 were taken"),
        ({"snapshot": "nobodys"}, "never fetched the rules 'nobodys'"),
        ({"store": "Elsewhere"}, "sold in 'Elsewhere'"),
        ({"promo_codes": ["SPRING"]}, "promo codes count for nothing"),
        ({"certificates": ["9912345678901234"]}, "nobody can pay with certificates"),
        ({"card": "", "points": 5, "paid": 0}, "with the card alone"),
        ({"card": "", "phone": "+79161234567", "points": 5, "paid": 0}, "with the card alone"),
    ],
)
def test_what_cannot_have_been_sold_so_is_refused_and_not_kept(
    till: OfflineTill, wrong: dict[str, Any], said: str
) -> None:
    enrolled()
    (answer,) = till.tell(till.sold("17") | wrong)
    assert answer["state"] == "refused" and said in answer["detail"]
    assert OfflineDocument.objects.count() == 0


def test_the_snapshot_of_another_till_is_not_ones_own(till: OfflineTill) -> None:
    other = OfflineTill()
    other.fetch()
    (answer,) = other.tell(till.sold("17"))
    assert answer["state"] == "refused" and "never fetched" in answer["detail"]


@pytest.mark.parametrize(
    ("off", "said"),
    [
        (-3 * HOUR, "the clock of the till is wrong"),
        (dt.timedelta(days=-365), "is more than 35 days ago"),
        (3 * HOUR, "has not come yet"),
        (dt.timedelta(days=365), "has not come yet"),
    ],
)
def test_a_moment_by_a_clock_that_is_off_is_caught(till: OfflineTill, off: dt.timedelta, said: str) -> None:
    enrolled()
    (answer,) = till.tell(till.sold("17") | {"purchased_at": (timezone.now() + off).isoformat()})
    assert answer["state"] == "refused" and said in answer["detail"]


@pytest.mark.parametrize("off", [-HOUR, HOUR, dt.timedelta(days=365), dt.timedelta(minutes=-6)])
def test_a_clock_that_is_off_tells_nothing(till: OfflineTill, off: dt.timedelta) -> None:
    body = {"clock": (timezone.now() + off).isoformat(), "receipts": [till.sold("17")]}
    status, answer = till("till/offline", body)
    assert status == 400 and "Set the clock, move the moments of its receipts by as much" in answer["detail"]
    assert till("till/offline", body | {"clock": "2026-01-01T00:00:00"})[0] == 400
    assert OfflineDocument.objects.count() == 0


def test_by_an_old_snapshot_nobody_sells(till: OfflineTill) -> None:
    sold = till.sold("17")
    till.age(dt.timedelta(days=4))
    with pytest.raises(InputError, match="Fetch them again"):
        till.sold("18")
    (answer,) = till.tell(sold)
    assert answer["state"] == "refused" and "Fetch them again, or set the clock" in answer["detail"]


def test_a_number_that_was_told_online_is_another_receipt_offline(till: OfflineTill) -> None:
    anna = enrolled()
    assert till.sell("17")[0] == 200
    (answer,) = till.tell(till.sold("17"))
    assert answer["state"] == "refused" and "another receipt with the number '17'" in answer["detail"]
    assert (Sale.objects.count(), points(anna)) == (1, (9, 0))


def test_a_number_that_waits_and_is_told_online_meanwhile_is_shown_to_people(till: OfflineTill) -> None:
    enrolled()
    sold = till.sold("17", ("tea", 1, 20_000))
    till.tell(sold)
    assert till.sell("17")[0] == 200
    settle()
    (answer,) = till.tell(sold | {})
    assert answer["state"] == "refused" and "another receipt" in answer["detail"]
    assert OfflineDocument.objects.get().problem == "This till has another receipt with the number '17'."
    assert Sale.objects.count() == 1


def test_another_body_with_the_same_number_is_refused(till: OfflineTill) -> None:
    enrolled()
    sold = till.sold("17")
    till.tell(sold)
    (answer,) = till.tell(sold | {"paid": 0})
    assert answer["state"] == "refused"
    settle()
    assert till.tell(sold | {"paid": 0})[0]["state"] == "refused"
    assert Sale.objects.get().to_pay == 9_500


def test_the_same_purchase_told_by_two_tills_is_looked_at(till: OfflineTill) -> None:
    enrolled()
    other = OfflineTill()
    other.fetch()
    at = timezone.now()
    till.told(till.sold("17", at=at))
    other.told(other.sold("17", at=at))
    assert Sale.objects.count() == 2
    look(timezone.now())
    assert Alert.objects.get().kind == "same"


def test_told_many_times_at_one_moment_it_is_kept_and_written_once(till: OfflineTill) -> None:
    anna = enrolled()
    sold = till.sold("17")
    states = together(6, lambda _place: till.tell(sold)[0]["state"])
    assert set(states) == {"waits"}
    together(4, lambda _place: settle() + 1)
    assert (Sale.objects.count(), points(anna), faults()) == (1, (9, 0), [])


# --- what is stuck, and what waits ---


def test_what_cannot_be_written_stays_and_holds_up_nobody(till: OfflineTill) -> None:
    anna = enrolled()
    nobody = till.sold("16", card="1000000033")
    answers = till.told(nobody, till.sold("17"))
    assert [one["state"] for one in answers] == ["stuck", "written"]
    assert "No member has this card" in answers[0]["detail"]
    assert points(anna) == (9, 0)
    assert settle() == 0


def test_a_card_that_was_blocked_later_was_good_then(till: OfflineTill) -> None:
    anna = enrolled()
    give(anna, 100)
    at = timezone.now()
    sold = till.sold("17", points=40, at=at)
    block(Contact.objects.get(value=CARD), reason="lost", by=make_user("owner"))
    assert till.told(sold)[0]["state"] == "written"
    assert points(anna)[0] == 65


def test_a_till_that_has_more_to_tell_is_waited_for_but_not_for_ever(till: OfflineTill) -> None:
    enrolled()
    first = till.sold("17")
    till.tell(first, more=True)
    assert settle() == 0
    till.tell()
    assert settle() == 1
    till.tell(till.sold("18"), more=True)
    other = OfflineTill()
    other.fetch()
    other.tell(other.sold("1"))
    assert settle() == 0
    assert write_waiting(timezone.now() + PATIENCE + LATER, segments=no_segments) == 2


def test_every_minute_a_job_writes_what_waits(till: OfflineTill) -> None:
    enrolled()
    till.tell(till.sold("17"))
    jobs.write_offline(0)
    assert Sale.objects.count() == 0
    OfflineDocument.objects.update(due_at=timezone.now())
    jobs.write_offline(0)
    assert (Sale.objects.count(), OfflineDocument.objects.count()) == (1, 0)


def test_a_new_store_can_be_sold_in_alone(till: OfflineTill) -> None:
    till.fetch("New")
    assert Store.objects.filter(name="New").exists()
    assert Account.objects.count() == 0


# --- of a partner ---


def test_a_partner_is_told_nothing_of_the_goods_of_others(till: OfflineTill) -> None:
    books = add_partner("books", "Books", by=None)
    agree(books, Terms(90_000, 70_000), begins_on=timezone.now().date() + dt.timedelta(days=1), by=None)
    other = OfflineTill()
    bind_till(books, f"till:{_key(other)}")
    snapshot = other.fetch("Yard")
    assert (snapshot.goods, snapshot.partner, snapshot.versions[0].least) == ({}, "books", {})
    status, answer = other("till/snapshot", {"store": "Arbat"}, "get")
    assert status == 400 and "is somebody else's" in answer["detail"]
    # a stranger's receipt needs no contract, a member's does
    enrolled()
    states = other.told(other.sold("1", card=""), other.sold("2"))
    assert [one["state"] for one in states] == ["written", "stuck"]
    assert "has no contract" in states[1]["detail"]
