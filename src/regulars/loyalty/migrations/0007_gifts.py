"""Gifts for points, what members took of them, the trigger that keeps it, and what the nights found."""

import django.db.models.deletion
from django.db import migrations, models

# what was taken stands; a merge may give it to another, and somebody hands it out or cancels it
KEEP = """
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_reward FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but(
    'customer_id', 'handed_at', 'handed_by', 'cancelled_at', 'cancelled_by', 'cancellation_id'
);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0010_form_channels"),
        ("loyalty", "0006_cards"),
    ]

    operations = [
        migrations.AlterField(
            model_name="transaction",
            name="kind",
            field=models.CharField(
                choices=[
                    ("sale", "Purchase"),
                    ("return", "Return"),
                    ("void", "Cancelled purchase"),
                    ("expiry", "Points expired"),
                    ("gift", "Points as a gift"),
                    ("correction", "Correction by hand"),
                    ("capture", "Reserved points spent"),
                    ("reward", "Points for a gift"),
                    ("unreward", "Gift cancelled"),
                ],
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="Gift",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("product", models.CharField(blank=True, max_length=200)),
                ("stock", models.BigIntegerField()),
                ("points", models.BigIntegerField()),
                ("cost", models.BigIntegerField()),
                ("begins_on", models.DateField(null=True)),
                ("ends_on", models.DateField(null=True)),
                ("most_each", models.PositiveIntegerField(null=True)),
                ("tiers", models.JSONField(default=list)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("stock__gte", 0)), name="gift_stock_not_negative"),
                    models.CheckConstraint(
                        condition=models.Q(("cost__gte", 0), ("points__gt", 0)), name="gift_costs_points"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("begins_on", None),
                            ("ends_on", None),
                            ("ends_on__gte", models.F("begins_on")),
                            _connector="OR",
                        ),
                        name="gift_ends_after_it_begins",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("most_each", None), ("most_each__gt", 0), _connector="OR"),
                        name="gift_for_somebody",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reward",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("till", models.CharField(max_length=100)),
                ("number", models.CharField(max_length=200)),
                ("digest", models.BinaryField(max_length=32)),
                ("points", models.BigIntegerField()),
                ("cost", models.BigIntegerField()),
                ("taken_at", models.DateTimeField()),
                ("handed_at", models.DateTimeField(null=True)),
                ("handed_by", models.CharField(blank=True, max_length=310)),
                ("cancelled_at", models.DateTimeField(null=True)),
                ("cancelled_by", models.CharField(blank=True, max_length=310)),
                (
                    "cancellation",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="loyalty.transaction",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.customer",
                    ),
                ),
                (
                    "gift",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rewards", to="loyalty.gift"
                    ),
                ),
                (
                    "transaction",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="loyalty.transaction"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["customer", "-taken_at", "-id"], name="reward_of_customer")],
                "constraints": [
                    models.UniqueConstraint(fields=("till", "number"), name="reward_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("handed_at", None), ("handed_by", "")),
                            models.Q(
                                ("handed_at__gte", models.F("taken_at")),
                                ("handed_at__isnull", False),
                                models.Q(("handed_by", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="reward_handed_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("cancellation", None), ("cancelled_at", None), ("cancelled_by", "")),
                            models.Q(
                                ("cancellation__isnull", False),
                                ("cancelled_at__gte", models.F("taken_at")),
                                ("cancelled_at__isnull", False),
                                models.Q(("cancelled_by", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="reward_cancelled_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("handed_at", None),
                            ("cancelled_at", None),
                            ("cancelled_at__gte", models.F("handed_at")),
                            _connector="OR",
                        ),
                        name="reward_cancelled_last",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CatalogueMeasure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("made_at", models.DateTimeField(unique=True)),
                ("figures", models.JSONField()),
            ],
        ),
        migrations.CreateModel(
            name="Taste",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("category", models.CharField(max_length=200)),
                ("buyers", models.BigIntegerField()),
                ("likers", models.BigIntegerField()),
                (
                    "gift",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tastes", to="loyalty.gift"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("gift", "category"), name="taste_once"),
                    models.CheckConstraint(
                        condition=models.Q(("likers__gt", 0), ("likers__lte", models.F("buyers"))),
                        name="taste_of_some_of_the_buyers",
                    ),
                ],
            },
        ),
        migrations.RunSQL([(KEEP, None)]),
    ]
