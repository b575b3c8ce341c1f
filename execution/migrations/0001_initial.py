"""Patterns, the nights with their jobs, and what was asked and answered."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("config", "0001_foundations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Pattern",
            fields=[
                ("id", models.SlugField(max_length=64, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=200)),
            ],
            options={
                "ordering": ("id",),
            },
        ),
        migrations.CreateModel(
            name="PatternVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.CharField(max_length=32)),
                ("document", models.JSONField()),
                ("document_hash", models.CharField(max_length=64)),
                ("published_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "pattern",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="execution.pattern",
                    ),
                ),
            ],
            options={
                "ordering": ("pattern", "-published_at", "-id"),
                "constraints": [models.UniqueConstraint(fields=("pattern", "version"), name="pattern_version_once")],
            },
        ),
        migrations.AddField(
            model_name="pattern",
            name="current",
            field=models.ForeignKey(
                help_text="The version that is served.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="execution.patternversion",
            ),
        ),
        migrations.CreateModel(
            name="NightlyRun",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("policy", models.CharField(max_length=16)),
                ("from_date", models.DateField()),
                ("date", models.DateField(help_text="The last, for a span.")),
                ("release", models.PositiveIntegerField()),
                ("restates", models.CharField(blank=True, default="", max_length=400)),
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
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ("-started_at", "id"),
                "constraints": [
                    models.UniqueConstraint(fields=("policy", "date", "release"), name="nightly_run_once"),
                    models.CheckConstraint(
                        condition=models.Q(("from_date__lte", models.F("date"))), name="nightly_run_in_order"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["waiting", "running", "done", "failed"])),
                        name="nightly_run_state_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="JobRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=32)),
                ("position", models.PositiveSmallIntegerField()),
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
                (
                    "fencing",
                    models.PositiveIntegerField(
                        default=0, help_text="Rises with each attempt; an older one may not finish it."
                    ),
                ),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("detail", models.JSONField(default=dict)),
                ("reason", models.TextField(blank=True, default="")),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="jobs",
                        to="execution.nightlyrun",
                    ),
                ),
            ],
            options={
                "ordering": ("run", "position"),
                "constraints": [
                    models.UniqueConstraint(fields=("run", "name"), name="job_once_a_run"),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["waiting", "running", "done", "failed"])),
                        name="job_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), ("state", "failed"), _negated=True),
                        name="job_failed_has_a_reason",
                    ),
                ],
            },
        ),
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
        migrations.CreateModel(
            name="Execution",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("portfolio_id", models.UUIDField(help_text="Row-level security reads it.", null=True)),
                ("pack_id", models.CharField(max_length=48)),
                ("pack_chain_hash", models.CharField(blank=True, default="", max_length=64)),
                ("ledger_commit_hash", models.CharField(blank=True, default="", max_length=40)),
                ("asof_date", models.DateField()),
                (
                    "request",
                    models.JSONField(help_text="Inputs with defaults filled in, portfolio, effective as-of date."),
                ),
                ("engine_version", models.CharField(max_length=120)),
                (
                    "key",
                    models.CharField(help_text="SHA-256 of the five that a result is a function of.", max_length=64),
                ),
                (
                    "provisional",
                    models.BooleanField(
                        default=False, help_text="Run on a pack that was not fresh; never served again."
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("running", "running"), ("done", "done"), ("failed", "failed")],
                        default="running",
                        max_length=8,
                    ),
                ),
                ("result", models.TextField(blank=True, default="", help_text="RFC 8785 form.")),
                ("result_hash", models.CharField(blank=True, default="", max_length=64)),
                ("trace", models.JSONField(default=dict)),
                ("sources", models.JSONField(default=dict, help_text="Provider codes read, by output.")),
                ("warnings", models.JSONField(default=list)),
                ("problem", models.JSONField(help_text="What was answered instead, when it failed.", null=True)),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("finished_at", models.DateTimeField(null=True)),
                ("duration_ms", models.FloatField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pattern_version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="execution.patternversion",
                    ),
                ),
            ],
            options={
                "ordering": ("-started_at", "id"),
                "indexes": [models.Index(fields=["portfolio_id", "-started_at"], name="execution_by_portfolio")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("provisional", False), ("status", "done")),
                        fields=("key", "user"),
                        name="execution_stored_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["running", "done", "failed"])), name="execution_status_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "done"), _negated=True),
                            models.Q(("finished_at__isnull", False), ("result_hash__regex", "^[0-9a-f]{64}$")),
                            _connector="OR",
                        ),
                        name="execution_done_has_a_hash",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "failed"), _negated=True), ("problem__isnull", False), _connector="OR"
                        ),
                        name="execution_failed_says_why",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=200)),
                ("body_hash", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "execution",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="execution.execution",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("user", "key"), name="idempotency_key_once")],
            },
        ),
    ]
