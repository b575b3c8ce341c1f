"""From a request to a served result: context, freshness gate, store, run, rights.

A result is a function of five things (pattern version, request, pack, ledger revision, engine version). Their hash is the key
under which it is stored; a repeat by the same caller is served from there. Three transactions: claim, read (one snapshot,
read-only), finish; so that refusals and failures stay on record.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
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
from execution import canonical, metering, orchestrator, patterns, problems
from execution.engine import engine_version
from execution.errors import (
    CommitNotFound,
    DifferentEngine,
    ExecutionNotFound,
    LedgerNotReconciled,
    NotAllowed,
    NotReproduced,
    PackNotOfDate,
    PatternNotFound,
    PortfolioNotFound,
    ReconciliationFailed,
    RequestInvalid,
)
from execution.models import Execution, ExecutionStatus, Pattern, PatternVersion
from execution.strict_json import TooLarge
from portfolio import benchmarks, exposures, riskfree
from portfolio.ledger.repository import LedgerRepository
from portfolio.metrics import BenchmarkReturns, RiskFree
from portfolio.models import Break, LedgerRevision, Portfolio, Reconciliation, RevisionStatus
from portfolio.valuation import Days
from pricing import market, packs
from pricing.models import PackStatus, PricingPack, PricingPolicy

logger = logging.getLogger(__name__)

STORE_SECONDS = 24 * 3600
MAX_RESULT_BYTES = 16 * 1024 * 1024
OWNED = ("base_currency", "booking_method", "fees_in_cost", "flow_timing")
"""What of a portfolio a result is computed by."""
READS_FACTORS = frozenset({"risk.compute_factor_exposures"})
"""Capabilities whose answer depends on which series stand for the factors."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What staff may change and results are computed by, as it was when the request was read."""

    risk_free: riskfree.Choice | None = None
    benchmark: benchmarks.Choice | None = None
    factors: tuple[exposures.Choice, ...] = ()
    """Empty where nothing that is asked for reads them."""

    def told(self) -> dict[str, Any]:
        """As the request has them; factors only where they are read."""
        told: dict[str, Any] = {
            "risk_free": asdict(self.risk_free) if self.risk_free else None,
            "benchmark": asdict(self.benchmark) if self.benchmark else None,
        }
        return told | {"factors": [asdict(each) for each in self.factors]} if self.factors else told

    @classmethod
    def retold(cls, told: Mapping[str, Any]) -> "Choices":
        free, benchmark = told["risk_free"], told.get("benchmark")
        return cls(
            riskfree.Choice(**free) if free else None,
            benchmarks.choice(**benchmark) if benchmark else None,
            tuple(exposures.Choice(**each) for each in told.get("factors", ())),
        )


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. Who asks is not part of it. faults: what of it could not be read, to be told with what else is wrong."""

    pattern_id: str
    inputs: Mapping[str, Any]
    portfolio_id: UUID | None = None
    asof_date: date | None = None
    require_fresh: bool = True
    ledger_commit: str | None = None
    pricing_pack_id: str | None = None
    faults: tuple[Mapping[str, str], ...] = ()


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


@dataclass(frozen=True, slots=True)
class Plan:
    """A request with everything that it leaves open decided: what will be run, on what, under which key."""

    pattern: patterns.Pattern
    version: PatternVersion
    inputs: Mapping[str, Any]
    portfolio: Portfolio | None
    pack: PricingPack
    revision: LedgerRevision | None
    choices: Choices
    requested_asof_date: date
    provisional: bool
    key: str
    warnings: tuple[str, ...]

    @property
    def request(self) -> dict[str, Any]:
        """The canonical request: inputs with defaults filled in, the portfolio and what it is computed by, the as-of date."""
        owned = None
        if self.portfolio is not None:
            owned = {"id": str(self.portfolio.pk), **{name: getattr(self.portfolio, name) for name in OWNED}}
            owned |= self.choices.told()
        return {"inputs": self.inputs, "portfolio": owned, "asof_date": self.pack.asof_date.isoformat()}


@lru_cache(maxsize=1)
def runtime() -> AgentRuntime:
    """The one runtime of this process; its breakers are shared by all through Redis."""
    return AgentRuntime(registry.default, client=shared_redis())


def execute(
    request: Request, *, user: AbstractBaseUser, claimed: Callable[[UUID], object] = lambda execution_id: None
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
            plan = glance(request) or prepare(request, user=user)
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
        warnings = _date_warnings(asked, found.asof_date)
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
            pack = packs.find(pack_id=found.pack_id)
            portfolio = revision = None
            chosen = Choices()
            if found.portfolio_id is not None:
                portfolio = _portfolio(found.portfolio_id)
                revision = _revision(portfolio, found.ledger_commit_hash)
                for name in OWNED:  # as they were then; never saved
                    setattr(portfolio, name, found.request["portfolio"][name])
                chosen = Choices.retold(found.request["portfolio"])
            plan = Plan(
                pattern=_parsed(found.pattern_version_id),
                version=found.pattern_version,
                inputs=found.request["inputs"],
                portfolio=portfolio,
                pack=pack,
                revision=revision,
                choices=chosen,
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
            raise NotReproduced(found.pk, first_difference(json.loads(found.result), json.loads(again.text)) or "/")
        return served


def prepare(request: Request, *, user: AbstractBaseUser) -> Plan:
    """Decide what a request leaves open, and refuse what may not run. Inside a transaction of the caller's scope."""
    if not request.require_fresh and not user.is_staff:  # type: ignore[attr-defined]
        raise NotAllowed("only staff may ask for a result on a pack that is not fresh")
    version = current_version(request.pattern_id)
    pattern = _parsed(version.pk)
    try:
        inputs, portfolio_id = _inputs(pattern, request)
    except (patterns.InputsInvalid, RequestInvalid) as invalid:
        raise _refusal([*request.faults, *_told(invalid)], request) from invalid
    if request.faults:
        raise _refusal(request.faults, request)
    portfolio = None if portfolio_id is None else _portfolio(portfolio_id)
    policy = portfolio.policy if portfolio else _only_policy()
    pack, provisional = _pack(request, policy)
    warnings: tuple[str, ...] = ()
    revision = None
    if portfolio is not None:
        revision = _revision(portfolio, request.ledger_commit)
        _require_reconciled(portfolio, revision, pack)
        newest = LedgerRevision.objects.filter(portfolio=portfolio).order_by("-number").first()
        if request.ledger_commit is None and newest is not None and newest.status == RevisionStatus.BROKEN:
            warnings += (f"the ledger's newest revision {newest.number} is broken; this is revision {revision.number}",)
    requested = request.asof_date or pack.asof_date
    warnings += _date_warnings(requested, pack.asof_date)
    chosen = _choices(portfolio, pattern) if portfolio else Choices()
    plan = Plan(pattern, version, inputs, portfolio, pack, revision, chosen, requested, provisional, "", warnings)
    return replace(plan, key=_key(plan))


