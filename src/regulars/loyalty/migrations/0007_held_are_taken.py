"""A return takes points that are set aside before it forgives any."""

from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0006_tastes")]

    operations = [
        # the function before it gives the same answers where nothing is set aside: nothing has to be taken back
        migrations.RunSQL(
            [(Path(__file__).with_name("0007_held_are_taken.sql").read_text(encoding="utf-8"), None)],
            migrations.RunSQL.noop,
        ),
    ]
