"""What tills without a line sell by, and what they told that is not written yet."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from regulars.core.i18n import N_
from regulars.purchases.models import Store


class SnapshotFacts(models.Model):
    """Rules and least prices as tills were told them, packed. The same facts are kept once, by their digest."""

    digest = models.CharField(max_length=64, unique=True)
    packed: "models.BinaryField[Any, Any]" = models.BinaryField()


class TillSnapshot(models.Model):
    """What one till fetched. Receipts name it by `name`; it is kept as long as they may be told."""

    name = models.CharField(max_length=32, unique=True)
    till = models.CharField(max_length=100)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="+", db_index=False)
    zone = models.CharField(max_length=64)
    partner = models.CharField(max_length=40, blank=True)
    facts = models.ForeignKey(SnapshotFacts, on_delete=models.PROTECT, related_name="snapshots")
    made_at = models.DateTimeField()
    valid_until = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["till", "-made_at"], name="snapshot_of_till")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(valid_until__gt=models.F("made_at")), name="snapshot_lives")
        ]


class OfflineDocument(models.Model):
    """A receipt or a return that a till told after it had happened; gone as soon as it is written.

    All that wait are written in the order in which they happened, when nothing more is coming (`due_at`). One that
    could not be written stays, with the reason in `problem`, until a person has it tried again.
    """

    class Kind(models.TextChoices):
        """What happened."""

        SALE = "sale", N_("Receipt")
        RETURN = "return", N_("Return")

    till = models.CharField(max_length=100)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    number = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)
    body: "models.JSONField[Any, dict[str, Any]]" = models.JSONField()
    happened_at = models.DateTimeField()
    stored_at = models.DateTimeField()
    due_at = models.DateTimeField()
    problem = models.TextField(blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["happened_at", "till", "number"], name="offline_in_order")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["till", "kind", "number"], name="offline_once"),
            models.CheckConstraint(condition=Q(kind__in=["sale", "return"]), name="offline_kind_known"),
        ]
