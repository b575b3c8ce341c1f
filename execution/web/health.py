"""What the database says of the packs, whether every part of the service answers, and the page that Prometheus reads."""

import logging
import math
import os
import re
import uuid
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config import doctor
from execution import executor, metering
from execution.models import JobRun, NightlyRun, RunState
from execution.night import blocked
from execution.night.estimates import estimated_ready
from execution.web import problems
from pricing import packs
from pricing.models import PackStatus, PricingPack, PricingPolicy
from pricing.providers import states

logger = logging.getLogger(__name__)

WORD_OF_STATUS = {
    PackStatus.BUILDING: "warming",
    PackStatus.WARMING: "warming",
    PackStatus.FRESH: "fresh",
    PackStatus.ERROR: "error",
}
NUMBER_OF_STATUS = {"warming": 0, "fresh": 1, "error": 2}


class RequestIdMiddleware:
    """Gives each request an id, or keeps the caller's if it is a plain one; it stands in answers and in the log."""

    PLAIN = re.compile(r"[A-Za-z0-9_-]{8,64}")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request.request_id = given if self.PLAIN.fullmatch(given) else uuid.uuid4().hex  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response

    def process_exception(self, request: HttpRequest, failure: Exception) -> HttpResponse | None:
        """What a view of the machines' doors did not answer itself; a page is left to Django."""
        if not problems.is_for_machines(request):
            return None
        problem = problems.told(failure)
        logger.error("request failed", exc_info=failure, extra={"request_id": request.request_id})  # type: ignore[attr-defined]
        return problems.response_of(problem, request)


def newest(policy: PricingPolicy) -> PricingPack | None:
    """The pack that the executor answers from, or would if it were fresh: a release on its way leaves a fresh one in charge."""
    try:
        return packs.resolve(policy=policy)
    except packs.PackWarming:  # there is none
        return None


def freshness() -> dict[str, int]:
    """Policy -> 0 warming, 1 fresh, 2 error; policies without a pack are absent."""
    heads = {policy.pk: newest(policy) for policy in PricingPolicy.objects.all()}
    return {code: NUMBER_OF_STATUS[WORD_OF_STATUS[PackStatus(pack.status)]] for code, pack in heads.items() if pack}


def blocked_portfolios() -> dict[str, int]:
    """Policy -> portfolios that have no answer at its newest pack; policies without a pack are absent."""
    heads = {policy.pk: newest(policy) for policy in PricingPolicy.objects.all()}
    runs = {code: NightlyRun.objects.filter(pk=pack.run).first() for code, pack in heads.items() if pack}
    return {code: blocked.describe_run(run)["portfolios"] for code, run in runs.items()}


WITHOUT_PACK: dict[str, Any] = {
    "status": "error",
    "pack_id": None,
    "policy": None,
    "asof_date": None,
    "updated_at": None,
    "prewarm_done": False,
    "is_fresh": False,
    "reconciliation": dict.fromkeys(("portfolios", "failed", "max_error_bp")),
    "blocked": {"portfolios": 0, "missing": []},
    "estimated_ready": None,
    "jobs": [],
    "error": None,
}


HEALTH = inline_serializer(
    "PackHealth",
    {
        "status": serializers.CharField(help_text=f"One of {', '.join(NUMBER_OF_STATUS)}."),
        "pack_id": serializers.CharField(allow_null=True),
        "policy": serializers.CharField(allow_null=True),
        "asof_date": serializers.DateField(allow_null=True),
        "updated_at": serializers.DateTimeField(allow_null=True),
        "prewarm_done": serializers.BooleanField(),
        "is_fresh": serializers.BooleanField(),
        "reconciliation": inline_serializer(
            "PackReconciliation",
            {
                "portfolios": serializers.IntegerField(allow_null=True),
                "failed": serializers.IntegerField(allow_null=True),
                "max_error_bp": serializers.CharField(allow_null=True),
            },
        ),
        "blocked": inline_serializer(
            "PackBlocked",
            {
                "portfolios": serializers.IntegerField(help_text="Portfolios that have no answer at this pack."),
                "missing": serializers.ListField(
                    child=serializers.ChoiceField(["missing-price", "missing-rate"]),
                    help_text="What some of them lack. Which ones, and of what, is for their owners and the operator.",
                ),
            },
        ),
        "estimated_ready": serializers.DateTimeField(
            allow_null=True, help_text="While warming, from how long past nights took; null where none has ended."
        ),
        "jobs": inline_serializer(
            "PackJob",
            {
                "name": serializers.CharField(),
                "state": serializers.ChoiceField(RunState.choices),
                "started_at": serializers.DateTimeField(allow_null=True),
                "finished_at": serializers.DateTimeField(allow_null=True),
                "notes": serializers.ListField(
                    child=serializers.CharField(), help_text="What the operator should see to."
                ),
            },
            many=True,
        ),
        "error": inline_serializer(
            "PackError", {"job": serializers.CharField(), "reason": serializers.CharField()}, allow_null=True
        ),
    },
)


