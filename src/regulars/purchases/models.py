"""Products, stores, staff, receipts, lines, and the imports that brought them. Money is in minor units."""

from typing import Any, ClassVar

from django.db import models

from regulars.accounts.models import User
from regulars.core.i18n import N_
from regulars.customers.models import Customer


class Import(models.Model):
    """One file or batch that was brought in; all of it can be undone."""

    class State(models.TextChoices):
        """How far it is."""

        DRAFT = "draft", N_("Waits for your word")
        WAITING = "waiting", N_("Waits for the worker")
        RUNNING = "running", N_("Is running")
        DONE = "done", N_("Done")
        FAILED = "failed", N_("Failed")
        UNDOING = "undoing", N_("Is being undone")
        UNDONE = "undone", N_("Undone")

    class Kind(models.TextChoices):
        """What it brings."""

        PURCHASES = "purchases", N_("Purchases")
        CUSTOMERS = "customers", N_("Customers")
        COMMERCEML = "commerceml", "CommerceML"
        FISCAL = "fiscal", N_("Fiscal receipts")
        GOODS = "goods", N_("Costs and prices of goods")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    file_name = models.CharField(max_length=200)
    stored_as = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, db_index=True)
    options: "models.JSONField[Any, dict[str, Any]]" = models.JSONField(default=dict)  # the columns that were chosen
    progress: "models.JSONField[Any, dict[str, Any]]" = models.JSONField(default=dict)
    result: "models.JSONField[Any, dict[str, Any]]" = models.JSONField(default=dict)  # counts, notices, reasons
    error = models.TextField(blank=True)
    rejects_stored_as = models.CharField(max_length=64, blank=True)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=models.functions.Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state__in=["draft", "waiting", "running", "done", "failed", "undoing", "undone"]),
                name="import_state_known",
            ),
        ]

    @property
    def is_under_way(self) -> bool:
        """Whether its page should ask again soon."""
        return self.state in (self.State.WAITING, self.State.RUNNING, self.State.UNDOING)

    def __str__(self) -> str:
        return self.file_name


class Store(models.Model):
    """A place that sells, with its own clock."""

    name = models.CharField(max_length=200, unique=True)
    time_zone = models.CharField(max_length=64, blank=True)  # empty: that of the business
    import_id = models.BigIntegerField(null=True)  # which import made it, so that its undo may take it away

    def __str__(self) -> str:
        return self.name


class Seller(models.Model):
    """Who served, as the till names them."""

    name = models.CharField(max_length=200, unique=True)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    import_id = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """Something that is sold. `code` is its key in the till; without codes the name is the key."""

    code = models.CharField(max_length=200, unique=True)
    name = models.CharField(max_length=500)
    category = models.CharField(max_length=200, blank=True)
    # of one unit, as `Stated` has them last
    cost = models.BigIntegerField(null=True)  # the margin guard and nobody else asks for it
    price = models.BigIntegerField(null=True)  # before discounts
    price_raised_on = models.DateField(null=True)
    import_id = models.BigIntegerField(null=True)
    updated_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        indexes: ClassVar = [models.Index(fields=["name", "id"], name="product_by_name")]

    def __str__(self) -> str:
        return self.name


