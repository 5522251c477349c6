from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0001_initial")]

    operations: ClassVar = [
        migrations.AddIndex(
            model_name="logentry",
            index=models.Index(
                condition=models.Q(("event", "contacts_seen")), fields=["user", "about", "-at"], name="log_seen"
            ),
        ),
    ]
