"""The business, the history of changes, what other programs are told, and answers to repeated requests."""

import django.db.models.functions.datetime
from django.db import migrations, models

from regulars.foundation.changes import TRACKER
from regulars.foundation.tables import CreateModels

# in this order: each refers to those before it
_TABLES = (
    migrations.CreateModel(
        name="Business",
        fields=[
            ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
            ("name", models.CharField(max_length=200)),
            ("currency", models.CharField(max_length=3)),
            ("time_zone", models.CharField(max_length=64)),
            ("language", models.CharField(choices=[("ru", "ru"), ("en", "en")], max_length=2)),
            (
                "region",
                models.CharField(
                    default="RU", help_text="where telephone numbers without a code are from", max_length=2
                ),
            ),
            ("is_demo", models.BooleanField(default=False)),
        ],
        options={
            "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="business_only_one")],
        },
    ),
    migrations.CreateModel(
        name="Change",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("actor_id", models.BigIntegerField(null=True)),
            ("source", models.CharField(blank=True, max_length=100)),
            ("table_name", models.CharField(max_length=63)),
            ("row_id", models.BigIntegerField()),
            ("customer_id", models.BigIntegerField(null=True)),
            ("action", models.CharField(max_length=6)),
            ("fields", models.JSONField(default=dict)),
        ],
        options={
            "indexes": [
                models.Index(fields=["customer_id", "-id"], name="change_of_customer"),
                models.Index(fields=["table_name", "row_id", "-id"], name="change_of_row"),
            ],
        },
    ),
    migrations.CreateModel(
        name="Answer",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("scope", models.CharField(max_length=100)),
            ("key", models.CharField(max_length=200)),
            ("body_hash", models.BinaryField(max_length=32)),
            ("status", models.PositiveSmallIntegerField(null=True)),
            ("content", models.JSONField(null=True)),
            ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
        options={
            "indexes": [models.Index(fields=["at"], name="answer_age")],
            "constraints": [models.UniqueConstraint(fields=("scope", "key"), name="answer_once")],
        },
    ),
    migrations.CreateModel(
        name="Happening",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("event", models.CharField(max_length=40)),
            ("content", models.JSONField()),
            ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
    ),
)


class Migration(migrations.Migration):
    replaces = [("foundation", "0001_initial"), ("foundation", "0002_outbox")]

    initial = True

    dependencies = []

    operations = [
        CreateModels(_TABLES),
        migrations.RunSQL(TRACKER),
    ]
