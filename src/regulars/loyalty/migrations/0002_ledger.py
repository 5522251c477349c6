"""The functions that write the ledger, and the constraints that judge it."""

from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0001_accounts")]

    # not reversed by parts: to go back is to drop the tables
    operations = [
        migrations.RunSQL([(Path(__file__).with_name("0002_ledger.sql").read_text(encoding="utf-8"), None)]),
    ]
