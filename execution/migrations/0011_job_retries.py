"""A job that failed by what may pass is tried again by itself."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0010_history_checks"),
    ]

    operations = [
        migrations.AddField(
            model_name="jobrun",
            name="retry_at",
            field=models.DateTimeField(
                help_text="Of a failure that may pass: when the watchdog tries again. Empty: a person says it again.",
                null=True,
            ),
        ),
        migrations.AddConstraint(
            model_name="jobrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "failed"), ("retry_at__isnull", True), _connector="OR"),
                name="job_is_tried_again_after_a_failure",
            ),
        ),
    ]
