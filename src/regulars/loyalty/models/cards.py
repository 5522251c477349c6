"""Numbers of cards in batches. Whose a card is stands in `customers`: this tells which numbers were made, and which
are worth nothing any more.
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from regulars.accounts.models import User
from regulars.core.i18n import N_
from regulars.customers.models import Customer


class CardBatch(models.Model):
    """Numbers that were made together. Virtual ones have no plastic and are made one by one, when they are given."""

    class Scheme(models.TextChoices):
        """How a number ends in its check digit."""

        EAN13 = "ean13", N_("EAN-13, which every till reads")
        LUHN = "luhn", N_("Any length, as on bank cards")

    name = models.CharField(max_length=60, unique=True)
    scheme = models.CharField(max_length=5, choices=Scheme.choices)
    prefix = models.CharField(max_length=12)
    digits = models.PositiveSmallIntegerField()  # of the whole number
    is_random = models.BooleanField()
    is_virtual = models.BooleanField(default=False)
    cost = models.BigIntegerField(null=True)  # of one card to the business, in minor units; null: nobody said
    next_serial = models.BigIntegerField(default=1)  # where the next sequence with this beginning goes on
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    # a paid card: what it costs, in minor units, and which privilege its holder has for so many days
    price = models.BigIntegerField(null=True)
    privilege = models.CharField(max_length=200, blank=True, db_default="", default="")
    privilege_days = models.PositiveIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(price=None, privilege="", privilege_days=None)
                | Q(price__gt=0, privilege_days__gt=0, is_virtual=False) & ~Q(privilege=""),
                name="card_batch_paid_for_something",
            ),
            models.CheckConstraint(
                condition=Q(scheme="ean13", digits=13) | Q(scheme="luhn", digits__range=(6, 19)),
                name="card_batch_scheme",
            ),
            # a spreadsheet eats a leading zero, and a reader takes it for another kind of code
            models.CheckConstraint(condition=Q(prefix__regex=r"^[1-9][0-9]*$"), name="card_batch_prefix"),
            models.UniqueConstraint(fields=["is_virtual"], condition=Q(is_virtual=True), name="card_batch_one_virtual"),
            models.CheckConstraint(condition=Q(cost=None) | Q(cost__gte=0), name="card_batch_cost"),
        ]


class Card(models.Model):
    """A number that was made here, or one from elsewhere that was blocked."""

    batch = models.ForeignKey(CardBatch, null=True, on_delete=models.PROTECT, related_name="cards", db_index=False)
    number = models.CharField(max_length=64)  # as contacts have it
    blocked_at = models.DateTimeField(null=True)
    blocked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=200, blank=True)
    is_replaced = models.BooleanField(default=False)  # for good: he has another one for it
    # which one; null of cards that were replaced before this was kept
    replaced_by = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)

    class Meta:
        # two indexes of new cards and no more: a million are made at once
        constraints: ClassVar = [
            # digits alone: no spreadsheet of a printer takes one for a formula
            models.CheckConstraint(condition=Q(batch=None) | Q(number__regex=r"^[0-9]+$"), name="card_number_digits"),
            models.UniqueConstraint(fields=["number"], name="card_number_once"),
            models.CheckConstraint(
                condition=Q(is_replaced=False) | Q(blocked_at__isnull=False), name="card_replaced_is_blocked"
            ),
            models.CheckConstraint(
                condition=Q(replaced_by=None) | Q(is_replaced=True) & ~Q(replaced_by=F("id")),
                name="card_replaced_by_another",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["batch", "id"], name="card_of_batch"),
            models.Index(fields=["replaced_by"], name="card_replacing", condition=Q(replaced_by__isnull=False)),
        ]


class CardSale(models.Model):
    """A paid card that was sold at a till, or paid for anew. `until` is the last day of the privilege by then."""

    till = models.CharField(max_length=100)
    number = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)
    cashier = models.CharField(max_length=200, blank=True)
    batch = models.ForeignKey(CardBatch, on_delete=models.PROTECT, related_name="+", db_index=False)
    card = models.ForeignKey(Card, null=True, on_delete=models.SET_NULL, related_name="+")  # null: he is forgotten
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    price = models.BigIntegerField()
    until = models.DateField()
    sold_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.CharField(max_length=310, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["sold_at"], name="card_sale_of_day")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["till", "number"], name="card_sale_once"),
            models.CheckConstraint(condition=Q(price__gt=0), name="card_sale_of_money"),
            models.CheckConstraint(
                condition=Q(cancelled_at=None, cancelled_by="")
                | Q(cancelled_at__isnull=False, cancelled_at__gte=F("sold_at")) & ~Q(cancelled_by=""),
                name="card_sale_cancelled_by_somebody",
            ),
        ]
