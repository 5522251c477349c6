"""What a person agreed to, and the right to be forgotten."""

from typing import Any, ClassVar

from django.db import models

from regulars.accounts.models import User
from regulars.core.i18n import N_
from regulars.customers.models.customer import Customer


class Purpose(models.Model):
    """What consent is asked for, and the text of it; a new text is a new version."""

    slug = models.SlugField(max_length=40)
    title = models.CharField(max_length=200)
    version = models.PositiveIntegerField(default=1)
    text = models.TextField()
    created_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["slug", "version"], name="purpose_version_once")]

    @property
    def shown_as(self) -> str:
        """What a form says of the text that it showed: "news/2"."""
        return f"{self.slug}/{self.version}"


class Consent(models.Model):
    """One statement of a customer. Rows are only added: the newest of a purpose and channel holds."""

    class Channel(models.TextChoices):
        """By which way he may be addressed; "any" is for purposes without one, such as keeping his data."""

        ANY = "any", N_("Any channel")
        EMAIL = "email", N_("E-mail")
        SMS = "sms", N_("SMS")
        PHONE = "phone", N_("Calls")
        MESSENGER = "messenger", N_("Messengers")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="consents")
    purpose = models.SlugField(max_length=40)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    is_given = models.BooleanField()
    text_version = models.PositiveIntegerField(null=True)
    source = models.CharField(max_length=100)  # a form, the till, a letter
    proof: "models.JSONField[Any, dict[str, Any]]" = models.JSONField(default=dict)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=models.functions.Now())
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["customer", "purpose", "channel", "-at", "-id"], name="consent_newest"),
        ]


class Erasure(models.Model):
    """A demand to erase personal data: due by a day, done with an act. The act holds no personal data."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="erasures")
    asked_on = models.DateField()
    due_on = models.DateField()
    asked_by = models.CharField(max_length=200)  # how the demand came: a letter, in person
    registered_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    what: "models.JSONField[Any, dict[str, int]]" = models.JSONField(default=dict)  # how many rows of what

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer"], condition=models.Q(done_at=None), name="erasure_one_open"),
        ]


class ForgottenContact(models.Model):
    """A keyed hash of an erased person's phone, e-mail or card: an import must not bring him back."""

    digest = models.BinaryField(max_length=32, unique=True)
    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="contacts")
