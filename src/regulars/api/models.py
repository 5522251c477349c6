"""Keys of other programs, and the addresses that are told what happens."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from regulars.accounts.models import User
from regulars.core.i18n import N_


class Scope(models.TextChoices):
    """What a key opens."""

    READ_CUSTOMERS = "customers:read", N_("read customers")
    WRITE_CUSTOMERS = "customers:write", N_("add and change customers, record consent")
    READ_PURCHASES = "purchases:read", N_("read receipts and products")
    WRITE_PURCHASES = "purchases:write", N_("record receipts and products")
    READ_INSIGHTS = "insights:read", N_("read segments and scores")


class ApiKey(models.Model):
    """A key of another program. It is shown once; only its hash is kept."""

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)  # its beginning, to tell keys apart
    key_hash = models.CharField(max_length=64, unique=True)
    scopes: "ArrayField[Any, list[str]]" = ArrayField(models.CharField(max_length=40), default=list)
    made_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=models.functions.Now())
    used_on = models.DateField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def opens(self, scope: Scope) -> bool:
        """Whether it may be used for this."""
        return self.revoked_at is None and scope.value in self.scopes


class Event(models.TextChoices):
    """What an address may be told."""

    CUSTOMER_CREATED = "customer.created", N_("a customer was added")
    CUSTOMER_CHANGED = "customer.changed", N_("a customer was changed")
    CUSTOMER_ERASED = "customer.erased", N_("a customer was erased on his demand")
    CUSTOMERS_MERGED = "customers.merged", N_("two customers were merged")
    CONSENT_CHANGED = "consent.changed", N_("consent was given or withdrawn")
    RECEIPTS_RECORDED = "receipts.recorded", N_("receipts were recorded")
    AUDIT_DONE = "audit.done", N_("an audit is ready")


class Endpoint(models.Model):
    """An address that is told of events."""

    url = models.URLField(max_length=500)
    secret = models.CharField(max_length=100)  # signs what is sent, so it must be known to both
    events: "ArrayField[Any, list[str]]" = ArrayField(models.CharField(max_length=40), default=list)
    is_active = models.BooleanField(default=True)
    made_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=models.functions.Now())


class Delivery(models.Model):
    """One event for one address: sent until it is taken, with growing pauses."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", N_("waits")
        DONE = "done", N_("delivered")
        FAILED = "failed", N_("given up")

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    message_id = models.CharField(max_length=40)  # the same at every attempt, so that the receiver can tell
    event = models.CharField(max_length=40)
    content: "models.JSONField[Any, dict[str, Any]]" = models.JSONField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=models.functions.Now())
    last_status = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["endpoint", "message_id"], name="delivery_once")]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=models.Q(state="waiting"), name="delivery_due"),
            models.Index(fields=["endpoint", "-id"], name="delivery_newest"),
        ]
