"""The written strategy for each market group: why, how and what; every version stays."""

from typing import ClassVar

from django.db import models

from regulars.accounts.models import User
from regulars.customers.models.customer import Kind


class Strategy(models.Model):
    """One version of what the business wants with a group. The newest holds."""

    group = models.CharField(max_length=12, choices=[*Kind.choices, ("owners", "owners")])
    version = models.PositiveIntegerField()
    why = models.TextField(blank=True)
    how = models.TextField(blank=True)
    what = models.TextField(blank=True)
    written_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["group", "version"], name="strategy_version_once")]