def describe(policy: PricingPolicy) -> dict[str, Any] | None:
    """The body of /health/pack; None where there is no pack."""
    pack = newest(policy)
    if pack is None:
        return None
    run = NightlyRun.objects.filter(pk=pack.run).first()
    jobs = list(JobRun.objects.filter(run=run).order_by("position")) if run else []
    reconciled = next((job for job in jobs if job.name == "reconcile_ledger"), None)
    prewarmed = next((job for job in jobs if job.name == "prewarm_factors"), None)
    status = WORD_OF_STATUS[PackStatus(pack.status)]
    ready = estimated_ready(pack.pk) if status == "warming" else None
    return {
        "status": status,
        "pack_id": pack.pk,
        "policy": policy.pk,
        "asof_date": pack.asof_date.isoformat(),
        "updated_at": pack.updated_at.isoformat(),
        "prewarm_done": prewarmed is not None and prewarmed.state == RunState.DONE,
        "is_fresh": status == "fresh",
        "reconciliation": {
            name: (reconciled.detail.get(name) if reconciled else None)
            for name in ("portfolios", "failed", "max_error_bp")
        },
        "blocked": blocked.describe_run(run),
        "estimated_ready": ready.isoformat() if ready else None,
        "jobs": [
            {
                "name": job.name,
                "state": job.state,
                "started_at": job.started_at.isoformat() if job.started_at else None,
                "finished_at": job.finished_at.isoformat() if job.finished_at else None,
                "notes": notes(job),
            }
            for job in jobs
        ],
        "error": {"job": pack.failed_job, "reason": pack.reason} if status == "error" else None,
    }


def notes(job: JobRun) -> list[str]:
    """What a job met that stops nobody, and that is nobody's in particular."""
    found = []
    if strangers := job.detail.get("folders_without_portfolio"):
        found.append(f"folders of the ledger without a portfolio: {strangers}")
    return found


class Pack(APIView):
    """How the newest pack of a policy is doing. Asked by machines that have no credentials."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="health_pack",
        parameters=[OpenApiParameter("policy", str, description="May be left out where there is one.")],
        responses={
            200: OpenApiResponse(HEALTH, description="Fresh or warming."),
            503: OpenApiResponse(HEALTH, description="In error, or there is no pack."),
        },
    )
    def get(self, request: Request) -> Response:
        policies = {policy.pk: policy for policy in PricingPolicy.objects.all()}
        code = request.query_params.get("policy", next(iter(policies)) if len(policies) == 1 else None)
        body = describe(policies[code]) if code in policies else None
        if body is None:
            reason = "there is no pricing pack" if code in policies else "name one of the pricing policies"
            body = WITHOUT_PACK | {"policy": code, "error": {"job": "", "reason": reason}}
        return Response(body, status=503 if body["status"] == "error" else 200)


def live(request: HttpRequest) -> JsonResponse:
    """GET /health/live: this process answers."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """GET /health/ready: database, roles, migrations, Redis, worker, beat, each by name. What is wrong with it is for the log."""
    faults = doctor.find_faults() + doctor.find_pulse_faults()
    for fault in faults:
        logger.warning("not ready", extra={"piece": fault.piece, "what": fault.what})
    connection.close_if_unusable_or_obsolete()
    return JsonResponse(
        {
            "status": "ok" if not faults else "unavailable",
            "faults": [fault.piece for fault in faults],
        },
        status=503 if faults else 200,
    )


def metrics(request: HttpRequest) -> HttpResponse:
    """GET /metrics, over all processes of the web server."""
    for policy, state in freshness().items():
        metering.PACK_FRESHNESS.labels(policy).set(state)
    for policy, portfolios in blocked_portfolios().items():
        metering.BLOCKED_PORTFOLIOS.labels(policy).set(portfolios)
    for agent, state in executor.runtime().breaker_states().items():
        metering.BREAKER_STATE.labels(agent).set(state)
    for provider in states.all_providers():
        metering.PROVIDER_ON.labels(provider.provider).set(provider.is_on)
        metering.PROVIDER_BREAKER_STATE.labels(provider.provider).set(
            math.nan if provider.breaker is None else provider.breaker
        )
        for window, share in provider.shares:
            metering.PROVIDER_QUOTA.labels(provider.provider, window).set(math.nan if share is None else share)
    collected = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        collected = CollectorRegistry()
        multiprocess.MultiProcessCollector(collected)  # type: ignore[no-untyped-call]
    return HttpResponse(generate_latest(collected), content_type=CONTENT_TYPE_LATEST)
