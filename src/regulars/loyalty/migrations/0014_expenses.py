"""What cards and the programme itself cost, and merges that move points."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0010_form_channels"),
        ("loyalty", "0013_offline"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Expense",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=64, unique=True)),
                ("spent_on", models.DateField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("messages", "Messages"), ("work", "Work of people"), ("other", "Other expenses")],
                        max_length=8,
                    ),
                ),
                ("amount", models.BigIntegerField()),
                ("note", models.CharField(blank=True, max_length=200)),
                ("typed_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="alert",
            name="merge",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.merge"
            ),
        ),
        migrations.AddField(
            model_name="cardbatch",
            name="cost",
            field=models.BigIntegerField(null=True),
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
                    ("merged", "Points moved by a merge"),
                ],
                max_length=8,
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "merged"), _negated=True), ("merge__isnull", False), _connector="OR"
                ),
                name="alert_of_a_merge",
            ),
        ),
        migrations.AddConstraint(
            model_name="cardbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("cost", None), ("cost__gte", 0), _connector="OR"), name="card_batch_cost"
            ),
        ),
        migrations.AddField(
            model_name="expense",
            name="typed_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="expense",
            index=models.Index(fields=["spent_on", "id"], name="expense_of_day"),
        ),
        migrations.AddConstraint(
            model_name="expense",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0), ("kind__in", ["messages", "work", "other"])),
                name="expense_of_something",
            ),
        ),
    ]
