"""What a member is to the programme: his tier, and privileges that somebody has proven."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from regulars.accounts.models import User
from regulars.customers.models import Customer


class TierChange(models.Model):
    """From this moment on the customer has this tier, or none when it is empty. Rows are only added."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    tier = models.CharField(max_length=200, blank=True)
    since = models.DateTimeField()
    turnover = models.BigIntegerField()  # that decided, in minor units

    class Meta:
        indexes: ClassVar = [models.Index(fields=["customer", "-since", "-id"], name="tier_of_customer")]


class TierEnding(models.Model):
    """A member who buys too little for his tier: it ends on this day unless he buys enough by then."""

    customer = models.OneToOneField(Customer, on_delete=models.PROTECT, related_name="+")
    ends_on = models.DateField()
    told_at = models.DateTimeField()


class Privilege(models.Model):
    """A pensioner, a student, an employee of a company: what the rules may ask for, and by what it was proven."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    proof = models.CharField(max_length=200, blank=True)  # what was shown: "pension certificate 123"
    until = models.DateField(null=True)  # the last day of the proof; null: for good
    given_at = models.DateTimeField()
    given_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("given_at")), name="privilege_ends_after_it_begins"
            ),
        ]
