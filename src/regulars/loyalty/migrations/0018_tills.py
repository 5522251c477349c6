"""Codes of customers' own pages at tills, which card replaced which, the floor of a receipt, and no right to delete."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

_HERE = Path(__file__).parent


def _former(name: str) -> str:
    """The function as it was before."""
    text = (_HERE / "0016_at_once.sql").read_text(encoding="utf-8")
    begin = text.index(f"CREATE FUNCTION {name}(")
    return text[begin : text.index("$$;", begin) + 3].replace("CREATE", "CREATE OR REPLACE", 1)


_BACK = """
DROP TRIGGER judge_floor ON loyalty_sale;
DROP FUNCTION loyalty_judge_floor();
DROP FUNCTION loyalty_close_books();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0010_form_channels"),
        ("loyalty", "0017_no_truncate"),
    ]

    operations = [
        migrations.AddField(
            model_name="card",
            name="replaced_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="loyalty.card",
            ),
        ),
        migrations.AddField(
            model_name="customerpage",
            name="till_digest",
            field=models.CharField(max_length=64, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="customerpage",
            name="till_seen",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
        migrations.AddField(
            model_name="customerpage",
            name="till_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="sale",
            name="floor",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="saleline",
            name="in_receipt",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddIndex(
            model_name="card",
            index=models.Index(
                condition=models.Q(("replaced_by__isnull", False)), fields=["replaced_by"], name="card_replacing"
            ),
        ),
        migrations.AddConstraint(
            model_name="card",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("replaced_by", None),
                    models.Q(("is_replaced", True), models.Q(("replaced_by", models.F("id")), _negated=True)),
                    _connector="OR",
                ),
                name="card_replaced_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="customerpage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("till_digest", None), ("till_seen", ""), ("till_until", None)),
                    models.Q(("till_digest__isnull", False), ("till_until__isnull", False)),
                    _connector="OR",
                ),
                name="page_till_code_ends",
            ),
        ),
        migrations.RunSQL(
            [((_HERE / "0018_tills.sql").read_text(encoding="utf-8"), None)],
            [(_BACK + _former("loyalty_whose") + _former("loyalty_facts"), None)],
        ),
    ]
