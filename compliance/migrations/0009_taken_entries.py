"""Entries of the audit log that were taken out as a file are an event of it."""

from importlib import import_module

from django.db import migrations

refused_changes = import_module("compliance.migrations.0007_refused_changes")
BEFORE = (*refused_changes.BEFORE, refused_changes.REFUSED)


class Migration(migrations.Migration):
    dependencies = [("compliance", "0008_visible_names")]

    operations = [
        migrations.RunSQL(
            refused_changes.event_function((*BEFORE, "entries exported")), refused_changes.event_function(BEFORE)
        )
    ]
