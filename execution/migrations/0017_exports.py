"""Executions that somebody took out as a file. What was decided never changes; each sees his own, on executions that he may see."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from config.guards import ASKING, audited, grant, never_changes, row_security

TABLE = "execution_executionexport"
OUTCOME = ("state", "progress", "sha256", "size", "reason", "finished_at")
# What is open may end; a file that was there may be removed, and nothing else of it changes.
ONLY_WHILE = """
    OLD.state IN ('waiting', 'running')
    OR (OLD.state = 'done' AND NEW.state = 'removed' AND to_jsonb(NEW) - 'state' = to_jsonb(OLD) - 'state')
"""


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0016_audited_rights"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ExecutionExport",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("format", models.CharField(max_length=8)),
                (
                    "panel",
                    models.CharField(
                        blank=True, default="", help_text="The only one; empty: all of the result.", max_length=64
                    ),
                ),
                ("is_reduced", models.BooleanField(default=False, help_text="Without what providers refuse.")),
                ("request_id", models.CharField(blank=True, default="", max_length=64)),
                (
                    "rights_version",
                    models.PositiveBigIntegerField(help_text="That decided; 0: before any was published."),
                ),
                ("decision", models.JSONField(help_text="Use, what each source said, and what was left out.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("running", "running"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("refused", "refused"),
                            ("cancelled", "cancelled"),
                            ("removed", "removed"),
                        ],
                        default="waiting",
                        max_length=9,
                    ),
                ),
                ("progress", models.PositiveSmallIntegerField(default=0, help_text="Percent.")),
                ("sha256", models.CharField(blank=True, default="", help_text="Of the file.", max_length=64)),
                ("size", models.PositiveBigIntegerField(help_text="Bytes of the file.", null=True)),
                ("reason", models.TextField(blank=True, default="", help_text="Why it failed.")),
                ("made_at", models.DateTimeField(help_text="When the rights decided; the moment that the file names.")),
                ("expires_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "execution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="exports", to="execution.execution"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-made_at", "id"),
                "indexes": [
                    models.Index(fields=["user", "-made_at"], name="export_by_user"),
                    models.Index(condition=models.Q(("state", "done")), fields=["expires_at"], name="export_by_expiry"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["waiting", "running", "done", "failed", "refused", "cancelled", "removed"])
                        ),
                        name="export_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("progress__lte", 100)), name="export_progress_in_percent"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "done"), _negated=True),
                            models.Q(("sha256__regex", "^[0-9a-f]{64}$"), ("size__isnull", False)),
                            _connector="OR",
                        ),
                        name="export_done_has_a_hash",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), ("state", "failed"), _negated=True),
                        name="export_failed_says_why",
                    ),
                ],
            },
        ),
        row_security(
            TABLE,
            visible=f"user_id = {ASKING} AND execution_id IN (SELECT id FROM execution_execution)",
        ),
        never_changes(TABLE, except_columns=OUTCOME, only_while=ONLY_WHILE),
        audited(
            TABLE,
            columns=(
                "id",
                "user_id",
                "execution_id",
                "format",
                "panel",
                "is_reduced",
                "request_id",
                "rights_version",
                "state",
                "sha256",
                "size",
                "reason",
                "made_at",
                "expires_at",
            ),
            hashed=("decision",),
        ),
        grant((TABLE,), app="SELECT, INSERT, UPDATE", job="SELECT, INSERT, UPDATE"),
    ]
