"""Likely duplicates are found by what they share, with reasons; families and namesakes are not."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from regulars.accounts.models import User
from regulars.customers.models import Contact, Customer, Likeness, Merge
from regulars.customers.selectors.duplicates import ENOUGH, candidate_pairs
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.customers import add_customer
from regulars.customers.services.duplicates import find_duplicates, refuse, switch_rule
from regulars.customers.services.merging import merge

pytestmark = pytest.mark.django_db
PHONE, MAIL = ("phone", "+79161234567"), ("email", "a@example.com")
BORN = dt.date(1990, 5, 1)


def person(owner: User, words: str, *ways: tuple[str, str], **values: Any) -> Customer:
    family, given, middle = (*words.split(), "", "", "")[:3]
    made = Customer.objects.create(name=words, family_name=family, given_name=given, middle_name=middle, **values)
    for kind, written in ways:
        add_contact(made, kind=kind, written=written, by=owner)
    return made


def found() -> list[list[str]]:
    find_duplicates()
    return [one.reasons for one in Likeness.objects.filter(refused_at=None)]


@pytest.mark.parametrize(
    ("first", "second", "ways", "values", "reasons"),
    [
        ("Иванова Анна", "Иванова Анна", [PHONE], {}, ["same_phone", "same_name"]),
        ("Иванова Анна", "Анна Иванова", [MAIL], {}, ["same_email", "same_name"]),
        ("Семёнова Анна", "Семенова Анна", [PHONE], {}, ["same_phone", "same_name"]),
        ("Иванова Анна", "Ивонова Анна", [PHONE], {}, ["same_phone", "like_name"]),
        ("Иванова Анна Петровна", "Анна Иванова", [PHONE], {}, ["same_phone", "same_name"]),
        ("Иванова Анна", "Иванова Анна", [], {"birth_date": BORN}, ["same_birthday", "same_name"]),
        ("Петрова Анна", "", [PHONE], {"birth_date": BORN}, ["same_phone", "same_birthday"]),
    ],
)
def test_likely_duplicates_and_why(
    owner: User, first: str, second: str, ways: list[tuple[str, str]], values: dict[str, Any], reasons: list[str]
) -> None:
    person(owner, first, *ways, **values)
    person(owner, second, *ways, **values)
    assert found() == [reasons]


@pytest.mark.parametrize(
    ("first", "second", "ways", "one", "other"),
    [
        ("Иванова Анна", "Иванов Пётр", [PHONE], {}, {}),  # a family with one phone
        ("Иванова Анна", "Иванова Анна", [PHONE], {"birth_date": BORN}, {"birth_date": dt.date(1960, 1, 2)}),
        ("Иванова Анна Петровна", "Иванова Анна Петровна", [], {}, {}),  # namesakes
        ("Иванова Анна", "Иванова Анна", [], {}, {}),
        ("Иванов Женя", "Иванов Саша", [], {"birth_date": BORN}, {"birth_date": BORN}),  # twins
    ],
)
def test_families_namesakes_and_twins_are_left_alone(
    owner: User, first: str, second: str, ways: list[tuple[str, str]], one: dict[str, Any], other: dict[str, Any]
) -> None:
    person(owner, first, *ways, **one)
    person(owner, second, *ways, **other)
    assert found() == []


def test_companies_of_one_name_are_one(owner: User) -> None:
    add_customer(by=owner, kind="company", name="ООО Ромашка")
    add_customer(by=owner, kind="company", name="ооо ромашка")
    assert found() == [["same_name"]]
    assert Likeness.objects.get().score >= ENOUGH


def test_a_number_that_many_share_says_nothing(owner: User) -> None:
    people = Customer.objects.bulk_create([Customer(name="Same Name") for _number in range(20)])
    Contact.objects.bulk_create(
        [Contact(customer=one, kind="phone", value="+74950000000", written="") for one in people]
    )
    assert candidate_pairs() == set()


def test_what_was_refused_is_not_asked_again_and_what_was_merged_is_gone(owner: User) -> None:
    one, two, three = (person(owner, "Иванова Анна", PHONE) for _time in range(3))
    assert len(found()) == 3
    refuse(Likeness.objects.get(first=one, second=two), by=owner)
    assert len(found()) == 2
    merge(one, three, by=owner)
    assert len(found()) == 0  # one and two were refused; three is part of one
    assert Likeness.objects.filter(refused_by=owner).count() == 1


def test_nothing_merges_by_itself_unless_a_rule_says_so(owner: User) -> None:
    person(owner, "Иванова Анна", PHONE)
    person(owner, "Иванова Анна", PHONE)
    find_duplicates()
    assert not Merge.objects.exists()
    switch_rule("same_phone_and_name", is_on=True)
    find_duplicates()
    made = Merge.objects.get()
    assert (made.by, sorted(made.reasons)) == (None, ["same_name", "same_phone"])


def test_no_rule_merges_two_who_both_have_a_card(owner: User) -> None:
    switch_rule("same_email_and_name", is_on=True)
    for number in ("1000000017", "1000000022"):
        person(owner, "Иванова Анна", MAIL, ("card", number))
    assert found() == [["same_email", "same_name"]]
    assert not Merge.objects.exists()
    Contact.objects.filter(value="1000000022").delete()
    find_duplicates()
    assert Merge.objects.exists()


def test_the_page_compares_merges_and_takes_back(client: Client, owner: User) -> None:
    one, two = (person(owner, "Иванова Анна", PHONE) for _time in range(2))
    find_duplicates()
    client.force_login(owner, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "the same phone" in client.get("/customers/duplicates/").content.decode()
    address = f"/customers/{one.pk}/merge/{two.pk}/"
    assert "Becomes part of it" in client.get(address).content.decode()
    assert client.post(address).status_code == 302
    made = Merge.objects.get()
    assert f"/customers/merges/{made.pk}/undo/" in client.get(f"/customers/{one.pk}/").content.decode()
    assert client.get(f"/customers/merges/{made.pk}/undo/").status_code == 200
    assert client.post(f"/customers/merges/{made.pk}/undo/").status_code == 302
    assert Customer.objects.whole().count() == 2
    assert client.post("/customers/duplicates/search/").status_code == 302
    assert client.post("/customers/duplicates/rules/same_phone_and_name/", {"on": "yes"}).status_code == 302


def test_who_may_not_merge_does_not(client: Client, owner: User, manager: User) -> None:
    one, two = (person(owner, "Иванова Анна", PHONE) for _time in range(2))
    client.force_login(manager, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/customers/duplicates/").status_code == 403
    assert client.post(f"/customers/{one.pk}/merge/{two.pk}/").status_code == 403
    assert Customer.objects.whole().count() == 2
