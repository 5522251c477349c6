"""The business that owns this installation, what was changed by whom, and answers kept for retries."""

import datetime as dt
import zoneinfo
from typing import Any, ClassVar, Self

from django.db import models

from regulars.core.i18n import LANGUAGES


class Business(models.Model):
    """The one business of this installation. Rules run by its clock, money is in its currency."""

    id: "models.PositiveSmallIntegerField[int, int]" = models.PositiveSmallIntegerField(
        primary_key=True, default=1, editable=False
    )
    name = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    time_zone = models.CharField(max_length=64)
    language = models.CharField(max_length=2, choices=[(code, code) for code in LANGUAGES])
    region = models.CharField(max_length=2, default="RU", help_text="where telephone numbers without a code are from")
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="business_only_one")]

    @classmethod
    def current(cls) -> Self:
        """The business; `DoesNotExist` before the first set-up."""
        return cls.objects.get()

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """Its clock."""
        return zoneinfo.ZoneInfo(self.time_zone)

    @classmethod
    def midnight(cls, moment: dt.datetime) -> dt.datetime:
        """When the day of this moment began, by UTC before the first set-up."""
        business = cls.objects.first()
        zone = business.zone if business else dt.UTC
        return moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)

    def __str__(self) -> str:
        return self.name


class Change(models.Model):
    """One row written, changed or deleted, as the database itself saw it.

    `fields` maps a field's name to [before, after]; `customer_id` says whose card shows it. Rows are written by
    a trigger, so no way of writing can pass it by.
    """

    at = models.DateTimeField(db_default=models.functions.Now())
    actor_id = models.BigIntegerField(null=True)  # a user; null is the system
    source = models.CharField(max_length=100, blank=True)  # "web", "api:Till", "import:17"
    table_name = models.CharField(max_length=63)
    row_id = models.BigIntegerField()
    customer_id = models.BigIntegerField(null=True)
    action = models.CharField(max_length=6)
    fields: "models.JSONField[Any, dict[str, list[Any]]]" = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["customer_id", "-id"], name="change_of_customer"),
            models.Index(fields=["table_name", "row_id", "-id"], name="change_of_row"),
        ]


class Answer(models.Model):
    """What was answered to a write that a client may repeat; the same key with another body is refused."""

    scope = models.CharField(max_length=100)  # whose keys: "api:12"
    key = models.CharField(max_length=200)
    body_hash = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(null=True)  # null while the first request is still at work
    content: "models.JSONField[Any, Any]" = models.JSONField(null=True)
    at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["scope", "key"], name="answer_once")]
        indexes: ClassVar = [models.Index(fields=["at"], name="answer_age")]


class Happening(models.Model):
    """The outbox: something that other programs may want to know, written in the transaction that did it."""

    event = models.CharField(max_length=40)  # "customer.created"
    content: "models.JSONField[Any, dict[str, Any]]" = models.JSONField()
    at = models.DateTimeField(db_default=models.functions.Now())
