"""What somebody has to look at: odd receipts, merges that move points, and points that wait for a second person."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from regulars.accounts.models import User
from regulars.core.i18n import N_
from regulars.customers.models import Customer, Merge
from regulars.loyalty.models.ledger import Transaction
from regulars.loyalty.models.selling import Sale


class Alert(models.Model):
    """Something odd that tills told. Whoever looks at it decides once: it was right, or it was wrong.

    Of a pair of receipts `sale` is the later one, and `wrong` cancels it. `subject` names the cashier, till, store or
    product. What has doubled since a decision is told anew; `since` counts the refusals after it. Of a merge `customer`
    is the one who was kept.
    """

    class Kind(models.TextChoices):
        """What is odd."""

        LIMIT = "limit", N_("More than usual")
        REFUSED = "refused", N_("Refused at the limit")
        SAME = "same", N_("Perhaps rung up twice")
        OWN = "own", N_("A cashier's own card")
        OFFLINE = "offline", N_("Sold without a line")
        MERGED = "merged", N_("Points moved by a merge")
        RAISED = "raised", N_("Discount from a raised price")
        CLOCK = "clock", N_("A clock that may be behind")
        FORGIVEN = "forgiven", N_("Points kept after a return")

    class Decision(models.TextChoices):
        """What it was."""

        OPEN = "", N_("waits")
        RIGHT = "right", N_("it was right")
        WRONG = "wrong", N_("it was wrong")

    key = models.CharField(max_length=32)  # a digest of what it is about: nothing is told twice
    kind = models.CharField(max_length=8, choices=Kind.choices)
    of = models.CharField(max_length=8, blank=True)  # whose limit it is: "cashier"
    per = models.CharField(max_length=4, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="+")
    sale = models.ForeignKey(Sale, null=True, on_delete=models.PROTECT, related_name="+")
    other = models.ForeignKey(Sale, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    merge = models.ForeignKey(Merge, null=True, on_delete=models.PROTECT, related_name="+")
    begins_at = models.DateTimeField()
    figures: "models.JSONField[Any, dict[str, Any]]" = models.JSONField(default=dict)
    found_at = models.DateTimeField()
    decision = models.CharField(max_length=5, blank=True, choices=Decision.choices)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    decided_at = models.DateTimeField(null=True)
    since = models.PositiveIntegerField(default=0)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-id"], name="alert_open", condition=Q(decision="")),
            models.Index(fields=["key", "-id"], name="alert_about"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key"], name="alert_open_once", condition=Q(decision="")),
            models.CheckConstraint(
                condition=Q(decision="", decided_at=None)
                | Q(decision__in=["right", "wrong"], decided_at__isnull=False),
                name="alert_decided_once",
            ),
            models.CheckConstraint(
                condition=~Q(kind="same") | Q(sale__isnull=False, other__isnull=False), name="alert_of_two_receipts"
            ),
            models.CheckConstraint(condition=~Q(kind="merged") | Q(merge__isnull=False), name="alert_of_a_merge"),
        ]


class Correction(models.Model):
    """Points that somebody gives or takes by hand. Many of them wait until another person agrees."""

    class State(models.TextChoices):
        """How it stands."""

        WAITING = "waiting", N_("waits")
        DONE = "done", N_("done")
        DECLINED = "declined", N_("declined")

    key = models.CharField(max_length=64, unique=True)  # of the form: sent twice it is one
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    points = models.BigIntegerField()  # negative: taken
    reason = models.CharField(max_length=300)
    needs_two = models.BooleanField()
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    decided_at = models.DateTimeField(null=True)
    transaction = models.OneToOneField(Transaction, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-id"], name="correction_waiting", condition=Q(state="waiting")),
            models.Index(fields=["asked_by", "asked_at"], name="correction_of_user"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(points=0), name="correction_of_something"),
            models.CheckConstraint(
                condition=Q(state="waiting", decided_at=None, transaction=None)
                | Q(state="done", decided_at__isnull=False, transaction__isnull=False)
                | Q(state="declined", decided_at__isnull=False, transaction=None),
                name="correction_posted_when_done",
            ),
            # nobody agrees with himself, whichever way it is written
            models.CheckConstraint(
                condition=Q(needs_two=False) | Q(asked_by=None) | Q(decided_by=None) | ~Q(asked_by=F("decided_by"))
                | Q(state="declined"),
                name="correction_by_two",
            ),
        ]  # fmt: skip


class Look(models.Model):
    """Up to which moment receipts were looked at: one row."""

    looked_at = models.DateTimeField()
