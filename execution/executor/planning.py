"""What a request leaves open, decided: the pattern's version, the inputs, the pack, the ledger revision, what staff chose.

A plan is what a result is a function of, with the key under which it is stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone

from agents import registry
from execution import canonical, patterns
from execution.executor.engine import engine_version
from execution.executor.errors import (
    CommitNotFound,
    LedgerNotReconciled,
    NotAllowed,
    NothingBooked,
    PackNotOfDate,
    PatternNotFound,
    PortfolioNotFound,
    ReconciliationFailed,
    RequestInvalid,
)
from execution.models import Execution, Pattern, PatternVersion
from portfolio import portfolio_settings
from portfolio.ledger.repository import LedgerRepository
from portfolio.models import Break, LedgerRevision, Portfolio, Reconciliation, RevisionStatus
from portfolio.performance import benchmarks, composite, factor_series, risk_free_rates
from portfolio.performance.composite import BenchmarkDefinition
from portfolio.performance.factor_series import FactorChoice
from portfolio.performance.risk_free_rates import RiskFreeSeries
from pricing import packs
from pricing.models import PackStatus, PricingPack, PricingPolicy

READS_FACTORS = frozenset({"risk.compute_factor_exposures"})
"""Capabilities whose answer depends on which series stand for the factors."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What staff may change and results are computed by, as it was when the request was read."""

    risk_free: RiskFreeSeries | None = None
    benchmark: BenchmarkDefinition | None = None
    factors: tuple[FactorChoice, ...] = ()
    """Empty where nothing that is asked for reads them."""

    def as_dict(self) -> dict[str, Any]:
        """As the request has them; factors only where they are read."""
        choices: dict[str, Any] = {
            "risk_free": asdict(self.risk_free) if self.risk_free else None,
            "benchmark": asdict(self.benchmark) if self.benchmark else None,
        }
        return choices | {"factors": [asdict(each) for each in self.factors]} if self.factors else choices

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Choices":
        free, benchmark = stored["risk_free"], stored.get("benchmark")
        return cls(
            RiskFreeSeries(**free) if free else None,
            composite.define(**benchmark) if benchmark else None,
            tuple(FactorChoice(**each) for each in stored.get("factors", ())),
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
        """The canonical request: inputs with defaults filled in, the portfolio with all its settings, the as-of date."""
        owned = None
        if self.portfolio is not None:
            owned = {"id": str(self.portfolio.pk), **portfolio_settings.as_dict(self.portfolio)}
            owned |= self.choices.as_dict()
        return {"inputs": self.inputs, "portfolio": owned, "asof_date": self.pack.asof_date.isoformat()}


def prepare(request: Request, *, user: AbstractBaseUser) -> Plan:
    """Decide what a request leaves open, and refuse what may not run. Inside a transaction of the caller's scope."""
    if not request.require_fresh and not user.is_staff:  # type: ignore[attr-defined]
        raise NotAllowed("only staff may ask for a result on a pack that is not fresh")
    served = current_version(request.pattern_id)
    pattern = _parsed(served.pk)
    try:
        inputs, portfolio_id = _inputs(pattern, request)
    except (patterns.InputsInvalid, RequestInvalid) as invalid:
        raise _refusal([*request.faults, *_told(invalid)], request) from invalid
    if request.faults:
        raise _refusal(request.faults, request)
    portfolio = None if portfolio_id is None else _portfolio(portfolio_id)
    policy = portfolio.policy if portfolio else _only_policy()
    pack, provisional = _pack(request, policy)
    _require_period(pattern, inputs, pack)
    warnings: tuple[str, ...] = ()
    revision = None
    if portfolio is not None:
        if request.ledger_commit is not None:
            revision = newest = _at_commit(portfolio, request.ledger_commit)
        else:
            revision, newest = _newest(portfolio)
        _require_reconciled(portfolio, revision, pack)
        portfolio_settings.take_from(revision, portfolio)
        if newest != revision and newest.status == RevisionStatus.BROKEN:
            warnings += (f"the ledger's newest revision {newest.number} is broken; this is revision {revision.number}",)
    requested = request.asof_date or pack.asof_date
    warnings += date_warnings(requested, pack.asof_date)
    chosen = _choices(portfolio, pattern) if portfolio else Choices()
    plan = Plan(pattern, served, inputs, portfolio, pack, revision, chosen, requested, provisional, "", warnings)
    return replace(plan, key=_key(plan))


def as_it_was(execution: Execution) -> Plan:
    """The plan of an execution that is on record, by what it kept of its five; never stored again."""
    portfolio = revision = None
    chosen = Choices()
    if execution.portfolio_id is not None:
        portfolio = _portfolio(execution.portfolio_id)
        revision = _at_commit(portfolio, execution.ledger_commit_hash)
        portfolio_settings.restore(portfolio, execution.request["portfolio"])
        chosen = Choices.from_dict(execution.request["portfolio"])
    return Plan(
        pattern=_parsed(execution.pattern_version_id),
        version=execution.pattern_version,
        inputs=execution.request["inputs"],
        portfolio=portfolio,
        pack=packs.find(pack_id=execution.pack_id),
        revision=revision,
        choices=chosen,
        requested_asof_date=execution.asof_date,
        provisional=True,
        key=execution.key,
        warnings=(),
    )


@lru_cache(maxsize=256)
def version(version_id: int) -> PatternVersion:
    """Versions never change."""
    return PatternVersion.objects.get(pk=version_id)


def current_version(pattern_id: str) -> PatternVersion:
    """The version that is served. Raises PatternNotFound with up to three near names."""
    published = Pattern.objects.filter(current__isnull=False)
    current = published.filter(pk=pattern_id).values_list("current", flat=True).first()
    if current is None:
        raise PatternNotFound(pattern_id, registry.near(pattern_id, published.values_list("id", flat=True)))
    return version(current)


@lru_cache(maxsize=256)
def _parsed(version_id: int) -> patterns.Pattern:
    """Versions never change, so one parse serves the life of the process."""
    return patterns.parse(version(version_id).document)


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
        risk_free_rates.read_series(portfolio.base_currency),
        benchmarks.read_definition(portfolio.benchmark_id),
        factor_series.read_choices() if _reads_factors(pattern) else (),
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


def asof_of(portfolio: Portfolio, asof_date: date | None) -> date | None:
    """The pack day that answers for a date; None while there is no pack. Raises AsofOutOfRange."""
    try:
        return packs.resolve(policy=portfolio.policy, asof_date=asof_date, today=timezone.localdate()).asof_date
    except packs.PackWarming:
        return None


def _require_period(pattern: patterns.Pattern, inputs: Mapping[str, Any], pack: PricingPack) -> None:
    """A period begins on the as-of date or before. Raises RequestInvalid."""
    first, _ = patterns.period(pattern, inputs)
    if first is not None and first > (asof := pack.asof_date.isoformat()):
        pointer = f"/inputs/{patterns.PERIOD[0]}"
        raise RequestInvalid([{"pointer": pointer, "reason": f"is after the as-of date, {asof}"}])


def date_warnings(requested: date, answered: date) -> tuple[str, ...]:
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


def _newest(portfolio: Portfolio) -> tuple[LedgerRevision, LedgerRevision]:
    """The newest reconciled revision, and the newest of all. Where none was reconciled, a broken one, whose breaks are then
    the answer. Raises NothingBooked, LedgerNotReconciled."""
    revisions = LedgerRevision.objects.filter(portfolio=portfolio).order_by("-number")
    newest = revisions.first()
    if newest is None:
        raise NothingBooked
    if newest.status == RevisionStatus.RECONCILED:
        return newest, newest
    usable = (
        revisions.filter(status=RevisionStatus.RECONCILED).first()
        or revisions.filter(status=RevisionStatus.BROKEN).first()
    )
    if usable is None:
        raise LedgerNotReconciled
    return usable, newest


def _at_commit(portfolio: Portfolio, commit: str) -> LedgerRevision:
    """The last revision at or before a commit. Raises CommitNotFound."""
    revisions = LedgerRevision.objects.filter(portfolio=portfolio).order_by("-number")
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
