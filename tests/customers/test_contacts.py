"""Contacts are compared in one form, and one of a kind is the main one."""

import pytest

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.customers.contact_values import masked, normalised
from regulars.customers.models import Customer
from regulars.customers.services.contacts import add_contact, make_main, remove_contact
from regulars.customers.services.customers import add_customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(owner: User) -> Customer:
    return add_customer(by=owner, family_name="Иванова", given_name="Анна", middle_name="Петровна")


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        ("phone", "8 (916) 123-45-67", "+79161234567"),
        ("phone", "375291234567", "+375291234567"),
        ("phone", "+1 212 555 2368", "+12125552368"),
        ("email", " Anna@Example.COM ", "anna@example.com"),
        ("card", "77-00 1234 x", "77001234X"),
        ("telegram", "https://t.me/Anna_I", "anna_i"),
        ("whatsapp", "916 1234567", "+79161234567"),
    ],
)
def test_one_form_for_each_contact(kind: str, written: str, value: str) -> None:
    assert normalised(kind, written, region="RU") == value


@pytest.mark.parametrize(
    ("kind", "written"),
    [("phone", "12345"), ("phone", "79161234567.0e3x"), ("email", "anna@"), ("card", "<b>"), ("phone", "")],
)
def test_what_is_no_contact_is_refused_by_name(kind: str, written: str) -> None:
    with pytest.raises(InputError):
        normalised(kind, written, region="RU")


def test_the_first_is_the_main_one_and_the_next_takes_its_place(anna: Customer, owner: User) -> None:
    first = add_contact(anna, kind="phone", written="89161234567", by=owner)
    second = add_contact(anna, kind="phone", written="89161234568", by=owner)
    assert (first.is_main, second.is_main) == (True, False)
    make_main(second, by=owner)
    first.refresh_from_db()
    assert not first.is_main
    second.refresh_from_db()
    remove_contact(second, by=owner)
    first.refresh_from_db()
    assert first.is_main


def test_the_same_contact_twice_is_one(anna: Customer, owner: User) -> None:
    assert add_contact(anna, kind="phone", written="8 916 123-45-67", by=owner) == add_contact(
        anna, kind="phone", written="+79161234567", by=owner
    )


def test_a_card_is_one_persons_and_a_phone_may_be_a_familys(anna: Customer, owner: User) -> None:
    other = add_customer(by=owner, given_name="Пётр")
    add_contact(anna, kind="card", written="7700 1", by=owner)
    add_contact(anna, kind="phone", written="89161234567", by=owner)
    add_contact(other, kind="phone", written="89161234567", by=owner)
    with pytest.raises(InputError, match=str(anna.pk)):
        add_contact(other, kind="card", written="77001", by=owner)


def test_names_stand_in_the_order_of_the_language(anna: Customer) -> None:
    from regulars.core.i18n import use_language
    from regulars.customers.names import addressed, shown_name

    assert anna.name == "Иванова Анна Петровна"
    with use_language("ru"):
        assert (shown_name(anna), addressed(anna)) == ("Иванова Анна Петровна", "Анна Петровна")
    with use_language("en"):
        assert (shown_name(anna), addressed(anna)) == ("Анна Петровна Иванова", "Анна")


def test_a_mask_keeps_the_last_two_characters_and_no_more() -> None:
    assert masked("phone", "+79161234567") == "••• 67"
    assert masked("email", "anna@example.com") == "a•••@example.com"
    assert masked("card", "123") == "•••"
