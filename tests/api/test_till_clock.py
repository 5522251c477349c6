"""Clocks of tills that are off by hours: those that say what they show are told, of the others people are."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from regulars.loyalty.models import Alert, Sale
from regulars.loyalty.reviewing import decide, what_is_odd
from tests.api.test_till import Till, basket
from tests.loyalty.at_once import together
from tests.loyalty.selling_cases import enrolled, open_shop
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db(transaction=True)

BEHIND = dt.timedelta(hours=3)


@pytest.fixture
def till() -> Till:
    open_shop()
    enrolled()
    return Till()


def ago(span: dt.timedelta) -> str:
    return (timezone.now() - span).isoformat()


@pytest.mark.parametrize(
    "off", [BEHIND, -BEHIND, dt.timedelta(days=366), -dt.timedelta(days=366), dt.timedelta(minutes=6)]
)
def test_a_till_that_says_its_clock_learns_that_it_is_off(till: Till, off: dt.timedelta) -> None:
    clock = ago(off)
    told: list[tuple[str, dict[str, Any]]] = [
        ("quote", basket(purchased_at=clock, clock=clock)),
        ("receipts", basket(number="1", to_pay=9_500, purchased_at=clock, clock=clock)),
        ("receipts", basket(number="1", to_pay=9_500, clock=clock)),
        ("returns", {"number": "2", "receipt": "1", "returned_at": clock, "clock": clock}),
        ("batch", {"clock": clock, "receipts": [basket(number="1", to_pay=9_500, purchased_at=clock)]}),
    ]
    for path, body in told:
        status, answer = till(f"till/{path}", body)
        assert (status, "Set the clock" in answer["detail"]) == (400, True), path
    assert not Sale.objects.exists()


def test_a_clock_without_a_zone_says_nothing(till: Till) -> None:
    status, answer = till.quote(clock=timezone.now().replace(tzinfo=None).isoformat())
    assert (status, "has no time zone" in answer["detail"]) == (400, True)


def test_a_till_that_was_without_a_line_tells_with_its_clock_and_nobody_is_told(till: Till) -> None:
    assert till.sell("1", purchased_at=ago(BEHIND), clock=ago(dt.timedelta(minutes=4)))[0] == 200
    receipts = [basket(number=str(n), to_pay=9_500, purchased_at=ago(BEHIND)) for n in range(2, 4)]
    told = till("till/batch", {"clock": ago(dt.timedelta()), "receipts": receipts})[1]
    assert all(one["sale"] for one in told["receipts"])
    assert not Alert.objects.exists()


def test_the_same_receipt_is_known_whatever_the_clock_says_by_then(till: Till) -> None:
    bought = ago(dt.timedelta())
    first = till.sell(purchased_at=bought, clock=ago(dt.timedelta(minutes=1)))
    assert first[0] == 200
    assert till.sell(purchased_at=bought, clock=ago(dt.timedelta())) == first
    assert till.sell(purchased_at=bought) == first
    told = till("till/batch", {"receipts": [basket(number="17", to_pay=9_500, purchased_at=bought)]})
    assert told[1]["receipts"][0]["sale"] == first[1]


def test_receipts_dated_back_without_a_clock_are_written_and_shown_once_a_day(till: Till) -> None:
    assert till.sell("0", purchased_at=ago(dt.timedelta(minutes=4)))[0] == 200
    assert till.sell("1")[0] == 200
    assert not Alert.objects.exists(), "a few minutes are no fault of a clock"
    first = till.sell("2", purchased_at=(bought := ago(BEHIND)))
    assert first[0] == 200, "the goods are sold: the receipt is not refused"
    assert till.sell("2", purchased_at=bought) == first
    receipts = [basket(number=str(n), to_pay=9_500, card="", purchased_at=ago(BEHIND)) for n in (3, 4)]
    costs = [{"to_pay": 10_000}, {"to_pay": 10_000}]
    told = till("till/batch", {"receipts": [one | cost for one, cost in zip(receipts, costs, strict=True)]})
    assert all(one["sale"] for one in told[1]["receipts"]), told
    alert = Alert.objects.get()
    assert (alert.kind, alert.subject, alert.figures["receipts"]) == ("clock", first[1]["till"], 3)
    assert alert.sale is not None
    assert alert.sale.number == "2"
    assert what_is_odd(alert).startswith("3 receipts of this till came up to 3 hours after")
    owner = make_user("owner")
    assert "its clock is behind" in logged_in(owner).get("/programme/review/").content.decode()
    decide(alert, is_right=True, by=owner)
    assert till.sell("5", purchased_at=ago(BEHIND))[0] == 200
    assert Alert.objects.count() == 1, "what was looked at is not shown again on that day"
    assert Till().sell("1", purchased_at=ago(BEHIND))[0] == 200
    assert Alert.objects.count() == 2, "another till has a clock of its own"


def test_receipts_that_come_at_one_moment_make_one_line_in_review(till: Till) -> None:
    bought = ago(BEHIND)
    answers = together(6, lambda place: till.sell(str(place), 10_000, card="", purchased_at=bought)[0])
    assert answers == [200] * 6
    assert Alert.objects.get().figures["receipts"] == 6
