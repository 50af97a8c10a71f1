from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("keycrm", "0013_card_stuck"),
    ]

    operations = [
        migrations.AddField(
            model_name="inboundevent",
            name="asks",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
    ]
