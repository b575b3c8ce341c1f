"""The page that Prometheus reads."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from config.telemetry import multiprocess
from execution.web.world import WorldCollector


@transaction.non_atomic_requests
def metrics(request: HttpRequest) -> HttpResponse:
    """GET /metrics: what all processes of the web counted, and how the world is. Also while database or Redis is away."""
    world = CollectorRegistry()
    world.register(WorldCollector())
    page = generate_latest(multiprocess.make_registry()) + generate_latest(world)
    return HttpResponse(page, content_type=CONTENT_TYPE_LATEST)
