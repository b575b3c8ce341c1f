"""Calls out of a traced process: to the database through a pool, to Redis, to a provider with its key in the address."""

import pytest

from tests import tracing

pytestmark = [pytest.mark.slow, pytest.mark.servers]

SECRET = "canary-4f1c9d"


@pytest.fixture
def receiver(tmp_path):
    with tracing.receiving(tmp_path) as receiver:
        yield receiver


def spans_of(receiver, code, **environment):
    """What the code, run as one piece of work, has sent when its process has ended."""
    body = "".join(f"    {line}\n" for line in code.strip().splitlines())
    done = tracing.python(f"with telemetry.span('work.run'):\n{body}", **receiver.environment, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout, receiver.spans()


def test_a_query_has_its_span_through_a_pool_too_and_no_comment_is_added(migrated, receiver):
    said, spans = spans_of(
        receiver,
        f"""
from django.conf import settings
settings.DATABASES["default"]["CONN_MAX_AGE"] = 0
settings.DATABASES["default"]["OPTIONS"]["pool"] = {{"min_size": 1, "max_size": 2}}
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid() AND %s = '{SECRET}'", ["{SECRET}"])
    print(cursor.fetchall(), connection.pool is not None)
connection.close()
connection.close_pool()
""",
    )

    (work,) = [span for span in spans if span.name == "work.run"]
    queries = [span for span in spans if "pg_stat_activity" in span.attributes.get("db.statement", "")]
    assert "True" in said
    assert "/*" not in said
    assert "traceparent" not in said
    assert [(query.parent_id, query.attributes["db.statement"]) for query in queries] == [
        (work.span_id, "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid() AND %s = ?")
    ]
    assert SECRET not in receiver.store.read_text()


def test_a_command_to_redis_is_told_without_its_arguments(migrated, receiver):
    _, spans = spans_of(
        receiver,
        f"""
from config.redis_client import shared_redis
shared_redis().set("{SECRET}", "{SECRET}", ex=5)
shared_redis().eval("return ARGV[1]", 1, "{SECRET}", "{SECRET}")
with shared_redis().pipeline() as pipeline:
    pipeline.get("{SECRET}").delete("{SECRET}").execute()
""",
    )

    told = [span.attributes["db.statement"] for span in spans if span.attributes.get("db.system") == "redis"]
    assert told == ["SET ? ? ? ?", "EVAL ? ? ? ?", "GET ?\nDEL ?"]
    assert SECRET not in receiver.store.read_text()


PROVIDER = """
import requests
from requests.adapters import BaseAdapter
from pricing.providers import http, polygon

class Away(BaseAdapter):
    def send(self, request, **options):
        print("headers", sorted(request.headers))
        raise requests.ConnectionError(f"could not reach {request.url}")
    def close(self): pass

clock = http.Clock(sleep=lambda seconds: None)
client = http.Client(polygon.PROVIDER, "KEY", adapter=Away(), clock=clock)
try:
    client.get("/v3/reference/KEY", fault=lambda answer: None)
except http.ProviderFailed as failed:
    print(failed)
"""


def test_a_request_to_a_provider_is_told_without_its_key_and_the_provider_is_told_nothing(migrated, receiver):
    said, spans = spans_of(receiver, PROVIDER.replace("KEY", SECRET))

    asked = [span for span in spans if span.name == "provider.request"]
    sent = [span for span in spans if span.attributes.get("server.address") == "api.massive.com"]
    assert asked
    assert {span.attributes["tieout.provider"] for span in asked} == {"polygon"}
    assert {span.attributes["error.type"] for span in asked} == {"ProviderFailed"}
    assert {span.parent_id for span in sent} == {span.span_id for span in asked}
    assert {"url.full", "http.url"} & set().union(*(span.attributes for span in sent)) == set()
    assert SECRET not in receiver.store.read_text()
    assert "traceparent" not in said


HUNDREDS_OF_SPANS = """
import time
started = time.monotonic()
for number in range(300):
    with telemetry.span("job.run", chunk=number):
        pass
    if number % 30 == 0:
        tracing.flush()
print(time.monotonic() - started)
"""


@pytest.mark.parametrize("receiver_is", ["hanging", "closed", "nonsense", "a number", "no timeout"])
def test_a_receiver_that_is_away_is_told_once_and_holds_nothing_up(migrated, receiver_is):
    bad = {"closed": tracing.closed(), "a number": "http://127.0.0.1:notaport", "no timeout": tracing.closed()}
    more = {"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"} if receiver_is == "no timeout" else {}
    with tracing.unresponsive() as hanging:
        address = {"hanging": hanging, **bad}.get(receiver_is, receiver_is)
        done = tracing.python(HUNDREDS_OF_SPANS, OTEL_EXPORTER_OTLP_ENDPOINT=address, **tracing.PROMPT, **more)

    assert done.returncode == 0, done.stderr
    assert done.stderr.count('"event"') == 1, done.stderr
    assert address not in done.stderr
    # One wait of two seconds, and not ten of them.
    assert float(done.stdout) < 8
