"""Status and problem type of each failure: the one table."""

from collections.abc import Mapping
from typing import Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from redis.exceptions import RedisError
from rest_framework import exceptions as drf

from agents import breaker, registry, runtime
from agents.claude import fence, model
from agents.data_harvester.fundamentals import SecurityUnknown
from agents.data_harvester.provider_answers import NoAnswer
from agents.financial_analyst.positions import SecurityNotHeld
from compliance.refusal import RightDenied
from config import outage, strict_json
from config.breaker import BreakerOpen
from config.errors import TieoutError
from config.log_in import tries
from config.postgresql.base import WrongRole
from execution import canonical, comparison, executor, explanation, exports, patterns
from execution.executor import network_call, orchestrator, orders, reading
from execution.exports.content import ExportCancelled
from execution.exports.zipped import Unreadable
from execution.patterns import conditions, templating
from execution.patterns.versions import (
    PatternAltered,
    PatternNotFound,
    PatternRetired,
    PatternUnusable,
    VersionNotFound,
)
from execution.web import authentication
from execution.web.limits import LimitReached, QuotaReached
from execution.web.problems.retries import AnsweredBefore, IdempotencyConflict
from portfolio import access, portfolio_settings, valuation
from portfolio.analytics.errors import AnalyticsError
from portfolio.books import imports
from portfolio.explanation.terms import NoSuchFigure
from portfolio.ledger import repository
from portfolio.ledger.screening import LedgerRefused
from portfolio.macro.presets import ScenarioUnknown, ShocksInvalid
from portfolio.valuation.tax_years import YearNotBegun
from pricing import fx, market, packs
from pricing.archive import ArchiveRefused, loading
from pricing.providers import http

