"""From a request to a served result: context, freshness gate, store, run, rights.

A result is a function of five things (pattern version, request, pack, ledger revision, engine version). Their hash is the key
under which it is stored; a repeat by the same caller is served from there. Three transactions: claim, read (one snapshot,
read-only), finish; so that refusals and failures stay on record.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from time import perf_counter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone
from redis.exceptions import RedisError

from agents import registry
from agents.result import RequestContext
from agents.runtime import AgentRuntime
from compliance import rights
from config import scope
from config.redis_client import shared_redis
from execution import canonical, orchestrator, patterns
from execution.engine import engine_version
from execution.errors import (
    CommitNotFound,
    DifferentEngine,
    ExecutionNotFound,
    LedgerNotReconciled,
    NotAllowed,
    PackNotOfDate,
    PatternNotFound,
    PortfolioNotFound,
    ReconciliationFailed,
    RequestInvalid,
)
from execution.models import Execution, ExecutionStatus, Pattern, PatternVersion
from execution.strict_json import TooLarge
from portfolio import riskfree
from portfolio.ledger.repository import LedgerRepository
from portfolio.metrics import RiskFree
from portfolio.models import Break, LedgerRevision, Portfolio, Reconciliation, RevisionStatus
from portfolio.valuation import Days
from pricing import market, packs
from pricing.models import PackStatus, PricingPack, PricingPolicy

logger = logging.getLogger(__name__)

STORE_SECONDS = 24 * 3600
MAX_RESULT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. Who asks is not part of it."""

    pattern_id: str
    inputs: Mapping[str, Any]
    portfolio_id: UUID | None = None
    asof_date: date | None = None
    require_fresh: bool = True
    ledger_commit: str | None = None
    pricing_pack_id: str | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """An answer, with what is decided anew each time it is given: the rights."""

    execution_id: UUID
    result_text: str
    metadata: Mapping[str, Any]
    trace: Mapping[str, Any]

    @property
    def result(self) -> Any:
        return json.loads(self.result_text)

    @property
    def etag(self) -> str:
        rights_version = self.metadata["rights"]["version"]
        seal = f"{self.metadata['result_hash']} {rights_version} {self.metadata['provisional']} {self.metadata['warnings']}"
        return f'"{hashlib.sha256(seal.encode()).hexdigest()[:32]}"'

    def body(self) -> bytes:
        """The result's stored bytes inside the answer, not parsed and rendered again."""
        head = json.dumps({"execution_id": str(self.execution_id)})[:-1]
        tail = json.dumps({"metadata": self.metadata, "trace": self.trace}, separators=(",", ":"))[1:]
        return f'{head},"result":{self.result_text},{tail}'.encode()


@dataclass(frozen=True, slots=True)
class Plan:
    """A request with everything that it leaves open decided: what will be run, on what, under which key."""

    pattern: patterns.Pattern
    version: PatternVersion
    inputs: Mapping[str, Any]
    portfolio: Portfolio | None
    pack: PricingPack
    revision: LedgerRevision | None
    requested_asof_date: date
    provisional: bool
    key: str
    warnings: tuple[str, ...]

    @property
    def request(self) -> dict[str, Any]:
        """The canonical request: inputs with defaults filled in, the portfolio and what it is computed by, the as-of date."""
        owned = None
        if self.portfolio is not None:
            owned = {
                "id": str(self.portfolio.pk),
                "base_currency": self.portfolio.base_currency,
                "booking_method": self.portfolio.booking_method,
                "fees_in_cost": self.portfolio.fees_in_cost,
                "flow_timing": self.portfolio.flow_timing,
            }
        return {"inputs": self.inputs, "portfolio": owned, "asof_date": self.pack.asof_date.isoformat()}


@lru_cache(maxsize=1)
def runtime() -> AgentRuntime:
    """The one runtime of this process; its breakers are shared by all through Redis."""
    return AgentRuntime(registry.default, client=shared_redis())


def execute(request: Request, *, user: AbstractBaseUser) -> Served:
    """Answer a request for `user`, from the store where it was answered before.

    raises   every refusal of DESIGN §5 by name; StepFailed with the trace so far
    """
    started = perf_counter()
    with scope.of(user):
        with transaction.atomic():
            plan = prepare(request, user=user)
            stored = None if plan.provisional else _stored(plan.key, user)
        if stored is None:
            stored, cached = _run(plan, user), False
        else:
            cached = True
        with transaction.atomic():
            return _serve(
                stored,
                plan.requested_asof_date,
                cached=cached,
                duration_ms=round((perf_counter() - started) * 1000, 3),
                warnings=plan.warnings,
            )


