"""Statements are counted, also where they are traced."""

import pytest
from django.db import connection
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from config.postgresql import base

pytestmark = pytest.mark.django_db
LABELS = {"alias": "default", "vendor": "postgresql"}


def counted() -> float:
    return REGISTRY.get_sample_value("django_db_execute_total", LABELS) or 0.0


def ask(wrapper) -> None:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_each_statement_is_counted_once() -> None:
    connection.ensure_connection()
    before = counted()

    ask(connection)

    assert counted() == before + 1


def test_a_traced_statement_is_counted_and_a_counted_one_traced() -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    PsycopgInstrumentor().instrument(tracer_provider=provider)
    wrapper = base.DatabaseWrapper(connection.settings_dict, "default")
    try:
        wrapper.ensure_connection()
        spans.clear()
        before = counted()

        ask(wrapper)

        assert (counted(), len(spans.get_finished_spans())) == (before + 1, 1)
    finally:
        wrapper.close()
        PsycopgInstrumentor().uninstrument()
