"""Cards in batches, and which of them are blocked."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("loyalty", "0005_codes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CardBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60, unique=True)),
                (
                    "scheme",
                    models.CharField(
                        choices=[("ean13", "EAN-13, which every till reads"), ("luhn", "Any length, as on bank cards")],
                        max_length=5,
                    ),
                ),
                ("prefix", models.CharField(max_length=12)),
                ("digits", models.PositiveSmallIntegerField()),
                ("is_random", models.BooleanField()),
                ("is_virtual", models.BooleanField(default=False)),
                ("next_serial", models.BigIntegerField(default=1)),
                ("made_at", models.DateTimeField()),
                (
                    "made_by",
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
            name="Card",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=64)),
                ("blocked_at", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("is_replaced", models.BooleanField(default=False)),
                (
                    "blocked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cards",
                        to="loyalty.cardbatch",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="cardbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("digits", 13), ("scheme", "ean13")),
                    models.Q(("digits__range", (6, 19)), ("scheme", "luhn")),
                    _connector="OR",
                ),
                name="card_batch_scheme",
            ),
        ),
        migrations.AddConstraint(
            model_name="cardbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("prefix__regex", "^[1-9][0-9]*$")), name="card_batch_prefix"
            ),
        ),
        migrations.AddConstraint(
            model_name="cardbatch",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_virtual", True)), fields=("is_virtual",), name="card_batch_one_virtual"
            ),
        ),
        migrations.AddIndex(
            model_name="card",
            index=models.Index(fields=["batch", "id"], name="card_of_batch"),
        ),
        migrations.AddConstraint(
            model_name="card",
            constraint=models.CheckConstraint(
                condition=models.Q(("batch", None), ("number__regex", "^[0-9]+$"), _connector="OR"),
                name="card_number_digits",
            ),
        ),
        migrations.AddConstraint(
            model_name="card",
            constraint=models.UniqueConstraint(fields=("number",), name="card_number_once"),
        ),
        migrations.AddConstraint(
            model_name="card",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_replaced", False), ("blocked_at__isnull", False), _connector="OR"),
                name="card_replaced_is_blocked",
            ),
        ),
    ]