def fetch(execution_id: UUID, *, user: AbstractBaseUser) -> Served:
    """An execution as it was answered, under the rights of now.

    raises   ExecutionNotFound, also for one of a portfolio that is not the caller's
    """
    with scope.of(user), transaction.atomic():
        found = (
            Execution.objects.select_related("pattern_version")
            .filter(pk=execution_id, status=ExecutionStatus.DONE)
            .first()
        )
        if found is None:
            raise ExecutionNotFound
        return _serve(found, found.asof_date, cached=True, duration_ms=found.duration_ms or 0.0, warnings=())


def replay(execution_id: UUID, *, user: AbstractBaseUser) -> Served:
    """Compute a stored execution again from its five, and compare byte for byte.

    raises   ExecutionNotFound; DifferentEngine with the first differing path where another engine computed it
    """
    with scope.of(user):
        with transaction.atomic():
            found = (
                Execution.objects.select_related("pattern_version")
                .filter(pk=execution_id, status=ExecutionStatus.DONE)
                .first()
            )
            if found is None:
                raise ExecutionNotFound
            pack = packs.find(pack_id=found.pack_id)
            portfolio = Portfolio.objects.filter(pk=found.portfolio_id).first()
            revision = None if portfolio is None else _revision(portfolio, found.ledger_commit_hash)
            plan = Plan(
                pattern=_parsed(found.pattern_version_id),
                version=found.pattern_version,
                inputs=found.request["inputs"],
                portfolio=portfolio,
                pack=pack,
                revision=revision,
                requested_asof_date=found.asof_date,
                provisional=True,
                key=found.key,
                warnings=(),
            )
        again = _compute(plan)
        same = again.text == found.result
        if found.engine_version != engine_version():
            raise DifferentEngine(
                found.engine_version,
                engine_version(),
                None if same else first_difference(json.loads(found.result), json.loads(again.text)),
            )
        with transaction.atomic():
            served = _serve(found, found.asof_date, cached=True, duration_ms=found.duration_ms or 0.0, warnings=())
        if not same:
            path = first_difference(json.loads(found.result), json.loads(again.text))
            raise DifferentEngine(found.engine_version, engine_version(), path)
        return served


def prepare(request: Request, *, user: AbstractBaseUser) -> Plan:
    """Decide what a request leaves open, and refuse what may not run. Inside a transaction of the caller's scope."""
    if not request.require_fresh and not user.is_staff:  # type: ignore[attr-defined]
        raise NotAllowed("only staff may ask for a result on a pack that is not fresh")
    version = current_version(request.pattern_id)
    pattern = _parsed(version.pk)
    inputs, portfolio_id = _inputs(pattern, request)
    portfolio = None
    if portfolio_id is not None:
        portfolio = Portfolio.objects.select_related("policy").filter(pk=portfolio_id).first()
        if portfolio is None:
            raise PortfolioNotFound
    policy = portfolio.policy if portfolio else _only_policy()
    pack, provisional, warnings = _pack(request, policy)
    revision = None
    if portfolio is not None:
        revision = _revision(portfolio, request.ledger_commit)
        _require_reconciled(portfolio, revision, pack)
        newest = LedgerRevision.objects.filter(portfolio=portfolio).order_by("-number").first()
        if request.ledger_commit is None and newest is not None and newest.status == RevisionStatus.BROKEN:
            warnings += (f"the ledger's newest revision {newest.number} is broken; this is revision {revision.number}",)
    requested = request.asof_date or pack.asof_date
    if requested != pack.asof_date:
        warnings += (f"{requested.isoformat()} has no pack; answered by {pack.asof_date.isoformat()}",)
    plan = Plan(pattern, version, inputs, portfolio, pack, revision, requested, provisional, "", warnings)
    return replace(plan, key=_key(plan))


def current_version(pattern_id: str) -> PatternVersion:
    """The version that is served. Raises PatternNotFound with up to three near names."""
    pattern = Pattern.objects.select_related("current").filter(pk=pattern_id, current__isnull=False).first()
    if pattern is None or pattern.current is None:
        known = Pattern.objects.filter(current__isnull=False).values_list("id", flat=True)
        raise PatternNotFound(pattern_id, registry.near(pattern_id, known))
    return pattern.current


