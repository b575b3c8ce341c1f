"""`problem` of an execution holds the failure, no longer what it was answered with. Rows of before keep the answer."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("execution", "0003_blocked_portfolios")]

    operations = [
        migrations.AlterField(
            model_name="execution",
            name="problem",
            field=models.JSONField(help_text="Class, message and data of the failure.", null=True),
        )
    ]
