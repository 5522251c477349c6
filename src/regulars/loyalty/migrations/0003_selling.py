"""The programme in versions, what tills sold by it, and the triggers that keep both."""

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

KEEP = """
-- Rows that stand for ever, but for the columns that the trigger names.
CREATE FUNCTION loyalty_keep_but() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (to_jsonb(NEW) - TG_ARGV) = (to_jsonb(OLD) - TG_ARGV) THEN RETURN NEW; END IF;
    RAISE EXCEPTION '% keeps what it has', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_programme
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but('published_by_id');
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_sale
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but('customer_id', 'balance');
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_saleline
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but('returned');
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_salereturn
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0010_form_channels"),
        ("loyalty", "0002_ledger"),
        ("purchases", "0004_costs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Programme",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rules", models.JSONField()),
                ("note", models.CharField(blank=True, max_length=300)),
                ("valid_from", models.DateTimeField(unique=True)),
                ("published_at", models.DateTimeField()),
                (
                    "published_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Sale",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("till", models.CharField(max_length=100)),
                ("number", models.CharField(max_length=200)),
                ("digest", models.BinaryField(max_length=32)),
                ("cashier", models.CharField(blank=True, max_length=200)),
                ("purchased_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("price", models.BigIntegerField()),
                ("discount", models.BigIntegerField()),
                ("by_points", models.BigIntegerField()),
                ("points_spent", models.BigIntegerField()),
                ("points_earned", models.BigIntegerField()),
                ("points_as", models.CharField(max_length=8)),
                ("balance", models.BigIntegerField(null=True)),
                ("stamps", models.JSONField(default=list)),
                ("why", models.JSONField(default=list)),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.customer",
                    ),
                ),
                (
                    "programme",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="loyalty.programme",
                    ),
                ),
                (
                    "receipt",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="purchases.receipt"
                    ),
                ),
                (
                    "transaction",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="loyalty.transaction",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SaleLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField()),
                ("product", models.CharField(max_length=200)),
                ("category", models.CharField(blank=True, max_length=200)),
                ("quantity", models.DecimalField(decimal_places=6, max_digits=18)),
                ("returned", models.DecimalField(decimal_places=6, default=0, max_digits=18)),
                ("price", models.BigIntegerField()),
                ("cost", models.BigIntegerField(null=True)),
                ("floor", models.BigIntegerField(null=True)),
                ("discount", models.BigIntegerField()),
                ("by_points", models.BigIntegerField()),
                ("lowered", models.BigIntegerField()),
                ("earned", models.BigIntegerField()),
                (
                    "sale",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="loyalty.sale",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SaleReturn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("till", models.CharField(max_length=100)),
                ("number", models.CharField(max_length=200)),
                ("digest", models.BinaryField(max_length=32)),
                ("is_void", models.BooleanField(default=False)),
                ("returned_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("lines", models.JSONField()),
                ("refund", models.BigIntegerField()),
                ("points_back", models.BigIntegerField()),
                ("points_taken", models.BigIntegerField()),
                (
                    "receipt",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="purchases.receipt"
                    ),
                ),
                (
                    "sale",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="returns", to="loyalty.sale"
                    ),
                ),
                (
                    "transaction",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="loyalty.transaction",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="WaitingReturn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("till", models.CharField(max_length=100)),
                ("number", models.CharField(max_length=200)),
                ("digest", models.BinaryField(max_length=32)),
                ("sale_till", models.CharField(max_length=100)),
                ("sale_number", models.CharField(max_length=200)),
                ("wanted", models.JSONField()),
                ("came_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["sale_till", "sale_number"], name="waiting_return_of_sale")],
                "constraints": [models.UniqueConstraint(fields=("till", "number"), name="waiting_return_once")],
            },
        ),
        migrations.AddConstraint(
            model_name="programme",
            constraint=models.CheckConstraint(
                condition=models.Q(("valid_from__gte", models.F("published_at"))), name="programme_begins_later"
            ),
        ),
        migrations.AddIndex(
            model_name="sale",
            index=models.Index(fields=["customer", "-purchased_at"], name="sale_of_customer"),
        ),
        migrations.AddConstraint(
            model_name="sale",
            constraint=models.UniqueConstraint(fields=("till", "number"), name="sale_once"),
        ),
        migrations.AddConstraint(
            model_name="sale",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("by_points__gte", 0),
                    ("discount__gte", 0),
                    ("points_earned__gte", 0),
                    ("points_spent__gte", 0),
                    (
                        "price__gte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("discount"), "+", models.F("by_points")
                        ),
                    ),
                ),
                name="sale_pays_no_less_than_nothing",
            ),
        ),
        migrations.AddConstraint(
            model_name="sale",
            constraint=models.CheckConstraint(
                condition=models.Q(("points_as__in", ["discount", "payment"])), name="sale_points_as_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="saleline",
            constraint=models.UniqueConstraint(fields=("sale", "position"), name="sale_line_once"),
        ),
        migrations.AddConstraint(
            model_name="saleline",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gt", 0), ("returned__gte", 0), ("returned__lte", models.F("quantity"))),
                name="sale_line_returned",
            ),
        ),
        migrations.AddConstraint(
            model_name="saleline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("by_points__gte", 0),
                    ("discount__gte", 0),
                    ("earned__gte", 0),
                    (
                        "price__gte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("discount"), "+", models.F("by_points")
                        ),
                    ),
                ),
                name="sale_line_pays",
            ),
        ),
        migrations.AddConstraint(
            model_name="saleline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("floor", None),
                    (
                        "price__gte",
                        django.db.models.expressions.CombinedExpression(models.F("floor"), "+", models.F("lowered")),
                    ),
                    _connector="OR",
                ),
                name="sale_line_keeps_margin",
            ),
        ),
        migrations.AddConstraint(
            model_name="saleline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("lowered", models.F("discount")),
                    (
                        "lowered",
                        django.db.models.expressions.CombinedExpression(
                            models.F("discount"), "+", models.F("by_points")
                        ),
                    ),
                    _connector="OR",
                ),
                name="sale_line_lowered",
            ),
        ),
        migrations.AddConstraint(
            model_name="salereturn",
            constraint=models.UniqueConstraint(fields=("till", "number"), name="sale_return_once"),
        ),
        migrations.AddConstraint(
            model_name="salereturn",
            constraint=models.CheckConstraint(
                condition=models.Q(("points_back__gte", 0), ("points_taken__gte", 0), ("refund__gte", 0)),
                name="sale_return_gives_back",
            ),
        ),
        migrations.RunSQL([(KEEP, None)]),
    ]
