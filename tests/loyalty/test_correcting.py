"""Points by hand: done alone within a limit, by two people beyond it, and once whatever happens."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from regulars.accounts.models import LogEntry, User
from regulars.core.errors import InputError
from regulars.customers.models import Contact, Customer
from regulars.customers.services.merging import merge, unmerge
from regulars.loyalty import members
from regulars.loyalty.balances import position
from regulars.loyalty.correcting import agree, correct, decline, waiting_corrections
from regulars.loyalty.ledger import Document, Kind, Refused, grant, take, write, write_one
from regulars.loyalty.models import Correction, Lot, Posting, Transaction
from regulars.loyalty.verifying import faults
from tests.loyalty.at_once import together
from tests.loyalty.selling_cases import enrolled, open_shop
from tests.web.people import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> Customer:
    open_shop(watch={"alone": 100})
    return enrolled()


@pytest.fixture
def olga() -> User:
    return make_user("marketer")


@pytest.fixture
def owner() -> User:
    return make_user("owner")


def points(customer: Customer) -> int:
    return members.points_of(customer).available


def asked(customer: Customer, by: User, many: int = 150, key: str = "a", **more: Any) -> Correction:
    return correct(customer, many, **{"reason": "A late parcel", "key": key, "by": by} | more)


def test_few_points_are_given_and_taken_at_once(anna: Customer, olga: User) -> None:
    given = asked(anna, olga, 60)
    assert (given.state, given.needs_two, given.decided_by, points(anna)) == ("done", False, olga, 60)
    made = Transaction.objects.get()
    assert (made.kind, made.reason, made.actor) == ("correction", "A late parcel", f"user:{olga.pk}")
    assert Lot.objects.get().expires_at == made.recorded_at + dt.timedelta(days=365), "as other points"
    asked(anna, olga, -40, "b")
    assert points(anna) == 20
    assert [one.details["points"] for one in LogEntry.objects.filter(event="points_corrected").order_by("pk")] == [
        60,
        -40,
    ]
    assert faults() == []


def test_points_taken_by_hand_were_not_redeemed(anna: Customer, olga: User) -> None:
    asked(anna, olga, 60)
    asked(anna, olga, -40, "b")
    told = position(members.points_unit(), at=timezone.now())
    assert (told.issued, told.redeemed, told.taken_back) == (60, 0, 40)
    assert dict(Posting.objects.filter(account=None).values_list("book", "amount")) == {"issued": -60, "void": 40}


def test_more_waits_for_another_person_and_nothing_is_posted_before(anna: Customer, olga: User, owner: User) -> None:
    waiting = asked(anna, olga)
    assert (waiting.state, points(anna), Transaction.objects.count()) == ("waiting", 0, 0)
    assert waiting_corrections(owner) == [waiting]
    done = agree(waiting.pk, by=owner)
    assert (done.state, done.decided_by, points(anna)) == ("done", owner, 150)
    assert LogEntry.objects.get(event="points_corrected").user == owner
    assert waiting_corrections(owner) == []


def test_nobody_agrees_with_himself(anna: Customer, olga: User) -> None:
    waiting = asked(anna, olga)
    with pytest.raises(InputError, match="You asked for it yourself"):
        agree(waiting.pk, by=olga)
    made = write_one(
        Document(members.points_unit(), Kind.GIFT, "x", "1", "x", (grant(anna.pk, 1),)), at=timezone.now()
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="correction_by_two"), transaction.atomic():
        Correction.objects.filter(pk=waiting.pk).update(
            state="done", decided_by=olga, decided_at=timezone.now(), transaction=made.transaction
        )
    assert decline(waiting.pk, by=olga).state == "declined", "he may take it back"


def test_what_was_declined_or_done_is_decided(anna: Customer, olga: User, owner: User) -> None:
    waiting = asked(anna, olga)
    decline(waiting.pk, by=owner)
    for act in (agree, decline):
        with pytest.raises(InputError, match="Owner has decided this already"):
            act(waiting.pk, by=owner)
    with pytest.raises(IntegrityError), transaction.atomic():
        Correction.objects.update(state="waiting", decided_at=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Correction.objects.all().delete()
    assert (points(anna), LogEntry.objects.filter(event="points_declined").count()) == (0, 1)


def test_the_limit_is_that_of_a_day_in_however_many_parts(anna: Customer, olga: User, owner: User) -> None:
    vera = enrolled("1000000022", "Vera")
    assert not asked(anna, olga, 60, "a").needs_two
    assert asked(vera, olga, 41, "c").needs_two
    assert not asked(vera, olga, 40, "d").needs_two
    assert not asked(vera, owner, 100, "e").needs_two, "another person has a limit of his own"


def test_a_card_of_his_own_takes_two_from_the_first_point(anna: Customer, olga: User) -> None:
    Contact.objects.create(customer=anna, kind="email", value=olga.email, written=olga.email)
    assert asked(anna, olga, 1).needs_two


def test_a_form_sent_twice_is_one_correction(anna: Customer, olga: User) -> None:
    assert asked(anna, olga, 60) == asked(anna, olga, 60)
    assert points(anna) == 60
    with pytest.raises(InputError, match="sent before with something else"):
        asked(anna, olga, 61)


@pytest.mark.parametrize(
    ("many", "more", "words"),
    [
        (0, {}, "Give or take 1 to"),
        (10**15, {}, "not 1000000000000000"),
        (5, {"reason": " \0 "}, "Say why"),
        (5, {"reason": "x" * 301}, "with 1 to 300 signs"),
        (5, {"key": ""}, "open the page again"),
        (-5, {}, "There are 0 points that can be spent, 5 were asked for"),
        (-500, {}, "There are 0 points that can be spent, 500 were asked for"),
    ],
)
def test_what_cannot_be_is_refused_at_once(
    anna: Customer, olga: User, many: int, more: dict[str, str], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        asked(anna, olga, many, **more)
    assert not Correction.objects.exists()


def test_who_is_no_member_has_no_points(olga: User) -> None:
    with pytest.raises(Refused, match="no account"):
        asked(Customer.objects.create(name="Nobody"), olga, 5)


def test_what_cannot_be_posted_any_more_goes_on_waiting(anna: Customer, olga: User, owner: User) -> None:
    agree(asked(anna, olga, 150, "a").pk, by=owner)
    waiting = asked(anna, olga, -150, "b")
    asked(anna, owner, -10, "c")
    with pytest.raises(Refused, match="There are 140 points"):
        agree(waiting.pk, by=owner)
    waiting.refresh_from_db()
    assert (waiting.state, points(anna)) == ("waiting", 140)


def test_a_correction_follows_a_merge_and_comes_back_with_it(anna: Customer, olga: User, owner: User) -> None:
    vera = enrolled("1000000022", "Vera")
    waiting = asked(vera, olga)
    merged = merge(kept=anna, gone=vera, by=None)
    agree(waiting.pk, by=owner)
    assert points(anna) == 150
    unmerge(merged, by=owner)
    waiting.refresh_from_db()
    assert waiting.customer == vera


def test_whoever_sees_his_own_customers_alone_sees_their_corrections_alone(anna: Customer, olga: User) -> None:
    waiting, manager = asked(anna, olga), make_user("manager")
    assert waiting_corrections(manager) == [waiting]
    Customer.objects.filter(pk=anna.pk).update(owner=olga)
    assert waiting_corrections(manager) == []


def test_points_are_taken_in_the_order_of_spending_and_held_ones_stay(anna: Customer, olga: User) -> None:
    unit, now = members.points_unit(), timezone.now()
    soon, later = now + dt.timedelta(days=1), now + dt.timedelta(days=2)
    for number, until in enumerate((later, soon)):
        write_one(Document(unit, Kind.GIFT, "t", str(number), "t", (grant(anna.pk, 50, expires_at=until),)), at=now)
    asked(anna, olga, -60)
    assert list(Lot.objects.order_by("pk").values_list("remaining", flat=True)) == [40, 0]
    (told,) = write([Document(unit, Kind.CORRECTION, "t", "3", "t", (take(anna.pk, 41),))], at=timezone.now())
    assert isinstance(told, Refused)
    assert told.figures == {"wanted": 41, "available": 40}
    assert faults() == []


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    """Several people press at one moment."""

    def test_two_agree_and_it_is_posted_once(self) -> None:
        open_shop(watch={"alone": 100})
        anna, olga = enrolled(), make_user("marketer")
        waiting = asked(anna, olga)
        others = [make_user(role) for role in ("owner", "analyst", "cashier", "manager")]

        def pressing(place: int) -> str:
            try:
                act = decline if place == 3 else agree
                return act(waiting.pk, by=others[place]).state
            except InputError as refused:
                return str(refused)

        answers = together(4, pressing)
        assert sum("has decided this already" in one for one in answers) == 3
        waiting.refresh_from_db()
        assert points(anna) == (150 if waiting.state == "done" else 0)
        assert Transaction.objects.count() == (waiting.state == "done")

    def test_two_halves_at_once_do_not_pass_the_limit_of_one_person(self) -> None:
        open_shop(watch={"alone": 100})
        anna, olga = enrolled(), make_user("marketer")
        answers = together(4, lambda place: asked(anna, olga, 60, f"k{place}").state)
        assert sorted(answers) == ["done"] + ["waiting"] * 3
        assert points(anna) == 60

    def test_one_form_sent_by_many_is_one_correction(self) -> None:
        open_shop(watch={"alone": 100})
        anna, olga = enrolled(), make_user("marketer")
        answers = together(6, lambda _place: asked(anna, olga, 60).pk)
        assert (len(set(answers)), points(anna)) == (1, 60)
