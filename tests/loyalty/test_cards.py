"""Cards: numbers that are right and new, one person for each, and nothing for a blocked one."""

import datetime as dt
import re
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.accounts.models import LogEntry, User
from regulars.core import barcodes
from regulars.core.errors import InputError
from regulars.customers.models import Contact, Customer, Erasure
from regulars.customers.services.contacts import remove_contact
from regulars.customers.services.erasing import erase
from regulars.customers.services.merging import merge, unmerge
from regulars.loyalty import members
from regulars.loyalty.card_numbers import check_digit, is_right, number_of
from regulars.loyalty.cards import batches, block, cards_of, give_virtual, make_cards, numbers_of, replace, unblock
from regulars.loyalty.members import NoMember, find, welcome
from regulars.loyalty.models import Card, CardBatch, Sale
from tests.loyalty.at_once import together
from tests.loyalty.selling_cases import CARD, enrolled, open_shop, order, sell
from tests.web.people import make_business, make_user

SCHEMES = st.sampled_from(["ean13", "luhn"])
BODIES = st.text("0123456789", min_size=3, max_size=18)


@given(BODIES, SCHEMES, st.data())
def test_one_wrong_digit_is_always_found(body: str, scheme: str, data: st.DataObject) -> None:
    number = body + check_digit(body, scheme)
    place = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from([one for one in "0123456789" if one != number[place]]))
    assert is_right(number, scheme)
    assert not is_right(number[:place] + other + number[place + 1 :], scheme)


@given(BODIES, st.data())
def test_two_neighbours_in_the_wrong_order_are_found_by_luhn_but_for_nine_and_nought(
    body: str, data: st.DataObject
) -> None:
    number = body + check_digit(body, "luhn")
    place = data.draw(st.integers(0, len(number) - 2))
    one, other = number[place : place + 2]
    swapped = number[:place] + other + one + number[place + 2 :]
    assert is_right(swapped, "luhn") == (one == other or {one, other} == {"0", "9"})


@settings(deadline=None)
@given(st.integers(0, 10**9 - 1))
def test_every_barcode_library_takes_our_ean(serial: int) -> None:
    number = number_of(serial, prefix="290", digits=13, scheme="ean13")
    assert len(number) == 13
    assert barcodes.svg(number, "ean13")


@pytest.mark.parametrize(
    ("number", "scheme"),
    [("4006381333931", "ean13"), ("73513537", "ean13"), ("4539578763621486", "luhn"), ("79927398713", "luhn")],
)
def test_published_numbers_are_right(number: str, scheme: str) -> None:
    assert is_right(number, scheme)


@pytest.fixture
def owner(db: None) -> User:
    open_shop()
    make_business()
    return make_user("owner")


def made(owner: User, count: int = 3, **more: Any) -> list[str]:
    return list(numbers_of(make_cards(more.pop("name", "Spring"), count=count, by=owner, **more)))


def card_of(customer: Customer, place: int = 0) -> Contact:
    return cards_of([customer.pk])[place].contact


def test_numbers_are_right_different_and_not_to_be_guessed(owner: User) -> None:
    numbers = made(owner, 2_000)
    assert len(set(numbers)) == 2_000
    assert all(is_right(one, "ean13") and one.startswith("290") for one in numbers)
    # in a sequence all would lie within 2,000 of each other
    assert len({one[3:9] for one in numbers}) > 1_900
    entry = LogEntry.objects.get(event="cards_made")
    assert (entry.about, entry.details) == ("Spring", {"cards": 2_000})


def test_a_sequence_goes_on_where_the_last_one_ended(owner: User) -> None:
    first = made(owner, 2, scheme="luhn", prefix="77", digits=8, in_sequence=True)
    second = made(owner, 2, name="Summer", scheme="luhn", prefix="77", digits=8, in_sequence=True)
    assert [one[:-1] for one in first + second] == ["7700001", "7700002", "7700003", "7700004"]


def test_a_number_that_is_somebodys_card_is_not_made_again(owner: User) -> None:
    taken = number_of(1, prefix="77", digits=8, scheme="luhn")
    enrolled(taken)
    assert made(owner, 1, scheme="luhn", prefix="77", digits=8, in_sequence=True) == [
        number_of(2, prefix="77", digits=8, scheme="luhn")
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "1 to 60 signs"),
        ({"name": "x" * 61}, "1 to 60 signs"),
        ({"name": "Virtual"}, "1 to 60 signs"),
        ({"name": "taken "}, "already"),
        ({"count": 0}, "1 to 1000000 cards"),
        ({"count": 10**7}, "1 to 1000000 cards"),
        ({"prefix": "029"}, "the first of them no zero"),
        ({"prefix": ""}, "the first of them no zero"),
        ({"prefix": "29٣"}, "the first of them no zero"),
        ({"prefix": "1" * 12}, "the first of them no zero"),
        ({"scheme": "qr"}, "6 to 19 digits"),
        ({"scheme": "luhn", "digits": 20}, "6 to 19 digits"),
        ({"prefix": "2900", "count": 100_001}, "at most 100000 more numbers"),
        ({"scheme": "luhn", "prefix": "7", "digits": 6, "count": 10_000, "in_sequence": True}, "Only 9999 numbers"),
    ],
)
def test_batches_that_cannot_be_are_refused(owner: User, wrong: dict[str, Any], said: str) -> None:
    made(owner, 1, name="Taken")
    with pytest.raises(InputError, match=re.escape(said)):
        make_cards(**{"name": "new", "count": 1, "by": owner} | wrong)
    assert [one.batch.name for one in batches()] == ["Taken"]


