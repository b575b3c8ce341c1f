"""The one table of what failures are answered with: nothing is left out, nothing tells what is inside."""

import errno
import importlib
import json
import pkgutil
from datetime import date

import pytest
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.db.models import QuerySet
from django.test import Client
from rest_framework import exceptions as drf

import agents
import compliance
import config
import execution
import portfolio
import pricing
from agents.breaker import StorageAway
from agents.runtime import CapabilityFailed
from compliance import registry as rights_registry
from compliance import versions
from config import doctor, embedded, env, outage
from config.errors import TieoutError
from config.log_in import personal_tokens
from config.strict_json import TooLarge
from execution import executor
from execution.canonical import NotFinite
from execution.executor import failure_record, orchestrator, planning, step_trace
from execution.models import Execution
from execution.night import attempts, chunks, ledger_reconciliation, nightly, pack_building, runs
from execution.operations import demo as demo_command
from execution.operations.intake import portfolio_file, portfolios
from execution.patterns import drafts, library_record, publishing
from execution.patterns.templating import TemplateUnresolved
from execution.web import problems
from portfolio.books import writer
from portfolio.ledger import reader, repository
from portfolio.ledger.screening import Finding, LedgerRefused
from portfolio.models import Portfolio
from portfolio.valuation import InvariantViolated
from pricing import classifications, packs
from pricing.providers import checking, fetching
from pricing.quality import quarantine, symbols
from tests import plugin

ROOMS = (agents, compliance, config, execution, portfolio, pricing)

COMMANDS_ONLY = {
    doctor.UnboundRole,  # ends a start
    personal_tokens.TooManyTokens,  # the page of tokens says it
    checking.UnknownProvider,
    fetching.NotForPacks,
    fetching.NothingFetched,
    fetching.NothingToFetch,
    rights_registry.MalformedRegistry,
    versions.NothingChanged,  # the admin's page of rights says it, as the next three
    versions.OvertakenVersion,
    versions.ReasonMissing,
    versions.SecondPersonNeeded,
    quarantine.NothingToAccept,  # the admin's form refuses it
    quarantine.ReasonMissing,  # the admin's form asks for it
    classifications.NoClassification,
    symbols.SymbolUnknown,
    demo_command.DemoFailed,
    embedded.ServiceUnavailable,
    env.SettingInvalid,
    executor.NotReproduced,
    portfolio_file.PortfolioFileRefused,
    portfolios.UnknownPolicy,
    portfolios.UnknownUser,
    chunks.FiguresFailed,  # becomes the reason of a blocked portfolio
    attempts.JobFailed,
    attempts.JobTakenOver,
    ledger_reconciliation.NotCompared,  # becomes a break
    nightly.NothingToBuild,
    runs.OutOfOrder,
    ledger_reconciliation.ReconciliationBroke,
    nightly.RunElsewhere,
    pack_building.StoredPackCorrupt,
    library_record.RecordBroken,
    drafts.DraftExists,  # those of drafts are answered by the studio's pages
    drafts.DraftOvertaken,
    drafts.PublisherIsAuthor,
    drafts.VersionNotRaised,
    drafts.VersionOvertaken,
    publishing.PatternRefused,
    publishing.ReasonMissing,
    publishing.VersionTaken,
    reader.LedgerCheckerMissing,
    writer.PortfolioNotInLedger,
}
"""What no request can meet: start-up, jobs and commands."""


def modules():
    for room in ROOMS:
        for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if not {"tests", "migrations", "child", "wsgi"} & set(found.name.split(".")):
                yield importlib.import_module(found.name)


def family(kind):
    yield kind
    for child in kind.__subclasses__():
        yield from family(child)


def ours():
    rooms = {room.__name__ for room in ROOMS}
    for _ in modules():
        pass
    return {
        kind
        for kind in family(TieoutError)
        if kind.__module__.partition(".")[0] in rooms and ".tests." not in kind.__module__ and kind is not TieoutError
    }


def test_every_failure_of_ours_has_its_line_in_the_table():
    covered = set(problems.PROBLEMS) - {TieoutError}

    forgotten = {kind for kind in ours() - COMMANDS_ONLY if not covered & set(kind.__mro__)}

    assert sorted(kind.__qualname__ for kind in forgotten) == []


def test_no_line_of_the_table_is_for_what_only_commands_meet():
    assert ours() >= COMMANDS_ONLY
    assert set(problems.PROBLEMS) & COMMANDS_ONLY == set()


def test_every_type_has_a_title_and_every_title_a_type():
    assert {kind for _, kind in problems.PROBLEMS.values()} == set(problems.TITLES)


