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


class ProgrammeDraft(models.Model):
    """The rules that are being written: one row for the business, so that editors see each other.

    `text` is as it was typed, whether it can be read or not; empty: nothing is being written. `version` grows with
    every change, also when the draft is published or thrown away: whoever knows another one has not seen it.
    """

    text = models.TextField(blank=True)
    note = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField(default=0)
    saved_at = models.DateTimeField()
    saved_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(id=1), name="programme_draft_only_one")]
