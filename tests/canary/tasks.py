"""Jobs that break, with what they know in their words. What they know is in a file: a message of a job carries ids."""

from typing import Any

from celery import shared_task
from django.db import connection

from config.errors import TieoutError
from pricing.providers import http, polygon
from pricing.tests.provider_server import Loopback, Time
from tests.canary.planted import left


class JobBroke(TieoutError):
    """A failure of ours that has words."""


@shared_task
def break_down(*, number: int, **_: Any) -> None:
    note = left("notes")[number]
    try:
        raise KeyError(note)
    except KeyError as missing:
        raise RuntimeError(f"{note} broke it") from missing


@shared_task
def break_by_name(*, number: int, **_: Any) -> None:
    raise JobBroke(f"{left('notes')[number]} broke it")


@shared_task
def break_in_sql(*, number: int, **_: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::integer", [left("notes")[number]])


@shared_task
def ask_provider(*, number: int, port: int, **_: Any) -> None:
    """Ask the provider on loopback with a key; whatever it answers breaks the job."""
    client = http.Client(polygon.PROVIDER, left("keys")[number], adapter=Loopback(port), clock=Time().clock)
    client.get("/v2/aggs", {"ticker": "IBM"}, fault=lambda body: str(body))
