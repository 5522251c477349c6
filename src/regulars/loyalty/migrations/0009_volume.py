"""Returns that are known by now keep counting for bonuses in the period in which they came: some of these are written."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("loyalty", "0008_forgiven_alert"),
    ]

    operations = [
        migrations.AddField(
            model_name="salereturn",
            name="counts_with_sale",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name="salereturn",
            name="counts_with_sale",
            field=models.BooleanField(db_default=True, default=True),
        ),
    ]
