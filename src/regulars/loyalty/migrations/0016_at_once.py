"""A receipt is read and written in two calls of the database."""

from pathlib import Path

from django.db import migrations

_GONE = """
DROP FUNCTION loyalty_record(jsonb, jsonb, timestamptz);
DROP FUNCTION loyalty_facts(jsonb, timestamptz, boolean);
DROP FUNCTION loyalty_hold_receipts(jsonb);
DROP FUNCTION loyalty_has(bigint, bigint, timestamptz);
DROP FUNCTION loyalty_member(text, text);
DROP FUNCTION loyalty_whose(text, text);
"""


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0015_certificates")]

    operations = [
        migrations.RunSQL([(Path(__file__).with_name("0016_at_once.sql").read_text(encoding="utf-8"), None)], _GONE),
    ]
