"""What a traced product sends: one trace from the request or the bell to the last query, with ids and nothing else."""

import http.client
import itertools
import json
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from ops import otlp_receiver
from tests import tracing
from tests.plugin import web_server

pytestmark = [pytest.mark.slow, pytest.mark.servers]

CANARY = f"canary{secrets.token_hex(6)}"
UNASKED_LOOKBACKS = itertools.count(301)
STRANGER = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01", "tracestate": f"x={CANARY}", "baggage": f"name={CANARY}"}


@dataclass(frozen=True)
class Answer:
    status: int
    request_id: str
    text: str


@dataclass(frozen=True)
class Traced:
    """A traced web server over the demo, and who receives its spans."""

    base_url: str
    receiver: tracing.Receiver

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(self.base_url).netloc, timeout=120)
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json", **headers})
        answered = connection.getresponse()
        answer = Answer(answered.status, answered.headers["X-Request-ID"], answered.read().decode())
        connection.close()
        return answer

    def trace_of(self, request_id: str) -> list[otlp_receiver.Span]:
        """The spans that a request id finds, once the request's own has arrived, which is the last to end."""

        def ended(spans):
            return any(span.kind == "server" and span.attributes["tieout.request_id"] == request_id for span in spans)

        return otlp_receiver.trace_of(self.receiver.wait_for(ended), request_id)


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    with tracing.receiving(tmp_path_factory.mktemp("receiver")) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def traced(demo_database, receiver):
    with web_server(demo_database, **receiver.environment) as base_url:
        yield Traced(base_url, receiver)


def execute(traced: Traced, demo, pattern_id: str = "portfolio_overview", **headers: str) -> Answer:
    """Ask what nobody asked before, so that it is computed, whichever test of this file comes first."""
    inputs = {"lookback_days": next(UNASKED_LOOKBACKS)}
    body = {"pattern_id": pattern_id, "portfolio_id": str(demo.public_id), "inputs": inputs}
    return traced.ask("POST", "/v1/execute", body, Authorization=f"Bearer {demo.token('owner')}", **headers)


def root_of(spans):
    (root,) = [span for span in spans if not span.parent_id]
    return root


def named(spans, name):
    return [span for span in spans if span.name == name]


def test_a_request_is_one_trace_from_http_to_the_last_query(demo, traced):
    answer = execute(traced, demo, **STRANGER)
    told = json.loads(answer.text)

    spans = traced.trace_of(answer.request_id)

    root, by_id = root_of(spans), {span.span_id: span for span in spans}
    (pattern,) = named(spans, "pattern.run")
    calls = named(spans, "capability.call")
    ids = {
        "tieout.request_id": answer.request_id,
        "tieout.execution_id": told["execution_id"],
        "tieout.pattern_id": "portfolio_overview",
        "tieout.pattern_version": told["metadata"]["pattern_version"],
        "tieout.pricing_pack_id": told["metadata"]["pricing_pack_id"],
        "tieout.ledger_commit_hash": told["metadata"]["ledger_commit_hash"],
    }
    assert (root.name, root.kind, root.process) == ("POST v1/execute", "server", "web")
    assert (root.attributes["http.route"], root.attributes["http.response.status_code"]) == ("v1/execute", 200)
    assert pattern.attributes == ids
    assert ids.items() <= root.attributes.items()
    assert [call.attributes["tieout.capability"] for call in calls] == [
        step["capability"] for step in told["trace"]["steps"] if step["status"] == "ok"
    ]
    assert all(call.parent_id == pattern.span_id for call in calls)
    assert [call.attributes["tieout.agent"] for call in calls] == [
        step["agent"] for step in told["trace"]["steps"] if step["status"] == "ok"
    ]
    assert all(call.attributes.items() >= ids.items() for call in calls)
    assert by_id[pattern.parent_id] is root
    queries = [span for span in spans if span.attributes.get("db.system") == "postgresql"]
    assert {by_id[query.parent_id].name for query in queries} == {root.name, "pattern.run", "capability.call"}
    assert all(query.start_ns >= root.start_ns and query.end_ns <= root.end_ns for query in queries)


def test_a_strangers_trace_is_not_continued(demo, traced):
    answer = execute(traced, demo, **STRANGER)

    assert root_of(traced.trace_of(answer.request_id)).trace_id != "ab" * 16


def test_the_request_id_of_a_problem_finds_its_trace(demo, traced):
    answer = execute(traced, demo, pattern_id="no_such_pattern")

    spans = traced.trace_of(json.loads(answer.text)["request_id"])

    assert answer.status == 404
    assert root_of(spans).attributes["http.response.status_code"] == 404


def test_a_host_that_is_refused_still_has_a_request_id(traced):
    answer = traced.ask("GET", "/health/pack", Host=f"{CANARY}.example")

    assert (answer.status, bool(answer.request_id)) == (400, True)


def test_of_a_thousand_planted_secrets_no_span_holds_one(demo, traced):
    """In addresses, bodies, headers, methods; beside what the answers and the database hold."""
    planted = [f"canary{number:04d}x{secrets.token_hex(4)}" for number in range(1000)]
    token = demo.token("owner")
    each = iter(planted)
    first = execute(traced, demo)
    for _ in range(200):
        traced.ask(
            "POST", f"/v1/execute?a={next(each)}", {"pattern_id": next(each)}, Authorization=f"Bearer {next(each)}"
        )
        traced.ask("GET", f"/{next(each)}", **{"User-Agent": next(each)})
    body = {"pattern_id": "portfolio_overview", "portfolio_id": str(demo.public_id), "inputs": {"name": CANARY}}
    traced.ask("POST", "/v1/execute", body, Authorization=f"Bearer {token}")
    traced.ask(CANARY.upper(), "/nowhere", Cookie=f"sessionid={CANARY}", **STRANGER)
    traced.ask("GET", f"/portfolios/{demo.public_id}/", Referer=f"https://{CANARY}.example/")
    last = execute(traced, demo)

    traced.trace_of(last.request_id)
    sent = traced.receiver.store.read_text().lower()

    secret = [*planted, CANARY, token, str(demo.public_id), str(demo.second_id), *amounts_in(json.loads(first.text))]
    assert len(secret) > 1010
    assert [each for each in secret if each.lower() in sent] == []


def amounts_in(answer) -> set[str]:
    """Decimal strings of a result, as money is written in it. Short ones are left out: a span id may hold 12."""
    if isinstance(answer, dict):
        return set().union(*map(amounts_in, answer.values()))
    if isinstance(answer, list):
        return set().union(set(), *map(amounts_in, answer))
    is_amount = isinstance(answer, str) and answer.replace(".", "", 1).isdigit() and "." in answer and len(answer) > 6
    return {answer} if is_amount else set()


def test_the_command_prints_the_trace_that_a_request_id_finds(demo, traced):
    answer = execute(traced, demo)
    spans = traced.trace_of(answer.request_id)

    lines = list(otlp_receiver.draw(spans))

    assert lines[0] == f"trace {spans[0].trace_id}, {len(spans)} spans"
    assert f"  request_id = {answer.request_id}" in lines
    assert sum("web     POST v1/execute" in line for line in lines) == 1
    assert len(lines) == 1 + len(otlp_receiver.SHOWN_ONCE) + 1 + len(spans)


def test_the_receiver_refuses_a_body_without_a_length(receiver):
    connection = http.client.HTTPConnection(urlsplit(receiver.address).netloc, timeout=20)
    connection.putrequest("POST", "/v1/traces")
    connection.endheaders()

    status = connection.getresponse().status
    connection.close()

    assert status == 411
