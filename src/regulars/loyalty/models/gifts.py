"""Gifts for points: the catalogue, and what members took from it."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from regulars.customers.models import Customer
from regulars.loyalty.models.ledger import Transaction
from regulars.purchases.models import Store


class Gift(models.Model):
    """Something that members can take for points. `stock` is what is left of it; days are those of the business."""

    name = models.CharField(max_length=200)
    product = models.CharField(max_length=200, blank=True)  # the code of the product that it is, if it is sold too
    stock = models.BigIntegerField()
    points = models.BigIntegerField()
    cost = models.BigIntegerField()  # of one piece to the business, in minor units
    begins_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)  # the last day
    most_each = models.PositiveIntegerField(null=True)  # so many for one member; null: as many as he likes
    tiers: "models.JSONField[Any, list[str]]" = models.JSONField(default=list)  # ids of those who may; empty: everybody
    taken_year: "models.BigIntegerField[int, int]" = models.BigIntegerField(default=0)  # how often, counted every night

    class Meta:
        constraints: ClassVar = [
            # two who take the last piece at one moment: one of them is told, whatever they were told before
            models.CheckConstraint(condition=Q(stock__gte=0), name="gift_stock_not_negative"),
            models.CheckConstraint(condition=Q(points__gt=0, cost__gte=0), name="gift_costs_points"),
            models.CheckConstraint(
                condition=Q(begins_on=None) | Q(ends_on=None) | Q(ends_on__gte=F("begins_on")),
                name="gift_ends_after_it_begins",
            ),
            models.CheckConstraint(condition=Q(most_each=None) | Q(most_each__gt=0), name="gift_for_somebody"),
        ]

    def __str__(self) -> str:
        return self.name


class Reward(models.Model):
    """A gift that a member took, with what it cost then. It waits for him until it is handed out or cancelled.

    `till` and `number` name the request: "till:5" and its number there, "user:3" or "page:7" and a number that the page
    drew. While it waits, whoever shows the `code` gets it. With `until` a member set it aside himself, and it is
    cancelled when nobody fetches it by then.
    """

    gift = models.ForeignKey(Gift, on_delete=models.PROTECT, related_name="rewards")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    transaction = models.OneToOneField(Transaction, on_delete=models.PROTECT, related_name="+")
    till = models.CharField(max_length=100)
    number = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)
    cashier = models.CharField(max_length=200, blank=True)
    store = models.ForeignKey(Store, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=20, unique=True, null=True)
    until = models.DateTimeField(null=True)
    points = models.BigIntegerField()
    cost = models.BigIntegerField()
    taken_at = models.DateTimeField()
    handed_at = models.DateTimeField(null=True)
    handed_by = models.CharField(max_length=310, blank=True)  # "user:3", or "till:5 Irina"
    handed_number = models.CharField(
        max_length=200, blank=True
    )  # of that request: the same one again is answered alike
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.CharField(max_length=310, blank=True)
    cancellation = models.OneToOneField(Transaction, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["customer", "-taken_at", "-id"], name="reward_of_customer"),
            models.Index(fields=["cashier", "taken_at"], name="reward_of_cashier", condition=~Q(cashier="")),
            models.Index(fields=["till", "taken_at"], name="reward_of_till"),
            models.Index(fields=["store", "taken_at"], name="reward_of_store"),
            models.Index(fields=["taken_at"], name="reward_taken"),
            models.Index(
                fields=["until"], name="reward_set_aside",
                condition=Q(until__isnull=False, handed_at=None, cancelled_at=None),
            ),
        ]  # fmt: skip
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["till", "number"], name="reward_once"),
            models.CheckConstraint(
                condition=Q(handed_at=None, handed_by="")
                | Q(handed_at__isnull=False, handed_at__gte=F("taken_at")) & ~Q(handed_by=""),
                name="reward_handed_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at=None, cancelled_by="", cancellation=None)
                | Q(cancelled_at__isnull=False, cancelled_at__gte=F("taken_at"), cancellation__isnull=False)
                & ~Q(cancelled_by=""),
                name="reward_cancelled_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gt=F("taken_at"), code__isnull=False),
                name="reward_set_aside_for_a_time",
            ),
            # what was cancelled is handed to nobody; what was handed out may come back
            models.CheckConstraint(
                condition=Q(handed_at=None) | Q(cancelled_at=None) | Q(cancelled_at__gte=F("handed_at")),
                name="reward_cancelled_last",
            ),
        ]


class Taste(models.Model):
    """Of the members who buy a category, or gave an answer, so many like the gift: more than chance makes them.

    Found every night. `field` is the slug of the own field with the answer, and empty for a category of goods.
    """

    gift = models.ForeignKey(Gift, on_delete=models.CASCADE, related_name="tastes")
    field = models.CharField(max_length=40, blank=True, default="")
    value = models.CharField(max_length=200)  # the category, or the answer
    buyers = models.BigIntegerField()
    likers = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["gift", "field", "value"], name="taste_once"),
            models.CheckConstraint(
                condition=Q(likers__gt=0, likers__lte=F("buyers")), name="taste_of_some_of_the_buyers"
            ),
        ]


class CatalogueMeasure(models.Model):
    """How the catalogue did on a day: `figures` is what `attractiveness.Measured` reads."""

    made_at = models.DateTimeField(unique=True)
    figures: "models.JSONField[Any, dict[str, Any]]" = models.JSONField()
