from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("keycrm", "0013_counted_once"),
    ]

    operations = [
        migrations.AddField(
            model_name="inboundevent",
            name="asks",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.AddIndex(
            model_name="crmorder",
            index=models.Index(fields=["number"], name="crm_order_by_number"),
        ),
        migrations.AddIndex(
            model_name="crmorder",
            index=models.Index(
                fields=["-id"], name="crm_order_set_aside", condition=models.Q(("set_aside_at__isnull", False))
            ),
        ),
    ]
