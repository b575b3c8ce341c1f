"""The page on which a draft is tried: on a portfolio that one may see, at its newest fresh pack, beside what is served."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import patch_cache_control
from redis.exceptions import RedisError

from config.errors import TieoutError
from execution.executor import Request, Served, trial
from execution.models import PatternDraft, PatternVersion
from execution.patterns import inspection, versions
from execution.patterns.document import ParsedPattern
from execution.web import limits, problems
from execution.web.pages import pattern_inputs
from execution.web.pages.pattern import result_context
from portfolio.models import Portfolio
from pricing.models import PackStatus, PricingPack

MOST_DIFFERENCES: Final = 500
FAILURES = (TieoutError, OperationalError, InterfaceError, RedisError)
INPUT: Final = "input-"


@transaction.non_atomic_requests
def page(request: HttpRequest, pattern_id: str) -> HttpResponse:
    """Show the form; with POST and a portfolio, what the text would answer. Nothing is stored, not even the text."""
    if not request.user.has_perm("execution.change_patterndraft"):
        raise PermissionDenied
    with transaction.atomic():
        draft = PatternDraft.objects.filter(pk=pattern_id).first()
        portfolios = list(Portfolio.objects.select_related("policy").order_by("name", "slug"))
    if draft is None:
        if "text" not in request.POST:
            raise Http404
        draft = PatternDraft(pk=pattern_id, revision=0)  # published or discarded meanwhile: what was written stays
    text = request.POST.get("text", draft.text).replace("\r\n", "\n")
    draft_inspection = inspection.inspect(text, draft.pk)
    slug = request.POST.get("portfolio", "")
    portfolio = next((each for each in portfolios if each.slug == slug), portfolios[0] if portfolios else None)
    context: dict[str, Any] = {
        "draft": draft,
        "text": text,
        "revision": request.POST.get("revision", draft.revision),
        "inspection": draft_inspection,
        "portfolios": portfolios,
        "portfolio": portfolio,
        "fields": [],
    }
    if (
        draft_inspection.pattern is not None
        and draft_inspection.document is not None
        and not draft_inspection.findings
        and portfolio is not None
    ):
        context |= _try_out(request, draft_inspection.pattern, draft_inspection.document, portfolio)
    response = TemplateResponse(request, "admin/execution/patterndraft/dry_run.html", context)
    patch_cache_control(response, private=True, no_store=True)
    return response


def _try_out(
    request: HttpRequest, pattern: ParsedPattern, document: Mapping[str, Any], portfolio: Portfolio
) -> dict[str, Any]:
    """The answer of a document with its panels and trace, and how it differs from what is served; or why there is none."""
    version = PatternVersion(
        pattern_id=pattern.id,
        version=pattern.version,
        document=dict(document),
        document_hash=pattern.document_hash,
    )
    answers = {name.removeprefix(INPUT): str(value) for name, value in request.POST.items() if name.startswith(INPUT)}
    context = pattern_inputs.form_context(version, portfolio, answers)
    if pattern_inputs.is_unanswered(version, answers):
        return context | {"waits": True}
    try:
        served = _answer(request, version, pattern, portfolio, answers)
    except FAILURES as failure:
        problem = problems.describe(failure)
        return context | {"problem": problem, "steps": problem.extra.get("trace", {}).get("steps", ())}
    context |= result_context(served, version, portfolio) | {"steps": served.trace["steps"]}
    return context | {"drawn": True} | _compare(request, served, portfolio, answers)


def _answer(
    request: HttpRequest, version: PatternVersion, pattern: ParsedPattern, portfolio: Portfolio, answers: dict[str, str]
) -> Served:
    """Raises one of FAILURES."""
    query = pattern_inputs.read_request(answers, version, portfolio)
    with transaction.atomic():
        fresh = PricingPack.objects.filter(policy=portfolio.policy_id, status=PackStatus.FRESH)
        pack = fresh.order_by("-asof_date", "-sequence").first()
    newest = Request(
        query.pattern_id, query.inputs, portfolio_id=portfolio.pk, pricing_pack_id=pack.pk if pack else None
    )
    with limits.executing(request.user):
        return trial.run(version, pattern, newest, user=request.user)  # type: ignore[arg-type]


def _compare(request: HttpRequest, after: Served, portfolio: Portfolio, answers: dict[str, str]) -> dict[str, Any]:
    """Every path in which the answer differs from that of the version that is served, on the same pack."""
    try:
        with transaction.atomic():
            version = versions.current_version(after.metadata["pattern_id"])
            pattern = versions.parse_version(version)
        before = _answer(
            request, version, pattern, portfolio, {k: v for k, v in answers.items() if k in pattern.inputs}
        )
    except versions.PatternNotFound:
        return {"compared": "It is a new pattern: nothing is served that it could be compared with."}
    except FAILURES as failure:
        return {"compared": f"The version that is served has no answer to compare with: {failure}"}
    differences = list(islice(trial.find_differences(before.result, after.result), MOST_DIFFERENCES + 1))
    return {
        "before": version,
        "differences": differences[:MOST_DIFFERENCES],
        "more": len(differences) > MOST_DIFFERENCES,
    }
