"""What partners and the operator owe each other. Read here; written by the functions beside the migrations."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from regulars.core.i18n import N_
from regulars.loyalty.models.ledger import Account, Posting, Transaction
from regulars.loyalty.models.partners import Contract, Partner


class SettlementDay(models.Model):
    """A day that is closed: nothing is added to it any more."""

    day = models.DateField(primary_key=True)
    closed_at = models.DateTimeField(null=True)  # null only inside the transaction that closes it


class Settlement(models.Model):
    """One posting of points at a partner, in money. `points` and `amount` are less than zero for what comes back.

    `amount` is what the partner owes, in minor units; below zero, what it is owed. `root` is the transaction that
    it belongs to: of a return, that of the sale. It waits for `due_on`, and falls into the day closed then or next.
    `told_on`: when the purchase was told, for its price; null for what comes back, and for what is older than the rule.
    """

    class Kind(models.TextChoices):
        """Which of the two prices it has."""

        ISSUED = "issued", N_("Points issued")
        REDEEMED = "redeemed", N_("Points redeemed")
        OWED = "owed", N_("Points owed")  # of those issued: a debt was paid, or is open again

    posting = models.ForeignKey(Posting, on_delete=models.PROTECT, related_name="+", db_index=False)
    root = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="+", db_index=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    points = models.BigIntegerField()
    amount = models.BigIntegerField()
    told_on = models.DateField(null=True)
    due_on = models.DateField()
    day = models.ForeignKey(SettlementDay, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["root", "kind"], name="settlement_of_root"),
            models.Index(fields=["partner", "day", "id"], name="settlement_of_partner"),
            models.Index(fields=["day", "partner"], name="settlement_of_day", condition=Q(day__isnull=False)),
            models.Index(fields=["due_on"], name="settlement_open", condition=Q(day=None)),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["posting", "root"], name="settlement_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["issued", "owed"], points__gt=0, amount__gte=0)
                | Q(kind__in=["issued", "owed"], points__lt=0, amount__lte=0)
                | Q(kind="redeemed", points__gt=0, amount__lte=0)
                | Q(kind="redeemed", points__lt=0, amount__gte=0),
                name="settlement_signs",
            ),
        ]


class DebtPart(models.Model):
    """Whose points a leg of a debt is about: less than zero when they are owed, above it when they are paid.

    `root` is the transaction that gave the points which are owed. Written by `0001_coalition.sql`.
    """

    posting = models.ForeignKey(Posting, on_delete=models.PROTECT, related_name="+", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    root = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="+", db_index=False)
    amount = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "root"], name="debt_part_of_account")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["posting", "root"], name="debt_part_once"),
            models.CheckConstraint(condition=~Q(amount=0), name="debt_part_of_something"),
        ]


class SettlementNet(models.Model):
    """What a partner owes for a day (below zero: is owed); without a partner, the operator. A day adds up to zero."""

    day = models.ForeignKey(SettlementDay, on_delete=models.PROTECT, related_name="nets", db_index=False)
    partner = models.ForeignKey(Partner, null=True, on_delete=models.PROTECT, related_name="nets")
    amount = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "partner"], name="settlement_net_once", nulls_distinct=False),
        ]


class Statement(models.Model):
    """What is to be paid for closed days: each begins where the last one ended. It never changes.

    `lines` are [contract, kind, whether it came back, how many postings, points, amount].
    """

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="statements", db_index=False)
    number = models.PositiveIntegerField()  # of this partner's, from 1
    first = models.DateField()
    last = models.DateField()
    made_at = models.DateTimeField()
    lines: "models.JSONField[Any, list[Any]]" = models.JSONField()
    amount = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["partner", "number"], name="statement_once"),
            models.CheckConstraint(condition=Q(last__gte=models.F("first")), name="statement_has_days"),
        ]