class Stated(models.Model):
    """What somebody said that one unit of a product costs the shop, or its customers. The latest moment holds.

    Said by an import, a person or a program; by nobody any more when that is gone, or was not kept yet.
    """

    class What(models.TextChoices):
        """What was said."""

        COST = "cost", N_("Cost of one unit")
        PRICE = "price", N_("Price of one unit")

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="stated", db_index=False)
    what = models.CharField(max_length=5, choices=What.choices)
    value = models.BigIntegerField(null=True)  # null: it is not known any more
    of = models.DateTimeField()  # the moment that it speaks of: of imported receipts that of the purchase
    imported_by = models.ForeignKey(
        Import,
        null=True,
        on_delete=models.CASCADE,
        related_name="stated",
        db_index=False,  # the constraint below begins with it
    )
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    program = models.CharField(max_length=100, blank=True)
    raised_on = models.DateField(null=True)  # the day, when it is a price that is above the one before

    class Meta:
        indexes: ClassVar = [models.Index(fields=["product", "what", "-of", "-id"], name="stated_last")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["imported_by", "product", "what"], name="stated_once_by_import"),
            models.CheckConstraint(condition=models.Q(what__in=["cost", "price"]), name="stated_what_known"),
            models.CheckConstraint(
                condition=models.Q(value__isnull=True) | models.Q(value__gte=0), name="stated_not_negative"
            ),
        ]


class PriceKind(models.Model):
    """A kind of prices that files of 1C name, and what it is here, as somebody said: cost, price, or neither."""

    key = models.CharField(max_length=100, unique=True)  # 1C's
    name = models.CharField(max_length=200)
    means = models.CharField(max_length=5, choices=Stated.What.choices, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["means"], condition=~models.Q(means=""), name="price_kind_means_once"),
            models.CheckConstraint(condition=models.Q(means__in=["", "cost", "price"]), name="price_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name


class Receipt(models.Model):
    """One receipt of one moment. `purchased_at` is in UTC; the store's zone gives the wall clock of the contract.

    Indexes are few on purpose: each of them is paid for twenty million times by an import.
    """

    customer = models.ForeignKey(
        Customer,
        null=True,
        on_delete=models.PROTECT,
        related_name="receipts",
        db_index=False,  # the index below begins with it
    )
    store = models.ForeignKey(Store, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    seller = models.ForeignKey(Seller, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    number = models.CharField(max_length=200, blank=True)
    channel = models.CharField(max_length=60, blank=True)
    purchased_at = models.DateTimeField()
    amount = models.BigIntegerField()
    key = models.BinaryField(max_length=32, unique=True)  # a digest of what makes it this receipt and no other
    imported_by = models.ForeignKey(Import, null=True, on_delete=models.PROTECT, related_name="receipts")
    created_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["customer", "-purchased_at", "-id"], name="receipt_of_customer"),
            models.Index(fields=["purchased_at"], name="receipt_moment"),
        ]


class Line(models.Model):
    """One line of a receipt. Its place within the receipt makes it this line and no other."""

    pk = models.CompositePrimaryKey("receipt_id", "position")
    receipt = models.ForeignKey(Receipt, on_delete=models.CASCADE, related_name="lines", db_index=False)
    position = models.IntegerField()
    product = models.ForeignKey(Product, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    quantity = models.FloatField(null=True)
    amount = models.BigIntegerField()
    discount = models.BigIntegerField(null=True)
    cost = models.BigIntegerField(null=True)
    promotion = models.CharField(max_length=200, blank=True)


class Touched(models.Model):
    """A month whose purchases were changed since the columnar copy was written; null means all of them.

    Triggers write it, so no way of writing can pass it by; an import, which works without triggers, writes it itself.
    """

    month = models.DateField(null=True)


class Filled(models.Model):
    """What an import added to a customer who was known before: undo takes it away if it still stands.

    Ids are kept instead of references: a customer may be erased meanwhile, and of the value only a digest stays.
    """

    imported_by = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="filled")
    customer_id = models.BigIntegerField()
    contact_id = models.BigIntegerField(null=True)
    field = models.CharField(max_length=60, blank=True)  # a column of customers, or "own:" and the slug of a field
    digest = models.CharField(max_length=32, blank=True)


class Renamed(models.Model):
    """What an import wrote over a product's name or category: undo puts it back if it still stands."""

    imported_by = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="renamed")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+")
    field = models.CharField(max_length=8)  # "name" or "category"
    before = models.CharField(max_length=500, blank=True)
    after = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["imported_by", "product", "field"], name="renamed_once"),
        ]
