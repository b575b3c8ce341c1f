"""A portfolio's own ledger is a source like any other; its owner may do everything with it."""

from django.db import migrations

LEDGER = {
    "code": "ledger",
    "name": "Own ledger",
    "attribution": "Own ledger",
    "terms": "the owner's own records",
    "display": "yes",
    "export_csv": "yes",
    "export_pdf": "yes",
    "redistribute": "yes",
}


def add(apps, schema_editor):
    apps.get_model("compliance", "DataSource").objects.create(**LEDGER)


def remove(apps, schema_editor):
    apps.get_model("compliance", "DataSource").objects.filter(code="ledger").delete()


class Migration(migrations.Migration):
    dependencies = [("compliance", "0002_grants")]

    operations = [migrations.RunPython(add, remove)]
