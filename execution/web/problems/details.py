"""What a problem document has beside status, type and words: members and headers, by the class of the failure."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from rest_framework import exceptions as drf

from compliance.refusal import RightDenied
from config import strict_json
from config.breaker import BreakerOpen
from config.log_in import tries
from execution import comparison, executor, exports, patterns
from execution.executor import orchestrator, orders, step_trace
from execution.night.estimates import estimated_ready
from execution.patterns.versions import PatternNotFound, PatternRetired, PatternUnusable, VersionNotFound
from execution.web.authentication import ScopeMissing
from execution.web.limits import LimitReached
from execution.web.problems.problem import TITLES
from execution.web.problems.retries import IdempotencyConflict
from execution.web.problems.table import entry_of
from portfolio import access, portfolio_settings
from portfolio.books import imports
from portfolio.ledger.screening import LedgerRefused
from portfolio.macro.presets import ScenarioUnknown, ShocksInvalid
from portfolio.valuation.tax_years import YearNotBegun
from pricing import fx, market, packs
from pricing.archive import ArchiveRefused

RETRY_UNAVAILABLE_S: Final = 5
RETRY_NOT_READY_S: Final = 2
MAX_FINDINGS: Final = 100
IMPORT_FINDING: Final = ("row", "column", "value", "reason", "suggestion")

Details = tuple[dict[str, Any], dict[str, str]]
"""Members, headers."""


def details_of(failure: BaseException, kind: str) -> Details:
    """kind: the type of the problem, by which a failure without a case of its own has its headers."""
    match failure:
        case executor.RequestInvalid():
            span = dict(zip(("first", "last"), map(_iso, failure.possible), strict=True)) if failure.possible else {}
            return {"errors": [dict(finding) for finding in failure.findings], **span}, {}
        case comparison.NotComparable():
            return _errors((failure.pointer, failure.reason)), {}
        case exports.NoSuchPanel() | exports.NotOfPanels():
            return _errors(("/panel", failure)), {}
        case RightDenied():
            return _right_denied(failure), {}
        case exports.ExportNotReady():
            return {"state": failure.state, "progress": failure.progress}, {"Retry-After": str(RETRY_NOT_READY_S)}
        case PatternUnusable():
            return {"document": [{"pointer": each.pointer, "reason": each.reason} for each in failure.findings]}, {}
        case patterns.InputsInvalid():
            return _errors(*((finding.pointer, finding.reason) for finding in failure.findings)), {}
        case ShocksInvalid():
            below = {name: strict_json.pointer_to(name) if name else "" for name, _ in failure.findings}
            return _errors(*((f"/inputs/custom_shocks{below[name]}", why) for name, why in failure.findings)), {}
        case ScenarioUnknown():
            return _errors(("/inputs/scenario_id", failure)), {}
        case YearNotBegun():
            return _errors(("/inputs/tax_year", failure)), {}
        case portfolio_settings.SettingsRefused():
            return _errors(*((strict_json.pointer_to(name), reason) for name, reason in failure.findings)), {}
        case LedgerRefused():
            return _errors(*(("", finding) for finding in failure.findings[:MAX_FINDINGS])), {}
        case ArchiveRefused():
            return _errors(*(("", fault) for fault in failure.faults)), {}
        case imports.ImportRefused():
            return {
                "errors": [
                    {"pointer": "/file", **{name: getattr(finding, name) for name in IMPORT_FINDING}}
                    for finding in failure.findings
                ]
            }, {}
        case strict_json.JsonRefused():
            return _errors((failure.pointer or "", failure.reason)), {}
        case packs.AsofOutOfRange():
            possible = {"first": _iso(failure.first), "last": _iso(failure.last)}
            return _errors(("/asof_date", failure)) | possible, {}
        case PatternNotFound():
            return {"near": list(failure.near)}, {}
        case VersionNotFound():
            return {"published": list(failure.published)}, {}
        case access.AccessRefused():
            return _errors((f"/{failure.field}", failure.reason)), {}
        case PatternRetired():
            return {"retired_at": _iso(failure.retired_at), "reason": failure.reason}, {}
        case packs.PackWarming():
            return _warming(failure)
        case packs.PackInError():
            return {"pack_id": failure.pack_id, "job": failure.job, "reason": failure.reason}, {}
        case market.MissingPrice():
            return _missing(failure, symbol=failure.symbol)
        case fx.MissingRate():
            return _missing(failure, pair=f"{failure.frm}/{failure.to}")
        case executor.ReconciliationFailed():
            return {"pack_id": failure.pack_id, "breaks": list(failure.breaks)}, {}
        case orchestrator.StepFailed():
            return step_members(failure), {}
        case BreakerOpen():
            return {"agent": failure.name}, {"Retry-After": str(max(1, math.ceil(failure.retry_after_s)))}
        case executor.DifferentEngine():
            return {"stored": failure.stored, "current": failure.current, "path": failure.path}, {}
        case executor.ExecutionDropped():
            return {
                "execution_id": str(failure.execution_id),
                "dropped_at": failure.dropped_at,
                "reason": failure.reason,
                "result_hash": failure.result_hash,
            }, {}
        case executor.ExecutionAltered():
            return {"execution_id": str(failure.execution_id)}, {}
        case IdempotencyConflict():
            return {"first_at": failure.first_at}, {}
        case drf.ValidationError():
            by_field = _by_field(failure.detail)
            return _errors(
                *((strict_json.pointer_to(name) if name else "", words_of(reasons)) for name, reasons in by_field)
            ), {}
        case ScopeMissing():
            return {"scope": failure.scope.value if failure.scope else None}, {}
        case orders.TooManyOrders():
            return {}, {"Retry-After": str(RETRY_UNAVAILABLE_S)}
        case LimitReached():
            return {}, failure.headers
        case drf.Throttled():
            return {}, {"Retry-After": str(math.ceil(getattr(failure, "wait", None) or 1))}
        case tries.TooManyTries():
            return {}, {"Retry-After": str(failure.wait_s)}
        case drf.UnsupportedMediaType():
            return {}, {"Accept": "application/json"}
    return {}, {"Retry-After": str(RETRY_UNAVAILABLE_S)} if kind == "unavailable" else {}


def _errors(*findings: tuple[str, object]) -> dict[str, Any]:
    """The member `errors`, of pointers and reasons."""
    return {"errors": [{"pointer": pointer, "reason": str(reason)} for pointer, reason in findings]}


def _warming(failure: packs.PackWarming) -> Details:
    """When to ask again: at the time that past nights let expect, or soon where none does."""
    ready = estimated_ready(failure.pack_id)
    wait_s = (
        RETRY_UNAVAILABLE_S
        if ready is None
        else max(1, math.ceil((ready - datetime.now(ready.tzinfo)).total_seconds()))
    )
    members = {
        "pack_id": failure.pack_id or None,
        "status_of_pack": failure.status,
        "estimated_ready": _iso(ready),
    }
    return members, {"Retry-After": str(wait_s)}


def _right_denied(failure: RightDenied) -> dict[str, Any]:
    """Who refuses what, and what could leave without it: `reduced` is null where nothing could."""
    reduced = {"outputs": list(failure.safe_outputs), "panels": list(failure.safe_panels)}
    return {
        "use": failure.use.value,
        "refusals": [each.as_dict() for each in failure.refusals],
        "reduced": reduced if failure.safe_outputs else None,
    }


def _missing(failure: Any, **what: str) -> Details:
    dates = {"date": _iso(failure.asof_date), "last_known_date": _iso(failure.last_known_date)}
    return {**what, **dates, "reason": getattr(failure, "reason", "") or None}, {}


def step_members(failure: orchestrator.StepFailed) -> dict[str, Any]:
    return {
        "step": failure.step,
        "capability": failure.capability,
        "agent": failure.agent,
        "trace": {"steps": [_trace_step(step, failure) for step in failure.trace]},
    }


def _trace_step(step: step_trace.StepTrace, failure: orchestrator.StepFailed) -> dict[str, Any]:
    """A step of the trace. Name and place of what does not answer are for the log alone."""
    described = step.as_dict()
    entry = entry_of(failure.cause)
    if step.name == failure.step and entry is not None and entry[1] == "unavailable":
        described["reason"] = TITLES["unavailable"]
    return described


def _by_field(detail: Any) -> list[tuple[str, Any]]:
    return list(detail.items()) if isinstance(detail, Mapping) else [("", detail)]


def words_of(detail: Any) -> str:
    """The details of a REST framework exception, which nest, as one line of text."""
    if isinstance(detail, Mapping):
        return words_of(detail["detail"]) if "detail" in detail else "; ".join(map(words_of, detail.values()))
    if isinstance(detail, list | tuple):
        return "; ".join(map(words_of, detail))
    return str(detail)


def _iso(instant: Any) -> str | None:
    return None if instant is None else instant.isoformat()