def test_one_type_is_one_status():
    assert len({kind for _, kind in problems.PROBLEMS.values()}) == len(set(problems.PROBLEMS.values()))


@pytest.mark.parametrize(
    "failure",
    [
        StorageAway("connection to 10.0.0.7 refused"),
        repository.LedgerUnavailable("/srv/ledger.git is no repository"),
        ValueError("SELECT secret FROM users"),
        InvariantViolated("value = cash + /srv/secret", date(2013, 3, 1), 1.0),
    ],
)
def test_what_is_ours_to_mend_is_told_in_no_word_of_its_own(failure):
    problem = problems.describe(failure)

    assert problem.status in (500, 503)
    assert problem.detail in ("try again in a moment", "the request id finds it in the log")
    assert not set(problem.extra) & {"reason", "trace"}


def failed(cause):
    trace = (step_trace.StepTrace("made", "fake.made", "faker", "failed", reason=str(cause)),)
    return orchestrator.StepFailed("made", "fake.made", "faker", cause, trace)


def test_a_step_that_met_an_outage_is_the_outage_with_the_step_and_without_its_place():
    problem = problems.describe(failed(repository.LedgerUnavailable("/srv/ledger.git is locked")))

    assert (problem.status, problem.type) == (503, "unavailable")
    assert problem.extra["step"] == "made"
    assert problem.headers == {"Retry-After": "5"}
    assert "/srv" not in str(problem.document(""))


def test_a_step_whose_agent_broke_is_a_failed_step():
    problem = problems.describe(failed(CapabilityFailed("fake.made", "faker")))

    assert (problem.status, problem.type) == (500, "step-failed")
    assert problem.extra["trace"]["steps"][0]["status"] == "failed"


@pytest.mark.parametrize(
    "failure",
    [
        failed(CapabilityFailed("fake.made", "faker")),
        failed(TemplateUnresolved("{{state.x}}", "state.x", "is not there")),
        packs.PackCorrupt("PP_2013-03-01_ECB_EUR_r1", "content_hash", "aa", "bb"),
        NotFinite("not a finite number"),
        ValueError("SELECT secret FROM users"),
        KeyError(),
        failed(repository.LedgerUnavailable("/srv/ledger.git is locked")),
        failed(packs.PackNotFound("PP")),
        OperationalError("the server is away"),
        TooLarge(7),
    ],
    ids=lambda failure: type(getattr(failure, "cause", failure)).__name__,
)
def test_a_recorded_failure_is_answered_as_the_failure_itself(failure):
    problem = problems.describe(failure)
    record = json.loads(json.dumps(failure_record.describe(failure)))
    trace = json.loads(json.dumps(step_trace.trace_as_dict(getattr(failure, "trace", ()))))

    answer = problems.answer_on_record(Execution(problem=record, trace=trace))

    assert answer == (problem if problem.status == 500 else None)


def test_an_execution_that_did_not_fail_has_no_answer_on_record():
    assert problems.answer_on_record(Execution()) is None


def test_no_two_lines_of_the_table_that_differ_share_a_class_name():
    """Recorded failures find their line by the name of their class."""
    assert len({kind.__name__ for kind in problems.PROBLEMS}) == len(
        {(kind.__name__, entry) for kind, entry in problems.PROBLEMS.items()}
    )


def test_details_of_the_framework_are_words_and_not_its_objects():
    nested = drf.AuthenticationFailed({"detail": drf.ErrorDetail("no such token", code="x"), "messages": []})
    fields = drf.ValidationError({"username": [drf.ErrorDetail("is needed", code="required")]})

    told = problems.describe(nested).document(""), problems.describe(fields).document("")

    assert told[0]["detail"] == "no such token"
    assert told[1]["errors"] == [{"pointer": "/username", "reason": "is needed"}]
    assert "ErrorDetail" not in str(told)


def test_too_much_data_is_told_with_the_limit_and_without_the_setting():
    problem = problems.describe(RequestDataTooBig("settings.DATA_UPLOAD_MAX_MEMORY_SIZE"))

    assert (problem.status, problem.detail) == (413, "more than 1048576 bytes")


def test_a_refused_ledger_names_every_place():
    problem = problems.describe(
        LedgerRefused((Finding("main.beancount", 3, "plugin"), Finding("main.beancount", 9, "include")))
    )

    assert problem.status == 400
    assert [each["reason"] for each in problem.extra["errors"]] == [
        "main.beancount:3: plugin",
        "main.beancount:9: include",
    ]


@pytest.mark.parametrize("path", ["/v1", "/v1/nothing", "/v1/executions/7", "/health", "/health/nothing"])
def test_an_address_of_the_api_that_leads_nowhere_is_a_problem_document(path):
    answer = Client().get(path)

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["request_id"] == answer["X-Request-ID"]


