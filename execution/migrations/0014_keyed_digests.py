"""Stored results and published patterns have a keyed digest. Rows of before are sealed here, as they are: what was changed
earlier can't be told any more, but where a result is not the one that was hashed. Such a row gets a digest that is never right.

The key is RESULT_KEY, which the migration therefore needs, as every process of the service does. The digests are made here as the
release that brought them made them: they have to be those that its rows are proved by, whatever the service computes later."""

import hashlib
import hmac
import json

import rfc8785
from django.conf import settings
from django.db import migrations, models

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


NEVER_RIGHT = "0" * 64
SERVED = (
    "pack_id", "pack_chain_hash", "ledger_commit_hash", "engine_version", "result_hash", "trace", "sources", "warnings",
    "provisional", "duration_ms",
)  # fmt: skip


def digest_of(kind, content):
    text = f"{kind}\0".encode() + rfc8785.dumps(content)
    return hmac.new(settings.RESULT_KEY.encode(), text, hashlib.sha256).hexdigest()


def content_of(execution, packs):
    policy, content_hash = packs.get(execution.pack_id, ("", ""))
    served = {name: getattr(execution, name) for name in SERVED} | {
        "id": str(execution.pk),
        "pattern_id": execution.pattern_version.pattern_id,
        "pattern_version": execution.pattern_version.version,
        "policy": policy,
        "pack_content_hash": content_hash,
        "asof_date": execution.asof_date.isoformat(),
        "computed_at": execution.finished_at.isoformat() if execution.finished_at else None,
    }
    question = {"key": execution.key, "user": execution.user_id, "portfolio": str(execution.portfolio_id)}
    return {"served": served, "question": question}


def seal(apps, schema_editor):
    for version in apps.get_model("execution", "PatternVersion").objects.all():
        document = json.loads(json.dumps(version.document))
        version.digest = digest_of("pattern", [version.pattern_id, version.version, version.document_hash, document])
        version.save(update_fields=["digest"])
    headers = apps.get_model("pricing", "PricingPack").objects.values_list("pk", "policy_id", "content__content_hash")
    packs = {pk: (policy, content_hash) for pk, policy, content_hash in headers}
    finished = apps.get_model("execution", "Execution").objects.filter(status="done")
    for execution in finished.select_related("pattern_version").iterator(chunk_size=50):
        is_whole = hashlib.sha256(execution.result.encode()).hexdigest() == execution.result_hash
        execution.digest = digest_of("execution", content_of(execution, packs)) if is_whole else NEVER_RIGHT
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
