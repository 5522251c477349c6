"""Keys of other programs, and the addresses that are told what happens."""

import datetime as dt
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.core.i18n import N_
from regulars.insights.models import Segment


class Scope(models.TextChoices):
    """What a key opens."""

    READ_CUSTOMERS = "customers:read", N_("read customers")
    WRITE_CUSTOMERS = "customers:write", N_("add and change customers, record consent")
    PAGE_LINKS = "pages:link", N_("make links to the own pages of customers")
    READ_PURCHASES = "purchases:read", N_("read receipts and products")
    WRITE_PURCHASES = "purchases:write", N_("record receipts and products")
    TILL = "till", N_("sell by the loyalty programme: quotes, receipts, returns")
    PRIVILEGES = "privileges", N_("record what customers have proven: a pensioner, a student")
    PARTNER = "partner", N_("read the receipts and statements of one partner")
    READ_INSIGHTS = "insights:read", N_("read segments and scores")
    EXPORT = "exports", N_("take whole lists out as files")


# who gives a key can give only what he may do himself; the API shows contacts in full
NEEDED = {
    Scope.READ_CUSTOMERS: (Right.SEE_CUSTOMERS, Right.SEE_CONTACTS),
    Scope.WRITE_CUSTOMERS: (Right.SEE_CUSTOMERS, Right.SEE_CONTACTS, Right.EDIT_CUSTOMERS),
    Scope.PAGE_LINKS: (Right.SEE_CUSTOMERS, Right.SEE_CONTACTS, Right.SEE_PURCHASES, Right.EDIT_CUSTOMERS),
    Scope.READ_PURCHASES: (Right.SEE_PURCHASES,),
    Scope.WRITE_PURCHASES: (Right.SEE_PURCHASES, Right.RECORD_PURCHASES),
    Scope.TILL: (Right.SEE_CUSTOMERS, Right.SEE_PURCHASES, Right.RECORD_PURCHASES),
    Scope.PRIVILEGES: (Right.SEE_CUSTOMERS, Right.EDIT_CUSTOMERS),
    Scope.PARTNER: (Right.SEE_PURCHASES,),
    Scope.READ_INSIGHTS: (Right.SEE_CUSTOMERS, Right.SEE_PURCHASES, Right.SEE_INSIGHTS),
    Scope.EXPORT: (Right.SEE_CUSTOMERS, Right.SEE_CONTACTS, Right.SEE_PURCHASES, Right.EXPORT_CUSTOMERS),
}


# a key of a partner opens nothing else: everything else is the operator's
OF_PARTNERS = frozenset({Scope.TILL, Scope.PARTNER})


class ApiKey(models.Model):
    """A key of another program. It is shown once; only its hash is kept."""

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)  # its beginning, to tell keys apart
    key_hash = models.CharField(max_length=64, unique=True)
    scopes: "ArrayField[Any, list[str]]" = ArrayField(models.CharField(max_length=40), default=list)
    made_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=models.functions.Now())
    used_on = models.DateField(null=True)
    expires_at = models.DateTimeField(null=True)  # null: until it is revoked
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(scopes=[]), name="key_opens_something"),
        ]

    def opens(self, scope: Scope) -> bool:
        """Whether it may be used for this."""
        return self.revoked_at is None and scope.value in self.scopes

    def is_over(self, now: dt.datetime) -> bool:
        """Whether its time has passed."""
        return self.expires_at is not None and self.expires_at <= now

    def __str__(self) -> str:
        return self.name


class Endpoint(models.Model):
    """An address that is told of events."""

    url = models.URLField(max_length=500)
    secret = models.CharField(max_length=100)  # signs what is sent, so it must be known to both
    # after a change both sign for a while, so that the receiver can change at his leisure
    old_secret = models.CharField(max_length=100, blank=True)
    old_secret_until = models.DateTimeField(null=True)
    events: "ArrayField[Any, list[str]]" = ArrayField(models.CharField(max_length=40), default=list)
    is_active = models.BooleanField(default=True)
    made_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=models.functions.Now())

    def __str__(self) -> str:
        return self.url


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
    last_answer = models.CharField(max_length=500, blank=True)  # the beginning of what was answered
    last_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["endpoint", "message_id"], name="delivery_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "done", "failed"]), name="delivery_state_known"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=models.Q(state="waiting"), name="delivery_due"),
            models.Index(fields=["endpoint", "-id"], name="delivery_newest"),
            models.Index(fields=["last_at"], condition=~models.Q(state="waiting"), name="delivery_old"),
        ]


class Export(models.Model):
    """A list that a program asked for: written to a file in the background, fetched by the same key, then forgotten."""

    class Kind(models.TextChoices):
        """What a row of the file is."""

        CUSTOMERS = "customers", N_("customers")
        SEGMENT = "segment", N_("members of a segment")
        RECEIPTS = "receipts", N_("lines of receipts")

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", N_("waits")
        RUNNING = "running", N_("is being written")
        DONE = "done", N_("ready")
        FAILED = "failed", N_("failed")

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="exports")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    segment = models.ForeignKey(Segment, null=True, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField(null=True)  # receipts bought from this moment on
    until = models.DateTimeField(null=True)  # and before this one
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    rows = models.BigIntegerField(null=True)
    size = models.BigIntegerField(null=True)  # bytes
    stored_as = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=models.functions.Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "running", "done", "failed"]), name="export_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(kind="segment", segment__isnull=False)
                | models.Q(kind__in=["customers", "receipts"], segment__isnull=True),
                name="export_of_something",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["key", "-id"], name="export_newest")]
