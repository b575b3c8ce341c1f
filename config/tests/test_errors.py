"""Reports of errors: what is sent, once, of what; and an address that is none, is slow or does not answer."""

import logging
import subprocess
import sys
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import sentry_sdk

from config import env, telemetry
from config.telemetry import errors
from tests import envelopes

SECRET = "canary-5e1f"
INSTALLATION = errors.Installation("0.1.0", "test", lambda: "0.1.0+abc+py3.11.7")
ours = logging.getLogger("execution.a_module")


@contextmanager
def started(dsn):
    """Reports are on, for the block."""
    root, hook = logging.getLogger(), sys.excepthook
    before = list(root.handlers)
    try:
        yield errors.start(dsn, INSTALLATION)
    finally:
        for handler in [each for each in root.handlers if each not in before]:
            root.removeHandler(handler)
        sentry_sdk.get_client().close(timeout=0)
        sentry_sdk.get_global_scope().set_client(None)
        sys.excepthook = hook


@pytest.fixture
def receiver():
    with envelopes.receiver() as made, started(made.dsn):
        yield made


def broken(words=SECRET):
    local = f"a local {words}"
    try:
        raise KeyError(local)
    except KeyError as missing:
        try:
            raise ValueError(words) from missing
        except ValueError as failure:
            return failure


def test_a_report_is_class_place_and_ids(receiver):
    with telemetry.binding(request_id="r-12345678", pattern_id="a_pattern", pricing_pack_id="PP_2013", chunk=7):
        ours.error("capability failed", exc_info=broken(), extra={"note": SECRET})

    (report,) = receiver.wait_for(1)
    cause, failure = report["exception"]["values"]
    (frame,) = failure["stacktrace"]["frames"]
    assert set(report) == {
        *("event_id", "timestamp", "level", "platform", "release", "environment", "tags", "exception"),
        *("logger", "logentry"),
    }
    assert (report["release"], report["environment"], report["level"]) == ("0.1.0", "test", "error")
    assert (report["logger"], report["logentry"]) == ("execution.a_module", {"message": "capability failed"})
    assert report["tags"] == {
        "engine": "0.1.0+abc+py3.11.7",
        "request_id": "r-12345678",
        "pattern_id": "a_pattern",
        "pricing_pack_id": "PP_2013",
        "chunk": "7",
    }
    assert (cause["type"], failure["type"]) == ("KeyError", "ValueError")
    assert set(failure) == {"type", "module", "mechanism", "stacktrace"}
    assert set(frame) == {"module", "function", "lineno", "filename", "in_app"}
    assert (frame["module"], frame["function"]) == ("config.tests.test_errors", "broken")
    assert SECRET.encode() not in receiver.bodies[0]
    assert str(env.PROJECT).encode() not in receiver.bodies[0]


def test_an_id_that_is_none_is_left_out(receiver):
    with telemetry.binding(pattern_id=f"Anna {SECRET}", provider="polygon"):
        ours.error("capability failed", exc_info=broken())

    (report,) = receiver.wait_for(1)
    assert set(report["tags"]) == {"engine", "provider"}


def test_a_failure_is_reported_once_on_its_way_up(receiver):
    failure = broken()
    ours.error("capability failed", exc_info=failure)
    try:
        raise RuntimeError("a step failed") from failure
    except RuntimeError as above:
        logging.getLogger("celery.app.trace").error("Task %s failed", "a", exc_info=above)

    assert [report["logger"] for report in receiver.wait_for(2, seconds=1)] == ["execution.a_module"]


def test_what_breaks_while_another_failure_is_handled_is_one_of_its_own(receiver):
    try:
        try:
            raise broken()
        except ValueError:
            ours.exception("capability failed")
            raise RuntimeError("the page of the failure broke")  # noqa: B904 - by itself, and not because of it
    except RuntimeError:
        ours.exception("request failed")

    assert len(receiver.wait_for(2)) == 2


def of_django(status, **more):
    """As Django says that a request ended in an error."""
    return {"status_code": status, "request": SimpleNamespace(**{"method": "POST", "resolver_match": None} | more)}


