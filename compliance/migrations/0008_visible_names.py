"""Names hold no sign that nobody sees."""

from django.db import migrations

from config.fields import NameField, visible
from config.guards import show_hidden


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0007_refused_changes"),
    ]

    operations = [
        show_hidden("compliance_datasource", "name"),
        show_hidden("compliance_licence", "tier"),
        migrations.AlterField("datasource", "name", NameField(max_length=200)),
        migrations.AlterField("licence", "tier", NameField(help_text="The plan's name.", max_length=100)),
        migrations.AddConstraint("datasource", visible("data_source", "name")),
        migrations.AddConstraint("licence", visible("licence", "tier")),
    ]
