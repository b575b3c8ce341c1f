"""Whether the packs are ready, and whether every part of the service answers."""

import logging
from typing import Any, ClassVar

from django.db import connection, transaction
from django.http import HttpRequest, JsonResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from config import doctor
from execution.models import JobRun, NightlyRun, RunState
from execution.night import blocked
from execution.night.estimates import estimated_ready
from execution.web.api.door import Door
from execution.web.api.fields import Text
from execution.web.api.schema import refusals
from pricing import packs
from pricing.models import PackStatus, PricingPack, PricingPolicy

logger = logging.getLogger(__name__)

WORD_OF_STATUS = {
    PackStatus.BUILDING: "warming",
    PackStatus.WARMING: "warming",
    PackStatus.FRESH: "fresh",
    PackStatus.ERROR: "error",
}
NUMBER_OF_STATUS = {"warming": 0, "fresh": 1, "error": 2}


def newest_pack(policy: PricingPolicy) -> PricingPack | None:
    """The pack that the executor answers from, or would answer from if it were fresh; None where the policy has none.

    While a new release is being built, it is the fresh release before.
    """
    try:
        return packs.resolve(policy=policy)
    except packs.PackWarming:  # there is no pack
        return None


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
    pack = newest_pack(policy)
    if pack is None:
        return None
    run = NightlyRun.objects.filter(pk=pack.run).first()
    jobs = list(JobRun.objects.filter(run=run).order_by("position")) if run else []
    reconciled = next((job for job in jobs if job.name == "reconcile_ledger"), None)
    prewarmed = next((job for job in jobs if job.name == "prewarm_factors"), None)
    status = WORD_OF_STATUS[PackStatus(pack.status)]
    error = {"job": pack.failed_job, "reason": pack.reason} if status == "error" else None
    failed = next((job for job in jobs if job.state == RunState.FAILED), None)
    if failed is not None and pack.status == PackStatus.BUILDING:  # unsealed, for the next attempt to take up
        status, error = "error", {"job": failed.name, "reason": failed.reason}
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
                "notes": _notes(job),
            }
            for job in jobs
        ],
        "error": error,
    }


def _notes(job: JobRun) -> list[str]:
    """What a job met that stops no portfolio, and that the operator should see to."""
    folders = job.detail.get("folders_without_portfolio")
    return [f"folders of the ledger without a portfolio: {folders}"] if folders else []


class HealthQuery(serializers.Serializer[Any]):
    policy = Text(required=False, max_length=16, help_text="May be left out where there is one.")


class Pack(Door):
    """The state of the newest pack of a policy, for machines that have no credentials."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    query_forms: ClassVar = {"GET": HealthQuery}

    @extend_schema(
        operation_id="health_pack",
        summary="The newest pack and its night",
        parameters=[HealthQuery],
        responses={
            200: OpenApiResponse(HEALTH, description="Fresh or warming."),
            503: OpenApiResponse(HEALTH, description="In error, or there is no pack."),
            **refusals(400, 401, 406, 500),
        },
    )
    def get(self, request: Request) -> Response:
        policies = {policy.pk: policy for policy in PricingPolicy.objects.all()}
        code = self.query.get("policy", next(iter(policies)) if len(policies) == 1 else None)
        body = describe(policies[code]) if code in policies else None
        if body is None:
            reason = "there is no pricing pack" if code in policies else "name one of the pricing policies"
            body = WITHOUT_PACK | {"policy": code, "error": {"job": "", "reason": reason}}
        return Response(body, status=503 if body["status"] == "error" else 200)


@transaction.non_atomic_requests
def live(request: HttpRequest) -> JsonResponse:
    """GET /health/live: this process answers. It asks nobody, so that an outage of the database restarts no web server."""
    return JsonResponse({"status": "ok"})


@transaction.non_atomic_requests
def ready(request: HttpRequest) -> JsonResponse:
    """GET /health/ready: the names of what is broken of database, roles, migrations, Redis, worker, beat. The log says how."""
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
