"""Three pools, so that a fresh portal shows something. Whoever needs others opens them, or imports the predecessor's document."""

from django.db import migrations

AMOUNTS_UAH = (100, 200, 300)


def open_pools(apps, schema_editor):
    Pool = apps.get_model("promo", "Pool")
    for amount in AMOUNTS_UAH:
        Pool.objects.get_or_create(amount_uah=amount)


class Migration(migrations.Migration):
    dependencies = [("promo", "0001_initial")]

    # On the way back the pools stay: they may have codes by then.
    operations = [migrations.RunPython(open_pools, migrations.RunPython.noop)]
