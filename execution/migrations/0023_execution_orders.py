"""Executions that a worker computes. Each user sees his own orders."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from config.guards import ASKING, grant, row_security

TABLE = "execution_executionorder"


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0022_pattern_publishing"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ExecutionOrder",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("request", models.JSONField(help_text="As it was asked, with the portfolio that it is about.")),
                ("request_id", models.CharField(blank=True, default="", max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("running", "running"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                        ],
                        default="waiting",
                        max_length=9,
                    ),
                ),
                (
                    "execution_id",
                    models.UUIDField(
                        help_text="Of the execution, which may be dropped before the order is.", null=True
                    ),
                ),
                ("problem", models.JSONField(help_text="Class, message and data of the failure.", null=True)),
                ("ordered_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("finished_at", models.DateTimeField(null=True)),
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
                "ordering": ("-ordered_at", "id"),
                "indexes": [
                    models.Index(fields=["user", "-ordered_at"], name="order_by_user"),
                    models.Index(
                        condition=models.Q(("state__in", ("waiting", "running"))),
                        fields=["ordered_at"],
                        name="order_open",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["waiting", "running", "done", "failed", "cancelled"])),
                        name="order_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "done"), _negated=True), ("execution_id__isnull", False), _connector="OR"
                        ),
                        name="order_done_has_an_execution",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "failed"), _negated=True), ("problem__isnull", False), _connector="OR"
                        ),
                        name="order_failed_says_why",
                    ),
                ],
            },
        ),
        row_security(TABLE, visible=f"user_id = {ASKING}"),
        grant((TABLE,), app="SELECT, INSERT, UPDATE", job="SELECT, UPDATE, DELETE"),
    ]
