"""Ids that are bound, what a span may carry out of the house, whose trace is continued, and what untraced processes load."""

from ipaddress import ip_network

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.wsgi import wsgi_getter
from opentelemetry.propagate import get_global_textmap
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanKind, Status, StatusCode

from config import telemetry
from config.telemetry import privacy
from config.telemetry.callers import TrustedCallers
from tests import tracing

SECRET = "canary-retirement-of-anna"


def test_ids_are_bound_for_the_length_of_the_work_and_inner_work_adds_its_own():
    with telemetry.binding(request_id="r1"):
        telemetry.bind(pattern_id="overview", execution_id=None)
        with telemetry.span("capability.call", capability="lots", agent="analyst"):
            inner = telemetry.current_ids()
        after = telemetry.current_ids()

    assert inner == {"request_id": "r1", "pattern_id": "overview", "capability": "lots", "agent": "analyst"}
    assert after == {"request_id": "r1", "pattern_id": "overview"}
    assert telemetry.current_ids() == {}


def test_ids_are_given_back_where_the_work_fails():
    with pytest.raises(ValueError, match="broke"), telemetry.span("job.run", job="build_pack"):
        raise ValueError("broke")

    assert telemetry.current_ids() == {}


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ('SELECT "a"."name" FROM "a" WHERE "a"."id" = %s', 'SELECT "a"."name" FROM "a" WHERE "a"."id" = %s'),
        (f"SELECT * FROM a WHERE name = '{SECRET}' AND paid > 1234.56", "SELECT * FROM a WHERE name = ? AND paid > ?"),
        (f"SELECT 'it''s {SECRET}', E'a\\'{SECRET}', -1e5", "SELECT ?, …"),
        (f"DO $x$ {SECRET} $$ {SECRET} $x$", "DO ?"),
        (f"SELECT 1 /* {SECRET} */ -- {SECRET}\nFROM t1", "SELECT ? FROM t1"),
        (f"SELECT '{SECRET}", "SELECT ?"),
        (f"SELECT $${SECRET}", "SELECT ?"),
        (f"SELECT 1 /* {SECRET}", "SELECT ?"),
        ("SELECT x FROM t WHERE a IN (%s, %s, %s) LIMIT 21", "SELECT x FROM t WHERE a IN (%s, …) LIMIT ?"),
        ("INSERT INTO t (a, b) VALUES (%s, %s), (%s, %s), (%s, %s)", "INSERT INTO t (a, b) VALUES (%s, …), …"),
        ('SAVEPOINT "s1_x2"', 'SAVEPOINT "s1_x2"'),
        ("SELECT $1, $2 WHERE x = $3", "SELECT $1, … WHERE x = $3"),
    ],
)
def test_a_statement_is_shown_without_values_and_comments(statement, shown):
    assert privacy.without_values(statement) == shown


def a_span(kind: SpanKind, name: str, **attributes) -> ReadableSpan:
    return ReadableSpan(
        name,
        attributes=attributes,
        kind=kind,
        status=Status(StatusCode.ERROR, SECRET),
        events=[
            Event(
                "exception",
                {"exception.type": "ValueError", "exception.message": SECRET, "exception.stacktrace": SECRET},
            ),
            Event(SECRET, {}),
        ],
    )


@pytest.mark.parametrize(
    ("kind", "name", "attributes", "left"),
    [
        (
            SpanKind.SERVER,
            SECRET,
            {
                "http.request.method": "_OTHER", "http.request.method_original": SECRET, "url.path": f"/{SECRET}",
                "url.query": SECRET, "user_agent.original": SECRET, "client.address": SECRET, "server.address": SECRET,
                "tieout.request_id": "r1",
            },
            {"http.request.method": "_OTHER", "tieout.request_id": "r1"},
        ),
        (
            SpanKind.CLIENT,
            "GET",
            {"url.full": f"https://api.massive.com/x?apiKey={SECRET}", "server.address": "api.massive.com"},
            {"server.address": "api.massive.com"},
        ),
        (
            SpanKind.CLIENT,
            f"'{SECRET}'",
            {"db.system": "postgresql", "db.statement": f"VALUES ('{SECRET}')", "db.user": SECRET},
            {"db.system": "postgresql", "db.statement": "VALUES (?)"},
        ),
        (SpanKind.INTERNAL, "pattern.run", {"tieout.portfolio": SECRET, "tieout.chunk": 3}, {"tieout.chunk": 3}),
    ],
    ids=["request", "provider", "query", "own"],
)  # fmt: skip
def test_what_leaves_is_a_closed_list_and_of_a_failure_its_class_alone(kind, name, attributes, left):
    span = privacy.clean(a_span(kind, name, **attributes))

    assert span.attributes == left
    assert [(event.name, event.attributes) for event in span.events] == [
        ("exception", {"exception.type": "ValueError"})
    ]
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert SECRET not in span.to_json()


CALLED = {"REQUEST_METHOD": "GET", "HTTP_TRACEPARENT": f"00-{'ab' * 16}-{'cd' * 8}-01", "HTTP_BAGGAGE": "name=x"}


@pytest.mark.parametrize(
    ("address", "is_trusted"),
    [("10.1.2.3", True), ("::1", True), ("10.2.0.1", False), ("", False), ("nonsense", False)],
)
def test_the_trace_of_a_request_is_continued_for_trusted_callers_alone(address, is_trusted):
    callers = TrustedCallers(get_global_textmap(), [ip_network("10.1.0.0/16"), ip_network("::1")])

    context = callers.extract(CALLED | {"REMOTE_ADDR": address}, getter=wsgi_getter)

    assert bool(context) is is_trusted
    assert trace.get_current_span(context).get_span_context().is_valid is is_trusted


def test_nobody_is_trusted_unless_he_is_named():
    callers = TrustedCallers(get_global_textmap(), [])

    assert not callers.extract(CALLED | {"REMOTE_ADDR": "127.0.0.1"}, getter=wsgi_getter)


@pytest.mark.servers
def test_without_a_receiver_nothing_that_traces_is_loaded():
    """redis-py loads the SDK's metrics by itself, wherever they are installed."""
    done = tracing.python(
        "import sys, config.wsgi, config.celery\n"
        "traces = 'opentelemetry.sdk.trace', 'opentelemetry.exporter', 'opentelemetry.instrumentation', 'wrapt'\n"
        "print([name for name in sys.modules if name.startswith(traces)])"
    )

    assert (done.stdout.strip().splitlines()[-1:], done.returncode) == (["[]"], 0), done.stderr
