"""Decisions on record: nobody changes them, each sees his own, and staff all where their permission says so."""

import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.db import migrations, models
from django.db.models import Q

from config.guards import ASKING, grant, never_changes, permitted, row_security

TABLE = "compliance_rightsdecision"
USES = ("display", "csv", "json", "xlsx", "pdf", "redistribute", "agent")
ALLOWING, REFUSING = ("allow", "attribute", "watermark"), ("licence-required", "deny")


class Migration(migrations.Migration):
    dependencies = [("auth", "0012_alter_user_first_name_max_length"), ("compliance", "0005_rights_table")]

    operations = [
        migrations.CreateModel(
            name="RightsDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("user_id", models.BigIntegerField(help_text="Who asked.")),
                ("use", models.CharField(choices=[(each, each) for each in USES], max_length=16)),
                (
                    "outcome",
                    models.CharField(
                        choices=[(each, each) for each in (*ALLOWING, *REFUSING)],
                        help_text="The strictest of its sources.",
                        max_length=16,
                    ),
                ),
                ("sources", models.JSONField(help_text="What each source said, why, and by which licence.")),
                (
                    "refusing",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=128),
                        help_text="Sources that refused; empty: it was let through.",
                        size=None,
                    ),
                ),
                (
                    "rights_version",
                    models.PositiveBigIntegerField(help_text="That decided; 0: before any was published."),
                ),
                ("day", models.DateField(help_text="On which a licence had to be valid.")),
                (
                    "environment",
                    models.CharField(blank=True, help_text="For which a licence had to be good.", max_length=40),
                ),
                ("execution_id", models.UUIDField(null=True)),
                ("request_id", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [models.Index(fields=["-at"], name="rights_decision_by_time")],
                "constraints": [
                    models.CheckConstraint(condition=Q(use__in=list(USES)), name="rights_decision_use_known"),
                    models.CheckConstraint(
                        condition=Q(outcome__in=[*ALLOWING, *REFUSING]), name="rights_decision_outcome_known"
                    ),
                    models.CheckConstraint(
                        condition=Q(outcome__in=list(ALLOWING), refusing=[])
                        | Q(outcome__in=list(REFUSING)) & ~Q(refusing=[]),
                        name="rights_decision_refused_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=~Q(use="display", refusing=[]), name="rights_display_allowed_is_only_counted"
                    ),
                    models.UniqueConstraint(
                        condition=Q(use="display"),
                        fields=("execution_id", "user_id", "rights_version"),
                        name="rights_display_refused_once",
                        nulls_distinct=False,
                    ),
                ],
            },
        ),
        row_security(
            TABLE, visible=f"user_id = {ASKING} OR {permitted('view_rightsdecision')}", writable=f"user_id = {ASKING}"
        ),
        never_changes(TABLE),
        grant((TABLE,), app="SELECT, INSERT", job="SELECT, INSERT"),
    ]
