"""Seven uses with five outcomes each, licences, and versions that keep the whole table: they decide, the rows are a draft."""

import hashlib
import json

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models
from django.db.models import F, Q
from django.utils import timezone

from config.guards import grant, never_changes

USES = ("display", "csv", "json", "xlsx", "pdf", "redistribute", "agent")
OUTCOMES = ("allow", "attribute", "watermark", "licence-required", "deny")
PLACEMENTS = ("footer", "inline", "none")
CHANGED = {"yes": "attribute", "no": "deny", "ask": "licence-required"}
BEFORE = {word: old for old, word in CHANGED.items()} | {"allow": "yes", "watermark": "yes"}


def outcome(help_text=""):
    return models.CharField(
        choices=[(each, each) for each in OUTCOMES], default="deny", help_text=help_text, max_length=16
    )


def translate(apps, schema_editor):
    """The words of before. A file of figures is one whatever its form; on language models no source had a word."""
    for row in apps.get_model("compliance", "DataSource").objects.all():
        for use in ("display", "csv", "pdf", "redistribute"):
            setattr(row, use, CHANGED[getattr(row, use)])
        row.json = row.xlsx = row.csv
        row.agent = "attribute" if row.code == "ledger" else "deny"
        row.save()


def translate_back(apps, schema_editor):
    """The words of before; what they had none for is gone."""
    for row in apps.get_model("compliance", "DataSource").objects.all():
        for use in ("display", "csv", "pdf", "redistribute"):
            setattr(row, use, BEFORE[getattr(row, use)])
        row.save()


def publish(apps, schema_editor):
    """The rows as they stand decide on, as a version that keeps them."""
    source, version = (apps.get_model("compliance", name) for name in ("DataSource", "RightsVersion"))
    version.objects.update(published_at=F("made_at"))
    sources = {
        row.code: {
            "name": row.name,
            "uses": {use: getattr(row, use) for use in USES},
            "attribution": row.attribution,
            "placement": row.placement,
            "link": row.link,
            "watermark": row.watermark,
            "terms": row.terms,
        }
        for row in source.objects.order_by("code")
    }
    table = {"sources": sources, "licences": []}
    version.objects.create(
        table=table,
        digest=hashlib.sha256(json.dumps(table, sort_keys=True, separators=(",", ":")).encode()).hexdigest(),
        based_on=version.objects.order_by("-id").first(),
        reason="the rights as they stood when versions began to keep the whole table",
        published_at=timezone.now(),
    )


def known(use, name):
    return migrations.AddConstraint(
        model_name="datasource",
        constraint=models.CheckConstraint(condition=Q(**{f"{use}__in": list(OUTCOMES)}), name=name),
    )


def any_use(*outcomes):
    conditions = [Q(**{f"{use}__in": list(outcomes)}) if len(outcomes) > 1 else Q(**{use: outcomes[0]}) for use in USES]
    return Q(*conditions, _connector=Q.OR)


