"""Notes can be changed by their authors, and the history keeps what they said."""

from django.db import migrations, models

from regulars.foundation.changes import tracked_later


class Migration(migrations.Migration):
    dependencies = [("customers", "0007_erased"), ("foundation", "0001_initial")]

    operations = [
        migrations.AddField("note", "edited_at", models.DateTimeField(null=True)),
        # a merge's move is told by the merge, as with all rows of a customer
        tracked_later("customers_note", customer="customer_id", leave_out=["at", "author_id", "edited_at"]),
    ]
