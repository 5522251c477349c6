"""Whose points a debt is about, when a purchase was told, and the triggers that settle both."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("loyalty", "0011_gifts_watched"),
    ]

    operations = [
        migrations.CreateModel(
            name="DebtPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount", models.BigIntegerField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="settlement",
            name="settlement_signs",
        ),
        migrations.AddField(
            model_name="settlement",
            name="told_on",
            field=models.DateField(null=True),
        ),
        migrations.AlterField(
            model_name="settlement",
            name="kind",
            field=models.CharField(
                choices=[("issued", "Points issued"), ("redeemed", "Points redeemed"), ("owed", "Points owed")],
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="settlement",
            name="posting",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.posting"
            ),
        ),
        migrations.AddConstraint(
            model_name="settlement",
            constraint=models.UniqueConstraint(fields=("posting", "root"), name="settlement_once"),
        ),
        migrations.AddConstraint(
            model_name="settlement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount__gte", 0), ("kind__in", ["issued", "owed"]), ("points__gt", 0)),
                    models.Q(("amount__lte", 0), ("kind__in", ["issued", "owed"]), ("points__lt", 0)),
                    models.Q(("amount__lte", 0), ("kind", "redeemed"), ("points__gt", 0)),
                    models.Q(("amount__gte", 0), ("kind", "redeemed"), ("points__lt", 0)),
                    _connector="OR",
                ),
                name="settlement_signs",
            ),
        ),
        migrations.AddField(
            model_name="debtpart",
            name="account",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.account"
            ),
        ),
        migrations.AddField(
            model_name="debtpart",
            name="posting",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.posting"
            ),
        ),
        migrations.AddField(
            model_name="debtpart",
            name="root",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.transaction"
            ),
        ),
        migrations.AddIndex(
            model_name="debtpart",
            index=models.Index(fields=["account", "root"], name="debt_part_of_account"),
        ),
        migrations.AddConstraint(
            model_name="debtpart",
            constraint=models.UniqueConstraint(fields=("posting", "root"), name="debt_part_once"),
        ),
        migrations.AddConstraint(
            model_name="debtpart",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount", 0), _negated=True), name="debt_part_of_something"
            ),
        ),
        migrations.RunSQL([(Path(__file__).with_name("0012_owed.sql").read_text(encoding="utf-8"), None)]),
    ]
