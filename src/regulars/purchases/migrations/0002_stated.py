"""Who said what goods cost, and when; what is there already was said by nobody who is known."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

_SEED = """
INSERT INTO purchases_stated (product_id, what, value, of, program)
SELECT id, 'cost', cost, updated_at, '' FROM purchases_product WHERE cost IS NOT NULL;
INSERT INTO purchases_stated (product_id, what, value, of, program, raised_on)
SELECT id, 'price', price, updated_at, '', price_raised_on FROM purchases_product WHERE price IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("purchases", "0001_tables"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PriceKind",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=100, unique=True)),
                ("name", models.CharField(max_length=200)),
                (
                    "means",
                    models.CharField(
                        blank=True, choices=[("cost", "Cost of one unit"), ("price", "Price of one unit")], max_length=5
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Stated",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "what",
                    models.CharField(
                        choices=[("cost", "Cost of one unit"), ("price", "Price of one unit")], max_length=5
                    ),
                ),
                ("value", models.BigIntegerField(null=True)),
                ("of", models.DateTimeField()),
                ("program", models.CharField(blank=True, max_length=100)),
                ("raised_on", models.DateField(null=True)),
            ],
        ),
        migrations.AlterField(
            model_name="import",
            name="kind",
            field=models.CharField(
                choices=[
                    ("purchases", "Purchases"),
                    ("customers", "Customers"),
                    ("commerceml", "CommerceML"),
                    ("fiscal", "Fiscal receipts"),
                    ("goods", "Costs and prices of goods"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="product",
            index=models.Index(fields=["name", "id"], name="product_by_name"),
        ),
        migrations.AddConstraint(
            model_name="pricekind",
            constraint=models.UniqueConstraint(
                condition=models.Q(("means", ""), _negated=True), fields=("means",), name="price_kind_means_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="pricekind",
            constraint=models.CheckConstraint(
                condition=models.Q(("means__in", ["", "cost", "price"])), name="price_kind_known"
            ),
        ),
        migrations.AddField(
            model_name="stated",
            name="by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="stated",
            name="imported_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="stated",
                to="purchases.import",
            ),
        ),
        migrations.AddField(
            model_name="stated",
            name="product",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="stated",
                to="purchases.product",
            ),
        ),
        migrations.AddIndex(
            model_name="stated",
            index=models.Index(fields=["product", "what", "-of", "-id"], name="stated_last"),
        ),
        migrations.AddConstraint(
            model_name="stated",
            constraint=models.UniqueConstraint(fields=("imported_by", "product", "what"), name="stated_once_by_import"),
        ),
        migrations.AddConstraint(
            model_name="stated",
            constraint=models.CheckConstraint(
                condition=models.Q(("what__in", ["cost", "price"])), name="stated_what_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="stated",
            constraint=models.CheckConstraint(
                condition=models.Q(("value__isnull", True), ("value__gte", 0), _connector="OR"),
                name="stated_not_negative",
            ),
        ),
        migrations.RunSQL(_SEED, ""),
    ]
