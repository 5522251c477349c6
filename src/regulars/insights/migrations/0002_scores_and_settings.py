import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0005_likeness"),
        ("insights", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditSettings",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("margin_pct", models.FloatField(null=True)),
                ("budget", models.BigIntegerField(null=True)),
                ("contact_cost", models.BigIntegerField(null=True)),
            ],
        ),
        migrations.RemoveIndex(
            model_name="score",
            name="score_last",
        ),
        migrations.AddField(
            model_name="auditrun",
            name="attempts",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="auditrun",
            name="night",
            field=models.DateField(null=True, unique=True),
        ),
        migrations.AddField(
            model_name="auditrun",
            name="reasons",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="score",
            name="groups",
            field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
        ),
        migrations.AddField(
            model_name="score",
            name="needs",
            field=models.JSONField(default=list),
        ),
        migrations.AddIndex(
            model_name="score",
            index=models.Index(fields=["-expected_value_12", "-customer"], name="score_value"),
        ),
        migrations.AddIndex(
            model_name="score",
            index=models.Index(fields=["-last_on", "-customer"], name="score_latest"),
        ),
        migrations.AddIndex(
            model_name="score",
            index=django.contrib.postgres.indexes.GinIndex(fields=["groups"], name="score_groups"),
        ),
        migrations.AddConstraint(
            model_name="auditsettings",
            constraint=models.CheckConstraint(condition=models.Q(("id", 1)), name="audit_settings_only_one"),
        ),
        migrations.AddConstraint(
            model_name="auditsettings",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("margin_pct", None), models.Q(("margin_pct__gt", 0), ("margin_pct__lt", 100)), _connector="OR"
                ),
                name="audit_margin_is_a_share",
            ),
        ),
        migrations.AddConstraint(
            model_name="auditsettings",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("budget", None), ("contact_cost", None)),
                    models.Q(
                        ("budget__gt", 0),
                        ("budget__isnull", False),
                        ("contact_cost__gt", 0),
                        ("contact_cost__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="audit_budget_with_cost",
            ),
        ),
    ]
