"""OpenTelemetry in a process that is traced: set up once, after the process was forked, and flushed before it may go."""

import atexit
import logging
import os
import threading
from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import SpanKind, Status, StatusCode

from config.telemetry import receiver, spans
from config.telemetry.callers import TrustedCallers
from config.telemetry.ids import Ids, Known, current_ids
from config.telemetry.privacy import PREFIX, clean_all

WITHOUT_TRACE: Final = r"^https?://[^/]+/(health/live|health/ready|metrics)$"
"""What machines ask every few seconds."""


class CleaningExporter(SpanExporter):
    """Sends what may leave, and notes whether it was received."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(clean_all(spans))
        if result is SpanExportResult.SUCCESS:
            receiver.note_answer()
        else:
            receiver.note_silence()
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()


class WorkSampler(Sampler):
    """As `inner` decides; but a query that belongs to no work is no trace: beat looks for its schedule every five seconds."""

    def __init__(self, inner: Sampler) -> None:
        self._inner = inner

    def should_sample(
        self,
        parent_context: otel_context.Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        *others: Any,
        **more: Any,
    ) -> SamplingResult:
        if kind is SpanKind.CLIENT and not trace.get_current_span(parent_context).get_span_context().is_valid:
            return SamplingResult(Decision.DROP)
        return self._inner.should_sample(parent_context, trace_id, name, kind, *others, **more)

    def get_description(self) -> str:
        return f"WorkSampler({self._inner.get_description()})"


class WorkTracer:
    """Opens the spans of our own work."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def open(self, name: str, ids: Known) -> tuple[trace.Span, Any]:
        span = self._tracer.start_span(name, attributes=_attributes(ids))
        return span, otel_context.attach(trace.set_span_in_context(span))

    def close(self, span_and_token: tuple[trace.Span, Any], failure: BaseException | None) -> None:
        span, token = span_and_token
        otel_context.detach(token)
        if failure is not None:
            span.set_attribute("error.type", type(failure).__qualname__)
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    def tell(self, ids: Known) -> None:
        trace.get_current_span().set_attributes(_attributes(ids))

    def current_trace(self) -> tuple[str, str] | None:
        context = trace.get_current_span().get_span_context()
        return (f"{context.trace_id:032x}", f"{context.span_id:016x}") if context.is_valid else None


_ATTRIBUTE: Final = {name: PREFIX + name for name in Ids.__annotations__}


def _attributes(ids: Known) -> dict[str, str | int]:
    return {_ATTRIBUTE[name]: value for name, value in ids.items()}


_provider: TracerProvider | None = None


def start(process: str) -> None:
    """Trace this process, if it is not yet. Raises ValueError for a variable that the SDK can't read."""
    global _provider
    if _provider is not None:
        return
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    # To encode a batch takes 0.1 ms a span, in which no request of this process goes on: of the SDK's 512 spans, 60 ms at a time.
    os.environ.setdefault("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "64")
    # It would say the same at every try; `receiver` says it once.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    resource = {
        "service.name": settings.OTEL_SERVICE_NAME,
        "service.version": settings.RELEASE,
        "tieout.process": process,
    }
    provider = TracerProvider(resource=Resource.create(resource), shutdown_on_exit=False)
    provider.sampler = WorkSampler(provider.sampler)
    provider.add_span_processor(BatchSpanProcessor(CleaningExporter(OTLPSpanExporter())))
    _provider = provider
    trace.set_tracer_provider(provider)
    propagate.set_global_textmap(TrustedCallers(propagate.get_global_textmap(), settings.TRUSTED_TRACE_CALLERS))
    _instrument(process)
    spans.trace_by(WorkTracer(trace.get_tracer("tieout")))
    atexit.register(flush)


def _instrument(process: str) -> None:
    PsycopgInstrumentor().instrument(enable_commenter=False)
    RedisInstrumentor().instrument()
    RequestsInstrumentor().instrument()
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]
    if process == "web":
        from opentelemetry.instrumentation.django import DjangoInstrumentor

        DjangoInstrumentor().instrument(
            is_sql_commentor_enabled=False,
            excluded_urls=WITHOUT_TRACE,
            middleware_position=settings.MIDDLEWARE_BEFORE_SPAN,
            request_hook=lambda span, request: span.set_attributes(_attributes(current_ids())),
        )


def flush(within_s: float = 2.0) -> None:
    """Send what has ended, and wait for it so long at most; not at all where the receiver was away just now.

    The SDK's own flush has no time limit: a receiver that hangs would hold it for ten seconds.
    """
    if _provider is None or receiver.is_away():
        return
    sending = threading.Thread(target=_provider.force_flush, name="flush of spans", daemon=True)
    sending.start()
    sending.join(within_s)
    if sending.is_alive():
        receiver.note_silence()
