"""A return reads the lots of one member, not those of all."""

from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0020_late_lots")]

    operations = [
        # the function before it gives the same answers: nothing has to be taken back
        migrations.RunSQL(
            [(Path(__file__).with_name("0021_lots_of_one.sql").read_text(encoding="utf-8"), None)],
            migrations.RunSQL.noop,
        ),
    ]
