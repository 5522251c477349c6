"""Partners with their contracts, what is settled with them, and the triggers that write and keep it."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0010_form_channels"),
        ("loyalty", "0008_watch"),
        ("purchases", "0004_costs"),
    ]

    operations = [
        migrations.CreateModel(
            name="Contract",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("begins_on", models.DateField()),
                ("agreed_at", models.DateTimeField()),
                ("currency", models.CharField(max_length=3)),
                ("issue_price", models.BigIntegerField()),
                ("redeem_price", models.BigIntegerField()),
                ("settled_after_days", models.PositiveSmallIntegerField(default=0)),
                ("most_issued_a_day", models.BigIntegerField(null=True)),
                ("most_issued_a_month", models.BigIntegerField(null=True)),
                ("most_redeemed_a_day", models.BigIntegerField(null=True)),
                ("most_redeemed_a_month", models.BigIntegerField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Partner",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=100)),
                ("about_ru", models.CharField(blank=True, max_length=500)),
                ("about_en", models.CharField(blank=True, max_length=500)),
                ("addresses", models.TextField(blank=True, max_length=2000)),
                ("is_listed", models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name="PartnerStore",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
        ),
        migrations.CreateModel(
            name="PartnerTill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("till", models.CharField(max_length=100, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Settlement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("issued", "Points issued"), ("redeemed", "Points redeemed")], max_length=8
                    ),
                ),
                ("points", models.BigIntegerField()),
                ("amount", models.BigIntegerField()),
                ("due_on", models.DateField()),
            ],
        ),
        migrations.CreateModel(
            name="SettlementDay",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("closed_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="SettlementNet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Statement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("first", models.DateField()),
                ("last", models.DateField()),
                ("made_at", models.DateTimeField()),
                ("lines", models.JSONField()),
                ("amount", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="ContractUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("used_on", models.DateField()),
                ("issued", models.BigIntegerField()),
                ("redeemed", models.BigIntegerField()),
                (
                    "contract",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="uses",
                        to="loyalty.contract",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="contract",
            name="partner",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="contracts",
                to="loyalty.partner",
            ),
        ),
        migrations.AddField(
            model_name="sale",
            name="partner",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="loyalty.partner",
            ),
        ),
        migrations.AddIndex(
            model_name="sale",
            index=models.Index(
                condition=models.Q(("partner__isnull", False)), fields=["partner", "id"], name="sale_of_partner"
            ),
        ),
        migrations.AddField(
            model_name="partnerstore",
            name="partner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="stores", to="loyalty.partner"
            ),
        ),
        migrations.AddField(
            model_name="partnerstore",
            name="store",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="of_partner", to="purchases.store"
            ),
        ),
        migrations.AddField(
            model_name="partnertill",
            name="partner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="tills", to="loyalty.partner"
            ),
        ),
        migrations.AddField(
            model_name="settlement",
            name="contract",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.contract"
            ),
        ),
        migrations.AddField(
            model_name="settlement",
            name="partner",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.partner"
            ),
        ),
        migrations.AddField(
            model_name="settlement",
            name="posting",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.posting"
            ),
        ),
        migrations.AddField(
            model_name="settlement",
            name="root",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.transaction"
            ),
        ),
        migrations.AddField(
            model_name="settlement",
            name="day",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="loyalty.settlementday",
            ),
        ),
        migrations.AddField(
            model_name="settlementnet",
            name="day",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="nets",
                to="loyalty.settlementday",
            ),
        ),
        migrations.AddField(
            model_name="settlementnet",
            name="partner",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="nets", to="loyalty.partner"
            ),
        ),
        migrations.AddField(
            model_name="statement",
            name="partner",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="statements",
                to="loyalty.partner",
            ),
        ),
        migrations.AddConstraint(
            model_name="contractuse",
            constraint=models.UniqueConstraint(fields=("contract", "used_on"), name="contract_use_once"),
        ),
        migrations.AddConstraint(
            model_name="contract",
            constraint=models.UniqueConstraint(fields=("partner", "begins_on"), name="contract_once"),
        ),
        migrations.AddConstraint(
            model_name="contract",
            constraint=models.CheckConstraint(
                condition=models.Q(("redeem_price__gte", 0), ("redeem_price__lte", models.F("issue_price"))),
                name="contract_no_cycle",
            ),
        ),
        migrations.AddIndex(
            model_name="settlement",
            index=models.Index(fields=["root", "kind"], name="settlement_of_root"),
        ),
        migrations.AddIndex(
            model_name="settlement",
            index=models.Index(fields=["partner", "day", "id"], name="settlement_of_partner"),
        ),
        migrations.AddIndex(
            model_name="settlement",
            index=models.Index(
                condition=models.Q(("day__isnull", False)), fields=["day", "partner"], name="settlement_of_day"
            ),
        ),
        migrations.AddIndex(
            model_name="settlement",
            index=models.Index(condition=models.Q(("day", None)), fields=["due_on"], name="settlement_open"),
        ),
        migrations.AddConstraint(
            model_name="settlement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount__gte", 0), ("kind", "issued"), ("points__gt", 0)),
                    models.Q(("amount__lte", 0), ("kind", "issued"), ("points__lt", 0)),
                    models.Q(("amount__lte", 0), ("kind", "redeemed"), ("points__gt", 0)),
                    models.Q(("amount__gte", 0), ("kind", "redeemed"), ("points__lt", 0)),
                    _connector="OR",
                ),
                name="settlement_signs",
            ),
        ),
        migrations.AddConstraint(
            model_name="settlementnet",
            constraint=models.UniqueConstraint(
                fields=("day", "partner"), name="settlement_net_once", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="statement",
            constraint=models.UniqueConstraint(fields=("partner", "number"), name="statement_once"),
        ),
        migrations.AddConstraint(
            model_name="statement",
            constraint=models.CheckConstraint(
                condition=models.Q(("last__gte", models.F("first"))), name="statement_has_days"
            ),
        ),
        migrations.RunSQL([(Path(__file__).with_name("0009_coalition.sql").read_text(encoding="utf-8"), None)]),
    ]
