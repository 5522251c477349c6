"""Audits that were run, what they say of each customer, and segments."""

from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from regulars.accounts.models import User
from regulars.core.i18n import N_, current_language
from regulars.customers.models import Customer


class AuditRun(models.Model):
    """One audit of the whole base. Its results lie in a folder of the data folder; `results` reads them.

    `headlines` holds the numbers that two audits are compared by, for longer than the folder is kept.
    """

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", N_("Waits for the worker")
        RUNNING = "running", N_("Is running")
        DONE = "done", N_("Done")
        FAILED = "failed", N_("Failed")

    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    as_of = models.DateField(null=True)
    folder = models.CharField(max_length=64, blank=True)
    headlines: "models.JSONField[Any, dict[str, Any]]" = models.JSONField(default=dict)
    progress: "models.JSONField[Any, dict[str, Any]]" = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    # why it failed, by language
    reasons: "models.JSONField[Any, dict[str, str]]" = models.JSONField(default=dict)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    night = models.DateField(null=True, unique=True)  # the day of the business whose nightly audit it is
    attempts = models.PositiveSmallIntegerField(default=0)  # how often a worker has begun it
    created_at = models.DateTimeField(db_default=models.functions.Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["state", "-id"], name="audit_newest")]

    @property
    def reason(self) -> str:
        """Why it failed, in the language of the reader."""
        return self.reasons.get(current_language()) or self.error


class AuditSettings(models.Model):
    """What the audit cannot learn from purchases. One row; what is empty is not known."""

    id: "models.PositiveSmallIntegerField[int, int]" = models.PositiveSmallIntegerField(
        primary_key=True, default=1, editable=False
    )
    margin_pct = models.FloatField(null=True)  # of revenue, where the lines carry no cost
    budget = models.BigIntegerField(null=True)  # minor units, for contacting customers
    contact_cost = models.BigIntegerField(null=True)  # minor units for one customer

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(id=1), name="audit_settings_only_one"),
            models.CheckConstraint(
                condition=models.Q(margin_pct=None) | models.Q(margin_pct__gt=0, margin_pct__lt=100),
                name="audit_margin_is_a_share",
            ),
            models.CheckConstraint(
                condition=models.Q(budget=None, contact_cost=None)
                | models.Q(budget__gt=0, contact_cost__gt=0, budget__isnull=False, contact_cost__isnull=False),
                name="audit_budget_with_cost",
            ),
        ]

    @classmethod
    def current(cls) -> Self:
        """As they are set; not saved before somebody sets them."""
        return cls.objects.first() or cls()


class Score(models.Model):
    """What the newest audit says of a customer: replaced as a whole by each audit. Money is in minor units."""

    customer = models.OneToOneField(Customer, primary_key=True, on_delete=models.CASCADE, related_name="score")
    state = models.CharField(max_length=12)
    rfm_segment = models.CharField(max_length=20, blank=True)
    abc = models.CharField(max_length=1, blank=True)
    first_on = models.DateField(null=True)
    last_on = models.DateField(null=True)
    visits = models.IntegerField(default=0)
    amount = models.BigIntegerField(default=0)
    amount_year = models.BigIntegerField(default=0)
    mean_check = models.BigIntegerField(null=True)
    visit_period_days = models.FloatField(null=True)
    return_chance = models.FloatField(null=True)
    expected_value_12 = models.BigIntegerField(null=True)
    loyalty_stage = models.CharField(max_length=20, blank=True)
    lost_kind = models.CharField(max_length=20, blank=True)
    missed_amount = models.BigIntegerField(null=True)
    never_returned = models.BooleanField(default=False)
    opportunity = models.CharField(max_length=300, blank=True)
    opportunity_amount = models.BigIntegerField(null=True)
    findings: "ArrayField[Any, list[str]]" = ArrayField(models.TextField(), default=list)
    groups: "ArrayField[Any, list[str]]" = ArrayField(models.TextField(), default=list)  # behind other numbers
    # what he will need next: [product, day, chance in per cent, minor units], the likeliest first
    needs: "models.JSONField[Any, list[list[Any]]]" = models.JSONField(default=list)
    details: "models.JSONField[Any, dict[str, Any]]" = models.JSONField(default=dict)  # first purchase, RFM scores

    class Meta:
        # each list of people is read in the order of its money, page by page
        indexes: ClassVar = [
            models.Index(fields=["state", "-amount", "-customer"], name="score_state"),
            models.Index(fields=["rfm_segment", "-amount", "-customer"], name="score_rfm"),
            models.Index(fields=["abc", "-amount", "-customer"], name="score_abc"),
            models.Index(fields=["loyalty_stage", "-amount", "-customer"], name="score_stage"),
            models.Index(fields=["lost_kind", "-missed_amount", "-customer"], name="score_lost"),
            models.Index(fields=["opportunity", "-opportunity_amount", "-customer"], name="score_opportunity"),
            models.Index(
                fields=["-opportunity_amount", "-customer"],
                name="score_to_do",
                condition=models.Q(opportunity_amount__gt=0),
            ),
            models.Index(
                fields=["-missed_amount", "-customer"], name="score_missed", condition=models.Q(missed_amount__gt=0)
            ),
            models.Index(
                fields=["-amount", "-customer"], name="score_newcomers", condition=models.Q(never_returned=True)
            ),
            models.Index(fields=["-amount", "-customer"], name="score_amount"),
            models.Index(fields=["first_on"], name="score_first"),
            # the orders of the list of customers
            models.Index(fields=["-expected_value_12", "-customer"], name="score_value"),
            models.Index(fields=["-last_on", "-customer"], name="score_latest"),
            GinIndex(fields=["findings"], name="score_findings"),
            GinIndex(fields=["groups"], name="score_groups"),
        ]


class Segment(models.Model):
    """A rule that says who belongs; always as of now."""

    name = models.CharField(max_length=200)
    rule: "models.JSONField[Any, dict[str, Any]]" = models.JSONField()
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=models.functions.Now())
    updated_at = models.DateTimeField(db_default=models.functions.Now())


class Audience(models.Model):
    """Who was in a segment at one moment: a frozen copy."""

    segment = models.ForeignKey(Segment, null=True, on_delete=models.SET_NULL, related_name="audiences")
    name = models.CharField(max_length=200)
    rule: "models.JSONField[Any, dict[str, Any]]" = models.JSONField()
    size = models.PositiveIntegerField(default=0)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(db_default=models.functions.Now())


class Member(models.Model):
    """One customer of an audience."""

    audience = models.ForeignKey(Audience, on_delete=models.CASCADE, related_name="members")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="audience_members")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["audience", "customer"], name="member_once")]
