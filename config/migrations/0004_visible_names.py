"""Names hold no sign that nobody sees."""

from django.conf import settings
from django.db import migrations

from config.fields import NameField, visible
from config.guards import show_hidden


class Migration(migrations.Migration):
    dependencies = [
        ("config", "0003_personal_tokens"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        show_hidden("config_personaltoken", "name", is_forced=True),
        migrations.AlterField("personaltoken", "name", NameField(max_length=100)),
        migrations.AddConstraint("personaltoken", visible("personal_token", "name")),
    ]
