"""Gift certificates with the triggers that hold their money; cards that are paid for, and those of companies."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0010_form_channels"),
        ("loyalty", "0014_expenses"),
        ("purchases", "0004_costs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Certificate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=16, unique=True)),
                ("sold_for", models.BigIntegerField(null=True)),
                ("balance", models.BigIntegerField(default=0)),
                ("expires_at", models.DateTimeField(null=True)),
                ("is_cancelled", models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name="CertificateBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60, unique=True)),
                ("amount", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("days", models.PositiveIntegerField(null=True)),
                ("made_at", models.DateTimeField()),
                ("taken_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="CertificateDeal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("till", models.CharField(max_length=100)),
                ("number", models.CharField(max_length=200)),
                ("digest", models.BinaryField(max_length=32)),
                ("cashier", models.CharField(blank=True, max_length=200)),
                ("amount", models.BigIntegerField()),
                ("made_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="CertificateMovement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("sold", "Sold"),
                            ("spent", "Paid with it"),
                            ("returned", "Goods came back"),
                            ("expired", "Its time was over"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=9,
                    ),
                ),
                ("amount", models.BigIntegerField()),
                ("balance", models.BigIntegerField()),
                ("until", models.DateTimeField(null=True)),
                ("moved_at", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.AddField(
            model_name="sale",
            name="by_certificates",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="salereturn",
            name="to_certificates",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddConstraint(
            model_name="sale",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("by_certificates__gte", 0),
                    (
                        "price__gte",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("discount"), "+", models.F("by_points")
                            ),
                            "+",
                            models.F("by_certificates"),
                        ),
                    ),
                ),
                name="sale_certificates_pay_no_more",
            ),
        ),
        migrations.AddConstraint(
            model_name="salereturn",
            constraint=models.CheckConstraint(
                condition=models.Q(("to_certificates__gte", 0)), name="sale_return_to_certificates"
            ),
        ),
        migrations.AddField(
            model_name="certificatebatch",
            name="made_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="certificatebatch",
            name="taken_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="certificate",
            name="batch",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="certificates",
                to="loyalty.certificatebatch",
            ),
        ),
        migrations.AddField(
            model_name="certificatedeal",
            name="reverses",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="returns",
                to="loyalty.certificatedeal",
            ),
        ),
        migrations.AddField(
            model_name="certificatemovement",
            name="actor",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="certificatemovement",
            name="back",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="loyalty.salereturn",
            ),
        ),
        migrations.AddField(
            model_name="certificatemovement",
            name="certificate",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="movements",
                to="loyalty.certificate",
            ),
        ),
        migrations.AddField(
            model_name="certificatemovement",
            name="deal",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="movements",
                to="loyalty.certificatedeal",
            ),
        ),
        migrations.AddField(
            model_name="certificatemovement",
            name="sale",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="certificate_movements",
                to="loyalty.sale",
            ),
        ),
        migrations.AddConstraint(
            model_name="certificatebatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="certificates_are_worth_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="certificatebatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("days", None), ("days__gt", 0), _connector="OR"), name="certificates_live"
            ),
        ),
        migrations.AddIndex(
            model_name="certificate",
            index=models.Index(fields=["batch", "id"], name="certificate_of_batch"),
        ),
        migrations.AddIndex(
            model_name="certificate",
            index=models.Index(
                condition=models.Q(("balance__gt", 0)), fields=["expires_at"], name="certificate_to_expire"
            ),
        ),
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__regex", "^[1-9][0-9]{15}$")), name="certificate_number_digits"
            ),
        ),
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("balance", 0), ("expires_at", None), ("sold_for", None)),
                    models.Q(("balance__gte", 0), ("balance__lte", models.F("sold_for")), ("sold_for__gt", 0)),
                    _connector="OR",
                ),
                name="certificate_has_what_was_paid",
            ),
        ),
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_cancelled", False), models.Q(("balance", 0), ("sold_for__isnull", False)), _connector="OR"
                ),
                name="certificate_cancelled_empty",
            ),
        ),
        migrations.AddConstraint(
            model_name="certificatedeal",
            constraint=models.UniqueConstraint(fields=("till", "number"), name="certificate_deal_once"),
        ),
        migrations.AddConstraint(
            model_name="certificatedeal",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="certificate_deal_of_money"),
        ),
        migrations.AddIndex(
            model_name="certificatemovement",
            index=models.Index(fields=["certificate", "id"], name="movement_of_certificate"),
        ),
        migrations.AddIndex(
            model_name="certificatemovement",
            index=models.Index(fields=["moved_at"], name="movement_of_day"),
        ),
        migrations.AddConstraint(
            model_name="certificatemovement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount__gt", 0), ("kind__in", ["sold", "returned"])),
                    models.Q(("amount__lt", 0), ("kind__in", ["spent", "expired", "cancelled"])),
                    _connector="OR",
                ),
                name="movement_signs",
            ),
        ),
        migrations.AddConstraint(
            model_name="certificatemovement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("back", None), ("deal__isnull", False), ("kind", "sold"), ("sale", None)),
                    models.Q(("back", None), ("deal", None), ("kind", "spent"), ("sale__isnull", False)),
                    models.Q(("back__isnull", False), ("deal", None), ("kind", "returned"), ("sale__isnull", False)),
                    models.Q(("back", None), ("deal", None), ("kind", "expired"), ("sale", None)),
                    models.Q(
                        ("back", None),
                        ("kind", "cancelled"),
                        ("sale", None),
                        models.Q(("deal__isnull", False), models.Q(("reason", ""), _negated=True), _connector="OR"),
                    ),
                    _connector="OR",
                ),
                name="movement_has_its_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="certificatemovement",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "sold")), fields=("certificate",), name="movement_sold_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="certificatemovement",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "spent")), fields=("sale", "certificate"), name="movement_spent_once"
            ),
        ),
        migrations.CreateModel(
            name="CardSale",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("till", models.CharField(max_length=100)),
                ("number", models.CharField(max_length=200)),
                ("digest", models.BinaryField(max_length=32)),
                ("cashier", models.CharField(blank=True, max_length=200)),
                ("price", models.BigIntegerField()),
                ("until", models.DateField()),
                ("sold_at", models.DateTimeField()),
                ("cancelled_at", models.DateTimeField(null=True)),
                ("cancelled_by", models.CharField(blank=True, max_length=310)),
            ],
        ),
        migrations.AddField(
            model_name="cardbatch",
            name="price",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="cardbatch",
            name="privilege",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="cardbatch",
            name="privilege_days",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddConstraint(
            model_name="cardbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("price", None), ("privilege", ""), ("privilege_days", None)),
                    models.Q(
                        ("is_virtual", False),
                        ("price__gt", 0),
                        ("privilege_days__gt", 0),
                        models.Q(("privilege", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="card_batch_paid_for_something",
            ),
        ),
        migrations.AddField(
            model_name="cardsale",
            name="batch",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.cardbatch"
            ),
        ),
        migrations.AddField(
            model_name="cardsale",
            name="card",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="loyalty.card"
            ),
        ),
        migrations.AddField(
            model_name="cardsale",
            name="customer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
            ),
        ),
        migrations.AddIndex(
            model_name="cardsale",
            index=models.Index(fields=["sold_at"], name="card_sale_of_day"),
        ),
        migrations.AddConstraint(
            model_name="cardsale",
            constraint=models.UniqueConstraint(fields=("till", "number"), name="card_sale_once"),
        ),
        migrations.AddConstraint(
            model_name="cardsale",
            constraint=models.CheckConstraint(condition=models.Q(("price__gt", 0)), name="card_sale_of_money"),
        ),
        migrations.AddConstraint(
            model_name="cardsale",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("cancelled_at", None), ("cancelled_by", "")),
                    models.Q(
                        ("cancelled_at__gte", models.F("sold_at")),
                        ("cancelled_at__isnull", False),
                        models.Q(("cancelled_by", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="card_sale_cancelled_by_somebody",
            ),
        ),
        migrations.CreateModel(
            name="CardHolder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120)),
                ("most_turnover", models.BigIntegerField(null=True)),
                ("most_points", models.BigIntegerField(null=True)),
                (
                    "card",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="holder", to="loyalty.card"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="HolderSale",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "holder",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sales", to="loyalty.cardholder"
                    ),
                ),
                (
                    "sale",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.sale"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="cardholder",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="card_holder_has_a_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="cardholder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("most_turnover", None), ("most_turnover__gte", 0), _connector="OR"),
                    models.Q(("most_points", None), ("most_points__gte", 0), _connector="OR"),
                ),
                name="card_holder_limits",
            ),
        ),
        migrations.RunSQL([(Path(__file__).with_name("0015_certificates.sql").read_text(encoding="utf-8"), None)]),
    ]
