"""The executions that are under way are found among all that ever were."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0011_job_retries"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("status", "running")), fields=["started_at"], name="execution_running"
            ),
        ),
    ]