class Migration(migrations.Migration):
    dependencies = [("compliance", "0004_audit_log")]

    operations = [
        migrations.RemoveConstraint(model_name="datasource", name="data_source_permissions_known"),
        migrations.RemoveConstraint(model_name="datasource", name="data_source_has_attribution"),
        migrations.RenameField(model_name="datasource", old_name="export_csv", new_name="csv"),
        migrations.RenameField(model_name="datasource", old_name="export_pdf", new_name="pdf"),
        migrations.AlterField(
            model_name="datasource",
            name="code",
            field=models.CharField(
                help_text="As rows of market data carry it; code/series for a series of its own.",
                max_length=128,
                primary_key=True,
                serialize=False,
            ),
        ),
        migrations.AlterField(
            model_name="datasource", name="attribution", field=models.CharField(blank=True, max_length=400)
        ),
        migrations.AlterField(
            model_name="datasource",
            name="terms",
            field=models.TextField(blank=True, help_text="What the provider says, and where."),
        ),
        *(
            migrations.AlterField(model_name="datasource", name=use, field=outcome())
            for use in ("display", "csv", "pdf")
        ),
        migrations.AlterField(
            model_name="datasource", name="redistribute", field=outcome("Given on as data: rows of a pack in a bundle.")
        ),
        migrations.AddField(model_name="datasource", name="json", field=outcome()),
        migrations.AddField(model_name="datasource", name="xlsx", field=outcome()),
        migrations.AddField(model_name="datasource", name="agent", field=outcome("Given to a language model.")),
        migrations.AddField(
            model_name="datasource",
            name="placement",
            field=models.CharField(choices=[(each, each) for each in PLACEMENTS], default="footer", max_length=8),
        ),
        migrations.AddField(
            model_name="datasource",
            name="link",
            field=models.URLField(blank=True, default="", max_length=400),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="datasource",
            name="watermark",
            field=models.CharField(blank=True, default="", max_length=200),
            preserve_default=False,
        ),
        migrations.RunPython(translate, translate_back),
        *(known(use, f"data_source_{use}_known") for use in USES),
        migrations.AddConstraint(
            model_name="datasource",
            constraint=models.CheckConstraint(
                condition=Q(placement__in=list(PLACEMENTS)), name="data_source_placement_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="datasource",
            constraint=models.CheckConstraint(
                condition=~Q(attribution="") | ~any_use("attribute", "watermark"), name="data_source_has_attribution"
            ),
        ),
        migrations.AddConstraint(
            model_name="datasource",
            constraint=models.CheckConstraint(
                condition=~Q(watermark="") | ~any_use("watermark"), name="data_source_has_watermark"
            ),
        ),
        migrations.CreateModel(
            name="Licence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tier", models.CharField(help_text="The plan's name.", max_length=100)),
                (
                    "uses",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(choices=[(use, use) for use in USES], max_length=16),
                        help_text="Uses that it allows, with commas between.",
                        size=None,
                    ),
                ),
                (
                    "environment",
                    models.CharField(
                        blank=True, help_text="The only environment that it is good for; empty: every.", max_length=40
                    ),
                ),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(blank=True, help_text="The last day; empty: without end.", null=True)),
                ("document", models.CharField(help_text="Where the contract is filed.", max_length=200)),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="licences",
                        to="compliance.datasource",
                    ),
                ),
            ],
            options={
                "ordering": ("source", "valid_from", "id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                        name="licence_ends_after_it_begins",
                    ),
                    models.CheckConstraint(
                        condition=Q(uses__contained_by=list(USES)) & ~Q(uses=[]), name="licence_uses_known"
                    ),
                    models.CheckConstraint(condition=~Q(document=""), name="licence_has_document"),
                ],
            },
        ),
        grant(("compliance_licence",), app="SELECT, INSERT, UPDATE, DELETE", job="SELECT, INSERT, UPDATE, DELETE"),
        grant(("compliance_datasource",), job="DELETE"),
        migrations.RunSQL(
            never_changes("compliance_rightsversion").reverse_sql, never_changes("compliance_rightsversion").sql
        ),
        migrations.AddField(
            model_name="rightsversion",
            name="table",
            field=models.JSONField(
                help_text="Terms by source, and licences; empty: of a release that did not keep it.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="rightsversion",
            name="digest",
            field=models.CharField(help_text="SHA-256 of the table.", max_length=64),
        ),
        migrations.AlterField(
            model_name="rightsversion",
            name="made_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddField(
            model_name="rightsversion",
            name="based_on",
            field=models.ForeignKey(
                help_text="What decided before it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="compliance.rightsversion",
            ),
        ),
        migrations.AddField(
            model_name="rightsversion",
            name="takes_back_to",
            field=models.ForeignKey(
                help_text="The earlier version whose table it repeats.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="compliance.rightsversion",
            ),
        ),
        migrations.AddField(
            model_name="rightsversion",
            name="reason",
            field=models.TextField(default="a right was changed"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="rightsversion",
            name="proposed_by",
            field=models.BigIntegerField(help_text="Id of a user; empty: a command.", null=True),
        ),
        migrations.AddField(
            model_name="rightsversion",
            name="published_by",
            field=models.BigIntegerField(help_text="Id of a user; empty: a command.", null=True),
        ),
        migrations.AddField(
            model_name="rightsversion",
            name="published_at",
            field=models.DateTimeField(help_text="Since when it decides; empty: proposed only.", null=True),
        ),
        migrations.AddConstraint(
            model_name="rightsversion",
            constraint=models.CheckConstraint(condition=~Q(reason=""), name="rights_version_has_reason"),
        ),
        migrations.RunPython(publish, migrations.RunPython.noop),
        # The reference to the version before is looked at now: a table with checks to come takes no trigger.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        never_changes(
            "compliance_rightsversion",
            except_columns=("published_by", "published_at"),
            only_while="OLD.published_at IS NULL",
        ),
        grant(("compliance_rightsversion",), app="UPDATE", job="UPDATE"),
    ]