def test_a_page_that_leads_nowhere_is_a_page(demo):
    answer = demo.client("owner").get("/nothing/at/all")

    assert answer.status_code == 404
    assert b"<h1>Not found</h1>" in answer.content


def test_a_database_that_is_away_is_a_problem_at_the_door_of_machines(demo, monkeypatch):
    def away(self):
        raise OperationalError("connection to 10.0.0.7 refused")

    monkeypatch.setattr(QuerySet, "_fetch_all", away)

    answer = Client().get("/health/pack")

    assert (answer.status_code, answer.json()["type"], answer["Retry-After"]) == (503, "unavailable", "5")
    assert b"10.0.0.7" not in answer.content


def test_a_database_that_is_away_is_said_on_pages_too(demo, monkeypatch):
    client = demo.client("owner")
    client.raise_request_exception = False

    def away(*args, **kwargs):
        raise OperationalError("connection to 10.0.0.7 refused")

    monkeypatch.setattr(Portfolio.objects, "order_by", away)

    answer = client.get("/")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert b"<h1>A part of the service does not answer</h1>" in answer.content
    assert b"10.0.0.7" not in answer.content


@pytest.mark.parametrize(
    ("number", "words"), [("ENOSPC", "is full"), ("EDQUOT", "is full"), ("EROFS", "can only be read")]
)
def test_a_disk_that_takes_nothing_is_an_outage_with_its_reason_at_every_door(demo, monkeypatch, caplog, number, words):
    """At the API in a view of ours, on a page where nothing of ours catches it, and inside a step."""
    full = OSError(getattr(errno, number), "No space left on device", "/srv/secret/ledger.git")

    def write(*args, **kwargs):
        raise full

    monkeypatch.setattr(Portfolio.objects, "order_by", write)
    monkeypatch.setattr(planning, "prepare", write)
    client = demo.client("owner")
    client.raise_request_exception = False

    page, document, step = client.get("/"), demo.ask(), problems.describe(failed(full))

    assert (page.status_code, page["Retry-After"]) == (503, "5")
    assert f"The disk {words}: try again in a moment. What you sent was not stored." in page.content.decode()
    assert (document.status_code, document.json()["type"], document["Retry-After"]) == (503, "unavailable", "5")
    assert document.json()["detail"] == f"the disk {words}: try again in a moment"
    assert (step.status, step.detail, step.extra["step"]) == (503, document.json()["detail"], "made")
    assert b"secret" not in page.content + document.content
    assert "secret" not in str(step.document(""))
    assert [record.cause for record in caplog.records if record.getMessage() == "request refused"] == [
        str(outage.find(full))
    ]


def test_another_failure_of_a_file_stays_a_fault_of_ours():
    assert problems.describe(FileNotFoundError(errno.ENOENT, "No such file", "/srv/secret")).type == "internal"


def test_what_nobody_expected_at_the_api_is_an_internal_problem_and_in_the_log(demo, monkeypatch, caplog):
    def broken(*args, **kwargs):
        raise RuntimeError("SELECT secret FROM users")

    monkeypatch.setattr(planning, "prepare", broken)

    answer = demo.ask()

    assert (answer.status_code, answer.json()["type"]) == (500, "internal")
    assert b"secret" not in answer.content
    assert [record.getMessage() for record in caplog.records if record.exc_info] == ["request failed"]


def test_a_body_that_can_not_be_read_does_not_make_a_refusal_a_failure(demo):
    client = Client(enforce_csrf_checks=True)
    plugin.log_in(client, demo.user("owner"))
    client.cookies["csrftoken"] = "c" * 32
    how = {"content_type": "multipart/form-data; boundary=x", "headers": {"X-CSRFToken": "c" * 32}}

    answers = [client.generic("POST", path, b"[" * 10_000, **how) for path in ("/nothing/here/", "/login/", "/v1/none")]

    assert [answer.status_code for answer in answers] == [404, 400, 404]


@pytest.mark.parametrize(("path", "status"), [("/v1/execute", 400), ("/v1/schema", 405), ("/v1/packs", 405)])
def test_json_that_is_nested_too_deep_is_refused_where_it_is_read_and_fails_nowhere(demo, path, status):
    client = Client(enforce_csrf_checks=True)
    plugin.log_in(client, demo.user("owner"))
    client.cookies["csrftoken"] = "c" * 32

    answer = client.generic(
        "POST", path, b"[" * 10_000, content_type="application/json", headers={"X-CSRFToken": "c" * 32}
    )

    assert answer.status_code == status
