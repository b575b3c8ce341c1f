"""A receiver of OpenTelemetry traces for a developer's machine, and one request's trace as text.

    python -m ops.otlp_receiver receive              # OTLP over HTTP on 127.0.0.1:4318, until ctrl-c
    python -m ops.otlp_receiver print 1f0e4c...      # by the request id of an answer, by trace id, or the newest without one

Spans are kept as JSON lines in var/spans.jsonl. What stands there is what left the process that sent it.
"""

import argparse
import gzip
import json
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SentSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from config import env

PORT = 4318
KINDS = ("", "", "server", "client", "producer", "consumer")


@dataclass(frozen=True, slots=True)
class SpanEvent:
    name: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """One span as it was received; times in nanoseconds since 1970, ids in hex, no parent an empty one."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    process: str
    start_ns: int
    end_ns: int
    failed: bool
    message: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[SpanEvent, ...] = ()
    resource: Mapping[str, Any] = field(default_factory=dict)

    @property
    def milliseconds(self) -> float:
        return (self.end_ns - self.start_ns) / 1e6


def read_request(body: bytes) -> list[Span]:
    """The spans of an OTLP request. Raises DecodeError."""
    spans = []
    for batch in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _attributes(batch.resource.attributes)
        for scope in batch.scope_spans:
            spans += [_span(span_sent, resource) for span_sent in scope.spans]
    return spans


def _span(span_sent: SentSpan, resource: Mapping[str, Any]) -> Span:
    return Span(
        trace_id=span_sent.trace_id.hex(),
        span_id=span_sent.span_id.hex(),
        parent_id=span_sent.parent_span_id.hex(),
        name=span_sent.name,
        kind=KINDS[span_sent.kind],
        process=str(resource.get("tieout.process", resource.get("service.name", ""))),
        start_ns=span_sent.start_time_unix_nano,
        end_ns=span_sent.end_time_unix_nano,
        failed=span_sent.status.code == Status.STATUS_CODE_ERROR,
        message=span_sent.status.message,
        attributes=_attributes(span_sent.attributes),
        events=tuple(SpanEvent(event.name, _attributes(event.attributes)) for event in span_sent.events),
        resource=resource,
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return str(value) if kind in (None, "array_value", "kvlist_value", "bytes_value") else getattr(value, kind)


def serve(store: Path, port: int) -> ThreadingHTTPServer:
    """A server that is ready, on loopback; port 0 is any free one. It appends what it receives to `store`."""
    store.parent.mkdir(parents=True, exist_ok=True)
    writing = Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal():
                return self._answer(411, b"")
            body = self.rfile.read(int(length))
            try:
                spans = read_request(_unpacked(body, self.headers.get("Content-Encoding", "")))
            except (DecodeError, OSError, zlib.error):
                return self._answer(400, b"")
            lines = "".join(json.dumps(asdict(span)) + "\n" for span in spans)
            with writing, store.open("a") as file:
                file.write(lines)
            return self._answer(200, ExportTraceServiceResponse().SerializeToString())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing: a batch comes every few seconds."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def _unpacked(body: bytes, encoding: str) -> bytes:
    match encoding:
        case "gzip":
            return gzip.decompress(body)
        case "deflate":
            return zlib.decompress(body)
    return body


def read_spans(store: Path) -> list[Span]:
    """All that is stored, in the order of arrival; a line that is just being written is not stored yet."""
    if not store.exists():
        return []
    rows = [json.loads(line) for line in store.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [Span(**{**row, "events": tuple(SpanEvent(**event) for event in row["events"])}) for row in rows]


def trace_of(spans: Iterable[Span], request_or_trace_id: str | None) -> list[Span]:
    """The spans of one trace: of a request id, of a trace id, or the one that began last. Empty where there is none."""
    every = list(spans)
    if request_or_trace_id is None:
        ids = [max(every, key=lambda span: span.start_ns).trace_id] if every else []
    else:
        ids = [
            span.trace_id
            for span in every
            if request_or_trace_id in (span.trace_id, span.attributes.get("tieout.request_id"))
        ]
    return [span for span in every if span.trace_id in ids[:1]]


def draw(spans: Iterable[Span]) -> Iterator[str]:
    """A trace as lines: when each span began, how long it took, in which process, below its parent."""
    spans_by_start = sorted(spans, key=lambda span: (span.start_ns, -span.end_ns))
    if not spans_by_start:
        return
    present, first = {span.span_id for span in spans_by_start}, spans_by_start[0].start_ns
    children: dict[str, list[Span]] = {}
    for span in spans_by_start:
        children.setdefault(span.parent_id if span.parent_id in present else "", []).append(span)
    yield f"trace {spans_by_start[0].trace_id}, {len(spans_by_start)} spans"
    for key, value in sorted(_common_ids(spans_by_start).items()):
        yield f"  {key} = {value}"
    yield f"{'at ms':>9} {'took ms':>9}  process"

    def below(parent: str, depth: int) -> Iterator[str]:
        for span in children.get(parent, ()):
            at = (span.start_ns - first) / 1e6
            yield f"{at:9.2f} {span.milliseconds:9.2f}  {span.process:<8}{'  ' * depth}{span.name}{_details(span)}"
            yield from below(span.span_id, depth + 1)

    yield from below("", 0)


MOST_SHOWN = 90  # characters of a statement
SHOWN_ONCE = ("request_id", "execution_id", "pattern_id", "pattern_version", "pricing_pack_id", "ledger_commit_hash")
SHOWN_BESIDE = (
    "tieout.capability",
    "tieout.agent",
    "tieout.job",
    "tieout.chunk",
    "tieout.provider",
    "http.response.status_code",
)


def _common_ids(spans: Iterable[Span]) -> dict[str, Any]:
    """The ids of the whole request. One that changes within the trace is not of the whole."""
    values: dict[str, set[Any]] = {}
    for span in spans:
        for name in SHOWN_ONCE:
            if (value := span.attributes.get(f"tieout.{name}")) is not None:
                values.setdefault(name, set()).add(value)
    return {name: values_of_name.pop() for name, values_of_name in values.items() if len(values_of_name) == 1}


def _details(span: Span) -> str:
    parts = [str(span.attributes[name]) for name in SHOWN_BESIDE if name in span.attributes]
    statement = str(span.attributes.get("db.statement", "")).removeprefix(span.name).strip()
    if (
        span.name == "SELECT" and " FROM " in statement and len(statement) > MOST_SHOWN
    ):  # which tables, rather than which columns
        statement = "… " + statement[statement.index("FROM ") :]
    if statement:
        parts.append(statement if len(statement) <= MOST_SHOWN else statement[:MOST_SHOWN] + "…")
    if span.failed:
        parts.append(f"FAILED {span.attributes.get('error.type', '')}".rstrip())
    return "".join(f"  {each}" for each in parts)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.otlp_receiver", description="Receive traces, and print one.")
    parser.add_argument("--store", type=Path, default=env.var() / "spans.jsonl", help="file of the spans [%(default)s]")
    verbs = parser.add_subparsers(dest="verb", required=True)
    receive = verbs.add_parser("receive", help="receive OTLP over HTTP until ctrl-c")
    receive.add_argument("--port", type=int, default=PORT, help="port on 127.0.0.1; 0 is any [%(default)s]")
    show = verbs.add_parser("print", help="print one trace")
    show.add_argument("id", nargs="?", help="request id or trace id; the newest trace without one")
    options = parser.parse_args()
    if options.verb == "receive":
        return _receive(options.store, options.port)
    lines = list(draw(trace_of(read_spans(options.store), options.id)))
    if not lines:
        sys.stderr.write(f"{options.store} has no such trace\n")
        return 1
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _receive(store: Path, port: int) -> int:
    with serve(store, port) as server:
        print(f"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{server.server_address[1]}", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
