"""Exports that are there: found by who made them, read, cancelled, removed."""

from typing import BinaryIO
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Length

from compliance.refusal import RightDenied
from compliance.terms import Use
from config import scope
from config.errors import TieoutError
from execution.executor import ExecutionNotFound, store
from execution.executor.serving import find_done
from execution.exports import files, refusal
from execution.exports.formats import FORMATS
from execution.exports.making import OPEN
from execution.models import Execution, ExecutionExport, ExportState


class ExportNotFound(TieoutError):
    """There is none, or somebody else made it: the answer is the same."""

    def __init__(self) -> None:
        super().__init__("there is no such export")


class ExportNotReady(TieoutError):
    """state: waiting or running."""

    def __init__(self, state: str, progress: int) -> None:
        super().__init__(f"the export is {state}, {progress} percent of it is done")
        self.state, self.progress = state, progress


class ExportGone(TieoutError):
    """There is no file: it failed, was cancelled or removed, or is not what was written."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}; ask for the export again")


def find(export_id: UUID) -> ExecutionExport:
    """An export of the asking user on an execution that he may see. Raises ExportNotFound."""
    row = ExecutionExport.objects.filter(pk=export_id).exclude(state=ExportState.REFUSED).first()
    if row is None:
        raise ExportNotFound
    return row


def find_execution(execution_id: UUID) -> Execution:
    """An execution that the asking user may export. Raises ExecutionNotFound."""
    return find_done(execution_id)


def length_of(row: ExecutionExport) -> int:
    """Characters of the result that an export is made of."""
    with transaction.atomic():
        return int(Execution.objects.filter(pk=row.execution_id).values_list(Length("result"), flat=True).get())


def open_file(export_id: UUID) -> tuple[ExecutionExport, BinaryIO]:
    """An export and its file to read, under the rights of now.

    raises  ExportNotFound, ExportNotReady, ExportGone; RightDenied where what is in it may not leave any more
    """
    with scope.snapshot():
        row = find(export_id)
        if row.state in OPEN:
            raise ExportNotReady(row.state, row.progress)
        if row.state != ExportState.DONE:
            raise ExportGone(f"the export was {row.state}" if not row.reason else f"the export failed: {row.reason}")
        try:
            sources = store.from_row(find_done(row.execution_id)).sources
        except ExecutionNotFound as failure:
            raise ExportNotFound from failure
        stays = set(row.decision["outputs"]) - set(row.decision["left_out"])
        uses = [FORMATS[row.format].use, *([Use.JSON] if row.decision.get("attaches_result") else [])]
        decided = [refusal.decide({output: sources[output] for output in stays}, use) for use in uses]
    with transaction.atomic():
        for decision in decided:
            decision.record(row.execution_id)
    for decision in decided:
        if decision.refused_outputs:
            raise RightDenied(decision.use, decision.refusals)
    file = files.open_whole(row.pk, row.sha256)
    if file is None:
        raise ExportGone("the file is not there, or is not what was written")
    return row, file


@transaction.atomic
def remove(export_id: UUID) -> None:
    """End an export that is under way, or take away its file. Raises ExportNotFound."""
    row = find(export_id)
    mine = ExecutionExport.objects.filter(pk=row.pk)
    if not mine.filter(state__in=OPEN).update(state=ExportState.CANCELLED):
        mine.filter(state=ExportState.DONE).update(state=ExportState.REMOVED)
    transaction.on_commit(lambda: files.remove(row.pk))
