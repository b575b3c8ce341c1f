"""Where the packs hold no equity index, the portfolio's own benchmark stands for the equity market; staff may edit it."""

from django.db import migrations

ROW = {"factor": "equity", "series_id": "benchmark"}


def choose(apps, schema_editor):
    rows = apps.get_model("pricing", "FactorSeries").objects
    last = max(rows.filter(factor="equity").values_list("rank", flat=True), default=0)
    rows.create(**ROW, rank=last + 1, change="return", degraded="benchmark")


def forget(apps, schema_editor):
    apps.get_model("pricing", "FactorSeries").objects.filter(**ROW).delete()


class Migration(migrations.Migration):
    dependencies = [("pricing", "0005_quarantine_and_symbols")]

    operations = [migrations.RunPython(choose, forget)]
