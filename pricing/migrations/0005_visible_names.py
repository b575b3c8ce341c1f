"""Names hold no sign that nobody sees."""

from django.db import migrations

from config.fields import NameField, visible
from config.guards import show_hidden


class Migration(migrations.Migration):
    dependencies = [
        ("pricing", "0004_whole_market"),
    ]

    operations = [
        show_hidden("pricing_security", "name"),
        show_hidden("pricing_series", "title"),
        migrations.AlterField("security", "name", NameField(max_length=200)),
        migrations.AlterField("security", "symbol", NameField(max_length=32, unique=True)),
        migrations.AlterField("securityalias", "symbol", NameField(max_length=32)),
        migrations.AlterField("series", "title", NameField(max_length=200)),
        migrations.AlterField("symboloverride", "symbol", NameField(max_length=32)),
        migrations.AddConstraint("security", visible("security", "name")),
        migrations.AddConstraint("security", visible("security", "symbol")),
        migrations.AddConstraint("securityalias", visible("security_alias", "symbol")),
        migrations.AddConstraint("series", visible("series", "title")),
        migrations.AddConstraint("symboloverride", visible("symbol_override", "symbol")),
    ]
