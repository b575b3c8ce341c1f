"""From a request to a served result: context, freshness gate, store, run, rights.

A result is a function of five things (pattern version, request, pack, ledger revision, engine version). Their hash is the key
under which it is stored; a repeat by the same caller is served from there. Three transactions: claim, read (one snapshot,
read-only), finish; so that refusals and failures stay on record.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from time import perf_counter
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from redis.exceptions import RedisError

from agents import registry
from agents.result import RequestContext
from agents.runtime import AgentRuntime
from compliance import rights
from config import locks, scope
from config.redis_client import shared_redis
from config.strict_json import TooLarge
from execution import canonical, metering
from execution.executor import orchestrator, planning
from execution.executor.engine import engine_version
from execution.executor.errors import DifferentEngine, ExecutionNotFound, NotReproduced
from execution.models import Execution, ExecutionStatus
from execution.web import problems
from portfolio.performance import benchmarks, factor_exposures, risk_free_rates
from portfolio.performance.metrics import BenchmarkReturns, RiskFree
from portfolio.valuation import Days
from pricing import market, packs
from pricing.models import PricingPack

logger = logging.getLogger(__name__)

STORE_SECONDS = 24 * 3600
MAX_RESULT_BYTES = 16 * 1024 * 1024


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
        seal = [self.metadata[name] for name in ("result_hash", "rights", "attributions", "provisional", "warnings")]
        return f'"{hashlib.sha256(json.dumps(seal).encode()).hexdigest()[:32]}"'

    def body(self) -> bytes:
        """The result's stored bytes inside the answer, not parsed and rendered again."""
        head = json.dumps({"execution_id": str(self.execution_id)})[:-1]
        tail = json.dumps({"metadata": self.metadata, "trace": self.trace}, separators=(",", ":"))[1:]
        return f'{head},"result":{self.result_text},{tail}'.encode()


@lru_cache(maxsize=1)
def runtime() -> AgentRuntime:
    """The one runtime of this process; its breakers are shared by all through Redis."""
    return AgentRuntime(registry.default, client=shared_redis())


def execute(
    request: planning.Request, *, user: AbstractBaseUser, claimed: Callable[[UUID], object] = lambda execution_id: None
) -> Served:
    """Answer a request for `user`, from the store where it was answered before.

    claimed  told the id of the execution that is on record from then on, before its steps run
    raises   every refusal of DESIGN §5 by name; StepFailed with the trace so far
    """
    started = perf_counter()
    with scope.of(user):

        def serve(stored: Execution, *, cached: bool) -> Served:
            duration_ms = round((perf_counter() - started) * 1000, 3)
            return _serve(
                stored, plan.requested_asof_date, cached=cached, duration_ms=duration_ms, warnings=plan.warnings
            )

        with transaction.atomic():
            plan = planning.prepare(request, user=user)
            stored = None if plan.provisional else _stored(plan.key, user)
            if stored is not None:
                return serve(stored, cached=True)
        ran, cached = _run(plan, user, claimed)
        with transaction.atomic():
            return serve(ran, cached=cached)


def fetch(execution_id: UUID, *, user: AbstractBaseUser, requested: date | None = None) -> Served:
    """An execution as it was answered, under the rights of now. requested: the date that was asked for, where it is known.

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
        asked = requested or found.asof_date
        warnings = planning.date_warnings(asked, found.asof_date)
        return _serve(found, asked, cached=True, duration_ms=found.duration_ms or 0.0, warnings=warnings)


def replay(execution_id: UUID, *, user: AbstractBaseUser) -> Served:
    """Compute a stored execution again from its five, and compare byte for byte.

    raises   ExecutionNotFound; DifferentEngine with the first differing path where another engine computed it;
             NotReproduced with that path where this one did
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
            plan = planning.as_it_was(found)
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
            raise NotReproduced(found.pk, first_difference(json.loads(found.result), json.loads(again.text)) or "/")
        return served


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
    chosen: planning.Choices

    @property
    def asof(self) -> market.Market:
        return market.as_of(self.pack)

    @property
    def history(self) -> market.History:
        return market.history(self.pack)

    def risk_free(self, base_currency: str, days: Days) -> RiskFree | None:
        return risk_free_rates.load(self.pack, self.chosen.risk_free, base_currency, days)

    def benchmark(self, base_currency: str, days: Days) -> BenchmarkReturns | None:
        return benchmarks.load(self.pack, self.chosen.benchmark, base_currency, days)

    @property
    def factors(self) -> tuple[factor_exposures.Choice, ...]:
        return self.chosen.factors


@dataclass(frozen=True, slots=True)
class _Computed:
    text: str
    result_hash: str
    trace: dict[str, Any]
    sources: dict[str, list[str]]
    warnings: list[str]
    transient: bool


def _store_name(key: str, user_id: int) -> str:
    return f"execution:{key}:{user_id}"


class _NotStored(LookupError):
    """Nobody has asked this yet."""


def _stored(key: str, user: AbstractBaseUser) -> Execution | None:
    try:
        return _read_stored(key, user.pk)
    except _NotStored:
        return None


