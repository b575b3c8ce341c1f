"""Stored results and published patterns have a keyed digest. Rows of before are sealed here, as they are: what was changed
earlier can't be told any more, but where a result is not the one that was hashed. Such a row gets a digest that is never right.

The key is RESULT_KEY, which the migration therefore needs, as every process of the service does."""

from django.db import migrations, models

from execution.executor import store
from execution.patterns import versions

OPEN = """
    ALTER TABLE execution_execution NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE execution_execution DISABLE TRIGGER USER;
    ALTER TABLE execution_patternversion DISABLE TRIGGER USER;
"""
CLOSED = """
    ALTER TABLE execution_patternversion ENABLE TRIGGER USER;
    ALTER TABLE execution_execution ENABLE TRIGGER USER;
    ALTER TABLE execution_execution FORCE ROW LEVEL SECURITY;
"""


OUTCOME = "status,result,result_hash,trace,sources,warnings,provisional,problem,finished_at,duration_ms"
"""What a running execution takes, of migration 0002."""


def takes(columns):
    return f"""
        DROP TRIGGER execution_execution_never_changes ON execution_execution;
        CREATE TRIGGER execution_execution_never_changes BEFORE UPDATE ON execution_execution FOR EACH ROW
            EXECUTE FUNCTION refuse_update('{{{columns}}}');
    """


def seal(apps, schema_editor):
    for version in apps.get_model("execution", "PatternVersion").objects.all():
        version.digest = versions.digest_of(version)
        version.save(update_fields=["digest"])
    finished = apps.get_model("execution", "Execution").objects.filter(status="done")
    for execution in finished.select_related("pattern_version").iterator(chunk_size=50):
        store.seal_if_whole(execution)
        execution.save(update_fields=["digest"])


class Migration(migrations.Migration):
    dependencies = [("execution", "0013_audited")]

    operations = [
        migrations.AddField(
            model_name="execution",
            name="digest",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Keyed digest of what is served: it is proved before it is.",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="patternversion",
            name="digest",
            field=models.CharField(
                default="", help_text="Keyed digest of the version: it is proved before it is used.", max_length=64
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(OPEN, CLOSED),
        migrations.RunPython(seal, migrations.RunPython.noop),
        migrations.RunSQL(CLOSED, OPEN),
        migrations.RunSQL(takes(f"{OUTCOME},digest"), takes(OUTCOME)),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(("status", "done"), _negated=True) | models.Q(("digest__regex", "^[0-9a-f]{64}$")),
                name="execution_done_has_a_digest",
            ),
        ),
        migrations.AddConstraint(
            model_name="patternversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("digest__regex", "^[0-9a-f]{64}$")), name="pattern_version_has_a_digest"
            ),
        ),
    ]
