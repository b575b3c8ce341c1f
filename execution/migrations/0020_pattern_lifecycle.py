"""Versions of patterns know their author, drafts are rows, and a pattern can be retired."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from config.guards import audited, grant

PATTERN = ("id", "title", "current_id")
VERSION = ("id", "pattern_id", "version", "document_hash", "published_at")
BEFORE = {
    "execution_pattern": audited("execution_pattern", columns=PATTERN),
    "execution_patternversion": audited("execution_patternversion", columns=VERSION, hashed=("document",)),
}


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0019_signing_keys"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PatternDraft",
            fields=[
                (
                    "id",
                    models.SlugField(
                        help_text="Of the pattern that it becomes a version of.",
                        max_length=64,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("text", models.TextField(help_text="As it was written: it need not be a pattern yet.")),
                (
                    "revision",
                    models.PositiveIntegerField(
                        default=1, help_text="Rises with each save; an editor of an older one is told."
                    ),
                ),
                ("saved_at", models.DateTimeField()),
                (
                    "message",
                    models.CharField(blank=True, default="", help_text="What changed, and why.", max_length=400),
                ),
            ],
            options={
                "ordering": ("id",),
            },
        ),
        migrations.AddField(
            model_name="pattern",
            name="retired_at",
            field=models.DateTimeField(help_text="Since when it is not answered any more; empty: it is.", null=True),
        ),
        migrations.AddField(
            model_name="pattern",
            name="retired_because",
            field=models.CharField(blank=True, default="", max_length=400),
        ),
        migrations.AddField(
            model_name="pattern",
            name="retired_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="patternversion",
            name="author",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="patternversion",
            name="based_on",
            field=models.ForeignKey(
                help_text="The version that was served before it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="execution.patternversion",
            ),
        ),
        migrations.AddField(
            model_name="patternversion",
            name="message",
            field=models.CharField(blank=True, default="", help_text="What changed, and why.", max_length=400),
        ),
        migrations.AddField(
            model_name="patternversion",
            name="published_by",
            field=models.ForeignKey(
                help_text="The author, or a second person.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="pattern",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("retired_at__isnull", True), ("retired_because", ""), ("retired_by__isnull", True)),
                    models.Q(("retired_at__isnull", False), models.Q(("retired_because", ""), _negated=True)),
                    _connector="OR",
                ),
                name="pattern_retired_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="patternversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("author__isnull", True), ("published_by__isnull", True)),
                    models.Q(
                        ("author__isnull", False),
                        ("published_by__isnull", False),
                        models.Q(("message", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="pattern_version_of_a_person_says_why",
            ),
        ),
        migrations.AddField(
            model_name="patterndraft",
            name="based_on",
            field=models.ForeignKey(
                help_text="Empty: a new pattern.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="execution.patternversion",
            ),
        ),
        migrations.AddField(
            model_name="patterndraft",
            name="proposed_by",
            field=models.ForeignKey(
                help_text="Who asks a second person to publish this revision.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="patterndraft",
            name="saved_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="patterndraft",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("proposed_by__isnull", True), models.Q(("message", ""), _negated=True), _connector="OR"
                ),
                name="pattern_draft_proposed_says_why",
            ),
        ),
        *(migrations.RunSQL(before.reverse_sql, before.sql) for before in BEFORE.values()),
        audited("execution_pattern", columns=(*PATTERN, "retired_at", "retired_by_id", "retired_because")),
        audited(
            "execution_patternversion",
            columns=(*VERSION, "based_on_id", "author_id", "message", "published_by_id"),
            hashed=("document",),
        ),
        audited(
            "execution_patterndraft",
            columns=("id", "revision", "based_on_id", "saved_by_id", "saved_at", "message", "proposed_by_id"),
            hashed=("text",),
        ),
        grant(("execution_patterndraft",), app="SELECT, INSERT, UPDATE, DELETE", job="SELECT"),
    ]
