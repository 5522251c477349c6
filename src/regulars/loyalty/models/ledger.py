"""The ledger of points: units, accounts, lots, transactions and their postings. Read here; written by `ledger.sql`.

An account has no balance: what somebody has is the sum of his lots, less his debt. Postings are never changed, so
every balance of the past can be added up again. After a merge a person has several accounts; they are spent as one,
and go apart again when the merge is taken back.
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer


class Unit(models.Model):
    """What is counted: points, stamps, the points of a partner. Whole numbers only."""

    POINTS = "points"  # the programme's own

    slug = models.SlugField(max_length=40, unique=True)
    title = models.CharField(max_length=100, blank=True)  # empty: points, in the language of the reader

    def __str__(self) -> str:
        return self.title or _("Points")


class Account(models.Model):
    """One customer's place for one unit. `seq` counts its postings, `chain` is the hash of the last of them."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="accounts", db_index=False)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+", db_index=False)
    opened_at = models.DateTimeField()
    seq = models.BigIntegerField(default=0)
    chain = models.BinaryField(max_length=32, default=b"")
    debt = models.BigIntegerField(default=0)
    debt_limit = models.BigIntegerField(default=0)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["customer", "unit", "id"], name="account_of_customer"),
            models.Index(fields=["-debt"], name="account_in_debt", condition=Q(debt__gt=0)),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(debt__gte=0, debt__lte=F("debt_limit")), name="account_debt_in_limit"),
        ]


class Transaction(models.Model):
    """One fact of the ledger: a sale, a return, an expiry, a correction by hand. Its postings add up to zero.

    `recorded_at` is when the ledger learnt of it, `happened_at` when it happened: a till that was offline tells later.
    """

    class Kind(models.TextChoices):
        """What happened."""

        SALE = "sale", N_("Purchase")
        RETURN = "return", N_("Return")
        VOID = "void", N_("Cancelled purchase")
        EXPIRY = "expiry", N_("Points expired")
        GIFT = "gift", N_("Points as a gift")
        CORRECTION = "correction", N_("Correction by hand")
        CAPTURE = "capture", N_("Reserved points spent")
        REWARD = "reward", N_("Points for a gift")
        REWARD_VOID = "unreward", N_("Gift cancelled")

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    recorded_at = models.DateTimeField()
    happened_at = models.DateTimeField()
    actor = models.CharField(max_length=100)  # "user:3", "till:5", "job:expiry"
    reason = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=100)  # whose numbers: "till:5"
    number = models.CharField(max_length=200)  # of the document there
    reverses = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="reversals", db_index=False)
    settles = models.BigIntegerField(default=0)  # of the points granted there, whatever was left of them to take
    digest = models.BinaryField(max_length=32)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["unit", "source", "number", "kind"], name="transaction_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["reverses"], name="transaction_reversals", condition=Q(reverses__isnull=False)),
        ]


class Lot(models.Model):
    """Points that came together and expire together. `held` of what remains waits for somebody's word."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="lots", db_index=False)
    born_in = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="lots", db_index=False)
    origin = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    granted = models.BigIntegerField()
    remaining = models.BigIntegerField()
    held = models.BigIntegerField(default=0)
    available_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account"], name="lot_with_points", condition=Q(remaining__gt=0)),
            models.Index(fields=["expires_at", "id"], name="lot_that_expires", condition=Q(remaining__gt=F("held"))),
            models.Index(fields=["born_in"], name="lot_of_transaction"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(held__gte=0, held__lte=F("remaining"), remaining__lte=F("granted"), granted__gt=0),
                name="lot_within_bounds",
            ),
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(expires_at__gt=F("available_at")), name="lot_lives"
            ),
        ]


class Posting(models.Model):
    """One leg: points in or out of a lot, of a debt (no lot), or of a book of the programme (no account)."""

    class Book(models.TextChoices):
        """Where the other leg of a member's points stands."""

        MEMBER = "member", N_("Member")
        ISSUED = "issued", N_("Issued")
        REDEEMED = "redeemed", N_("Redeemed")
        EXPIRED = "expired", N_("Expired")
        VOID = "void", N_("Taken back")

    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="postings", db_index=False)
    book = models.CharField(max_length=8, choices=Book.choices)
    account = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    lot = models.ForeignKey(Lot, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    amount = models.BigIntegerField()
    seq = models.BigIntegerField(null=True)
    chain: "models.BinaryField[Any, Any]" = models.BinaryField(max_length=32, null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["transaction"], name="posting_of_transaction"),
            models.Index(fields=["lot"], name="posting_of_lot", condition=Q(lot__isnull=False)),
            models.Index(fields=["account"], name="posting_of_debt", condition=Q(lot=None, account__isnull=False)),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "seq"], name="posting_gapless"),
            models.CheckConstraint(condition=~Q(amount=0), name="posting_moves_something"),
            models.CheckConstraint(
                condition=Q(book="member", account__isnull=False, seq__isnull=False, chain__isnull=False)
                | Q(~Q(book="member"), account=None, lot=None, seq=None, chain=None),
                name="posting_of_member_or_programme",
            ),
            models.CheckConstraint(
                condition=Q(book__in=["member", "issued", "redeemed", "expired", "void"]), name="posting_book_known"
            ),
        ]


class Hold(models.Model):
    """Points set aside for a purchase that is not paid yet. It ends once: spent or released."""

    class State(models.TextChoices):
        """How it stands."""

        OPEN = "open", N_("Waits")
        SPENT = "spent", N_("Spent")
        RELEASED = "released", N_("Released")

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=200, unique=True)
    amount = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    placed_at = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # of what a till sent: a repetition is known by it
    digest: "models.BinaryField[Any, Any]" = models.BinaryField(max_length=32, null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["until"], name="hold_open", condition=Q(state="open"))]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="hold_of_something"),
            models.CheckConstraint(
                condition=Q(state="open", ended_at=None) | Q(state__in=["spent", "released"], ended_at__isnull=False),
                name="hold_ends_once",
            ),
        ]


class HoldPart(models.Model):
    """How much of a hold lies in which lot."""

    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, related_name="parts", db_index=False)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="+")
    amount = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["hold", "lot"], name="hold_part_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="hold_part_of_something"),
        ]
