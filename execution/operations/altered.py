"""Stored answers and published patterns, proved by their keyed digests: the rows that are served to nobody, being altered."""

from collections.abc import Iterator

from config.row_difference import RowDifference
from execution.executor import store
from execution.models import Execution, ExecutionStatus, PatternVersion
from execution.patterns import versions

PARTS = 7
AS_STORED = "as it was stored"
ALTERED = "altered"


def find(*, part: int | None = None) -> Iterator[RowDifference]:
    """Versions of patterns and finished executions that are not what was stored. part: 0 to 6, a seventh of the executions."""
    for version in PatternVersion.objects.order_by("pattern", "pk"):
        if not versions.is_intact(version):
            yield RowDifference("pattern version", str(version), "digest", AS_STORED, ALTERED)
    executions = Execution.objects.filter(status=ExecutionStatus.DONE).order_by("pk")
    due = [pk for pk in executions.values_list("pk", flat=True) if part is None or pk.int % PARTS == part]
    for execution in executions.select_related("pattern_version").filter(pk__in=due).iterator(chunk_size=50):
        if not store.is_intact(execution):
            yield RowDifference("execution", str(execution.pk), "digest", AS_STORED, ALTERED)
