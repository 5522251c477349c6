"""What tills sold by the programme, and what came back. Money is in minor units; all of it was judged here."""

from typing import Any, ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from regulars.customers.models import Customer
from regulars.loyalty.models.ledger import Transaction
from regulars.loyalty.models.partners import Partner
from regulars.loyalty.models.programme import Programme
from regulars.purchases.models import Receipt, Store


class Sale(models.Model):
    """One receipt of a till; `number` is its own there. `digest` is of what the till sent: a repetition is known by it.

    `price` is before everything; `discount` and `by_points` are what rules and points took off it. What is left is
    paid with certificates (`by_certificates`) and in money.
    """

    till = models.CharField(max_length=100)  # "till:5"
    number = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    programme = models.ForeignKey(Programme, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    transaction = models.OneToOneField(Transaction, null=True, on_delete=models.PROTECT, related_name="+")
    receipt = models.OneToOneField(Receipt, on_delete=models.PROTECT, related_name="+")
    store = models.ForeignKey(Store, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    # whose till it is, as the database knows; null: the operator's own
    partner = models.ForeignKey(Partner, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    cashier = models.CharField(max_length=200, blank=True)
    purchased_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    price = models.BigIntegerField()
    discount = models.BigIntegerField()
    by_points = models.BigIntegerField()
    by_certificates = models.BigIntegerField(db_default=0, default=0)
    points_spent = models.BigIntegerField()
    points_earned = models.BigIntegerField()
    points_as = models.CharField(max_length=8)  # "discount" or "payment"
    # the least for which its lines that are `in_receipt` could be sold together; null: nothing guards it
    floor = models.BigIntegerField(null=True)
    # sold without a line: points were taken without a look at the balance, and what was paid is what was paid
    is_offline = models.BooleanField(default=False)
    balance = models.BigIntegerField(null=True)  # what he could spend afterwards, as the receipt says
    stamps: "models.JSONField[Any, list[Any]]" = models.JSONField(default=list)  # [counter, added, spent, transaction]
    why: "models.JSONField[Any, list[str]]" = models.JSONField(default=list)  # the judgement in words, as it was told

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["customer", "-purchased_at"], name="sale_of_customer"),
            models.Index(fields=["cashier", "purchased_at"], name="sale_of_cashier", condition=~Q(cashier="")),
            models.Index(fields=["till", "purchased_at"], name="sale_of_till"),
            models.Index(fields=["store", "purchased_at"], name="sale_of_store"),
            BrinIndex(fields=["recorded_at"], name="sale_recorded", autosummarize=True),
            BrinIndex(fields=["purchased_at"], name="sale_purchased", autosummarize=True),
            models.Index(fields=["partner", "id"], name="sale_of_partner", condition=Q(partner__isnull=False)),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["till", "number"], name="sale_once"),
            models.CheckConstraint(
                condition=Q(discount__gte=0, by_points__gte=0, points_spent__gte=0, points_earned__gte=0)
                & Q(price__gte=F("discount") + F("by_points")),
                name="sale_pays_no_less_than_nothing",
            ),
            models.CheckConstraint(
                condition=Q(by_certificates__gte=0)
                & Q(price__gte=F("discount") + F("by_points") + F("by_certificates")),
                name="sale_certificates_pay_no_more",
            ),
            models.CheckConstraint(condition=Q(points_as__in=["discount", "payment"]), name="sale_points_as_known"),
        ]

    @property
    def to_pay(self) -> int:
        """What the goods cost after discounts and points."""
        return self.price - self.discount - self.by_points

    @property
    def in_money(self) -> int:
        """What of it certificates did not pay."""
        return self.to_pay - self.by_certificates


class SaleLine(models.Model):
    """One line of it. `floor` is the least it could be sold for; null: nothing guards it. `returned` came back."""

    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, related_name="lines", db_index=False)
    position = models.PositiveIntegerField()  # from 1
    product = models.CharField(max_length=200)
    category = models.CharField(max_length=200, blank=True)
    quantity = models.DecimalField(max_digits=18, decimal_places=6)
    returned = models.DecimalField(max_digits=18, decimal_places=6, default=0)
    price = models.BigIntegerField()
    cost = models.BigIntegerField(null=True)
    floor = models.BigIntegerField(null=True)
    in_receipt = models.BooleanField(db_default=False, default=False)  # whether the receipt's floor is over it, too
    discount = models.BigIntegerField()
    by_points = models.BigIntegerField()
    lowered = models.BigIntegerField()  # the discount, and what points took off where they are a discount
    earned = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sale", "position"], name="sale_line_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, returned__gte=0, returned__lte=F("quantity")), name="sale_line_returned"
            ),
            models.CheckConstraint(
                condition=Q(discount__gte=0, by_points__gte=0, earned__gte=0)
                & Q(price__gte=F("discount") + F("by_points")),
                name="sale_line_pays",
            ),
            # the margin's last judge, whoever computed the discount
            models.CheckConstraint(
                condition=Q(floor=None) | Q(price__gte=F("floor") + F("lowered")), name="sale_line_keeps_margin"
            ),
            models.CheckConstraint(
                condition=Q(lowered=F("discount")) | Q(lowered=F("discount") + F("by_points")),
                name="sale_line_lowered",
            ),
        ]

    @property
    def to_pay(self) -> int:
        """What it cost after discounts and points."""
        return self.price - self.discount - self.by_points


class SaleReturn(models.Model):
    """What came back of a sale. `lines` are [position, quantity as text]; `is_void`: the whole sale was a mistake."""

    till = models.CharField(max_length=100)
    number = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)
    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, related_name="returns")
    receipt = models.OneToOneField(Receipt, on_delete=models.PROTECT, related_name="+")
    transaction = models.OneToOneField(Transaction, null=True, on_delete=models.PROTECT, related_name="+")
    is_void = models.BooleanField(default=False)
    returned_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    lines: "models.JSONField[Any, list[Any]]" = models.JSONField()
    refund = models.BigIntegerField()  # money into the hand
    to_certificates = models.BigIntegerField(db_default=0, default=0)  # money back to those that paid
    points_back = models.BigIntegerField()  # of those spent
    points_taken = models.BigIntegerField()  # of those earned
    points_forgiven = models.BigIntegerField(db_default=0, default=0)  # of those earned: more than he may owe
    # for bonuses for volume, in the period of its sale; those told before that was so count in their own
    counts_with_sale = models.BooleanField(db_default=True, default=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["till", "number"], name="sale_return_once"),
            models.CheckConstraint(
                condition=Q(refund__gte=0, points_back__gte=0, points_taken__gte=0), name="sale_return_gives_back"
            ),
            models.CheckConstraint(condition=Q(points_forgiven__gte=0), name="sale_return_forgives"),
            models.CheckConstraint(condition=Q(to_certificates__gte=0), name="sale_return_to_certificates"),
        ]


class WaitingReturn(models.Model):
    """A return that came before its sale: a till was offline. It is done as soon as the sale is here."""

    till = models.CharField(max_length=100)
    number = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)
    sale_till = models.CharField(max_length=100)
    sale_number = models.CharField(max_length=200)
    wanted: "models.JSONField[Any, dict[str, Any]]" = models.JSONField()
    came_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["sale_till", "sale_number"], name="waiting_return_of_sale")]
        constraints: ClassVar = [models.UniqueConstraint(fields=["till", "number"], name="waiting_return_once")]
