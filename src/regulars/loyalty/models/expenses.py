"""What the programme costs besides what it gives: typed by people, day by day."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from regulars.accounts.models import User
from regulars.core.i18n import N_


class Expense(models.Model):
    """A sum of one day, in minor units. Rows are added and taken out, never changed; the log of safety has both."""

    class Kind(models.TextChoices):
        """For what."""

        MESSAGES = "messages", N_("Messages")
        WORK = "work", N_("Work of people")
        OTHER = "other", N_("Other expenses")

    key = models.CharField(max_length=64, unique=True)  # of the form: sent twice it is one
    spent_on = models.DateField()  # of the business's calendar
    kind = models.CharField(max_length=8, choices=Kind.choices)
    amount = models.BigIntegerField()
    note = models.CharField(max_length=200, blank=True)
    typed_at = models.DateTimeField()
    typed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["spent_on", "id"], name="expense_of_day")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, kind__in=["messages", "work", "other"]), name="expense_of_something"
            ),
        ]