_GLANCE = """
    SELECT pattern.current_id, portfolio.slug, portfolio.name, portfolio.owner_id, portfolio.base_currency,
           portfolio.policy_id, portfolio.booking_method, portfolio.fees_in_cost, portfolio.flow_timing,
           pack.id, revision.id, revision.number, revision.commit, revision.tree_hash, free.series_id, free.series_currency,
           benchmark.name, benchmark.rebalance, benchmark.components, benchmark.one_month
    FROM execution_pattern AS pattern
    JOIN portfolio_portfolio AS portfolio ON portfolio.id = %(portfolio)s
    JOIN LATERAL (
        SELECT id FROM pricing_pricingpack
        WHERE policy_id = portfolio.policy_id AND status = 'fresh' AND asof_date = (
            SELECT max(asof_date) FROM pricing_pricingpack
            WHERE policy_id = portfolio.policy_id AND asof_date <= coalesce(%(asof)s, 'infinity'::date))
        ORDER BY sequence DESC LIMIT 1) AS pack ON true
    JOIN LATERAL (
        SELECT id, number, commit, tree_hash FROM portfolio_ledgerrevision
        WHERE portfolio_id = portfolio.id AND status = 'reconciled' ORDER BY number DESC LIMIT 1) AS revision ON true
    LEFT JOIN pricing_riskfreerate AS free ON free.base_currency = portfolio.base_currency
    LEFT JOIN LATERAL (
        SELECT name, rebalance, (
            SELECT json_agg(json_build_array(symbol, weight::text))
            FROM portfolio_benchmarkcomponent AS component JOIN pricing_security AS security ON security.id = security_id
            WHERE benchmark_id = chosen.id) AS components,
            (SELECT coalesce(json_agg(json_build_array(currency, series_id)), '[]') FROM portfolio_onemonthrate) AS one_month
        FROM portfolio_benchmark AS chosen WHERE chosen.id = portfolio.benchmark_id) AS benchmark ON true
    WHERE pattern.id = %(pattern)s AND pattern.current_id IS NOT NULL
      AND NOT EXISTS (
        SELECT FROM portfolio_ledgerrevision
        WHERE portfolio_id = portfolio.id AND number > revision.number AND status = 'broken')
      AND coalesce((
        SELECT status FROM portfolio_reconciliation
        WHERE portfolio_id = portfolio.id AND pack_id = pack.id AND revision_id = revision.id
        ORDER BY made_at DESC, id DESC LIMIT 1), 'pass') = 'pass'
"""


