from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("loyalty", "0005_forgiven"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="taste", name="taste_once"),
        migrations.RenameField(model_name="taste", old_name="category", new_name="value"),
        migrations.AddField(
            model_name="taste", name="field", field=models.CharField(blank=True, default="", max_length=40)
        ),
        migrations.AddConstraint(
            model_name="taste",
            constraint=models.UniqueConstraint(fields=("gift", "field", "value"), name="taste_once"),
        ),
    ]
