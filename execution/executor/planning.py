"""What a request leaves open, decided: the pattern's version, the inputs, the pack, the ledger revision, the reference series.

A plan is what a result is a function of, with the key under which the result is stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone

from execution import canonical, patterns
from execution.executor import answering_pack, ledger_revisions
from execution.executor.engine import engine_version
from execution.executor.reference_series import ReferenceSeries
from execution.executor.request import NotAllowed, PortfolioNotFound, Request, RequestInvalid
from execution.models import Execution, PatternVersion
from execution.patterns import inputs as pattern_inputs
from execution.patterns import versions
from portfolio import portfolio_settings
from portfolio.models import LedgerRevision, Portfolio
from pricing import packs
from pricing.models import PricingPack, PricingPolicy


@dataclass(frozen=True, slots=True)
class Plan:
    """A request with everything that it leaves open decided: what is run, and on what."""

    pattern: patterns.ParsedPattern
    version: PatternVersion
    inputs: Mapping[str, Any]
    portfolio: Portfolio | None
    pack: PricingPack
    revision: LedgerRevision | None
    reference_series: ReferenceSeries
    requested_asof_date: date
    provisional: bool
    warnings: tuple[str, ...]

    @property
    def request(self) -> dict[str, Any]:
        """The canonical request: inputs with defaults filled in, the portfolio with all its settings, the as-of date."""
        portfolio = None
        if self.portfolio is not None:
            portfolio = {"id": str(self.portfolio.pk), **portfolio_settings.as_dict(self.portfolio)}
            portfolio |= self.reference_series.as_dict()
        return {"inputs": self.inputs, "portfolio": portfolio, "asof_date": self.pack.asof_date.isoformat()}

    @property
    def key(self) -> str:
        """SHA-256, hex, of the five that the result is a function of."""
        return canonical.digest(
            {
                "pattern": [self.version.pattern_id, self.version.version, self.version.document_hash],
                "request": self.request,
                "pack": [self.pack.pk, self.pack.chain_hash],
                "ledger": [self.revision.commit, self.revision.tree_hash, self.revision.number]
                if self.revision
                else None,
                "engine": engine_version(),
            }
        )


def prepare(request: Request, *, user: AbstractBaseUser) -> Plan:
    """Decide what a request leaves open, and refuse what may not run. Called in a transaction of the caller's scope.

    raises   NotAllowed, PatternNotFound, VersionNotFound, PortfolioNotFound; RequestInvalid with everything that is wrong;
             what choose_pack and choose_revision raise
    """
    if not request.require_fresh and not user.is_staff:  # type: ignore[attr-defined]
        raise NotAllowed("only staff may ask for a result on a pack that is not fresh")
    version = versions.find_version(request.pattern_id, request.pattern_version)
    return prepare_version(version, versions.parse_version(version), request)


def prepare_version(version: PatternVersion, pattern: patterns.ParsedPattern, request: Request) -> Plan:
    """The plan of a request by this version, whichever is served.

    raises   PortfolioNotFound; RequestInvalid with everything that is wrong; what choose_pack and choose_revision raise
    """
    inputs, portfolio_id = _read_inputs(pattern, request)
    portfolio = None if portfolio_id is None else _find_portfolio(portfolio_id)
    pack, provisional = answering_pack.choose_pack(
        request, portfolio.policy if portfolio else answering_pack.only_policy()
    )
    _require_period(pattern, inputs, pack)
    requested = request.asof_date or pack.asof_date
    warnings = answering_pack.date_warnings(requested, pack.asof_date)
    revision, series = None, ReferenceSeries()
    if portfolio is not None:
        revision, about_ledger = ledger_revisions.choose_revision(portfolio, pack, request.ledger_commit)
        portfolio_settings.take_from(revision, portfolio)
        series = ReferenceSeries.current(portfolio, pattern)
        warnings = about_ledger + warnings
    return Plan(pattern, version, inputs, portfolio, pack, revision, series, requested, provisional, warnings)


def plan_again(execution: Execution) -> Plan:
    """The plan of an execution that is on record, for a result that is compared and never stored."""
    portfolio, revision, series = None, None, ReferenceSeries()
    if execution.portfolio_id is not None:
        portfolio = _find_portfolio(execution.portfolio_id)
        revision = ledger_revisions.revision_at(portfolio, execution.ledger_commit_hash)
        portfolio_settings.restore(portfolio, execution.request["portfolio"])
        series = ReferenceSeries.from_dict(execution.request["portfolio"])
    return Plan(
        pattern=versions.parse_version(execution.pattern_version),
        version=execution.pattern_version,
        inputs=execution.request["inputs"],
        portfolio=portfolio,
        pack=packs.find(pack_id=execution.pack_id),
        revision=revision,
        reference_series=series,
        requested_asof_date=execution.asof_date,
        provisional=True,
        warnings=(),
    )


def _read_inputs(pattern: patterns.ParsedPattern, request: Request) -> tuple[dict[str, Any], UUID | None]:
    """Effective inputs and the portfolio's id. Raises RequestInvalid with everything that is wrong with the request."""
    try:
        inputs, portfolio_id = _effective_inputs(pattern, request)
    except patterns.InputsInvalid as invalid:
        findings = [{"pointer": each.pointer, "reason": each.reason} for each in invalid.findings]
        raise _refuse([*request.faults, *findings], request) from invalid
    except RequestInvalid as invalid:
        raise _refuse([*request.faults, *invalid.findings], request) from invalid
    if request.faults:
        raise _refuse(request.faults, request)
    return inputs, portfolio_id