def test_a_card_of_the_batch_is_given_at_the_till(owner: User) -> None:
    number, *_rest = made(owner)
    vera = welcome(card=number, phone="+79161234567", name="Vera", source="till:1")
    assert find(card=number) == vera
    (found,) = batches()
    assert (found.cards, found.issued, found.active, found.blocked, found.replaced) == (3, 2, 1, 0, 0)


def test_before_there_are_batches_any_number_is_a_card(owner: User) -> None:
    vera = welcome(card="CLUB 17", source="till:1")
    assert find(card="club-17") == vera


def test_a_slip_of_the_fingers_is_told(owner: User) -> None:
    number, *_rest = made(owner)
    slip = number[:-1] + str((int(number[-1]) + 1) % 10)
    for ask in (lambda: find(card=slip), lambda: welcome(card=slip, name="Vera", source="till:1")):
        with pytest.raises(InputError, match=f"{slip} is no number of a card, its check digit is wrong"):
            ask()
    assert not Customer.objects.exists()


def test_a_number_that_was_never_made_is_told(owner: User) -> None:
    serials = {int(one[3:12]) for one in made(owner)}
    free = next(one for one in range(100) if one not in serials)
    with pytest.raises(InputError, match="was made: read it once more"):
        welcome(card=number_of(free, prefix="290", digits=13, scheme="ean13"), source="till:1")


def test_cards_from_before_the_batches_stay_what_they_are(owner: User) -> None:
    anna = enrolled("2900000000009")  # its check digit is wrong
    made(owner)
    assert find(card="2900000000009") == anna
    assert welcome(card="2900000000009", source="till:1") == anna
    welcome(card=CARD, name="Vera", source="till:1")


def test_a_blocked_card_is_refused_and_the_points_stay(owner: User) -> None:
    anna = enrolled()
    sell(order(("tea", 1, 20_000)))
    before = members.points_of(anna)
    block(card_of(anna), reason="lost on a bus", by=owner)
    with pytest.raises(NoMember, match=f"Card {CARD} is blocked"):
        sell(order(("tea", 1, 20_000)), "2")
    with pytest.raises(InputError, match="blocked"):
        welcome(card=CARD, phone="+79161234567", source="till:1")
    assert (members.points_of(anna), Sale.objects.count()) == (before, 1)
    with pytest.raises(InputError, match="blocked already"):
        block(card_of(anna), reason="again", by=owner)
    unblock(card_of(anna), by=owner)
    assert sell(order(("tea", 1, 20_000)), "2").customer == anna


def test_what_was_bought_before_the_block_may_be_told_later(owner: User) -> None:
    anna, before = enrolled(), timezone.now()
    block(card_of(anna), reason="lost", by=owner)
    told = order(("tea", 1, 20_000), purchased_at=before - dt.timedelta(hours=1))
    assert sell(told).customer == anna
    with pytest.raises(NoMember, match="blocked"):
        sell(order(("tea", 1, 20_000), purchased_at=timezone.now()), "2")


def test_a_blocked_member_is_still_found_by_his_phone(owner: User) -> None:
    vera = welcome(card=CARD, phone="+79161234567", name="Vera", source="till:1")
    block(card_of(vera), reason="lost", by=owner)
    assert find(phone="+79161234567") == vera


def test_a_block_needs_a_reason(owner: User) -> None:
    anna = enrolled()
    with pytest.raises(InputError, match="Write why"):
        block(card_of(anna), reason=" \0 ", by=owner)
    assert find(card=CARD) == anna


def test_the_new_card_works_and_the_old_one_never_again(owner: User) -> None:
    anna = enrolled()
    sell(order(("tea", 1, 20_000)))
    number, *_rest = made(owner)
    points = members.points_of(anna)
    new = replace(card_of(anna), number, by=owner)
    assert (new.value, new.is_main, find(card=number), members.points_of(anna)) == (number, True, anna, points)
    with pytest.raises(NoMember, match="was replaced by another one"):
        find(card=CARD)
    old = cards_of([anna.pk])[1].contact
    with pytest.raises(InputError, match="stays blocked"):
        unblock(old, by=owner)
    with pytest.raises(InputError, match="replaced before"):
        replace(old, "", by=owner)