def glance(request: Request) -> Plan | None:
    """The plan that `prepare` makes of an ordinary request, found by one statement; None where it has to look closer.

    Ordinary is: a portfolio that one sees, its newest reconciled ledger, a fresh pack, nothing to warn of but the date. It
    never refuses: that is for `prepare` alone.
    """
    named = request.portfolio_id or request.inputs.get("portfolio_id")
    special = request.faults or not request.require_fresh or (request.asof_date or date.min) > timezone.localdate()
    chosen = request.ledger_commit is not None or request.pricing_pack_id is not None
    if special or chosen or named is None:
        return None
    try:
        portfolio_id = named if isinstance(named, UUID) else UUID(named)
    except (ValueError, TypeError, AttributeError):
        return None
    with connection.cursor() as cursor:
        cursor.execute(_GLANCE, {"pattern": request.pattern_id, "portfolio": portfolio_id, "asof": request.asof_date})
        row = cursor.fetchone()
    if row is None:
        return None
    version_id, slug, name, owner, base, policy, method, fees_in_cost, timing, pack_id, *rest = row
    revision_id, number, commit, tree, series_id, series_currency, *measured_against = rest
    pattern, pack = _parsed(version_id), _fresh_pack(pack_id)
    try:
        inputs, effective_id = _inputs(pattern, request)
    except (patterns.InputsInvalid, RequestInvalid):
        return None
    if effective_id != portfolio_id:
        return None
    portfolio = Portfolio(portfolio_id, slug, name, owner, base, policy, method, fees_in_cost, timing)
    requested = request.asof_date or pack.asof_date
    plan = Plan(
        pattern=pattern,
        version=_version(version_id),
        inputs=inputs,
        portfolio=portfolio,
        pack=pack,
        revision=LedgerRevision(
            revision_id,
            portfolio=portfolio,
            number=number,
            commit=commit,
            tree_hash=tree,
            status=RevisionStatus.RECONCILED,
        ),
        choices=Choices(
            riskfree.Choice(series_id, series_currency) if series_id else None,
            benchmarks.choice(*measured_against) if measured_against[0] else None,
            exposures.chosen() if _reads_factors(pattern) else (),
        ),
        requested_asof_date=requested,
        provisional=False,
        key="",
        warnings=_date_warnings(requested, pack.asof_date),
    )
    return replace(plan, key=_key(plan))


