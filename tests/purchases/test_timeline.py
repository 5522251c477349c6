"""Purchases stand in the timeline of the customer, for those who may see them."""

import datetime as dt

import pytest

from regulars.customers.models import Customer
from regulars.purchases.models import Line, Product, Receipt, Store
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db


def buy(customer: Customer, *amounts: int, at: str = "2026-03-03T09:00:00+00:00") -> Receipt:
    store = Store.objects.get_or_create(name="Arbat")[0]
    key = f"{customer.pk}{at}".encode()[-32:]
    receipt = Receipt.objects.create(
        customer=customer, store=store, purchased_at=dt.datetime.fromisoformat(at), amount=sum(amounts), key=key
    )
    for place, amount in enumerate(amounts):
        product = Product.objects.get_or_create(code=f"P{place}", defaults={"name": f"Product {place}"})[0]
        Line.objects.create(receipt=receipt, position=place, product=product, amount=amount)
    return receipt


def test_a_purchase_is_told_with_its_sum_and_its_goods() -> None:
    owner = make_user("owner")
    customer = Customer.objects.create(name="Vera")
    receipt = buy(customer, *[10_000] * 7)
    page = logged_in(owner).get(f"/customers/{customer.pk}/").content.decode()
    assert "Product 0" in page
    assert "and 3 more" in page
    assert f"/receipts/{receipt.pk}/" in page
    assert "700" in page


def test_who_may_not_see_purchases_sees_none() -> None:
    customer = Customer.objects.create(name="Vera")
    buy(customer, 10_000)
    page = logged_in(make_user("cashier")).get(f"/customers/{customer.pk}/").content.decode()
    assert "Product 0" not in page


def test_those_of_a_merged_customer_stand_there_too() -> None:
    from regulars.customers.services.merging import merge

    owner = make_user("owner")
    kept, gone = Customer.objects.create(name="Vera"), Customer.objects.create(name="Vera S")
    buy(gone, 12_300)
    merge(kept, gone, by=owner)
    assert "Product 0" in logged_in(owner).get(f"/customers/{kept.pk}/").content.decode()
