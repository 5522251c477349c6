"""Promo codes that can be used so many times, in batches that rules know by one name."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from regulars.customers.models import Customer
from regulars.loyalty.models.selling import Sale


class CodeBatch(models.Model):
    """Codes that were made together. `name` is what rules call them; nobody can say it at a till instead of a code."""

    name = models.CharField(max_length=60)
    key = models.CharField(max_length=180, unique=True)  # the name as rules compare it, without capitals
    until = models.DateField(null=True)  # the last day, by the clock of the store
    made_at = models.DateTimeField()


class PromoCode(models.Model):
    """One code, in capitals. A personal one is worth something in one person's hands alone."""

    batch = models.ForeignKey(CodeBatch, on_delete=models.PROTECT, related_name="codes")
    code = models.CharField(max_length=40, unique=True)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="+")
    most_uses = models.PositiveIntegerField(default=1)
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            # two tills at one moment: one of them is told, whatever they were told before
            models.CheckConstraint(condition=Q(used__lte=F("most_uses")), name="promo_code_not_overused"),
        ]


class CodeUse(models.Model):
    """A receipt on which a code gave something. Of a cancelled receipt it is taken back."""

    code = models.ForeignKey(PromoCode, on_delete=models.PROTECT, related_name="uses")
    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, related_name="code_uses")
    is_undone = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["code", "sale"], name="code_use_once")]
