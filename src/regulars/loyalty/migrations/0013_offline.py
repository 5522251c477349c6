"""Tills without a line: what they sell by, what they told, and points that are spent before anybody looked."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("loyalty", "0012_owed"),
        ("purchases", "0004_costs"),
    ]

    operations = [
        migrations.CreateModel(
            name="SnapshotFacts",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("packed", models.BinaryField()),
            ],
        ),
        migrations.AddField(
            model_name="sale",
            name="is_offline",
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name="alert",
            name="kind",
            field=models.CharField(
                choices=[
                    ("limit", "More than usual"),
                    ("refused", "Refused at the limit"),
                    ("same", "Perhaps rung up twice"),
                    ("own", "A cashier's own card"),
                    ("offline", "Sold without a line"),
                ],
                max_length=8,
            ),
        ),
        migrations.CreateModel(
            name="OfflineDocument",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("till", models.CharField(max_length=100)),
                ("kind", models.CharField(choices=[("sale", "Receipt"), ("return", "Return")], max_length=6)),
                ("number", models.CharField(max_length=200)),
                ("digest", models.BinaryField(max_length=32)),
                ("body", models.JSONField()),
                ("happened_at", models.DateTimeField()),
                ("stored_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("problem", models.TextField(blank=True)),
            ],
            options={
                "indexes": [models.Index(fields=["happened_at", "till", "number"], name="offline_in_order")],
                "constraints": [
                    models.UniqueConstraint(fields=("till", "kind", "number"), name="offline_once"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["sale", "return"])), name="offline_kind_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TillSnapshot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=32, unique=True)),
                ("till", models.CharField(max_length=100)),
                ("zone", models.CharField(max_length=64)),
                ("partner", models.CharField(blank=True, max_length=40)),
                ("made_at", models.DateTimeField()),
                ("valid_until", models.DateTimeField()),
                (
                    "facts",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="snapshots",
                        to="loyalty.snapshotfacts",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="purchases.store",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["till", "-made_at"], name="snapshot_of_till")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("valid_until__gt", models.F("made_at"))), name="snapshot_lives"
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(condition=models.Q(("debt__gt", 0)), fields=["-debt"], name="account_in_debt"),
        ),
        migrations.RunSQL([(Path(__file__).with_name("0013_offline.sql").read_text(encoding="utf-8"), None)]),
    ]
