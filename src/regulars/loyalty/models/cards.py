"""Numbers of cards in batches. Whose a card is stands in `customers`: this tells which numbers were made, and which
are worth nothing any more.
"""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from regulars.accounts.models import User
from regulars.core.i18n import N_


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

    class Meta:
        constraints: ClassVar = [
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

    class Meta:
        # two indexes and no more: a million cards are made at once
        constraints: ClassVar = [
            # digits alone: no spreadsheet of a printer takes one for a formula
            models.CheckConstraint(condition=Q(batch=None) | Q(number__regex=r"^[0-9]+$"), name="card_number_digits"),
            models.UniqueConstraint(fields=["number"], name="card_number_once"),
            models.CheckConstraint(
                condition=Q(is_replaced=False) | Q(blocked_at__isnull=False), name="card_replaced_is_blocked"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["batch", "id"], name="card_of_batch")]
