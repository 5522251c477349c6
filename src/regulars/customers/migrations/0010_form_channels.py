"""Questionnaires may ask for consent by channel."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0009_search_in_bulk")]

    operations = [migrations.AddField("form", "channels", models.JSONField(default=list))]
