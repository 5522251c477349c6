"""The pages that customers open by links and codes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0010_form_channels"),
        ("loyalty", "0009_coalition"),
    ]

    operations = [
        migrations.CreateModel(
            name="CustomerPage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40, unique=True)),
                ("version", models.PositiveIntegerField(default=1)),
                ("made_at", models.DateTimeField()),
                ("code_digest", models.CharField(max_length=64, null=True, unique=True)),
                ("code_until", models.DateTimeField(null=True)),
                ("tired_until", models.DateTimeField(null=True)),
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("code_digest", None), ("code_until", None)),
                            models.Q(("code_digest__isnull", False), ("code_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="page_code_ends",
                    )
                ],
            },
        ),
    ]
