"""Names hold no sign that nobody sees."""

from django.conf import settings
from django.db import migrations

from config.fields import NameField, visible
from config.guards import show_hidden


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0025_audited_access"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        show_hidden("execution_pattern", "title"),
        migrations.AlterField("pattern", "title", NameField(max_length=200)),
        migrations.AddConstraint("pattern", visible("pattern", "title")),
    ]