def first_difference(one: Any, other: Any, path: str = "") -> str | None:
    """JSON pointer to the first place where two results differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if key not in one or key not in other:
                return f"{path}/{key}"
            found = first_difference(one[key], other[key], f"{path}/{key}")
            if found:
                return found
        return None
    if isinstance(one, list) and isinstance(other, list):
        for position, (left, right) in enumerate(zip(one, other, strict=False)):
            found = first_difference(left, right, f"{path}/{position}")
            if found:
                return found
        return None if len(one) == len(other) else f"{path}/{min(len(one), len(other))}"
    return None if one == other else path or "/"


@dataclass(frozen=True, slots=True)
class MarketView:
    """The market of one pack, as capabilities take it: as-of values exactly, and its history as arrays."""

    pack: PricingPack

    @property
    def asof(self) -> market.Market:
        return market.as_of(self.pack)

    @property
    def history(self) -> market.History:
        return market.history(self.pack)

    def risk_free(self, base_currency: str, days: Days) -> RiskFree | None:
        return riskfree.load(self.pack, base_currency, days)


@dataclass(frozen=True, slots=True)
class _Computed:
    text: str
    result_hash: str
    trace: dict[str, Any]
    sources: dict[str, list[str]]
    warnings: list[str]
    transient: bool


@lru_cache(maxsize=256)
def _parsed(version_id: int) -> patterns.Pattern:
    """Versions never change, so one parse serves the life of the process."""
    return patterns.parse(PatternVersion.objects.get(pk=version_id).document)


def _inputs(pattern: patterns.Pattern, request: Request) -> tuple[dict[str, Any], UUID | None]:
    """Effective inputs, and the portfolio that they or the request name; two that disagree are refused."""
    given = dict(request.inputs)
    declared = "portfolio_id" in pattern.inputs
    if request.portfolio_id is not None and declared:
        named = str(given.setdefault("portfolio_id", str(request.portfolio_id)))
        if named.lower() != str(request.portfolio_id):
            raise RequestInvalid(
                [{"pointer": "/inputs/portfolio_id", "reason": "is another portfolio than /portfolio_id"}]
            )
    effective = patterns.effective_inputs(pattern, given)
    named_id = effective.get("portfolio_id") if declared else None
    return effective, UUID(named_id) if named_id else request.portfolio_id


def _only_policy() -> PricingPolicy:
    policies = list(PricingPolicy.objects.all()[:2])
    if len(policies) != 1:
        raise RequestInvalid(
            [{"pointer": "/portfolio_id", "reason": "is needed: there is more than one pricing policy"}]
        )
    return policies[0]


def _pack(request: Request, policy: PricingPolicy) -> tuple[PricingPack, bool, tuple[str, ...]]:
    """The pack that answers, whether the answer is provisional, and what to say about it."""
    if request.pricing_pack_id is not None:
        pack = packs.find(pack_id=request.pricing_pack_id)
        if pack.policy_id != policy.pk:
            raise packs.PackNotFound(request.pricing_pack_id)
        if (
            request.asof_date is not None
            and packs.resolve(policy=policy, asof_date=request.asof_date).asof_date != pack.asof_date
        ):
            raise PackNotOfDate(pack.pk, request.asof_date)
    else:
        pack = packs.resolve(policy=policy, asof_date=request.asof_date)
    if pack.status == PackStatus.FRESH:
        return pack, False, ()
    if not request.require_fresh and pack.sealed_at is not None:
        return pack, True, (f"provisional: {pack.pk} is {pack.status}",)
    if pack.status == PackStatus.ERROR and pack.failed_job == "reconcile_ledger":
        raise ReconciliationFailed(pack.pk, _breaks(pack))
    return packs.require_fresh(pack=pack), False, ()


def _revision(portfolio: Portfolio, commit: str | None) -> LedgerRevision:
    """The newest reconciled revision, or the last at or before a commit."""
    revisions = LedgerRevision.objects.filter(portfolio=portfolio).order_by("-number")
    if commit is None:
        newest = revisions.filter(status=RevisionStatus.RECONCILED).first()
        if newest is None:
            raise LedgerNotReconciled
        return newest
    exact = revisions.filter(commit=commit).first()
    if exact is not None:
        return exact
    repository = LedgerRepository(settings.LEDGER_PATH)
    if not repository.commit_exists(commit):
        raise CommitNotFound(commit)
    for revision in revisions:
        if repository.is_ancestor(revision.commit, commit):
            return revision
    raise CommitNotFound(commit)


def _require_reconciled(portfolio: Portfolio, revision: LedgerRevision, pack: PricingPack) -> None:
    last = (
        Reconciliation.objects.filter(portfolio=portfolio, revision=revision, pack=pack)
        .order_by("-made_at", "-id")
        .values_list("status", flat=True)
        .first()
    )
    if last == "fail" or revision.status == RevisionStatus.BROKEN:
        raise ReconciliationFailed(pack.pk, _breaks(pack, portfolio=portfolio, revision=revision))


def _breaks(pack: PricingPack, **only: Any) -> list[dict[str, Any]]:
    """Row-level security leaves those of portfolios that the caller may see."""
    rows = Break.objects.filter(
        reconciliation__pack=pack, **({f"reconciliation__{name}": value for name, value in only.items()})
    )
    return [
        {
            "portfolio_id": str(row.portfolio_id),
            "kind": row.kind,
            "account": row.account,
            "commodity": row.commodity,
            "ledger_value": _plain(row.ledger_value),
            "database_value": _plain(row.database_value),
            "difference": _plain(row.difference),
            "error_bp": _plain(row.error_bp),
            "detail": row.detail,
        }
        for row in rows.order_by("-reconciliation_id", "id")[:20]
    ]


def _plain(number: Any) -> str | None:
    return None if number is None else format(number, "f")


def _key(plan: Plan) -> str:
    """SHA-256 over the five."""
    return canonical.digest(
        {
            "pattern": [plan.version.pattern_id, plan.version.version, plan.version.document_hash],
            "request": plan.request,
            "pack": [plan.pack.pk, plan.pack.chain_hash],
            "ledger": [plan.revision.commit, plan.revision.tree_hash, plan.revision.number] if plan.revision else None,
            "engine": engine_version(),
        }
    )


def _store_name(key: str, user: AbstractBaseUser) -> str:
    return f"execution:{key}:{user.pk}"


def _stored(key: str, user: AbstractBaseUser) -> Execution | None:
    """Redis in front; away, it only costs the read of the row."""
    try:
        found = cache.get(_store_name(key, user))
    except RedisError:
        logger.warning("store is without its cache")
        found = None
    if found is not None:
        return found  # type: ignore[no-any-return]
    return (
        Execution.objects.select_related("pattern_version")
        .filter(key=key, user=user.pk, status=ExecutionStatus.DONE, provisional=False)
        .first()
    )


def _keep(execution: Execution, user: AbstractBaseUser) -> None:
    try:
        cache.set(_store_name(execution.key, user), execution, STORE_SECONDS)
    except RedisError:
        logger.warning("store is without its cache")


@contextmanager
def _single_flight(key: str) -> Iterator[None]:
    """One computation a key at a time, over all processes; released with the connection if the process dies."""
    lock = int.from_bytes(bytes.fromhex(key[:16]), "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [lock])
    try:
        yield
    finally:
        if connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [lock])


def _run(plan: Plan, user: AbstractBaseUser) -> Execution:
    with _single_flight(plan.key):
        with transaction.atomic():
            if not plan.provisional and (found := _stored(plan.key, user)) is not None:
                return found
            execution = _claim(plan, user)
        started = perf_counter()
        try:
            computed = _compute(plan)
        except Exception as failure:
            _finish_failed(execution, failure, started)
            raise
        return _finish(execution, plan, computed, user, started)


def _claim(plan: Plan, user: AbstractBaseUser) -> Execution:
    return Execution.objects.create(
        user_id=user.pk,
        portfolio_id=plan.portfolio.pk if plan.portfolio else None,
        pattern_version=plan.version,
        pack_id=plan.pack.pk,
        pack_chain_hash=plan.pack.chain_hash,
        ledger_commit_hash=plan.revision.commit if plan.revision else "",
        asof_date=plan.pack.asof_date,
        request=plan.request,
        engine_version=engine_version(),
        key=plan.key,
        provisional=plan.provisional,
        started_at=timezone.now(),
    )


def _compute(plan: Plan) -> _Computed:
    """Run the steps on one snapshot of the database, which they can not write to."""
    ctx = RequestContext(
        portfolio_id=plan.portfolio.pk if plan.portfolio else None,
        asof_date=plan.pack.asof_date,
        pricing_pack_id=plan.pack.pk,
        base_currency=plan.portfolio.base_currency if plan.portfolio else None,
        ledger_commit_hash=plan.revision.commit if plan.revision else None,
        portfolio=plan.portfolio,
        pack=plan.pack,
        revision=plan.revision,
        market=MarketView(plan.pack),
    )
    with scope.snapshot():
        outcome = orchestrator.run(plan.pattern, plan.inputs, ctx, runtime())
    rendered = {name: canonical.render(data) for name, data in outcome.outputs.items()}
    text = canonical.canonical_bytes(rendered)
    if len(text) > MAX_RESULT_BYTES:
        raise TooLarge(MAX_RESULT_BYTES)
    return _Computed(
        text=text.decode(),
        result_hash=hashlib.sha256(text).hexdigest(),
        trace={"steps": [step.as_json() for step in outcome.trace]},
        sources={name: list(outcome.sources.get(name, ())) for name in outcome.outputs},
        warnings=list(outcome.warnings),
        transient=outcome.transient,
    )


def _finish(execution: Execution, plan: Plan, computed: _Computed, user: AbstractBaseUser, started: float) -> Execution:
    execution.status = ExecutionStatus.DONE
    execution.result, execution.result_hash = computed.text, computed.result_hash
    execution.trace, execution.sources, execution.warnings = computed.trace, computed.sources, computed.warnings
    # What was left out because something did not answer may be there next time: that is no function of the five.
    execution.provisional = plan.provisional or computed.transient
    execution.finished_at = timezone.now()
    execution.duration_ms = round((perf_counter() - started) * 1000, 3)
    with transaction.atomic():
        execution.save(
            update_fields=[
                "status",
                "result",
                "result_hash",
                "trace",
                "sources",
                "warnings",
                "provisional",
                "finished_at",
                "duration_ms",
            ]  # fmt: skip
        )
    if not execution.provisional:
        _keep(execution, user)
    return execution


def _finish_failed(execution: Execution, failure: Exception, started: float) -> None:
    """Keep the failure on record: by its name, as the answer to the caller is `problems`' to say."""
    execution.status = ExecutionStatus.FAILED
    execution.trace = {"steps": [step.as_json() for step in getattr(failure, "trace", ())]}
    execution.problem = {"error": type(failure).__name__, "detail": str(failure)[:2000]}
    execution.finished_at = timezone.now()
    execution.duration_ms = round((perf_counter() - started) * 1000, 3)
    with transaction.atomic():
        execution.save(update_fields=["status", "trace", "problem", "finished_at", "duration_ms"])


