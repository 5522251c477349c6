"""Gifts are watched at tills as receipts are, can be set aside, and alerts may be told anew after a decision."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# who gave a gift out was in one text with the till; what waits already can be shown at a till too
BEFORE = """
ALTER TABLE loyalty_reward DISABLE TRIGGER keep;
UPDATE loyalty_reward SET cashier = left(substr(handed_by, length(till) + 2), 200)
    WHERE starts_with(handed_by, till || ' ');
UPDATE loyalty_reward SET code = upper(left(replace(gen_random_uuid()::text, '-', ''), 12))
    WHERE handed_at IS NULL AND cancelled_at IS NULL;
SET CONSTRAINTS ALL IMMEDIATE;
DROP TRIGGER keep ON loyalty_reward;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_reward FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but(
    'customer_id', 'handed_at', 'handed_by', 'handed_number', 'cancelled_at', 'cancelled_by', 'cancellation_id'
);
DROP TRIGGER decided ON loyalty_alert;
CREATE TRIGGER decided BEFORE UPDATE ON loyalty_alert FOR EACH ROW WHEN (OLD.decision <> '')
    EXECUTE FUNCTION loyalty_keep_but('customer_id', 'decided_by_id', 'since');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0010_form_channels"),
        ("loyalty", "0010_page"),
        ("purchases", "0004_costs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="alert",
            name="since",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="gift",
            name="taken_year",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="reward",
            name="cashier",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="reward",
            name="code",
            field=models.CharField(max_length=20, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="reward",
            name="store",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="purchases.store",
            ),
        ),
        migrations.AddField(
            model_name="reward",
            name="handed_number",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="reward",
            name="until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="alert",
            name="key",
            field=models.CharField(max_length=32),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["key", "-id"], name="alert_about"),
        ),
        migrations.AddIndex(
            model_name="reward",
            index=models.Index(
                condition=models.Q(("cashier", ""), _negated=True),
                fields=["cashier", "taken_at"],
                name="reward_of_cashier",
            ),
        ),
        migrations.AddIndex(
            model_name="reward",
            index=models.Index(fields=["till", "taken_at"], name="reward_of_till"),
        ),
        migrations.AddIndex(
            model_name="reward",
            index=models.Index(fields=["store", "taken_at"], name="reward_of_store"),
        ),
        migrations.AddIndex(
            model_name="reward",
            index=models.Index(fields=["taken_at"], name="reward_taken"),
        ),
        migrations.AddIndex(
            model_name="reward",
            index=models.Index(
                condition=models.Q(("cancelled_at", None), ("handed_at", None), ("until__isnull", False)),
                fields=["until"],
                name="reward_set_aside",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("decision", "")), fields=("key",), name="alert_open_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="reward",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("until", None),
                    models.Q(("code__isnull", False), ("until__gt", models.F("taken_at"))),
                    _connector="OR",
                ),
                name="reward_set_aside_for_a_time",
            ),
        ),
        migrations.RunSQL([(BEFORE, None)]),
    ]
