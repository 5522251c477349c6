"""Two rows that are one person: who merged them, what moved, and how to take it back."""

from typing import Any, ClassVar

from django.db import models

from regulars.accounts.models import User
from regulars.customers.models.customer import Customer


class Merge(models.Model):
    """`gone` became part of `kept`. `moved` names every row and field that changed, so un-merging restores them."""

    kept = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    gone = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    reasons: "models.JSONField[Any, list[str]]" = models.JSONField(default=list)
    moved: "models.JSONField[Any, dict[str, Any]]" = models.JSONField(default=dict)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")  # null: a rule
    at = models.DateTimeField(db_default=models.functions.Now())
    undone_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["gone"], condition=models.Q(undone_at=None), name="merge_gone_once"),
            models.CheckConstraint(condition=~models.Q(kept=models.F("gone")), name="merge_two"),
        ]


class MergeRule(models.Model):
    """Which matches are merged without asking; none unless somebody switches it on."""

    slug = models.SlugField(max_length=40, unique=True)  # "same_card", "same_phone_and_name", "same_email_and_name"
    is_on = models.BooleanField(default=False)


class Likeness(models.Model):
    """Two customers who may be one person, and why; or of whom somebody said that they are two."""

    first = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    score = models.PositiveSmallIntegerField()
    reasons: "models.JSONField[Any, list[str]]" = models.JSONField(default=list)
    found_at = models.DateTimeField(db_default=models.functions.Now())
    refused_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    refused_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["first", "second"], name="likeness_once"),
            models.CheckConstraint(condition=models.Q(first__lt=models.F("second")), name="likeness_in_order"),
        ]
        indexes: ClassVar = [models.Index(fields=["-score", "-id"], name="likeness_best")]
