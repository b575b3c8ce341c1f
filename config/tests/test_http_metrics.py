"""Requests by view: what a caller makes up is no label, and nothing is counted twice."""

import re

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path
from prometheus_client import REGISTRY

from config.telemetry import http_metrics

LATENCY = "django_http_requests_latency_seconds_by_view_method"


def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError


urlpatterns = [path("broken", broken, name="broken")]


def values(name: str) -> dict[tuple[str, ...], float]:
    """Values of the labels, in the order of their names -> value."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == name
    }


def test_a_view_is_counted_by_its_name() -> None:
    before = values(f"{LATENCY}_count").get(("GET", "health-live"), 0.0)

    Client().get("/health/live")

    assert values(f"{LATENCY}_count")["GET", "health-live"] == before + 1


def test_what_a_caller_makes_up_is_no_label() -> None:
    for number in range(3):
        Client().generic(f"BREW{number}", "/health/live")
        Client().get(f"/nothing/{number}/here")

    labels = {label for key in values(f"{LATENCY}_count") for label in key}
    assert "<invalid method>" in labels
    assert [label for label in labels if re.search(r"BREW|nothing|/", label)] == []


@pytest.mark.django_db
def test_the_pages_of_the_admin_are_one_view_but_for_its_log_in() -> None:
    Client().get("/admin/login/")
    Client().get("/admin/")

    assert {view for _, view in values(f"{LATENCY}_count") if view.startswith("admin")} == {"admin", "admin-login"}


@override_settings(ROOT_URLCONF=__name__)
def test_a_view_that_breaks_is_one_exception_and_one_latency() -> None:
    count, exceptions = f"{LATENCY}_count", "django_http_exceptions_total_by_view_total"

    Client(raise_request_exception=False).get("/broken")

    assert (values(count)["GET", "broken"], values(exceptions)["broken",]) == (1.0, 1.0)


@pytest.mark.parametrize("length", ["many", "-1", "٣"])
def test_a_length_that_is_no_number_breaks_nothing(length: str) -> None:
    request = RequestFactory().get("/health/live", headers={"Content-Length": length})

    http_metrics.AfterMiddleware(lambda request: HttpResponse()).process_request(request)

    assert request.prometheus_after_middleware_event > 0  # type: ignore[attr-defined]
