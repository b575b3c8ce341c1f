"""Second factors and log-outs are audited; of keys and codes only that there are any."""

from django.db import migrations

from config.guards import audited

AUDITED = {
    "otp_totp_totpdevice": {"columns": ("id", "user_id", "name", "confirmed"), "secret": ("key",)},
    "otp_static_staticdevice": {"columns": ("id", "user_id", "name", "confirmed")},
    "otp_static_statictoken": {"columns": ("id", "device_id"), "secret": ("token",)},
    "config_logouts": {"key": "user_id", "columns": ("user_id", "count")},
}


class Migration(migrations.Migration):
    dependencies = [("config", "0002_log_outs"), ("execution", "0014_keyed_digests")]

    operations = [audited(table, **what) for table, what in AUDITED.items()]