def _serve(
    execution: Execution, requested: date, *, cached: bool, duration_ms: float, warnings: tuple[str, ...]
) -> Served:
    """Decide the rights of now, and put the stored bytes beside what they tie out to."""
    decision = rights.decide(execution.sources)
    text = execution.result
    if decision.withheld:
        shown = json.loads(text)
        for output in decision.withheld:
            shown[output] = {"value": None, "status": "unavailable", "reason": "right-denied"}
        text = canonical.canonical_bytes(shown).decode()
    pack = _pack_header(execution.pack_id)
    metadata = {
        "pattern_id": execution.pattern_version.pattern_id,
        "pattern_version": execution.pattern_version.version,
        "pricing_pack_id": execution.pack_id,
        "pack_content_hash": pack.content_hash,
        "pack_chain_hash": execution.pack_chain_hash,
        "policy": pack.policy,
        "ledger_commit_hash": execution.ledger_commit_hash or None,
        "asof_date": execution.asof_date.isoformat(),
        "requested_asof_date": requested.isoformat(),
        "engine_version": execution.engine_version,
        "result_hash": execution.result_hash,
        "cached": cached,
        "provisional": execution.provisional,
        "computed_at": _iso(execution.finished_at),
        "duration_ms": duration_ms,
        "sources": sorted({code for codes in execution.sources.values() for code in codes}),
        "attributions": list(decision.attributions),
        "rights": {
            "version": decision.version,
            "withheld": {name: list(codes) for name, codes in decision.withheld.items()},
        },
        "warnings": [*warnings, *execution.warnings],
    }
    return Served(execution.pk, text, metadata, execution.trace)


@dataclass(frozen=True, slots=True)
class _PackHeader:
    policy: str
    content_hash: str


@lru_cache(maxsize=1024)
def _pack_header(pack_id: str) -> _PackHeader:
    """What is sealed of a header never changes."""
    policy, content_hash = PricingPack.objects.values_list("policy_id", "content__content_hash").get(pk=pack_id)
    return _PackHeader(policy, content_hash)


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
