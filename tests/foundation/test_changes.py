"""Every change of a customer is kept, whoever writes and however."""

import pytest

from regulars.customers.models import Contact, Customer
from regulars.foundation.changes import acting
from regulars.foundation.models import Change

pytestmark = pytest.mark.django_db


def test_a_change_tells_who_when_from_and_to() -> None:
    with acting(None, "import:7"):
        customer = Customer.objects.create(name="Anna")
    with acting(42, "web"):
        Customer.objects.filter(pk=customer.pk).update(name="Anna Petrova")
    change = Change.objects.get(customer_id=customer.pk)
    assert (change.actor_id, change.source, change.action) == (42, "web", "update")
    assert change.fields == {"name": ["Anna", "Anna Petrova"]}


def test_an_update_of_many_rows_is_kept_for_each() -> None:
    people = Customer.objects.bulk_create([Customer(name=str(number)) for number in range(3)])
    Change.objects.all().delete()
    Customer.objects.update(name="same")
    assert Change.objects.count() == len(people)


def test_an_update_that_changes_nothing_leaves_no_trace() -> None:
    customer = Customer.objects.create(name="Anna")
    before = Change.objects.count()
    Customer.objects.filter(pk=customer.pk).update(name="Anna")
    assert Change.objects.count() == before


def test_contacts_belong_to_the_customers_history() -> None:
    customer = Customer.objects.create(name="Anna")
    contact = Contact.objects.create(customer=customer, kind="phone", value="+79161234567", written="8 916 123-45-67")
    contact.delete()
    actions = Change.objects.filter(customer_id=customer.pk, table_name="customers_contact").order_by("id")
    assert list(actions.values_list("action", flat=True)) == ["insert", "delete"]


def test_the_actor_is_forgotten_after_the_transaction() -> None:
    with acting(42, "web"):
        Customer.objects.create(name="first")
    Customer.objects.create(name="second")
    # inside this test everything is one transaction, so the actor still stands: a new one says its own
    with acting(None, ""):
        Customer.objects.create(name="third")
    assert Change.objects.order_by("-id").first().actor_id is None  # type: ignore[union-attr]
