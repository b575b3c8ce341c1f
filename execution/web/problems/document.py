"""The problem that a failure is answered with."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent, TooManyFilesSent
from rest_framework import exceptions as drf

from config import outage
from execution import executor
from execution.executor import orchestrator
from execution.web.problems.details import details_of, step_members, words_of
from execution.web.problems.problem import INTERNAL, UNREADABLE, Problem
from execution.web.problems.retries import AnsweredBefore
from execution.web.problems.table import ANSWERED_AS_CAUSE, entry_of

FAULTS = frozenset({"internal", "step-failed", "pack-corrupt", "execution-altered", "pattern-altered"})
"""Types of problem that are a fault of the service. Of a portfolio that does not tie out the night has told."""


LIMITS: Final[Mapping[type[Exception], tuple[str, str]]] = {
    RequestDataTooBig: ("DATA_UPLOAD_MAX_MEMORY_SIZE", "bytes"),
    TooManyFieldsSent: ("DATA_UPLOAD_MAX_NUMBER_FIELDS", "fields"),
    TooManyFilesSent: ("DATA_UPLOAD_MAX_NUMBER_FILES", "files"),
}
"""Django's refusal of a request -> its limit, and of what; Django's own words name the setting."""


def is_fault(failure: BaseException) -> bool:
    """Whether a failure is the service's own: not what its caller caused, nor what may be gone in a moment."""
    if isinstance(failure, AnsweredBefore):
        return False
    if isinstance(failure, orchestrator.StepFailed) and _is_answered_as_cause(failure):
        return False
    entry = entry_of(failure)
    return entry is None or entry[1] in FAULTS


def _is_answered_as_cause(failure: orchestrator.StepFailed) -> bool:
    inner = None if failure.cause is None else entry_of(failure.cause)
    return inner is not None and inner[0] in ANSWERED_AS_CAUSE


def describe(failure: BaseException) -> Problem:
    """The problem of any failure; INTERNAL for one that nobody expected."""
    return problem_of(failure) or INTERNAL


def problem_of(failure: BaseException) -> Problem | None:
    """The problem of an expected failure; None for one that nobody expected."""
    if isinstance(failure, AnsweredBefore):
        return failure.problem
    if isinstance(failure, orchestrator.StepFailed) and _is_answered_as_cause(failure):
        cause = problem_of(failure.cause)
        assert cause is not None
        return replace(cause, extra={**cause.extra, **step_members(failure)})
    entry = entry_of(failure)
    if entry is None:
        return None
    status, kind = entry
    if kind == "internal":
        return INTERNAL
    if isinstance(failure, executor.LedgerNotReconciled):
        detail = str(failure)
    elif kind == "unavailable":
        detail = "try again in a moment"
        if (fault := outage.find(failure)) in (outage.DISK_FULL, outage.READ_ONLY):
            detail = f"the {fault.piece} {fault.what}: {detail}"
    elif isinstance(failure, SuspiciousOperation):
        setting, things = LIMITS.get(type(failure), ("", ""))
        detail = f"more than {getattr(settings, setting)} {things}" if setting else UNREADABLE
    else:
        detail = words_of(failure.detail) if isinstance(failure, drf.APIException) else str(failure)
    extra, headers = details_of(failure, kind)
    return Problem(status, kind, detail, extra, headers)