@lru_cache(maxsize=64)
def _read_stored(key: str, user_id: int) -> Execution:
    """A stored execution never changes, so this process keeps the last ones (of its callers, about 10 MB). Redis stands
    between it and the row; away, it only costs the read of the row. Raises _NotStored."""
    try:
        found = cache.get(_store_name(key, user_id))
    except RedisError:
        logger.warning("store is without its cache")
        found = None
    if found is not None:
        return _from_store(found)
    row = (
        Execution.objects.select_related("pattern_version")
        .filter(key=key, user=user_id, status=ExecutionStatus.DONE, provisional=False)
        .first()
    )
    if row is None:
        raise _NotStored
    return row


KEPT = (
    *("pack_id", "pack_chain_hash", "ledger_commit_hash", "engine_version", "pattern_version_id", "key", "status"),
    *("result", "result_hash", "trace", "sources", "warnings", "provisional", "duration_ms"),
)
"""What `_serve` needs of an execution, beside its id and dates."""


def _from_store(kept: Mapping[str, Any]) -> Execution:
    stored = Execution(
        pk=UUID(kept["id"]),
        asof_date=date.fromisoformat(kept["asof_date"]),
        finished_at=datetime.fromisoformat(kept["finished_at"]),
        **{name: kept[name] for name in KEPT},
    )
    stored.pattern_version = planning.version(kept["pattern_version_id"])
    return stored


def _keep(execution: Execution, user: AbstractBaseUser) -> None:
    kept = {"id": str(execution.pk), "asof_date": str(execution.asof_date), "finished_at": _iso(execution.finished_at)}
    kept |= {name: getattr(execution, name) for name in KEPT}
    try:
        cache.set(_store_name(execution.key, user.pk), kept, STORE_SECONDS)
    except RedisError:
        logger.warning("store is without its cache")


def _run(plan: planning.Plan, user: AbstractBaseUser, claimed: Callable[[UUID], object]) -> tuple[Execution, bool]:
    """The execution, and whether another request has made it while this one waited in line."""
    with locks.session_lock(f"execution.executor:{plan.key}"):  # one computation of a key at a time, over all processes
        with transaction.atomic():
            if not plan.provisional and (found := _stored(plan.key, user)) is not None:
                return found, True
            execution = _claim(plan, user)
        claimed(execution.pk)
        started = perf_counter()
        try:
            computed = _compute(plan)
        except Exception as failure:
            _finish_failed(execution, failure, started)
            raise
        return _finish(execution, plan, computed, user, started), False


def _claim(plan: planning.Plan, user: AbstractBaseUser) -> Execution:
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


def _compute(plan: planning.Plan) -> _Computed:
    """Run the steps on one snapshot of the database, which they can not write to, and on a pack that is what was sealed."""
    ctx = RequestContext(
        portfolio_id=plan.portfolio.pk if plan.portfolio else None,
        asof_date=plan.pack.asof_date,
        pricing_pack_id=plan.pack.pk,
        base_currency=plan.portfolio.base_currency if plan.portfolio else None,
        ledger_commit_hash=plan.revision.commit if plan.revision else None,
        portfolio=plan.portfolio,
        pack=plan.pack,
        revision=plan.revision,
        market=MarketView(plan.pack, plan.choices),
    )
    with scope.snapshot():
        packs.require_intact(pack=plan.pack)
        outcome = _observed(plan, ctx)
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


def _observed(plan: planning.Plan, ctx: RequestContext) -> orchestrator.Outcome:
    try:
        outcome = orchestrator.run(plan.pattern, plan.inputs, ctx, runtime())
    except orchestrator.StepFailed as failure:
        _observe(failure.trace)
        raise
    _observe(outcome.trace)
    return outcome


def _observe(trace: Iterable[orchestrator.StepTrace]) -> None:
    for step in trace:
        if step.agent is not None and step.duration_ms is not None:
            metering.observe_step(step.agent, step.capability, step.duration_ms / 1000)


def _finish(
    execution: Execution, plan: planning.Plan, computed: _Computed, user: AbstractBaseUser, started: float
) -> Execution:
    execution.status = ExecutionStatus.DONE
    execution.result, execution.result_hash = computed.text, computed.result_hash
    execution.trace, execution.sources = computed.trace, computed.sources
    told = [f"provisional: {plan.pack.pk} is {plan.pack.status}"] if plan.provisional else []
    execution.warnings = [*told, *computed.warnings]
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
            ]
        )
    if not execution.provisional:
        _keep(execution, user)
    return execution


def _finish_failed(execution: Execution, failure: Exception, started: float) -> None:
    """Keep the failure on record: its name, and what the caller is answered."""
    execution.status = ExecutionStatus.FAILED
    execution.trace = {"steps": [step.as_json() for step in getattr(failure, "trace", ())]}
    execution.problem = {
        "error": type(failure).__name__,
        "detail": str(failure)[:2000],
        "answer": problems.told(failure).record(),
    }
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