@lru_cache(maxsize=256)
def _version(version_id: int) -> PatternVersion:
    """Versions never change."""
    return PatternVersion.objects.get(pk=version_id)


@lru_cache(maxsize=1024)
def _fresh_pack(pack_id: str) -> PricingPack:
    """A fresh pack never changes any more: the database lets it go nowhere."""
    return packs.find(pack_id=pack_id)


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
    chosen: Choices

    @property
    def asof(self) -> market.Market:
        return market.as_of(self.pack)

    @property
    def history(self) -> market.History:
        return market.history(self.pack)

    def risk_free(self, base_currency: str, days: Days) -> RiskFree | None:
        return riskfree.load(self.pack, self.chosen.risk_free, base_currency, days)

    def benchmark(self, base_currency: str, days: Days) -> BenchmarkReturns | None:
        return benchmarks.load(self.pack, self.chosen.benchmark, base_currency, days)

    @property
    def factors(self) -> tuple[exposures.Choice, ...]:
        return self.chosen.factors


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
        given.setdefault("portfolio_id", str(request.portfolio_id))
    effective = patterns.effective_inputs(pattern, given)
    named = effective.get("portfolio_id") if declared else None
    if request.portfolio_id is not None and named is not None and named != str(request.portfolio_id):
        raise RequestInvalid([{"pointer": "/inputs/portfolio_id", "reason": "is another portfolio than /portfolio_id"}])
    return effective, UUID(named) if named else request.portfolio_id


def _choices(portfolio: Portfolio, pattern: patterns.Pattern) -> Choices:
    return Choices(
        riskfree.choose(portfolio.base_currency),
        benchmarks.choose(portfolio.benchmark_id),
        exposures.chosen() if _reads_factors(pattern) else (),
    )


def _reads_factors(pattern: patterns.Pattern) -> bool:
    return not READS_FACTORS.isdisjoint(step.capability for step in pattern.steps)


def _told(invalid: patterns.InputsInvalid | RequestInvalid) -> list[Mapping[str, str]]:
    if isinstance(invalid, RequestInvalid):
        return list(invalid.findings)
    return [{"pointer": finding.pointer, "reason": finding.reason} for finding in invalid.findings]


def _refusal(faults: Sequence[Mapping[str, str]], request: Request) -> RequestInvalid:
    """All that is wrong at once: a field that could not be read says nothing of its input, and a date that is out of range
    is told with the others. The span of dates is that of the portfolio, where the caller may see it."""
    unread = {fault["pointer"] for fault in request.faults}
    told = [fault for fault in faults if fault in request.faults or not _follows_from(fault["pointer"], unread)]
    named = Portfolio.objects.filter(pk=request.portfolio_id) if request.portfolio_id else Portfolio.objects.none()
    policies = list(PricingPolicy.objects.filter(pk__in=named.values("policy")) or PricingPolicy.objects.all()[:2])
    possible = None
    if len(policies) == 1 and ("/asof_date" in unread or request.asof_date is not None):
        try:
            packs.resolve(policy=policies[0], asof_date=request.asof_date or date.min, today=timezone.localdate())
        except packs.AsofOutOfRange as out:
            possible = (out.first, out.last)
            if "/asof_date" not in unread:
                told.append({"pointer": "/asof_date", "reason": str(out)})
        except packs.PackWarming:
            pass  # no pack yet, so no span to tell
    return RequestInvalid(told, possible)


def _follows_from(pointer: str, unread: set[str]) -> bool:
    return ("/inputs" in unread and pointer.startswith("/inputs/")) or (
        "/portfolio_id" in unread and pointer == "/inputs/portfolio_id"
    )


def _portfolio(portfolio_id: UUID) -> Portfolio:
    portfolio = Portfolio.objects.select_related("policy").filter(pk=portfolio_id).first()
    if portfolio is None:
        raise PortfolioNotFound
    return portfolio


