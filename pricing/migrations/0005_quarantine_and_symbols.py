"""Rows under suspicion with what staff decide, and what providers call our securities."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from config.guards import grant, never_changes


def one_meaning_at_a_time(table):
    """No two rows of a provider's symbol overlap. A symbol is compared by its hash as a range of one number, because equality
    of texts in an exclusion would need an extension."""
    return migrations.RunSQL(
        f"""
        ALTER TABLE {table} ADD CONSTRAINT {table}_one_meaning EXCLUDE USING gist (
            numrange(hashtextextended(provider || '|' || symbol, 0), hashtextextended(provider || '|' || symbol, 0), '[]')
                WITH &&,
            daterange(valid_from, valid_to, '[]') WITH &&
        );
        """,
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_one_meaning;",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("pricing", "0004_rows_checked_in_bulk"),
    ]

    operations = [
        migrations.CreateModel(
            name="QuarantinedRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("price", "price"),
                            ("rate", "rate"),
                            ("observation", "observation"),
                            ("action", "action"),
                        ],
                        max_length=12,
                    ),
                ),
                ("key", models.CharField(help_text="A symbol, EUR/USD, a series, or OAK/split.", max_length=64)),
                ("date", models.DateField(help_text="Observed on, or ex-date.")),
                ("value", models.CharField(help_text="As published.", max_length=64)),
                ("rule", models.CharField(max_length=16)),
                ("reason", models.CharField(max_length=400)),
                ("source", models.CharField(max_length=64)),
                ("first_seen", models.UUIDField(help_text="The run that met it first.")),
                ("seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "decision",
                    models.CharField(
                        choices=[("pending", "pending"), ("accepted", "accepted"), ("rejected", "rejected")],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("decided_by", models.BigIntegerField(blank=True, help_text="The id of a user.", null=True)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decision_reason", models.CharField(blank=True, default="", max_length=400)),
            ],
            options={
                "ordering": ("-date", "kind", "key", "rule"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "key", "date", "value", "rule"), name="quarantined_row_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("decision__in", ["pending", "accepted", "rejected"])),
                        name="quarantine_decision_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at__isnull", True),
                                ("decided_by__isnull", True),
                                ("decision", "pending"),
                                ("decision_reason", ""),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("decision__in", ("accepted", "rejected")),
                                models.Q(("decision_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="quarantine_decided_with_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SecurityAlias",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(max_length=64)),
                ("symbol", models.CharField(max_length=32)),
                ("valid_from", models.DateField()),
                (
                    "valid_to",
                    models.DateField(blank=True, help_text="The last day; empty while it is in use.", null=True),
                ),
                (
                    "security",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="aliases", to="pricing.security"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "security aliases",
                "ordering": ("provider", "symbol", "valid_from"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to__isnull", True), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                        ),
                        name="alias_valid_in_order",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SymbolOverride",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(max_length=64)),
                ("symbol", models.CharField(max_length=32)),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(blank=True, help_text="The last day; empty while it holds.", null=True)),
                ("reason", models.CharField(max_length=400)),
                (
                    "security",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pricing.security"
                    ),
                ),
            ],
            options={
                "ordering": ("provider", "symbol", "valid_from"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to__isnull", True), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                        ),
                        name="override_valid_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="override_has_a_reason"
                    ),
                ],
            },
        ),
        one_meaning_at_a_time("pricing_securityalias"),
        one_meaning_at_a_time("pricing_symboloverride"),
        never_changes(
            "pricing_quarantinedrow", except_columns=("decision", "decided_by", "decided_at", "decision_reason")
        ),
        grant(
            ("pricing_quarantinedrow",),
            app="SELECT, UPDATE (decision, decided_by, decided_at, decision_reason)",
            job="SELECT, INSERT",
        ),
        grant(
            ("pricing_securityalias", "pricing_symboloverride"),
            app="SELECT, INSERT, UPDATE, DELETE",
            job="SELECT, INSERT, UPDATE",
        ),
    ]
