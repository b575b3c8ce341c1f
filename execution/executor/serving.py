"""A finished execution as it is answered: its stored bytes, under the rights of now."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from compliance import decision_record, rights
from compliance.decisions import Attribution
from config import scope
from config.errors import TieoutError
from execution import canonical
from execution.executor import store
from execution.executor.answering_pack import date_warnings
from execution.executor.store import FinishedExecution
from execution.models import DroppedExecution, Execution, ExecutionStatus


class ExecutionNotFound(TieoutError):
    def __init__(self) -> None:
        super().__init__("there is no such execution")


class ExecutionDropped(TieoutError):
    """An execution is stored no more; what is left of it."""

    def __init__(self, left: DroppedExecution) -> None:
        super().__init__(
            f"the answer was dropped on {left.dropped_at:%Y-%m-%d}: {left.get_reason_display()}. Ask its question again:"
            " of the same pack, ledger commit and engine the result has the same hash"
        )
        self.execution_id, self.dropped_at, self.reason = left.pk, left.dropped_at.isoformat(), left.reason
        self.result_hash = left.result_hash


@dataclass(frozen=True, slots=True)
class Served:
    """An answer. What the rights of the moment withhold is not in it.

    attributions, watermarks  for whoever draws it: where the words stand, and where they lead
    """

    execution_id: UUID
    result_text: str
    metadata: Mapping[str, Any]
    trace: Mapping[str, Any]
    attributions: tuple[Attribution, ...] = ()
    watermarks: tuple[str, ...] = ()

    @property
    def result(self) -> Any:
        return json.loads(self.result_text)

    @property
    def etag(self) -> str:
        seal = [self.metadata[name] for name in ("result_hash", "rights", "attributions", "provisional", "warnings")]
        return f'"{hashlib.sha256(json.dumps(seal).encode()).hexdigest()[:32]}"'

    def body(self) -> bytes:
        """The answer as JSON. The stored bytes of the result are put in as they are, neither parsed nor rendered again."""
        head = json.dumps({"execution_id": str(self.execution_id)})[:-1]
        tail = json.dumps({"metadata": self.metadata, "trace": self.trace}, separators=(",", ":"))[1:]
        return f'{head},"result":{self.result_text},{tail}'.encode()


def fetch(execution_id: UUID, *, user: AbstractBaseUser, requested: date | None = None) -> Served:
    """An execution as it was answered, under the rights of now.

    requested   the as-of date that was asked for, where it is known
    raises      ExecutionNotFound, also for an execution on a portfolio that is not the caller's; ExecutionDropped
    """
    with scope.acting_as(user), transaction.atomic():
        execution = find_done(execution_id)
        asof_date = requested or execution.asof_date
        warnings = date_warnings(asof_date, execution.asof_date)
        finished = store.from_row(execution)
        return serve(finished, requested=asof_date, cached=True, duration_ms=finished.duration_ms, warnings=warnings)


def find_done(execution_id: UUID) -> Execution:
    """The row of a finished execution. Raises ExecutionNotFound, ExecutionDropped."""
    rows = Execution.objects.select_related("pattern_version")
    execution = rows.filter(pk=execution_id, status=ExecutionStatus.DONE).first()
    if execution is not None:
        return execution
    left = DroppedExecution.objects.filter(pk=execution_id).first()
    if left is not None:
        raise ExecutionDropped(left)
    raise ExecutionNotFound


def serve(
    finished: FinishedExecution, *, requested: date, cached: bool, duration_ms: float | None, warnings: tuple[str, ...]
) -> Served:
    """Decide the rights of now, and put the stored bytes beside what they tie out to."""
    decision = rights.decide_outputs(finished.sources)
    withheld, attributions = decision.withheld, decision.attributions
    text = finished.result
    if withheld:
        decision_record.record(decision, execution_id=UUID(finished.id))
        result = json.loads(text)
        for output in withheld:
            result[output] = {"value": None, "status": "unavailable", "reason": "right-denied"}
        text = canonical.canonical_bytes(result).decode()
    metadata = {
        "pattern_id": finished.pattern_id,
        "pattern_version": finished.pattern_version,
        "pricing_pack_id": finished.pack_id,
        "pack_content_hash": finished.pack_content_hash,
        "pack_chain_hash": finished.pack_chain_hash,
        "policy": finished.policy,
        "ledger_commit_hash": finished.ledger_commit_hash or None,
        "asof_date": finished.asof_date,
        "requested_asof_date": requested.isoformat(),
        "engine_version": finished.engine_version,
        "result_hash": finished.result_hash,
        "cached": cached,
        "provisional": finished.provisional,
        "computed_at": finished.computed_at,
        "duration_ms": duration_ms,
        "sources": sorted({code for codes in finished.sources.values() for code in codes}),
        "attributions": [each.text for each in attributions],
        "rights": {
            "version": decision.version,
            "withheld": {name: list(codes) for name, codes in withheld.items()},
        },
        "confidence": confidence_of(text),
        "warnings": [*warnings, *finished.warnings],
    }
    return Served(UUID(finished.id), text, metadata, finished.trace, attributions, decision.watermarks)


def confidence_of(text: str) -> dict[str, Any]:
    """How many figures of a result, in its canonical form, stand without a doubt, are degraded, or have no value; and the part
    of the first in all of them, None where no figure has a status."""
    counts = {status: text.count(f'"status":"{status}"') for status in ("ok", "degraded", "unavailable")}
    every = sum(counts.values())
    return {"share": round(counts["ok"] / every, 4) if every else None, **counts}
