"""The programme in its versions."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from regulars.accounts.models import User


class Programme(models.Model):
    """One version of the rules, valid from its moment until the next one begins.

    `rules` is the JSON form that `programme.rules.parse` reads. It never changes: receipts of its time are judged by
    it for ever, however late they come.
    """

    rules: "models.JSONField[Any, dict[str, Any]]" = models.JSONField()
    note = models.CharField(max_length=300, blank=True)  # what is new in it, for people
    valid_from = models.DateTimeField(unique=True)
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [
            # what was judged already must not be judged otherwise tomorrow
            models.CheckConstraint(condition=Q(valid_from__gte=F("published_at")), name="programme_begins_later"),
        ]
