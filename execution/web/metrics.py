"""The page that Prometheus reads."""

import math
import os

from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess

from execution import executor, metering
from execution.models import NightlyRun
from execution.night import blocked
from execution.web.health import NUMBER_OF_STATUS, WORD_OF_STATUS, newest_pack
from pricing.models import PackStatus, PricingPack, PricingPolicy
from pricing.providers import states


def metrics(request: HttpRequest) -> HttpResponse:
    """GET /metrics, over all processes of the web server."""
    heads = {policy.pk: pack for policy in PricingPolicy.objects.all() if (pack := newest_pack(policy))}
    for policy, pack in heads.items():
        metering.PACK_FRESHNESS.labels(policy).set(NUMBER_OF_STATUS[WORD_OF_STATUS[PackStatus(pack.status)]])
        metering.BLOCKED_PORTFOLIOS.labels(policy).set(_blocked_portfolios(pack))
    for agent, state in executor.runtime().breaker_states().items():
        metering.BREAKER_STATE.labels(agent).set(state)
    for provider in states.all_providers():
        metering.PROVIDER_ON.labels(provider.provider).set(provider.is_on)
        metering.PROVIDER_BREAKER_STATE.labels(provider.provider).set(
            math.nan if provider.breaker is None else provider.breaker
        )
        for window, share in provider.shares:
            metering.PROVIDER_QUOTA.labels(provider.provider, window).set(math.nan if share is None else share)
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _blocked_portfolios(pack: PricingPack) -> int:
    """How many portfolios have no answer at the pack."""
    blocked_by_run: int = blocked.describe_run(NightlyRun.objects.filter(pk=pack.run).first())["portfolios"]
    return blocked_by_run