PROBLEMS: Final[Mapping[type[BaseException], tuple[int, str]]] = {
    strict_json.JsonRefused: (400, "invalid-request"),
    strict_json.TooLarge: (413, "too-large"),
    RequestDataTooBig: (413, "too-large"),
    SuspiciousOperation: (400, "invalid-request"),  # more fields or files than are read, a name that no file may have
    imports.ImportTooLarge: (413, "too-large"),
    imports.ImportRefused: (400, "invalid-request"),
    executor.RequestInvalid: (400, "invalid-request"),
    comparison.NotComparable: (400, "invalid-request"),
    exports.NoSuchPanel: (400, "invalid-request"),
    exports.NotOfPanels: (400, "invalid-request"),
    ScenarioUnknown: (400, "invalid-request"),
    ShocksInvalid: (400, "invalid-request"),
    YearNotBegun: (400, "invalid-request"),
    patterns.InputsInvalid: (400, "invalid-request"),
    http.BadSymbol: (400, "invalid-request"),
    packs.AsofOutOfRange: (400, "invalid-request"),
    packs.NoPackDay: (400, "invalid-request"),
    portfolio_settings.SettingsRefused: (400, "invalid-request"),
    LedgerRefused: (400, "invalid-request"),
    ArchiveRefused: (400, "invalid-request"),
    drf.ParseError: (400, "invalid-request"),
    drf.ValidationError: (400, "invalid-request"),
    drf.NotAuthenticated: (401, "unauthenticated"),
    drf.AuthenticationFailed: (401, "unauthenticated"),
    RightDenied: (403, "right-denied"),
    exports.TakesNothingOut: (403, "forbidden"),
    executor.NotAllowed: (403, "forbidden"),
    authentication.ScopeMissing: (403, "forbidden"),
    drf.PermissionDenied: (403, "forbidden"),
    PermissionDenied: (403, "forbidden"),
    PatternNotFound: (404, "pattern-not-found"),
    reading.TooMuchToRead: (413, "too-much-to-read"),
    VersionNotFound: (404, "pattern-version-not-found"),
    executor.PortfolioNotFound: (404, "portfolio-not-found"),
    executor.ExecutionNotFound: (404, "execution-not-found"),
    orders.OrderNotFound: (404, "execution-not-found"),
    exports.ExportNotFound: (404, "export-not-found"),
    executor.CommitNotFound: (404, "commit-not-found"),
    repository.CommitNotFound: (404, "commit-not-found"),
    imports.ImportNotFound: (404, "import-not-found"),
    packs.PackNotFound: (404, "pack-not-found"),
    SecurityNotHeld: (404, "security-not-found"),
    SecurityUnknown: (404, "security-not-found"),
    access.AccessRefused: (400, "invalid-request"),
    access.AccessNotFound: (404, "access-not-found"),
    executor.ExecutionDropped: (410, "execution-dropped"),
    PatternRetired: (410, "pattern-retired"),
    PatternUnusable: (409, "pattern-unusable"),
    registry.UnknownCapability: (409, "pattern-unusable"),
    patterns.PatternInvalid: (409, "pattern-unusable"),
    templating.TemplateInvalid: (409, "pattern-unusable"),
    conditions.ConditionInvalid: (409, "pattern-unusable"),
    explanation.PathNotFound: (404, "path-not-found"),
    explanation.NotExplained: (404, "not-explained"),
    NoSuchFigure: (404, "not-explained"),
    drf.NotFound: (404, "not-found"),
    Http404: (404, "not-found"),
    drf.MethodNotAllowed: (405, "method-not-allowed"),
    drf.NotAcceptable: (406, "not-acceptable"),
    drf.UnsupportedMediaType: (415, "unsupported-media-type"),
    exports.ExportNotReady: (409, "export-not-ready"),
    exports.ExportGone: (410, "export-gone"),
    IdempotencyConflict: (409, "idempotency-conflict"),
    executor.DifferentEngine: (409, "different-engine"),
    drf.Throttled: (429, "throttled"),
    tries.TooManyTries: (429, "throttled"),
    LimitReached: (429, "throttled"),
    QuotaReached: (429, "quota-reached"),
    orders.TooManyOrders: (429, "throttled"),
    orders.OrderCancelled: (500, "internal"),  # in a worker; its order is cancelled
    AnsweredBefore: (500, "internal"),  # until it is answered as the first try was
    executor.ReconciliationFailed: (500, "reconciliation-failed"),
    orchestrator.StepFailed: (500, "step-failed"),
    packs.PackCorrupt: (500, "pack-corrupt"),
    executor.ExecutionAltered: (500, "execution-altered"),
    PatternAltered: (500, "pattern-altered"),
    packs.PackWarming: (503, "pack-warming"),
    packs.PackInError: (503, "pack-error"),
    packs.PackIncomplete: (503, "pack-error"),
    market.MissingPrice: (503, "missing-price"),
    fx.MissingRate: (503, "missing-rate"),
    BreakerOpen: (503, "capability-unavailable"),
    breaker.DependencyFailed: (503, "unavailable"),
    executor.LedgerNotReconciled: (503, "unavailable"),
    executor.ExecutionAbandoned: (503, "unavailable"),
    packs.SealingBusy: (503, "unavailable"),
    exports.SigningOff: (503, "export-failed"),
    exports.ExportFailed: (503, "export-failed"),
    loading.NoArchive: (503, "unavailable"),
    loading.ArchiveChanged: (503, "unavailable"),
    repository.LedgerUnavailable: (503, "unavailable"),
    repository.LedgerRewritten: (503, "unavailable"),
    repository.LedgerMoved: (503, "unavailable"),
    WrongRole: (503, "unavailable"),
    http.ProviderOff: (503, "unavailable"),
    http.ProviderFailed: (503, "unavailable"),
    http.ProviderBusy: (503, "unavailable"),
    http.RequestRefused: (503, "unavailable"),
    NoAnswer: (503, "unavailable"),
    OperationalError: (503, "unavailable"),
    InterfaceError: (503, "unavailable"),
    RedisError: (503, "unavailable"),
    # Inside StepFailed these are answered in their own words; without it they are a fault of ours.
    breaker.AgentFailed: (500, "internal"),
    runtime.NotPermitted: (500, "internal"),
    registry.ArgumentsInvalid: (500, "internal"),
    network_call.StepTimedOut: (500, "internal"),
    orchestrator.RunTimedOut: (500, "internal"),
    templating.TemplateUnresolved: (500, "internal"),
    conditions.ConditionFailed: (500, "internal"),
    market.MissingSeries: (500, "internal"),
    valuation.InvariantViolated: (500, "internal"),
    AnalyticsError: (500, "internal"),
    fence.TextVoid: (500, "internal"),  # the template answers, and says so
    model.ModelFailed: (500, "internal"),
    explanation.FigureDiffers: (500, "internal"),
    # What the renderer prevents.
    ExportCancelled: (500, "internal"),
    Unreadable: (500, "internal"),  # of the command that verifies
    canonical.NotRenderable: (500, "internal"),
    packs.BadTransition: (500, "internal"),
    TieoutError: (500, "internal"),
}

ANSWERED_AS_CAUSE: Final = (503, 404, 403, 409, 400)
"""A step that failed by a cause of one of these statuses is answered as the cause, because the step only met it."""


def entry_of(failure: BaseException) -> tuple[int, str] | None:
    """Status and type by the nearest class in the table; a disk that is full or can only be read is away as a database is."""
    for kind in type(failure).__mro__:
        if kind in PROBLEMS:
            return PROBLEMS[kind]
    return PROBLEMS[OperationalError] if isinstance(failure, OSError) and outage.find(failure) else None
