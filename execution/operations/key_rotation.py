"""What an earlier RESULT_KEY proves gets a digest of the present one, after which the earlier one, which may be known, can go."""

from dataclasses import dataclass, field

from django.db import connection, transaction

from execution.executor import store
from execution.models import Execution, ExecutionStatus, PatternVersion
from execution.patterns import versions

OPEN = """
    ALTER TABLE execution_execution NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE execution_execution DISABLE TRIGGER execution_execution_never_changes;
    ALTER TABLE execution_execution DISABLE TRIGGER execution_execution_never_changes_again;
    ALTER TABLE execution_patternversion DISABLE TRIGGER execution_patternversion_never_changes;
"""
CLOSED = """
    ALTER TABLE execution_patternversion ENABLE TRIGGER execution_patternversion_never_changes;
    ALTER TABLE execution_execution ENABLE TRIGGER execution_execution_never_changes_again;
    ALTER TABLE execution_execution ENABLE TRIGGER execution_execution_never_changes;
    ALTER TABLE execution_execution FORCE ROW LEVEL SECURITY;
"""


@dataclass
class Signed:
    """How many rows have a new digest, and what was left as it is, because no key proves it."""

    executions: int = 0
    patterns: int = 0
    altered: list[str] = field(default_factory=list)


def sign_anew() -> Signed:
    """Prove each stored answer and published pattern, and give those of an earlier key the digest of RESULT_KEY.

    Only the owner of the tables can, in one transaction, during which nobody else reads them. Nothing but the digest changes.
    """
    signed = Signed()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(OPEN)
        for version in PatternVersion.objects.order_by("pattern", "pk"):
            if not versions.is_intact(version):
                signed.altered.append(f"pattern version {version}")
            elif version.digest != (digest := versions.digest_of(version)):
                signed.patterns += PatternVersion.objects.filter(pk=version.pk).update(digest=digest)
        finished = Execution.objects.filter(status=ExecutionStatus.DONE).select_related("pattern_version")
        for execution in finished.order_by("pk").iterator(chunk_size=50):
            before = execution.digest
            if not store.is_intact(execution):
                signed.altered.append(f"execution {execution.pk}")
                continue
            store.seal(execution)
            if execution.digest != before:
                signed.executions += Execution.objects.filter(pk=execution.pk).update(digest=execution.digest)
        cursor.execute(CLOSED)
    return signed
