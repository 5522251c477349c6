"""Users with their roles, and the log of what they did."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from regulars.foundation.tables import CreateModels

# in this order: each refers to those before it
_TABLES = (
    migrations.CreateModel(
        name="Role",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("slug", models.SlugField(max_length=40, unique=True)),
            ("name", models.CharField(blank=True, max_length=100)),
            (
                "rights",
                django.contrib.postgres.fields.ArrayField(
                    base_field=models.CharField(max_length=40), default=list, size=None
                ),
            ),
            ("own_customers_only", models.BooleanField(default=False)),
        ],
    ),
    migrations.CreateModel(
        name="User",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("password", models.CharField(max_length=128, verbose_name="password")),
            ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
            ("email", models.EmailField(max_length=254, unique=True)),
            ("name", models.CharField(max_length=200)),
            ("language", models.CharField(choices=[("ru", "ru"), ("en", "en")], max_length=2)),
            (
                "role",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="users", to="accounts.role"
                ),
            ),
            ("is_active", models.BooleanField(default=True)),
            ("joined_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("email", django.db.models.functions.text.Lower("email"))),
                    name="user_email_lower",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Invitation",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("email", models.EmailField(max_length=254)),
            ("role", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="accounts.role")),
            ("token_hash", models.CharField(max_length=64, unique=True)),
            (
                "invited_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("made_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("expires_at", models.DateTimeField()),
            ("used_at", models.DateTimeField(null=True)),
        ],
    ),
    migrations.CreateModel(
        name="LogEntry",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            (
                "user",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("who", models.CharField(blank=True, max_length=254)),
            ("event", models.CharField(max_length=40)),
            ("about", models.CharField(blank=True, max_length=200)),
            ("details", models.JSONField(default=dict)),
            ("address", models.GenericIPAddressField(null=True)),
        ],
        options={
            "indexes": [
                models.Index(fields=["-id"], name="log_newest"),
                models.Index(fields=["event", "-id"], name="log_event"),
                models.Index(
                    condition=models.Q(("event", "contacts_seen")), fields=["user", "about", "-at"], name="log_seen"
                ),
            ],
        },
    ),
)


class Migration(migrations.Migration):
    replaces = [("accounts", "0001_initial"), ("accounts", "0002_contacts_seen"), ("accounts", "0003_serve_at_till")]

    initial = True

    dependencies = []

    operations = [
        CreateModels(_TABLES),
    ]
