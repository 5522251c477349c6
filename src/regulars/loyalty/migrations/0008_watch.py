"""Alerts about receipts, corrections of points by hand with their movement in the ledger, and the rights for both."""

from pathlib import Path

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0010_form_channels"),
        ("loyalty", "0007_gifts"),
        ("purchases", "0004_costs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=32, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("limit", "More than usual"),
                            ("refused", "Refused at the limit"),
                            ("same", "Perhaps rung up twice"),
                            ("own", "A cashier's own card"),
                        ],
                        max_length=8,
                    ),
                ),
                ("of", models.CharField(blank=True, max_length=8)),
                ("per", models.CharField(blank=True, max_length=4)),
                ("subject", models.CharField(blank=True, max_length=200)),
                ("begins_at", models.DateTimeField()),
                ("figures", models.JSONField(default=dict)),
                ("found_at", models.DateTimeField()),
                (
                    "decision",
                    models.CharField(
                        blank=True,
                        choices=[("", "waits"), ("right", "it was right"), ("wrong", "it was wrong")],
                        max_length=5,
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Correction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=64, unique=True)),
                ("points", models.BigIntegerField()),
                ("reason", models.CharField(max_length=300)),
                ("needs_two", models.BooleanField()),
                ("asked_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "waits"), ("done", "done"), ("declined", "declined")],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Look",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("looked_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="sale",
            name="store",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="purchases.store",
            ),
        ),
        migrations.AddIndex(
            model_name="sale",
            index=models.Index(
                condition=models.Q(("cashier", ""), _negated=True),
                fields=["cashier", "purchased_at"],
                name="sale_of_cashier",
            ),
        ),
        migrations.AddIndex(
            model_name="sale",
            index=models.Index(fields=["till", "purchased_at"], name="sale_of_till"),
        ),
        migrations.AddIndex(
            model_name="sale",
            index=models.Index(fields=["store", "purchased_at"], name="sale_of_store"),
        ),
        migrations.AddIndex(
            model_name="sale",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["recorded_at"], name="sale_recorded"
            ),
        ),
        migrations.AddIndex(
            model_name="sale",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["purchased_at"], name="sale_purchased"
            ),
        ),
        migrations.AddField(
            model_name="alert",
            name="customer",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
            ),
        ),
        migrations.AddField(
            model_name="alert",
            name="decided_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="alert",
            name="other",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="loyalty.sale",
            ),
        ),
        migrations.AddField(
            model_name="alert",
            name="sale",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.sale"
            ),
        ),
        migrations.AddField(
            model_name="correction",
            name="asked_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="correction",
            name="customer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
            ),
        ),
        migrations.AddField(
            model_name="correction",
            name="decided_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="correction",
            name="transaction",
            field=models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.transaction"
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(condition=models.Q(("decision", "")), fields=["-id"], name="alert_open"),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("decision", "")),
                    models.Q(("decided_at__isnull", False), ("decision__in", ["right", "wrong"])),
                    _connector="OR",
                ),
                name="alert_decided_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "same"), _negated=True),
                    models.Q(("other__isnull", False), ("sale__isnull", False)),
                    _connector="OR",
                ),
                name="alert_of_two_receipts",
            ),
        ),
        migrations.AddIndex(
            model_name="correction",
            index=models.Index(condition=models.Q(("state", "waiting")), fields=["-id"], name="correction_waiting"),
        ),
        migrations.AddIndex(
            model_name="correction",
            index=models.Index(fields=["asked_by", "asked_at"], name="correction_of_user"),
        ),
        migrations.AddConstraint(
            model_name="correction",
            constraint=models.CheckConstraint(
                condition=models.Q(("points", 0), _negated=True), name="correction_of_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="correction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("state", "waiting"), ("transaction", None)),
                    models.Q(("decided_at__isnull", False), ("state", "done"), ("transaction__isnull", False)),
                    models.Q(("decided_at__isnull", False), ("state", "declined"), ("transaction", None)),
                    _connector="OR",
                ),
                name="correction_posted_when_done",
            ),
        ),
        migrations.AddConstraint(
            model_name="correction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("needs_two", False),
                    ("asked_by", None),
                    ("decided_by", None),
                    models.Q(("asked_by", models.F("decided_by")), _negated=True),
                    ("state", "declined"),
                    _connector="OR",
                ),
                name="correction_by_two",
            ),
        ),
        migrations.RunSQL([(Path(__file__).with_name("0008_watch.sql").read_text(encoding="utf-8"), None)]),
    ]
