"""Names hold no sign that nobody sees."""

from django.conf import settings
from django.db import migrations

from config.fields import NameField, visible
from config.guards import show_hidden


class Migration(migrations.Migration):
    dependencies = [
        ("portfolio", "0009_economic_phases"),
        ("pricing", "0005_visible_names"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        show_hidden("portfolio_benchmark", "name"),
        show_hidden("portfolio_portfolio", "name", is_forced=True),
        migrations.AlterField("benchmark", "name", NameField(max_length=200, unique=True)),
        migrations.AlterField("portfolio", "name", NameField(max_length=200)),
        migrations.AddConstraint("benchmark", visible("benchmark", "name")),
        migrations.AddConstraint("portfolio", visible("portfolio", "name")),
    ]
