"""A list of customers from Excel: who is known gets what he lacks, who is new is made, and undo takes both back."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from regulars.customers.models import Contact, Customer, Field
from regulars.purchases.importing.kinds import guess_kind
from regulars.purchases.importing.people_lists import preview_list
from regulars.purchases.importing.runs import Wishes, import_now, undo
from regulars.purchases.models import Filled, Import

pytestmark = pytest.mark.usefixtures("business")
Write = Callable[..., Path]
HEADINGS = "Фамилия;Имя;Отчество;Телефон;E-mail;Карта;Дата рождения;Пол;Размер обуви"
ROWS = [
    "Петрова;Анна;Ивановна;8 (916) 123-45-67, +7 495 123-45-67;Anna@Example.com;77 001;03.05.1985;ж;38",
    "Иванов;Борис;;89161234568;;;;м;",
]


def bring(path: Path) -> Import:
    return import_now(path, kind=Import.Kind.CUSTOMERS)


def test_a_list_is_told_from_purchases(write: Write) -> None:
    assert guess_kind(write("people.csv", ROWS, headings=HEADINGS), "people.csv") == "customers"
    rows = ["03.03.2026 10:15;1;C-100;A1;Молоко;2;180,00;Центр;Иванова"]
    assert guess_kind(write("march.csv", rows), "march.csv") == "purchases"


def test_new_customers_have_names_contacts_birthdays_and_own_fields(write: Write) -> None:
    Field.objects.create(slug="shoes", title="Размер обуви", type="number")
    done = bring(write("people.csv", ROWS, headings=HEADINGS))
    assert (done.state, done.error, done.result["customers"]) == ("done", "", 2)
    anna = Customer.objects.get(family_name="Петрова")
    assert (anna.name, anna.birth_date, anna.sex) == ("Петрова Анна Ивановна", dt.date(1985, 5, 3), "f")
    assert anna.own_fields == {"shoes": 38}
    assert set(anna.contacts.values_list("kind", "value", "is_main")) == {
        ("phone", "+79161234567", False),
        ("phone", "+74951234567", True),
        ("email", "anna@example.com", True),
        ("card", "77001", True),
    }


def test_the_same_list_twice_changes_nothing(write: Write) -> None:
    rows = [*ROWS, "Сидоров;Семён;;;;;;;", "Сидорова;Ольга;;89161234568;;;;;"]
    bring(write("people.csv", rows, headings=HEADINGS))
    before = (Customer.objects.count(), Contact.objects.count())
    again = bring(write("people.csv", rows, headings=HEADINGS))
    assert (again.result["customers"], again.result["customers_known"], again.result["customers_filled"]) == (0, 4, 0)
    assert (Customer.objects.count(), Contact.objects.count()) == before == (4, 6)


def test_a_known_customer_gets_what_he_lacks_and_keeps_what_he_has(write: Write) -> None:
    known = Customer.objects.create(name="", given_name="Аня")
    Contact.objects.create(customer=known, kind="phone", value="+79161234567", written="1", is_main=True)
    done = bring(write("people.csv", ROWS, headings=HEADINGS))
    known.refresh_from_db()
    assert (known.given_name, known.family_name) == ("Аня", "Петрова")
    assert known.contacts.count() == 4
    assert (done.result["customers"], done.result["customers_known"], done.result["customers_filled"]) == (1, 1, 1)

    Customer.objects.filter(pk=known.pk).update(middle_name="Павловна")
    undo(done.pk, user_id=None)
    known.refresh_from_db()
    assert (known.given_name, known.family_name, known.birth_date, known.middle_name) == ("Аня", "", None, "Павловна")
    assert list(known.contacts.values_list("value", flat=True)) == ["+79161234567"]
    assert (Customer.objects.count(), Filled.objects.count()) == (1, 0)


def test_a_shared_phone_with_another_name_is_another_person(write: Write) -> None:
    other = Customer.objects.create(name="Olga")
    Contact.objects.create(customer=other, kind="phone", value="+79161234568", written="1")
    bring(write("people.csv", ROWS[1:], headings=HEADINGS))
    assert Contact.objects.filter(value="+79161234568").count() == 2


def test_what_cannot_be_used_is_counted_and_listed(write: Write) -> None:
    rows = [*ROWS, "Кузнецов;Пётр;;12;;;;;", ";;;;;;01.01.1990;;"]
    done = bring(write("people.csv", rows, headings=HEADINGS))
    assert done.result["reject_reasons"] == {"names_nobody": 1, "bad_contact": 1}
    assert Customer.objects.count() == 3
    assert done.rejects_stored_as


def test_chosen_columns_decide(write: Write) -> None:
    path = write("odd.csv", ["Анна;89161234567"], headings="кто;куда")
    assert preview_list(path, "odd.csv", None).problems
    mapping = {"кто": "name", "куда": "phone"}
    shown = preview_list(path, "odd.csv", mapping)
    assert (shown.problems, shown.rows) == ((), (("Анна", "+79161234567"),))
    done = import_now(path, kind=Import.Kind.CUSTOMERS, wishes=Wishes(mapping=mapping))
    assert (done.state, Customer.objects.get().name) == ("done", "Анна")


def test_an_unknown_role_and_a_list_of_nobody_are_refused(write: Write) -> None:
    path = write("odd.csv", ["Анна;89161234567"], headings="кто;куда")
    failed = import_now(path, kind=Import.Kind.CUSTOMERS, wishes=Wishes(mapping={"кто": "is_demo; DROP TABLE"}))
    assert failed.state == "failed"
    assert not Customer.objects.exists()
