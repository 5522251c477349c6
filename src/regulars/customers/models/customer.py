"""A customer, the ways to reach and recognise him, and whom he belongs to."""

from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from regulars.accounts.models import User
from regulars.core.i18n import N_


class Kind(models.TextChoices):
    """Who somebody is to the business."""

    PERSON = "person", N_("Person")
    COMPANY = "company", N_("Company")
    INTERMEDIARY = "intermediary", N_("Intermediary")
    SUPPLIER = "supplier", N_("Supplier")
    PARTNER = "partner", N_("Partner")
    EMPLOYEE = "employee", N_("Employee")
    COMPETITOR = "competitor", N_("Competitor")


BUYERS = (Kind.PERSON, Kind.COMPANY, Kind.INTERMEDIARY)


class Tag(models.Model):
    """A word that users put on customers."""

    name = models.CharField(max_length=60, unique=True)

    def __str__(self) -> str:
        return self.name


class CustomerSet(models.QuerySet["Customer"]):
    """Filters over customers."""

    def whole(self) -> Self:
        """Without those who were merged into another."""
        return self.filter(merged_into=None)

    def seen_by(self, user: User) -> Self:
        """Those whom this user may see: all, or his own and nobody's."""
        if user.role.own_customers_only:
            return self.filter(models.Q(owner=user) | models.Q(owner=None))
        return self


class Customer(models.Model):
    """Somebody whom the business deals with. One row is one identity; after a merge its row points to the other."""

    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.PERSON)
    external_id = models.CharField(max_length=200, null=True, unique=True)  # his key in the till or in 1C
    name = models.CharField(max_length=300, blank=True)  # as it is shown; companies have only this
    family_name = models.CharField(max_length=120, blank=True)
    given_name = models.CharField(max_length=120, blank=True)
    middle_name = models.CharField(max_length=120, blank=True)
    birth_date = models.DateField(null=True)
    sex = models.CharField(max_length=1, blank=True, choices=[("f", N_("Woman")), ("m", N_("Man"))])
    language = models.CharField(max_length=2, blank=True)
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="customers")
    source = models.CharField(max_length=100, blank=True)  # where he came from: an import, the API, a form
    import_id = models.BigIntegerField(null=True, db_index=True)
    tags = models.ManyToManyField(Tag, related_name="customers", blank=True)
    own_fields: "models.JSONField[Any, dict[str, Any]]" = models.JSONField(default=dict)
    quiet_reason = models.CharField(max_length=300, blank=True)  # do not disturb, and why
    quiet_until = models.DateField(null=True)  # the last such day; null with a reason is for good
    is_quiet = models.BooleanField(default=False)
    merged_into = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="merged")
    is_demo = models.BooleanField(default=False)
    is_erased = models.BooleanField(default=False)  # on demand: nothing that tells who he was may be written again
    created_at = models.DateTimeField(db_default=models.functions.Now())
    updated_at = models.DateTimeField(db_default=models.functions.Now())
    search_text = models.TextField(
        blank=True, default=""
    )  # all that he can be found by, lower case; the database keeps it
    search_parts: "ArrayField[Any, list[str]]" = ArrayField(models.TextField(), default=list)  # its three-letter parts

    objects: ClassVar[models.Manager["Customer"]] = CustomerSet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(kind__in=Kind.values), name="customer_kind_known"),
            models.CheckConstraint(condition=~models.Q(merged_into=models.F("id")), name="customer_not_into_himself"),
            models.CheckConstraint(
                condition=models.Q(is_erased=False)
                | models.Q(
                    external_id=None,
                    name="",
                    family_name="",
                    given_name="",
                    middle_name="",
                    birth_date=None,
                    sex="",
                    own_fields={},
                ),
                name="customer_erased_is_nobody",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-updated_at", "-id"], name="customer_updated"),
            models.Index(fields=["owner", "-id"], name="customer_owner"),
            models.Index(fields=["name", "id"], name="customer_name"),
            models.Index(fields=["kind", "-id"], name="customer_kind"),
            # few of very many
            models.Index(fields=["-id"], name="customer_quiet", condition=models.Q(is_quiet=True)),
            GinIndex(fields=["search_parts"], name="customer_search"),
        ]

    @property
    def is_person(self) -> bool:
        """Whether he has a name of several words and a birthday."""
        return self.kind in (Kind.PERSON, Kind.EMPLOYEE)

    def __str__(self) -> str:
        return self.name or f"#{self.pk}"


class Contact(models.Model):
    """One way to reach or to recognise a customer. `value` is the normalised form that is compared."""

    class Kind(models.TextChoices):
        """What the value is."""

        PHONE = "phone", N_("Phone")
        EMAIL = "email", N_("E-mail")
        CARD = "card", N_("Card")
        TELEGRAM = "telegram", "Telegram"
        WHATSAPP = "whatsapp", "WhatsApp"
        VIBER = "viber", "Viber"
        VK = "vk", "VK"
        MAX = "max", "MAX"

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="contacts")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value = models.CharField(max_length=254)
    written = models.CharField(max_length=254)  # as it was given
    label = models.CharField(max_length=60, blank=True)
    is_main = models.BooleanField(default=False)
    is_valid = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["phone", "email", "card", "telegram", "whatsapp", "viber", "vk", "max"]),
                name="contact_kind_known",
            ),
            # a family may share a phone; the same card is never two people
            models.UniqueConstraint(fields=["customer", "kind", "value"], name="contact_once"),
            models.UniqueConstraint(fields=["value"], condition=models.Q(kind="card"), name="contact_card_once"),
            models.UniqueConstraint(
                fields=["customer", "kind"], condition=models.Q(is_main=True), name="contact_one_main"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["kind", "value"], name="contact_value")]


class Relation(models.Model):
    """How two customers belong together: `customer` is the `kind` of `other`.

    After a merge two rows may say the same, or be about one person: they are not shown then, and are right again
    when the merge is taken back.
    """

    class Kind(models.TextChoices):
        """What one is to the other."""

        FAMILY = "family", N_("family of")
        PARENT = "parent", N_("parent of")
        PET = "pet", N_("pet of")
        EMPLOYEE = "employee", N_("employee of")
        DEALER = "dealer", N_("dealer of")
        OTHER = "other", N_("connected with")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="relations")
    other = models.ForeignKey(Customer, null=True, on_delete=models.CASCADE, related_name="related")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=200, blank=True)  # of a pet or a child who is no customer
    birth_date = models.DateField(null=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(other__isnull=False) | ~models.Q(name=""), name="relation_with_somebody"
            ),
        ]
