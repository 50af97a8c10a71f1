import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bonuses', '0002_append_only'),
        ('promo', '0007_use_settled_and_on_demand'),
    ]

    operations = [
        migrations.CreateModel(
            name='AskedAgain',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64, unique=True)),
                ('asked_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'redemption that was asked for again',
                'verbose_name_plural': 'redemptions that were asked for again',
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('days', models.PositiveSmallIntegerField(verbose_name='days before')),
                ('points', models.BigIntegerField(verbose_name='points')),
                ('last_day', models.DateField(verbose_name='last day')),
                ('made_at', models.DateTimeField(verbose_name='at')),
            ],
            options={
                'verbose_name': 'warning of points that end',
                'verbose_name_plural': 'warnings of points that end',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='NoticeMark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('entry', models.BigIntegerField(default=0)),
                ('warning', models.BigIntegerField(default=0)),
                ('read_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'how far notices were read',
                'verbose_name_plural': 'how far notices were read',
            },
        ),
        migrations.AlterModelOptions(
            name='hold',
            options={'ordering': ['-id'], 'permissions': [('resolve_hold', 'Can decide what became of a code that is stuck')], 'verbose_name': 'hold', 'verbose_name_plural': 'holds'},
        ),
        migrations.AlterModelOptions(
            name='order',
            options={'ordering': ['-id'], 'permissions': [('decide_order', 'Can confirm or cancel an order by hand')], 'verbose_name': 'order', 'verbose_name_plural': 'orders'},
        ),
        migrations.AddField(
            model_name='hold',
            name='releasing_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='to be given back since'),
        ),
        migrations.AddIndex(
            model_name='hold',
            index=models.Index(condition=models.Q(('code__isnull', False), ('expires_at__isnull', False), ('state', 'open')), fields=['expires_at'], name='hold_with_a_code_due'),
        ),
        migrations.AddIndex(
            model_name='hold',
            index=models.Index(condition=models.Q(('state', 'releasing')), fields=['releasing_at'], name='hold_waits_for_evidence'),
        ),
        migrations.AddField(
            model_name='askedagain',
            name='hold',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='asked_again', to='bonuses.hold'),
        ),
        migrations.AddField(
            model_name='notice',
            name='lot',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='bonuses.lot'),
        ),
        migrations.AddField(
            model_name='noticemark',
            name='customer',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='notice_mark', to='bonuses.customer'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.UniqueConstraint(fields=('lot', 'days'), name='one_warning_per_lot_and_days'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.CheckConstraint(condition=models.Q(('points__gt', 0)), name='warning_points_are_positive'),
        ),
    ]
