"""What the daily check of the stored history found; places of rows without values, for staff."""

import django.db.models.functions.datetime
from django.db import migrations, models

from config.guards import grant


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0004_failure_record"),
    ]

    operations = [
        migrations.CreateModel(
            name="HistoryCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(unique=True)),
                ("part", models.PositiveSmallIntegerField(help_text="Which seventh, 0 to 6.")),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("finished_at", models.DateTimeField(help_text="Empty: under way, or its process died.", null=True)),
                ("portfolios", models.PositiveIntegerField(default=0, help_text="Whose rows were derived again.")),
                ("count", models.PositiveIntegerField(default=0, help_text="Rows that differ.")),
                ("differences", models.JSONField(default=list, help_text="Where, without values: table, row, column.")),
            ],
            options={
                "ordering": ("-day",),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("part__lt", 7)), name="history_check_part_of_seven")
                ],
            },
        ),
        grant(("execution_historycheck",), app="SELECT", job="SELECT, INSERT, UPDATE"),
    ]