def _date_warnings(requested: date, answered: date) -> tuple[str, ...]:
    if requested == answered:
        return ()
    return (f"{requested.isoformat()} has no pack; answered by {answered.isoformat()}",)


def _only_policy() -> PricingPolicy:
    policies = list(PricingPolicy.objects.all()[:2])
    if len(policies) != 1:
        raise RequestInvalid(
            [{"pointer": "/portfolio_id", "reason": "is needed: there is more than one pricing policy"}]
        )
    return policies[0]


def _pack(request: Request, policy: PricingPolicy) -> tuple[PricingPack, bool]:
    """The pack that answers, and whether the answer is provisional."""
    today = timezone.localdate()
    if request.pricing_pack_id is not None:
        pack = packs.find(pack_id=request.pricing_pack_id)
        if pack.policy_id != policy.pk:
            raise packs.PackNotFound(request.pricing_pack_id)
        if (
            request.asof_date is not None
            and packs.resolve(policy=policy, asof_date=request.asof_date, today=today).asof_date != pack.asof_date
        ):
            raise PackNotOfDate(pack.pk, request.asof_date)
    else:
        pack = packs.resolve(policy=policy, asof_date=request.asof_date, today=today)
    if pack.status == PackStatus.FRESH:
        return pack, False
    if not request.require_fresh and pack.sealed_at is not None:
        return pack, True
    if pack.status == PackStatus.ERROR and pack.failed_job == "reconcile_ledger":
        raise ReconciliationFailed(pack.pk, _breaks(pack))
    return packs.require_fresh(pack=pack), False


def _revision(portfolio: Portfolio, commit: str | None) -> LedgerRevision:
    """The newest reconciled revision, or the last at or before a commit. Where none was reconciled, a broken one, whose
    breaks are then the answer."""
    revisions = LedgerRevision.objects.filter(portfolio=portfolio).order_by("-number")
    if commit is None:
        newest = (
            revisions.filter(status=RevisionStatus.RECONCILED).first()
            or revisions.filter(status=RevisionStatus.BROKEN).first()
        )
        if newest is None:
            raise LedgerNotReconciled
        return newest
    exact = revisions.filter(commit=commit).first()
    if exact is not None:
        return exact
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        if not repository.commit_exists(commit):
            raise CommitNotFound(commit)
        for revision in revisions:
            if repository.is_ancestor(revision.commit, commit):
                return revision
    raise CommitNotFound(commit)


def _require_reconciled(portfolio: Portfolio, revision: LedgerRevision, pack: PricingPack) -> None:
    if revision.status == RevisionStatus.READ:
        raise LedgerNotReconciled
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
    stored.pattern_version = _version(kept["pattern_version_id"])
    return stored


def _keep(execution: Execution, user: AbstractBaseUser) -> None:
    kept = {"id": str(execution.pk), "asof_date": str(execution.asof_date), "finished_at": _iso(execution.finished_at)}
    kept |= {name: getattr(execution, name) for name in KEPT}
    try:
        cache.set(_store_name(execution.key, user.pk), kept, STORE_SECONDS)
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


def _run(plan: Plan, user: AbstractBaseUser, claimed: Callable[[UUID], object]) -> tuple[Execution, bool]:
    """The execution, and whether another request has made it while this one waited in line."""
    with _single_flight(plan.key):
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


def _observed(plan: Plan, ctx: RequestContext) -> orchestrator.Outcome:
    try:
        outcome = orchestrator.run(plan.pattern, plan.inputs, ctx, runtime())
    except orchestrator.StepFailed as failure:
        metering.observe_steps(failure.trace)
        raise
    metering.observe_steps(outcome.trace)
    return outcome


def _finish(execution: Execution, plan: Plan, computed: _Computed, user: AbstractBaseUser, started: float) -> Execution:
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
