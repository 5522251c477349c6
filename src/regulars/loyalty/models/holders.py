"""Corporate cards: who holds a card of a company, and what was bought with it. The account is the company's."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from regulars.loyalty.models.cards import Card
from regulars.loyalty.models.selling import Sale


class CardHolder(models.Model):
    """Somebody who buys for a company with a card of his own; limits are of a calendar month, null: none."""

    card = models.OneToOneField(Card, on_delete=models.CASCADE, related_name="holder")
    name = models.CharField(max_length=120)
    most_turnover = models.BigIntegerField(null=True)  # after discounts and points, in minor units
    most_points = models.BigIntegerField(null=True)  # that he spends

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(name=""), name="card_holder_has_a_name"),
            models.CheckConstraint(
                condition=(Q(most_turnover=None) | Q(most_turnover__gte=0))
                & (Q(most_points=None) | Q(most_points__gte=0)),
                name="card_holder_limits",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class HolderSale(models.Model):
    """A receipt that was bought with the card of a holder."""

    sale = models.OneToOneField(Sale, on_delete=models.PROTECT, related_name="+")
    holder = models.ForeignKey(CardHolder, on_delete=models.CASCADE, related_name="sales")
