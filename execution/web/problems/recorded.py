"""The problem that a failed execution on record was answered with."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from execution.models import Execution
from execution.web.problems.problem import INTERNAL, TITLES, Problem
from execution.web.problems.table import ANSWERED_AS_CAUSE, PROBLEMS


def answer_on_record(execution: Execution) -> Problem | None:
    """What a failed execution was answered with, as `describe` has it of the failure itself.

    None where that was no 500, so that a retry is another try, and where the execution has not failed.
    """
    record = execution.problem or {}
    if "answer" in record:  # of releases that recorded the answer itself
        problem = Problem(**record["answer"])
        return problem if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR else None
    if "classes" not in record:
        return None
    entry, cause = _entry_on_record(record), record["fields"].get("cause")
    if cause is not None and (inner := _entry_on_record(cause)) is not None and inner[0] in ANSWERED_AS_CAUSE:
        return None
    if entry is None or entry[1] == "internal":
        return INTERNAL
    status, kind = entry
    if status != HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    extra = {}
    if kind == "step-failed":
        extra = {name: record["fields"][name] for name in ("step", "capability", "agent")} | {"trace": execution.trace}
    return Problem(status, kind, record["message"], extra)


def type_on_record(problem: Mapping[str, Any] | None) -> str | None:
    """The type of a problem on record; None where there is none, or nobody wrote down by what it was caused."""
    record = problem or {}
    if "answer" in record:  # of releases that recorded the answer itself
        return str(record["answer"]["type"])
    if "classes" not in record:
        return None
    cause = record["fields"].get("cause")
    inner = None if cause is None else _entry_on_record(cause)
    entry = inner if inner is not None and inner[0] in ANSWERED_AS_CAUSE else _entry_on_record(record)
    return INTERNAL.type if entry is None else entry[1]


def trace_on_record(execution: Execution) -> Mapping[str, Any]:
    """What happened to each step. Name and place of what did not answer are for the log alone."""
    if type_on_record(execution.problem) != "unavailable":
        return dict(execution.trace)
    steps = execution.trace.get("steps", [])
    return {"steps": [step | {"reason": TITLES["unavailable"]} if "reason" in step else step for step in steps]}


def _entry_on_record(record: Mapping[str, Any]) -> tuple[int, str] | None:
    """Status and type of a recorded failure, by the nearest of its classes that is in the table."""
    entries = {kind.__name__: entry for kind, entry in PROBLEMS.items()}
    return next((entries[name] for name in record["classes"] if name in entries), None)