def _effective_inputs(pattern: patterns.ParsedPattern, request: Request) -> tuple[dict[str, Any], UUID | None]:
    """Effective inputs, and the id of the portfolio that they or the request name. Raises RequestInvalid where the two differ."""
    own_inputs = dict(request.inputs)
    declared = "portfolio_id" in pattern.inputs
    if request.portfolio_id is not None and declared:
        own_inputs.setdefault("portfolio_id", str(request.portfolio_id))
    effective = patterns.effective_inputs(pattern, own_inputs)
    by_input = effective.get("portfolio_id") if declared else None
    if request.portfolio_id is not None and by_input is not None and by_input != str(request.portfolio_id):
        raise RequestInvalid([{"pointer": "/inputs/portfolio_id", "reason": "is another portfolio than /portfolio_id"}])
    return effective, UUID(by_input) if by_input else request.portfolio_id


def _refuse(findings: Sequence[Mapping[str, str]], request: Request) -> RequestInvalid:
    """The refusal of a request, with all that is wrong at once.

    Findings that only follow from a field that could not be parsed are left out. An as-of date that is out of range is added; the
    possible dates are those of the portfolio's policy, where the caller may see the portfolio.
    """
    unread = {fault["pointer"] for fault in request.faults}
    reported = [each for each in findings if each in request.faults or not _follows_from(each["pointer"], unread)]
    portfolios = Portfolio.objects.filter(pk=request.portfolio_id) if request.portfolio_id else Portfolio.objects.none()
    policies = list(PricingPolicy.objects.filter(pk__in=portfolios.values("policy")) or PricingPolicy.objects.all()[:2])
    possible = None
    if len(policies) == 1 and ("/asof_date" in unread or request.asof_date is not None):
        try:
            packs.resolve(policy=policies[0], asof_date=request.asof_date or date.min, today=timezone.localdate())
        except packs.AsofOutOfRange as out_of_range:
            possible = (out_of_range.first, out_of_range.last)
            if "/asof_date" not in unread:
                reported.append({"pointer": "/asof_date", "reason": str(out_of_range)})
        except packs.PackWarming:
            pass  # there is no pack yet, and so no possible date
    return RequestInvalid(reported, possible)


def _follows_from(pointer: str, unread: set[str]) -> bool:
    return ("/inputs" in unread and pointer.startswith("/inputs/")) or (
        "/portfolio_id" in unread and pointer == "/inputs/portfolio_id"
    )


def _find_portfolio(portfolio_id: UUID) -> Portfolio:
    try:
        return Portfolio.objects.select_related("policy").get(pk=portfolio_id)
    except Portfolio.DoesNotExist:
        raise PortfolioNotFound from None


def _require_period(pattern: patterns.ParsedPattern, inputs: Mapping[str, Any], pack: PricingPack) -> None:
    """Refuse a period that begins after the as-of date. Raises RequestInvalid."""
    first, _ = pattern_inputs.period(pattern, inputs)
    if first is not None and first > (asof := pack.asof_date.isoformat()):
        pointer = f"/inputs/{pattern_inputs.PERIOD[0]}"
        raise RequestInvalid([{"pointer": pointer, "reason": f"is after the as-of date, {asof}"}])
