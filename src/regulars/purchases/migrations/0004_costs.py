"""What goods cost, for the margin guard, and their prices, for the watch on raised ones."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("purchases", "0003_renamed"),
    ]

    operations = [
        migrations.AddField(
            model_name="product",
            name="cost",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="product",
            name="price",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="product",
            name="price_raised_on",
            field=models.DateField(null=True),
        ),
    ]