def test_what_a_caller_caused_and_what_may_pass_is_not_reported(receiver):
    ours.warning("request refused", exc_info=broken())
    ours.error("portfolios are blocked", extra={"portfolios": 2})
    logging.getLogger("django.security.DisallowedHost").error("Invalid host", exc_info=broken(), extra=of_django(400))
    logging.getLogger("django.request").error("%s: %s", "Unavailable", "/", exc_info=broken(), extra=of_django(503))
    logging.getLogger("kombu.connection").error("the broker does not answer")

    assert receiver.wait_for(1, seconds=1) == []


@pytest.mark.parametrize(
    ("method", "told"), [("POST", {"request": {"method": "POST"}}), (SECRET, {})], ids=["known", "made-up"]
)
def test_a_request_is_told_by_its_method_and_route(receiver, method, told):
    match = SimpleNamespace(route="v1/packs/<str:pack_id>", kwargs={"pack_id": SECRET})
    request = {"method": method, "path": f"/v1/packs/{SECRET}", "resolver_match": match}
    logger = logging.getLogger("django.request")

    logger.error("%s: %s", "Error", request["path"], exc_info=broken(), extra=of_django(500, **request))

    (report,) = receiver.wait_for(1)
    assert report["transaction"] == "v1/packs/<str:pack_id>"
    assert {name: report[name] for name in ("request",) if name in report} == told
    assert "logentry" not in report
    assert SECRET.encode() not in receiver.bodies[0]


@pytest.mark.parametrize("dsn", ["sentry", "https://", "https://key@host/", "ftp://key@host/1", "http://key@[::1/1"])
def test_an_address_that_is_none_is_said_once_without_it(dsn, caplog):
    with started(dsn) as on:
        ours.error("capability failed", exc_info=broken())

    assert on is False
    assert [r.message for r in caplog.records if r.levelname == "WARNING"] == [
        "SENTRY_DSN is no address of a project: errors are not reported"
    ]


def test_an_address_that_does_not_answer_is_said_once(caplog):
    with envelopes.receiver() as gone:
        dsn = gone.dsn
    with started(dsn):
        for _ in range(5):
            ours.error("capability failed", exc_info=broken())
        sentry_sdk.flush(5)

    assert [r.message for r in caplog.records if r.levelname == "WARNING"] == ["error reports do not arrive"]


def test_a_slow_receiver_holds_nobody_up(receiver):
    """What does not fit the queue is dropped; a process that ends waits a second."""
    receiver.delay_s = 3
    started_at = time.monotonic()
    for _ in range(150):
        ours.error("capability failed", exc_info=broken())
    logged_s = time.monotonic() - started_at
    sentry_sdk.get_client().close()
    closed_s = time.monotonic() - started_at - logged_s

    assert logged_s < 3
    assert closed_s < 2.5
    assert len(receiver.bodies) <= 2


def run(code, **environment):
    """A process of its own over the settings, that needs no server."""
    base = {"DATABASE_URL": "postgresql://app@localhost/none", "REDIS_URL": "redis://localhost:1", "DEBUG": "1"}
    command = [sys.executable, "-c", f"import django\ndjango.setup()\n{code}"]
    variables = {"DJANGO_SETTINGS_MODULE": "config.settings", **base, **environment}
    return subprocess.run(command, cwd=env.PROJECT, env=variables, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_without_an_address_the_sdk_is_not_imported():
    ended = run("import sys\nprint('sentry_sdk' in sys.modules, len(sys.modules) > 100)")

    assert ended.stdout.split() == ["False", "True"]


@pytest.mark.slow
def test_a_command_that_breaks_is_reported_as_it_ends():
    with envelopes.receiver() as made:
        ended = run(f"raise ValueError('{SECRET}')", SENTRY_DSN=made.dsn, SENTRY_ENVIRONMENT="staging")
        (report,) = made.wait_for(1)

    assert ended.returncode == 1
    assert "pending events" not in ended.stderr
    assert report["environment"] == "staging"
    assert report["tags"]["engine"].startswith("0.1.0+")
    assert report["exception"]["values"][0]["type"] == "ValueError"
    assert SECRET.encode() not in made.bodies[0]
