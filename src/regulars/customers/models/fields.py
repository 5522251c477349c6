"""What a business wants to know besides: own fields, and questionnaires that fill them."""

from typing import Any, ClassVar

from django.db import models

from regulars.accounts.models import User
from regulars.core.i18n import N_
from regulars.customers.models.customer import Customer


class Field(models.Model):
    """An own field of customers. Its values live in `Customer.own_fields` by the slug."""

    class Type(models.TextChoices):
        """What values it takes."""

        TEXT = "text", N_("Text")
        NUMBER = "number", N_("Number")
        DATE = "date", N_("Date")
        YES_NO = "yes_no", N_("Yes or no")
        CHOICE = "choice", N_("One of several")
        CHOICES = "choices", N_("Some of several")

    slug = models.SlugField(max_length=40, unique=True)
    title = models.CharField(max_length=120)
    type = models.CharField(max_length=8, choices=Type.choices)
    choices: "models.JSONField[Any, list[str]]" = models.JSONField(default=list)
    position = models.PositiveIntegerField(default=0)
    is_archived = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["position", "id"]


class Form(models.Model):
    """A questionnaire: questions in order, each of which may fill an own field."""

    title = models.CharField(max_length=200)
    intro = models.TextField(blank=True)
    questions: "models.JSONField[Any, list[dict[str, Any]]]" = models.JSONField(default=list)
    purpose = models.SlugField(max_length=40, blank=True)  # the consent that the customer gives with it
    channels: "models.JSONField[Any, list[str]]" = models.JSONField(default=list)  # each asked for apart; none: any
    is_archived = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=models.functions.Now())

    @property
    def asked_channels(self) -> list[str]:
        """By which ways he may allow us to address him."""
        return self.channels or ["any"]


class FormLink(models.Model):
    """A personal link to a questionnaire; only the hash of its token is kept."""

    form = models.ForeignKey(Form, on_delete=models.CASCADE)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="form_links")
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class FormAnswer(models.Model):
    """A questionnaire as it was filled, once."""

    form = models.ForeignKey(Form, on_delete=models.PROTECT, related_name="answers")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="answers")
    answers: "models.JSONField[Any, dict[str, Any]]" = models.JSONField()
    at = models.DateTimeField(db_default=models.functions.Now())
    filled_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")  # null: the customer
