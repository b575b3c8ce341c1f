"""Chunks of the jobs over all portfolios, as rows that workers take."""

import django.db.models.deletion
from django.db import migrations, models

from config.guards import grant


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0002_evidence"),
    ]

    operations = [
        migrations.CreateModel(
            name="JobChunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fencing", models.PositiveIntegerField(help_text="The attempt at the job.")),
                ("number", models.PositiveIntegerField()),
                ("pack_id", models.CharField(max_length=48)),
                ("revisions", models.JSONField(help_text="Ledger revisions, and by them the portfolios.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("running", "running"),
                            ("done", "done"),
                            ("failed", "failed"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("detail", models.JSONField(default=dict)),
                ("reason", models.TextField(blank=True, default="")),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="chunks",
                        to="execution.jobrun",
                    ),
                ),
            ],
            options={
                "ordering": ("job", "fencing", "number"),
                "constraints": [
                    models.UniqueConstraint(fields=("job", "fencing", "number"), name="chunk_once_an_attempt"),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["waiting", "running", "done", "failed"])),
                        name="chunk_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), ("state", "failed"), _negated=True),
                        name="chunk_failed_has_a_reason",
                    ),
                ],
            },
        ),
        grant(("execution_jobchunk",), app="SELECT", job="SELECT, INSERT, UPDATE"),
    ]
