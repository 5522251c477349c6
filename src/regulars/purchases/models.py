"""Products, stores, staff, receipts, lines, and the imports that brought them. Money is in minor units."""

from typing import Any, ClassVar

from django.db import models

from regulars.accounts.models import User
from regulars.core.i18n import N_
from regulars.customers.models import Customer


class Import(models.Model):
    """One file or batch that was brought in; all of it can be undone."""

    class State(models.TextChoices):
        """How far it is."""

        DRAFT = "draft", N_("Waits for your word")
        WAITING = "waiting", N_("Waits for the worker")
        RUNNING = "running", N_("Is running")
        DONE = "done", N_("Done")
        FAILED = "failed", N_("Failed")
        UNDONE = "undone", N_("Undone")

    class Kind(models.TextChoices):
        """What it brings."""

        PURCHASES = "purchases", N_("Purchases")
        CUSTOMERS = "customers", N_("Customers")
        COMMERCEML = "commerceml", "CommerceML"
        FISCAL = "fiscal", N_("Fiscal receipts")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    file_name = models.CharField(max_length=200)
    stored_as = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, db_index=True)
    options: "models.JSONField[Any, dict[str, Any]]" = models.JSONField(default=dict)  # the columns that were chosen
    progress: "models.JSONField[Any, dict[str, Any]]" = models.JSONField(default=dict)
    result: "models.JSONField[Any, dict[str, Any]]" = models.JSONField(default=dict)  # counts, notices, reasons
    rejects_stored_as = models.CharField(max_length=64, blank=True)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=models.functions.Now())
    finished_at = models.DateTimeField(null=True)


class Store(models.Model):
    """A place that sells, with its own clock."""

    name = models.CharField(max_length=200, unique=True)
    time_zone = models.CharField(max_length=64, blank=True)  # empty: that of the business


class Seller(models.Model):
    """Who served, as the till names them."""

    name = models.CharField(max_length=200, unique=True)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")


class Product(models.Model):
    """Something that is sold. `code` is its key in the till; without codes the name is the key."""

    code = models.CharField(max_length=200, unique=True)
    name = models.CharField(max_length=500)
    category = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField(db_default=models.functions.Now())


class Receipt(models.Model):
    """One receipt of one moment. `purchased_at` is the shop's wall clock, as the purchase contract has it."""

    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="receipts")
    store = models.ForeignKey(Store, null=True, on_delete=models.PROTECT, related_name="+")
    seller = models.ForeignKey(Seller, null=True, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=200, blank=True)
    channel = models.CharField(max_length=60, blank=True)
    purchased_at = models.DateTimeField()
    amount = models.BigIntegerField()
    key = models.BinaryField(max_length=32, unique=True)  # a digest of what makes it this receipt and no other
    imported_by = models.ForeignKey(Import, null=True, on_delete=models.PROTECT, related_name="receipts")
    created_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["customer", "-purchased_at", "-id"], name="receipt_of_customer"),
            models.Index(fields=["purchased_at"], name="receipt_moment"),
        ]


class Line(models.Model):
    """One line of a receipt."""

    receipt = models.ForeignKey(Receipt, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, null=True, on_delete=models.PROTECT, related_name="+")
    quantity = models.FloatField(null=True)
    amount = models.BigIntegerField()
    discount = models.BigIntegerField(null=True)
    cost = models.BigIntegerField(null=True)
    promotion = models.CharField(max_length=200, blank=True)
