"""Keys, subscriptions with their deliveries, exports, and the buckets that limit requests."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from regulars.foundation.tables import CreateModels

# not logged: a request must not wait for the disk, and a crash may forget how often somebody asked;
# half-empty pages: each request writes its row anew beside the old one
_BUCKET = """
CREATE UNLOGGED TABLE api_bucket (
    key_id bigint PRIMARY KEY,
    tokens double precision NOT NULL,
    at timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 1000);
"""

# in this order: each refers to those before it
_TABLES = (
    migrations.CreateModel(
        name="ApiKey",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=100)),
            ("prefix", models.CharField(max_length=12)),
            ("key_hash", models.CharField(max_length=64, unique=True)),
            (
                "scopes",
                django.contrib.postgres.fields.ArrayField(
                    base_field=models.CharField(max_length=40), default=list, size=None
                ),
            ),
            (
                "made_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("used_on", models.DateField(null=True)),
            ("expires_at", models.DateTimeField(null=True)),
            ("revoked_at", models.DateTimeField(null=True)),
        ],
        options={
            "constraints": [
                models.CheckConstraint(condition=models.Q(("scopes", []), _negated=True), name="key_opens_something")
            ],
        },
    ),
    migrations.CreateModel(
        name="Endpoint",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("url", models.URLField(max_length=500)),
            ("secret", models.CharField(max_length=100)),
            ("old_secret", models.CharField(blank=True, max_length=100)),
            ("old_secret_until", models.DateTimeField(null=True)),
            (
                "events",
                django.contrib.postgres.fields.ArrayField(
                    base_field=models.CharField(max_length=40), default=list, size=None
                ),
            ),
            ("is_active", models.BooleanField(default=True)),
            (
                "made_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
    ),
    migrations.CreateModel(
        name="Delivery",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "endpoint",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="api.endpoint"
                ),
            ),
            ("message_id", models.CharField(max_length=40)),
            ("event", models.CharField(max_length=40)),
            ("content", models.JSONField()),
            (
                "state",
                models.CharField(
                    choices=[("waiting", "waits"), ("done", "delivered"), ("failed", "given up")],
                    default="waiting",
                    max_length=8,
                ),
            ),
            ("attempts", models.PositiveSmallIntegerField(default=0)),
            ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("last_status", models.PositiveSmallIntegerField(null=True)),
            ("last_error", models.CharField(blank=True, max_length=300)),
            ("last_answer", models.CharField(blank=True, max_length=500)),
            ("last_at", models.DateTimeField(null=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
        options={
            "indexes": [
                models.Index(condition=models.Q(("state", "waiting")), fields=["due_at"], name="delivery_due"),
                models.Index(fields=["endpoint", "-id"], name="delivery_newest"),
                models.Index(
                    condition=models.Q(("state", "waiting"), _negated=True), fields=["last_at"], name="delivery_old"
                ),
            ],
            "constraints": [
                models.UniqueConstraint(fields=("endpoint", "message_id"), name="delivery_once"),
                models.CheckConstraint(
                    condition=models.Q(("state__in", ["waiting", "done", "failed"])), name="delivery_state_known"
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Export",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "key",
                models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="exports", to="api.apikey"),
            ),
            (
                "kind",
                models.CharField(
                    choices=[
                        ("customers", "customers"),
                        ("segment", "members of a segment"),
                        ("receipts", "lines of receipts"),
                    ],
                    max_length=9,
                ),
            ),
            (
                "segment",
                models.ForeignKey(
                    null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="insights.segment"
                ),
            ),
            ("since", models.DateTimeField(null=True)),
            ("until", models.DateTimeField(null=True)),
            (
                "state",
                models.CharField(
                    choices=[
                        ("waiting", "waits"),
                        ("running", "is being written"),
                        ("done", "ready"),
                        ("failed", "failed"),
                    ],
                    default="waiting",
                    max_length=7,
                ),
            ),
            ("rows", models.BigIntegerField(null=True)),
            ("size", models.BigIntegerField(null=True)),
            ("stored_as", models.CharField(blank=True, max_length=64)),
            ("error", models.CharField(blank=True, max_length=300)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("finished_at", models.DateTimeField(null=True)),
        ],
        options={
            "indexes": [models.Index(fields=["key", "-id"], name="export_newest")],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("state__in", ["waiting", "running", "done", "failed"])),
                    name="export_state_known",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("kind", "segment"), ("segment__isnull", False)),
                        models.Q(("kind__in", ["customers", "receipts"]), ("segment__isnull", True)),
                        _connector="OR",
                    ),
                    name="export_of_something",
                ),
            ],
        },
    ),
)


class Migration(migrations.Migration):
    replaces = [("api", "0001_initial"), ("api", "0002_keys_hooks_exports"), ("api", "0003_bucket")]

    initial = True

    dependencies = [
        ("accounts", "0001_tables"),
        ("insights", "0001_tables"),
    ]

    operations = [
        CreateModels(_TABLES),
        migrations.RunSQL(_BUCKET),
    ]
