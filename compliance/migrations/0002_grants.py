from django.db import migrations

from config.guards import grant, never_changes


class Migration(migrations.Migration):
    dependencies = [("compliance", "0001_initial"), ("config", "0001_foundations")]

    operations = [
        grant(("compliance_datasource",), app="SELECT, INSERT, UPDATE, DELETE", job="SELECT, INSERT, UPDATE"),
        grant(("compliance_rightsversion",), app="SELECT, INSERT", job="SELECT, INSERT"),
        never_changes("compliance_rightsversion"),
    ]
