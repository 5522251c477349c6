"""A customer is found by any part of what is known of him."""

import pytest
from django.db import connection

from regulars.accounts.models import User
from regulars.customers.models import Contact, Customer
from regulars.customers.selectors.search import find_customers
from regulars.customers.services.contacts import add_contact, remove_contact
from regulars.customers.services.customers import add_customer, edit_customer
from regulars.customers.services.search import refresh_search, refresh_search_of_import, search_later

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(owner: User) -> Customer:
    anna = add_customer(by=owner, family_name="Артёмова", given_name="Анна", external_id="К-00042")
    for kind, written in (("phone", "8 916 123-45-67"), ("email", "anna_a@mail.ru"), ("card", "7700 5511")):
        add_contact(anna, kind=kind, written=written, by=owner)
    add_customer(by=owner, family_name="Борисов", given_name="Пётр")
    return anna


@pytest.mark.parametrize(
    "query",
    [
        "артемова", "Артёмова", "анна артё", "ртём", "АННА", "fhn`vjdf", "fyyf", "fyyf fh",
        "123-45", "123-45-67", "8 (916) 123-45-67", "+7 916 123", "89161", "9161234567", "4567",
        "anna_a", "фттф_ф", "mail.ru", "7700 5511", "5511", "к-00042", "00042", "а", "ан", "ар ан",
    ],
)  # fmt: skip
def test_found_by_any_part(anna: Customer, owner: User, query: str) -> None:
    assert [one.pk for one in find_customers(query, owner, limit=8)] == [anna.pk]


@pytest.mark.parametrize(
    "query", ["", " ", "нн", "%", "a%a", "___", "\0", "'; --", "q" * 5000, "99999", "анна борисов", "\\"]
)
def test_nothing_else_is_found(anna: Customer, owner: User, query: str) -> None:
    assert find_customers(query, owner, limit=8) == []


def test_the_database_keeps_it_whoever_writes(anna: Customer, owner: User) -> None:
    contact = anna.contacts.get(kind="card")
    remove_contact(contact, by=owner)
    assert find_customers("5511", owner, limit=8) == []
    Customer.objects.filter(pk=anna.pk).update(name="Сидорова")
    assert find_customers("сидоро", owner, limit=8) == [anna]
    Contact.objects.filter(customer=anna, kind="email").update(value="other@mail.ru")
    assert find_customers("other@", owner, limit=8) == [anna]
    anna.refresh_from_db()
    edit_customer(anna, by=owner, given_name="Ольга")
    assert find_customers("ольга", owner, limit=8) == [anna]


def test_an_import_brings_it_up_to_date_at_its_end(owner: User) -> None:
    search_later()
    made = Customer.objects.bulk_create([Customer(name=f"Person{number}x", import_id=7) for number in range(50)])
    Contact.objects.bulk_create([Contact(customer=one, kind="card", value=f"CARD{one.pk}", written="") for one in made])
    assert find_customers("person7x", owner, limit=8) == []
    assert refresh_search_of_import(7) == 50
    assert find_customers("person7x", owner, limit=8) == [made[7]]
    assert find_customers(f"card{made[9].pk}", owner, limit=8) == [made[9]]
    assert refresh_search([one.pk for one in made]) == 0


def test_a_manager_finds_his_own_and_nobodys(anna: Customer, owner: User, manager: User) -> None:
    assert find_customers("анна", manager, limit=8) == [anna]
    Customer.objects.filter(pk=anna.pk).update(owner=owner)
    assert find_customers("анна", manager, limit=8) == []


def test_who_may_not_see_contacts_cannot_guess_them_piece_by_piece(anna: Customer, cashier: User) -> None:
    assert find_customers("анна", cashier, limit=8) == [anna]
    assert find_customers("8 916 123-45-67", cashier, limit=8) == [anna]
    assert find_customers("77005511", cashier, limit=8) == [anna]
    for piece in ("123-45", "89161234", "7700", "anna_a", "mail.ru"):
        assert find_customers(piece, cashier, limit=8) == []


def test_an_unchanged_customer_keeps_the_moment_of_his_last_change(anna: Customer) -> None:
    Customer.objects.filter(pk=anna.pk).update(search_text="x")
    before = Customer.objects.get(pk=anna.pk).updated_at
    refresh_search([anna.pk])
    assert Customer.objects.get(pk=anna.pk).updated_at == before


def test_a_query_uses_the_index(anna: Customer) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT id FROM customers_customer WHERE search_parts @> ARRAY['abc']")
        assert "customer_search" in "".join(row[0] for row in cursor.fetchall())


def test_what_many_have_in_common_is_answered_by_the_newest(owner: User) -> None:
    Customer.objects.bulk_create([Customer(name=f"Common Name{number}") for number in range(400)])
    assert len(find_customers("common", owner, limit=8)) == 8
    assert len(find_customers("common", owner, limit=300)) == 300
    assert [one.name for one in find_customers("common name399", owner, limit=8)] == ["Common Name399"]


def test_an_old_customer_is_found_behind_many_new_ones(anna: Customer, owner: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('customers_customer', 'id'), %s)", [anna.pk + 10_000])
    Customer.objects.bulk_create([Customer(name=f"Анна Новая{number}") for number in range(70)])
    assert find_customers("артемова", owner, limit=8) == [anna]
    assert find_customers("а", owner, limit=8)
    assert anna in find_customers("анна ар", owner, limit=8)
