"""An export as the API and the page order it: a small one is made at once, a large one by a worker."""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from kombu.exceptions import OperationalError

from execution import exports, tasks
from execution.models import ExecutionExport
from execution.web import limits

LARGE: Final = 2 * 1024 * 1024
"""Characters of a result from which on its files are a worker's work."""


def order(request: HttpRequest, *, execution_id: UUID, code: str, panel: str, reduced: bool) -> ExecutionExport:
    """The export, done; or waiting for a worker, where it is large.

    raises   what exports.order and exports.make raise; LimitReached
    """
    user: Any = request.user
    with limits.exporting(user):
        export = exports.order(
            execution_id,
            code=code,
            user=user,
            panel=panel,
            reduced=reduced,
            request_id=request.request_id,  # type: ignore[attr-defined]
        )
        if exports.length_of(export) < LARGE:
            exports.make(export.pk)
        else:
            _ring(export)
    with transaction.atomic():
        return exports.find(export.pk)


def _ring(export: ExecutionExport) -> None:
    """Without a broker the next round of beat finds it."""
    try:
        tasks.make_export.delay(export=str(export.pk))
    except OperationalError:
        tasks.logger.warning("no bell for an export: the broker does not answer", extra={"export_id": str(export.pk)})
