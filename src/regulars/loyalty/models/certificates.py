"""Gift certificates: money of the bearer, paid in advance. What one is worth is the sum of its movements."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from regulars.accounts.models import User
from regulars.core.i18n import N_
from regulars.loyalty.models.selling import Sale, SaleReturn


class CertificateBatch(models.Model):
    """Certificates that were made together. Whoever has numbers has the money: they leave once."""

    name = models.CharField(max_length=60, unique=True)
    amount = models.BigIntegerField()  # of each, in minor units
    currency = models.CharField(max_length=3)
    days = models.PositiveIntegerField(null=True)  # so many whole days after the sale; null: for ever
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    taken_at = models.DateTimeField(null=True)
    taken_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="certificates_are_worth_something"),
            models.CheckConstraint(condition=Q(days=None) | Q(days__gt=0), name="certificates_live"),
        ]


class Certificate(models.Model):
    """One of them. Its movements write everything but the number; nothing else can.

    `expires_at` is the first moment at which it is worth nothing; null: never, or not sold yet.
    """

    batch = models.ForeignKey(CertificateBatch, on_delete=models.PROTECT, related_name="certificates", db_index=False)
    number = models.CharField(max_length=16, unique=True)
    sold_for = models.BigIntegerField(null=True)
    balance = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)
    is_cancelled = models.BooleanField(default=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["batch", "id"], name="certificate_of_batch"),
            models.Index(fields=["expires_at"], name="certificate_to_expire", condition=Q(balance__gt=0)),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(number__regex=r"^[1-9][0-9]{15}$"), name="certificate_number_digits"),
            models.CheckConstraint(
                condition=Q(sold_for=None, balance=0, expires_at=None)
                | Q(sold_for__gt=0, balance__gte=0, balance__lte=F("sold_for")),
                name="certificate_has_what_was_paid",
            ),
            models.CheckConstraint(
                condition=Q(is_cancelled=False) | Q(balance=0, sold_for__isnull=False),
                name="certificate_cancelled_empty",
            ),
        ]


class CertificateDeal(models.Model):
    """Certificates that a till sold or took back unused, by one number of its own; `amount` is the sum of all."""

    till = models.CharField(max_length=100)
    number = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)
    cashier = models.CharField(max_length=200, blank=True)
    amount = models.BigIntegerField()
    made_at = models.DateTimeField()
    reverses = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="returns")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["till", "number"], name="certificate_deal_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="certificate_deal_of_money"),
        ]


class CertificateMovement(models.Model):
    """Money that came to a certificate or left it. Rows are only added; `balance` is what it has afterwards.

    `until` is the moment from which it is worth nothing, as this movement leaves it.
    """

    class Kind(models.TextChoices):
        """Why."""

        SOLD = "sold", N_("Sold")
        SPENT = "spent", N_("Paid with it")
        RETURNED = "returned", N_("Goods came back")
        EXPIRED = "expired", N_("Its time was over")
        CANCELLED = "cancelled", N_("Cancelled")

    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="movements", db_index=False)
    kind = models.CharField(max_length=9, choices=Kind.choices)
    amount = models.BigIntegerField()
    balance = models.BigIntegerField()
    until = models.DateTimeField(null=True)
    moved_at = models.DateTimeField()
    deal = models.ForeignKey(CertificateDeal, null=True, on_delete=models.PROTECT, related_name="movements")
    sale = models.ForeignKey(Sale, null=True, on_delete=models.PROTECT, related_name="certificate_movements")
    back = models.ForeignKey(SaleReturn, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["certificate", "id"], name="movement_of_certificate"),
            models.Index(fields=["moved_at"], name="movement_of_day"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind__in=["sold", "returned"], amount__gt=0)
                | Q(kind__in=["spent", "expired", "cancelled"], amount__lt=0),
                name="movement_signs",
            ),
            models.CheckConstraint(
                condition=Q(kind="sold", deal__isnull=False, sale=None, back=None)
                | Q(kind="spent", deal=None, sale__isnull=False, back=None)
                | Q(kind="returned", deal=None, sale__isnull=False, back__isnull=False)
                | Q(kind="expired", deal=None, sale=None, back=None)
                | Q(kind="cancelled", sale=None, back=None) & (Q(deal__isnull=False) | ~Q(reason="")),
                name="movement_has_its_reason",
            ),
            models.UniqueConstraint(fields=["certificate"], condition=Q(kind="sold"), name="movement_sold_once"),
            models.UniqueConstraint(
                fields=["sale", "certificate"], condition=Q(kind="spent"), name="movement_spent_once"
            ),
        ]
