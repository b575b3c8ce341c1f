"""0 of 1,000 planted names, amounts, tokens, passwords and keys leave by a log, a span, a metric, an error report or a message."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest
import redis
from celery import Celery
from django.conf import settings

from agents.registry import Registry
from execution.patterns import publishing
from pricing.tests import provider_server
from tests import envelopes, plugin, tracing
from tests.canary import agent, bugsink, pattern, planted, processes
from tests.canary.doors import Doors

pytestmark = pytest.mark.slow

JOBS = 3
OF_THE_DEMO = {
    "RESULT_KEY": settings.RESULT_KEY,  # by which its patterns are proved
    **dict.fromkeys(("EXECUTIONS_PER_MINUTE", "IMPORTS_PER_MINUTE"), "10000"),
}
"""What else the processes over the demo have: a folder of their own would have a key of its own."""


@pytest.fixture
def site(private_demo, monkeypatch):
    """The demo, and the pattern that breaks."""
    offered = Registry()
    offered.capability("canary.breaks", agent="canary")(agent.breaks)
    with private_demo.role("job"), monkeypatch.context() as patch:
        patch.setattr(publishing.registry, "default", offered)
        publishing.publish(pattern.PATTERN)
    return private_demo


def test_nothing_planted_leaves_and_each_fault_of_ours_is_reported_once(site, tmp_path):
    words = planted.Planted()
    sent_to_jobs = [words.forged() for _ in range(3 * JOBS)]
    keys = [words.word() for _ in range(JOBS)]
    planted.leave(tmp_path, notes=sent_to_jobs, keys=keys)
    logs = {"web": tmp_path / "web.log", "worker": tmp_path / "worker.log"}
    with envelopes.receiver() as sentry, tracing.receiving(tmp_path) as spans, provider_server.serving() as provider:
        environment = {
            **spans.environment,
            "DJANGO_SETTINGS_MODULE": "tests.canary.settings",
            "TIEOUT_VAR": str(tmp_path),
            "SENTRY_DSN": sentry.dsn,
            "LOG_LEVEL": "DEBUG",
            "POLYGON_API_KEY": words.word(),
            "SECRET_KEY": words.word() + "x" * 50,
            **OF_THE_DEMO,
            "REDIS_URL": settings.REDIS_URL,
        }
        with plugin.web_server(site.database, log=logs["web"], **environment) as url:
            doors = Doors(url, words, str(site.public_id))
            doors.log_in(15)
            doors.strangers(30)
            doors.execute(30)
            doors.pages(15)
            doors.imports(15)
            doors.execute_what_is_away(15)
            metrics = doors.metrics()
        reports_of_web = sentry.wait_for(30 + 30 + 30 + 15)
        messages = ring(site.database, provider, words)
        with tracing.celery(site.database, *worker(site.database), log=logs["worker"], **environment):
            processes.wait_until(lambda: not waiting(site.database))
            reports = sentry.wait_for(len(reports_of_web) + 4 * JOBS)

    said = {name: log.read_text() for name, log in logs.items()}
    said |= {"metrics": metrics, "messages": messages, "reports": b"\n".join(sentry.bodies).decode()}
    said["spans"] = spans.store.read_text()
    assert len(words.cores) >= 1000
    assert {name: words.found_in(text) for name, text in said.items()} == {name: [] for name in said}
    assert not [text for text in said.values() if "\x1b" in text]
    lines = [json.loads(line) for log in logs.values() for line in log.read_text().splitlines() if line[:1] == "{"]
    assert lines
    assert "forged" not in {line["event"] for line in lines}
    assert {401, 400, 404, 500, 503} <= set(doors.statuses)
    web = Counter(report["exception"]["values"][-1]["type"] for report in reports_of_web)
    assert web == {"ValueError": 30 + 15, "StepFailed": 30, "DataError": 30}
    jobs = Counter(report["exception"]["values"][-1]["type"] for report in reports[len(reports_of_web) :])
    assert {"pattern.run", "capability.call", "SELECT"} <= {span.name for span in spans.spans()}
    assert jobs == {"RuntimeError": JOBS, "JobBroke": JOBS, "DataError": JOBS, "ProviderFailed": JOBS}


@pytest.mark.skipif("BUGSINK" not in os.environ, reason="bugsink is not installed: BUGSINK names no environment")
def test_a_real_receiver_has_stored_nothing_planted(site, tmp_path):
    """Bugsink, which keeps all that arrives, and makes titles, tags and groups of it."""
    words = planted.Planted()
    with bugsink.running(Path(os.environ["BUGSINK"]), tmp_path / "bugsink") as receiver:
        environment = {
            "DJANGO_SETTINGS_MODULE": "tests.canary.settings",
            "SENTRY_DSN": receiver.dsn,
            "SECRET_KEY": words.word() + "x" * 50,
            **OF_THE_DEMO,
        }
        with plugin.web_server(site.database, log=tmp_path / "web.log", **environment) as url:
            doors = Doors(url, words, str(site.public_id))
            doors.log_in(5)
            doors.strangers(5)
            doors.execute(10)
            doors.pages(5)
            processes.wait_until(lambda: len(receiver.events) >= 10 + 10 + 10 + 5)
        events, stored = receiver.events, receiver.stored

    assert len(words.cores) > 100
    assert words.found_in(stored) == []
    types = Counter(event["exception"]["values"][-1]["type"] for event in events)
    assert types == {"ValueError": 10 + 5, "StepFailed": 10, "DataError": 10}
    tags = {name for event in events for name in event["tags"]}
    assert "engine" in tags


def worker(queue):
    """One child at a time, and a new one after four jobs: what it has to tell must not go with it."""
    return (*("worker", "--concurrency", "1", "--max-tasks-per-child", "4"), *("-Q", queue, "--loglevel", "DEBUG"))


def ring(queue, provider, words):
    """Send a message for each job that breaks; all of them as they lie at the broker."""
    app = Celery(broker=settings.CELERY_BROKER_URL)
    app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    provider.answers(*(provider_server.sent({"error": words.word()}, status=500) for _ in range(50)))
    for number in range(JOBS):
        for at, name in enumerate(("break_down", "break_by_name", "break_in_sql")):
            app.send_task(f"tests.canary.tasks.{name}", kwargs={"number": at * JOBS + number}, queue=queue)
        asked = {"number": number, "port": provider.port}
        app.send_task("tests.canary.tasks.ask_provider", kwargs=asked, queue=queue)
    return "\n".join(map(bytes.decode, broker().lrange(f"tieout:{queue}", 0, -1)))


def waiting(queue):
    return broker().llen(f"tieout:{queue}")


def broker():
    return redis.Redis.from_url(settings.REDIS_URL)
