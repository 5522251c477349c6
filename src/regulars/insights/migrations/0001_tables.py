"""Segments, audits, and what the last one found of each customer."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from regulars.foundation.tables import CreateModels

# in this order: each refers to those before it
_TABLES = (
    migrations.CreateModel(
        name="AuditRun",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "state",
                models.CharField(
                    choices=[
                        ("waiting", "Waits for the worker"),
                        ("running", "Is running"),
                        ("done", "Done"),
                        ("failed", "Failed"),
                    ],
                    default="waiting",
                    max_length=8,
                ),
            ),
            ("as_of", models.DateField(null=True)),
            ("folder", models.CharField(blank=True, max_length=64)),
            ("headlines", models.JSONField(default=dict)),
            ("progress", models.JSONField(default=dict)),
            ("error", models.TextField(blank=True)),
            ("reasons", models.JSONField(default=dict)),
            (
                "by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("night", models.DateField(null=True, unique=True)),
            ("attempts", models.PositiveSmallIntegerField(default=0)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("finished_at", models.DateTimeField(null=True)),
        ],
        options={
            "indexes": [models.Index(fields=["state", "-id"], name="audit_newest")],
        },
    ),
    migrations.CreateModel(
        name="AuditSettings",
        fields=[
            ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
            ("margin_pct", models.FloatField(null=True)),
            ("budget", models.BigIntegerField(null=True)),
            ("contact_cost", models.BigIntegerField(null=True)),
        ],
        options={
            "constraints": [
                models.CheckConstraint(condition=models.Q(("id", 1)), name="audit_settings_only_one"),
                models.CheckConstraint(
                    condition=models.Q(
                        ("margin_pct", None), models.Q(("margin_pct__gt", 0), ("margin_pct__lt", 100)), _connector="OR"
                    ),
                    name="audit_margin_is_a_share",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("budget", None), ("contact_cost", None)),
                        models.Q(
                            ("budget__gt", 0),
                            ("budget__isnull", False),
                            ("contact_cost__gt", 0),
                            ("contact_cost__isnull", False),
                        ),
                        _connector="OR",
                    ),
                    name="audit_budget_with_cost",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Score",
        fields=[
            (
                "customer",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.CASCADE,
                    primary_key=True,
                    related_name="score",
                    serialize=False,
                    to="customers.customer",
                ),
            ),
            ("state", models.CharField(max_length=12)),
            ("rfm_segment", models.CharField(blank=True, max_length=20)),
            ("abc", models.CharField(blank=True, max_length=1)),
            ("first_on", models.DateField(null=True)),
            ("last_on", models.DateField(null=True)),
            ("visits", models.IntegerField(default=0)),
            ("amount", models.BigIntegerField(default=0)),
            ("amount_year", models.BigIntegerField(default=0)),
            ("mean_check", models.BigIntegerField(null=True)),
            ("visit_period_days", models.FloatField(null=True)),
            ("return_chance", models.FloatField(null=True)),
            ("expected_value_12", models.BigIntegerField(null=True)),
            ("loyalty_stage", models.CharField(blank=True, max_length=20)),
            ("lost_kind", models.CharField(blank=True, max_length=20)),
            ("missed_amount", models.BigIntegerField(null=True)),
            ("never_returned", models.BooleanField(default=False)),
            ("opportunity", models.CharField(blank=True, max_length=300)),
            ("opportunity_amount", models.BigIntegerField(null=True)),
            (
                "findings",
                django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
            ),
            (
                "groups",
                django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
            ),
            ("needs", models.JSONField(default=list)),
            ("details", models.JSONField(default=dict)),
        ],
        options={
            "indexes": [
                models.Index(fields=["state", "-amount", "-customer"], name="score_state"),
                models.Index(fields=["rfm_segment", "-amount", "-customer"], name="score_rfm"),
                models.Index(fields=["abc", "-amount", "-customer"], name="score_abc"),
                models.Index(fields=["loyalty_stage", "-amount", "-customer"], name="score_stage"),
                models.Index(fields=["lost_kind", "-missed_amount", "-customer"], name="score_lost"),
                models.Index(fields=["opportunity", "-opportunity_amount", "-customer"], name="score_opportunity"),
                models.Index(
                    condition=models.Q(("opportunity_amount__gt", 0)),
                    fields=["-opportunity_amount", "-customer"],
                    name="score_to_do",
                ),
                models.Index(
                    condition=models.Q(("missed_amount__gt", 0)),
                    fields=["-missed_amount", "-customer"],
                    name="score_missed",
                ),
                models.Index(
                    condition=models.Q(("never_returned", True)),
                    fields=["-amount", "-customer"],
                    name="score_newcomers",
                ),
                models.Index(fields=["-amount", "-customer"], name="score_amount"),
                models.Index(fields=["first_on"], name="score_first"),
                models.Index(fields=["-expected_value_12", "-customer"], name="score_value"),
                models.Index(fields=["-last_on", "-customer"], name="score_latest"),
                django.contrib.postgres.indexes.GinIndex(fields=["findings"], name="score_findings"),
                django.contrib.postgres.indexes.GinIndex(fields=["groups"], name="score_groups"),
            ],
        },
    ),
    migrations.CreateModel(
        name="Segment",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=200)),
            ("rule", models.JSONField()),
            (
                "by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
    ),
    migrations.CreateModel(
        name="Audience",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "segment",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="audiences",
                    to="insights.segment",
                ),
            ),
            ("name", models.CharField(max_length=200)),
            ("rule", models.JSONField()),
            ("size", models.PositiveIntegerField(default=0)),
            (
                "by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
    ),
    migrations.CreateModel(
        name="Member",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "audience",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="members", to="insights.audience"
                ),
            ),
            (
                "customer",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="audience_members",
                    to="customers.customer",
                ),
            ),
        ],
        options={
            "constraints": [models.UniqueConstraint(fields=("audience", "customer"), name="member_once")],
        },
    ),
)


class Migration(migrations.Migration):
    replaces = [("insights", "0001_initial"), ("insights", "0002_scores_and_settings")]

    initial = True

    dependencies = [
        ("accounts", "0001_tables"),
        ("customers", "0001_tables"),
    ]

    operations = [
        CreateModels(_TABLES),
    ]
