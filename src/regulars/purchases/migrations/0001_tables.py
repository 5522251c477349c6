"""Receipts with their lines, what they are about, imports, and which months the columnar copy must write anew."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from regulars.foundation.tables import CreateModels

# in this order: each refers to those before it
_TABLES = (
    migrations.CreateModel(
        name="Import",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "kind",
                models.CharField(
                    choices=[
                        ("purchases", "Purchases"),
                        ("customers", "Customers"),
                        ("commerceml", "CommerceML"),
                        ("fiscal", "Fiscal receipts"),
                    ],
                    max_length=10,
                ),
            ),
            (
                "state",
                models.CharField(
                    choices=[
                        ("draft", "Waits for your word"),
                        ("waiting", "Waits for the worker"),
                        ("running", "Is running"),
                        ("done", "Done"),
                        ("failed", "Failed"),
                        ("undoing", "Is being undone"),
                        ("undone", "Undone"),
                    ],
                    default="draft",
                    max_length=8,
                ),
            ),
            ("file_name", models.CharField(max_length=200)),
            ("stored_as", models.CharField(blank=True, max_length=64)),
            ("digest", models.CharField(db_index=True, max_length=64)),
            ("options", models.JSONField(default=dict)),
            ("progress", models.JSONField(default=dict)),
            ("result", models.JSONField(default=dict)),
            ("error", models.TextField(blank=True)),
            ("rejects_stored_as", models.CharField(blank=True, max_length=64)),
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
            ("finished_at", models.DateTimeField(null=True)),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        ("state__in", ["draft", "waiting", "running", "done", "failed", "undoing", "undone"])
                    ),
                    name="import_state_known",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Store",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=200, unique=True)),
            ("time_zone", models.CharField(blank=True, max_length=64)),
            ("import_id", models.BigIntegerField(null=True)),
        ],
    ),
    migrations.CreateModel(
        name="Seller",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=200, unique=True)),
            (
                "user",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("import_id", models.BigIntegerField(null=True)),
        ],
    ),
    migrations.CreateModel(
        name="Product",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("code", models.CharField(max_length=200, unique=True)),
            ("name", models.CharField(max_length=500)),
            ("category", models.CharField(blank=True, max_length=200)),
            ("cost", models.BigIntegerField(null=True)),
            ("price", models.BigIntegerField(null=True)),
            ("price_raised_on", models.DateField(null=True)),
            ("import_id", models.BigIntegerField(null=True)),
            ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
    ),
    migrations.CreateModel(
        name="Receipt",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "customer",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="receipts",
                    to="customers.customer",
                ),
            ),
            (
                "store",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="purchases.store",
                ),
            ),
            (
                "seller",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="purchases.seller",
                ),
            ),
            ("number", models.CharField(blank=True, max_length=200)),
            ("channel", models.CharField(blank=True, max_length=60)),
            ("purchased_at", models.DateTimeField()),
            ("amount", models.BigIntegerField()),
            ("key", models.BinaryField(max_length=32, unique=True)),
            (
                "imported_by",
                models.ForeignKey(
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="receipts",
                    to="purchases.import",
                ),
            ),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
        options={
            "indexes": [
                models.Index(fields=["customer", "-purchased_at", "-id"], name="receipt_of_customer"),
                models.Index(fields=["purchased_at"], name="receipt_moment"),
            ],
        },
    ),
    migrations.CreateModel(
        name="Line",
        fields=[
            (
                "pk",
                models.CompositePrimaryKey(
                    "receipt_id", "position", blank=True, editable=False, primary_key=True, serialize=False
                ),
            ),
            (
                "receipt",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="lines",
                    to="purchases.receipt",
                ),
            ),
            ("position", models.IntegerField()),
            (
                "product",
                models.ForeignKey(
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="purchases.product",
                ),
            ),
            ("quantity", models.FloatField(null=True)),
            ("amount", models.BigIntegerField()),
            ("discount", models.BigIntegerField(null=True)),
            ("cost", models.BigIntegerField(null=True)),
            ("promotion", models.CharField(blank=True, max_length=200)),
        ],
    ),
    migrations.CreateModel(
        name="Touched",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("month", models.DateField(null=True)),
        ],
    ),
    migrations.CreateModel(
        name="Filled",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "imported_by",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="filled", to="purchases.import"
                ),
            ),
            ("customer_id", models.BigIntegerField()),
            ("contact_id", models.BigIntegerField(null=True)),
            ("field", models.CharField(blank=True, max_length=60)),
            ("digest", models.CharField(blank=True, max_length=32)),
        ],
    ),
    migrations.CreateModel(
        name="Renamed",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "imported_by",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="renamed", to="purchases.import"
                ),
            ),
            (
                "product",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE, related_name="+", to="purchases.product"
                ),
            ),
            ("field", models.CharField(max_length=8)),
            ("before", models.CharField(blank=True, max_length=500)),
            ("after", models.CharField(blank=True, max_length=500)),
        ],
        options={
            "constraints": [models.UniqueConstraint(fields=("imported_by", "product", "field"), name="renamed_once")],
        },
    ),
)


class Migration(migrations.Migration):
    replaces = [
        ("purchases", "0001_initial"),
        ("purchases", "0002_touched"),
        ("purchases", "0003_renamed"),
        ("purchases", "0004_costs"),
    ]

    initial = True

    dependencies = [
        ("foundation", "0001_tables"),
        ("accounts", "0001_tables"),
        ("customers", "0001_tables"),
    ]

    operations = [
        CreateModels(_TABLES),
        migrations.RunSQL(Path(__file__).with_name("0001_touched.sql").read_text(encoding="utf-8")),
    ]
