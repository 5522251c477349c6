"""Partners of a coalition: their tills, their stores, and the contracts by which points are settled with them."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from regulars.purchases.models import Store


class Partner(models.Model):
    """A shop of somebody else that takes part. Rules and programs call it by its slug, which never changes.

    `about_ru` and `about_en` say to everybody what can be earned and spent there; `addresses` has one in a line.
    """

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    about_ru = models.CharField(max_length=500, blank=True)
    about_en = models.CharField(max_length=500, blank=True)
    addresses = models.TextField(max_length=2000, blank=True)
    is_listed = models.BooleanField(default=True)  # in the public catalogue

    def __str__(self) -> str:
        return self.name


class PartnerTill(models.Model):
    """A till of a partner, by the name under which its receipts are written. It was never anybody else's."""

    till = models.CharField(max_length=100, unique=True)  # "till:5"
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="tills")


class PartnerStore(models.Model):
    """A store of a partner: nobody else sells there, and it sells nowhere else."""

    store = models.OneToOneField(Store, on_delete=models.PROTECT, related_name="of_partner")
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="stores")


class Contract(models.Model):
    """What points cost a partner and bring it, from a day until its next contract begins. It never changes.

    Prices are minor units for 1,000 points. `settled_after_days`: how long a purchase waits to be settled, because
    goods may come back. Limits count points by the day on which they are written; null: no limit.
    """

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="contracts", db_index=False)
    begins_on = models.DateField()
    agreed_at = models.DateTimeField()
    currency = models.CharField(max_length=3)
    issue_price = models.BigIntegerField()  # the partner pays it for points that it gives
    redeem_price = models.BigIntegerField()  # and gets it for points that it takes
    settled_after_days = models.PositiveSmallIntegerField(default=0)
    most_issued_a_day = models.BigIntegerField(null=True)
    most_issued_a_month = models.BigIntegerField(null=True)
    most_redeemed_a_day = models.BigIntegerField(null=True)
    most_redeemed_a_month = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["partner", "begins_on"], name="contract_once"),
            # else a partner could give points to itself, take them again, and be paid the difference for ever
            models.CheckConstraint(
                condition=Q(redeem_price__gte=0, redeem_price__lte=F("issue_price")), name="contract_no_cycle"
            ),
        ]


class ContractUse(models.Model):
    """How many points a contract with limits has given and taken on a day. Returns do not make room again."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="uses", db_index=False)
    used_on = models.DateField()
    issued = models.BigIntegerField()
    redeemed = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["contract", "used_on"], name="contract_use_once")]
