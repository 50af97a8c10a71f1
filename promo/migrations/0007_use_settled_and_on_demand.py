from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('promo', '0006_issuing_in_one_statement'),
    ]

    operations = [
        migrations.AddField(
            model_name='code',
            name='is_use_settled',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name='historicalpool',
            name='is_on_demand',
            field=models.BooleanField(db_default=False, default=False, editable=False, help_text='Made because a customer asked for this amount.', verbose_name='made on demand'),
        ),
        migrations.AddField(
            model_name='pool',
            name='is_on_demand',
            field=models.BooleanField(db_default=False, default=False, editable=False, help_text='Made because a customer asked for this amount.', verbose_name='made on demand'),
        ),
    ]