def test_a_card_cannot_replace_itself_and_nothing_is_blocked_then(owner: User) -> None:
    anna = enrolled()
    with pytest.raises(InputError, match="give another one"):
        replace(card_of(anna), CARD, by=owner)
    assert find(card=CARD) == anna


def test_a_blocked_card_can_be_replaced_by_one_without_plastic(owner: User) -> None:
    anna = enrolled()
    block(card_of(anna), reason="lost", by=owner)
    new = replace(card_of(anna), "", by=owner)
    assert is_right(new.value, "ean13")
    assert find(card=new.value) == anna
    (virtual,) = batches()
    assert (virtual.batch.is_virtual, virtual.cards, virtual.active) == (True, 1, 1)


def test_virtual_cards_look_like_the_printed_ones(owner: User) -> None:
    anna = enrolled()
    made(owner, scheme="luhn", prefix="5", digits=16)
    number = give_virtual(anna, by=owner).value
    assert (number[0], len(number), is_right(number, "luhn")) == ("5", 16, True)
    assert give_virtual(anna, by=owner).value != number
    assert CardBatch.objects.filter(is_virtual=True).count() == 1


def test_whoever_is_merged_keeps_all_cards_and_a_block_stays(owner: User) -> None:
    anna, vera = enrolled(), enrolled("1000000022", "Vera")
    block(card_of(vera), reason="lost", by=owner)
    done = merge(anna, vera, by=owner)
    assert {one.contact.value for one in cards_of([anna.pk])} == {CARD, "1000000022"}
    with pytest.raises(NoMember, match="blocked"):
        find(card="1000000022")
    unblock(card_of(anna, 1), by=owner)
    assert find(card="1000000022") == anna
    unmerge(done, by=owner)
    assert find(card="1000000022") == vera


def test_a_card_that_was_taken_away_can_be_given_again(owner: User) -> None:
    number, *_rest = made(owner)
    vera = welcome(card=number, name="Vera", source="till:1")
    remove_contact(card_of(vera), by=owner)
    assert batches()[0].issued == 3
    assert welcome(card=number, phone="+79161234567", name="Anna", source="till:1") != vera


def test_an_erased_person_leaves_no_number_behind(owner: User) -> None:
    anna = enrolled()
    block(card_of(anna), reason="lost", by=owner)
    day = timezone.now().date()
    erase(Erasure.objects.create(customer=anna, asked_on=day, due_on=day), by=owner)
    assert not Card.objects.exists()


def test_the_database_knows_no_replaced_card_that_works(owner: User) -> None:
    made(owner, 1)
    with pytest.raises(IntegrityError, match="card_replaced_is_blocked"), transaction.atomic():
        Card.objects.update(is_replaced=True)


@pytest.mark.django_db(transaction=True)
def test_of_many_cashiers_who_give_one_card_one_wins() -> None:
    open_shop()
    number, *_rest = made(make_user("owner"))

    def one(place: int) -> str:
        try:
            welcome(card=number, phone=f"+7916123450{place}", name=f"Guest {place}", source=f"till:{place}")
        except InputError:
            return "told"
        return "given"

    answers = together(8, one)
    assert sorted(answers) == ["given", *["told"] * 7]
    assert Contact.objects.filter(kind="card", value=number).count() == 1


@pytest.mark.django_db(transaction=True)
def test_batches_made_at_one_moment_share_no_number() -> None:
    make_business()

    def one(place: int) -> str:
        return make_cards(f"B{place}", count=300, scheme="luhn", prefix="77", digits=9, in_sequence=True).name

    assert len(together(6, one)) == 6
    assert Card.objects.count() == 1_800
    assert CardBatch.objects.order_by("-next_serial")[0].next_serial == 1_801


@pytest.mark.django_db(transaction=True)
def test_many_virtual_cards_at_one_moment_are_all_different() -> None:
    open_shop()
    people = [enrolled(str(1_000_000_100 + place)) for place in range(8)]
    numbers = together(8, lambda place: give_virtual(people[place], by=None).value)
    assert len(set(numbers)) == 8
    assert CardBatch.objects.count() == 1


def test_a_blocked_card_spends_nothing_whatever_moment_a_till_names(owner: User) -> None:
    anna, before = enrolled(), timezone.now()
    sell(order(("tea", 5, 100_000)))
    block(card_of(anna), reason="stolen", by=owner)
    with pytest.raises(NoMember, match="blocked"):
        sell(order(("tea", 1, 20_000), purchased_at=before - dt.timedelta(hours=1), points=5), "2")
