"""Large exports are a worker's: watched, cancelled, taken up where a worker was killed."""

import pytest
from django.db import transaction
from django.test import override_settings
from kombu.exceptions import OperationalError

from config import scope
from execution import exports, tasks
from execution.exports import files
from execution.models import ExecutionExport
from execution.tests import staging
from execution.tests.test_exports_api import order, send
from execution.web import ordered_exports


@pytest.fixture
def site(asked_demo, tmp_path, monkeypatch):
    monkeypatch.setattr(ordered_exports, "LARGE", 0)
    with override_settings(EXPORT_PATH=tmp_path / "exports"):
        yield asked_demo


@pytest.fixture
def rung(monkeypatch):
    """The messages that were sent."""
    sent = []
    monkeypatch.setattr(tasks.make_export, "delay", lambda **message: sent.append(message))
    return sent


def state(demo, ordered):
    return send(demo, "GET", ordered["Location"]).json()["state"]


def test_a_large_one_waits_for_a_worker_and_is_there_when_that_is_done(site, rung):
    ordered = order(site, "csv")
    early = send(site, "GET", ordered["Location"] + "/file")

    with site.role("job"):
        for message in rung * 2:
            tasks.make_export(**message)

    assert (ordered.status_code, ordered.json()["state"], ordered.json()["file"]) == (202, "waiting", None)
    assert (early.status_code, early.json()["type"]) == (409, "export-not-ready")
    assert state(site, ordered) == "done"
    assert send(site, "GET", ordered["Location"] + "/file").status_code == 200


def test_one_that_is_cancelled_under_way_leaves_nothing(site, rung, monkeypatch):
    ordered = order(site, "csv")
    real = files.os.fsync

    def cancel(descriptor):
        staging.by_force(site, "UPDATE execution_executionexport SET state = 'cancelled'")
        real(descriptor)

    monkeypatch.setattr(files.os, "fsync", cancel)
    with site.role("job"):
        tasks.make_export(**rung[0])

    assert state(site, ordered) == "cancelled"
    assert files.names() == set()


def test_one_that_waits_is_cancelled_and_no_worker_makes_it(site, rung):
    ordered = order(site, "csv")

    cancelled = send(site, "DELETE", ordered["Location"])
    with site.role("job"):
        tasks.make_export(**rung[0])

    assert (cancelled.status_code, state(site, ordered)) == (204, "cancelled")
    assert files.names() == set()


def test_without_a_broker_and_after_a_killed_worker_it_is_taken_up(site, monkeypatch):
    def away(**message):
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.make_export, "delay", away)
    unheard, killed = order(site, "csv"), order(site, "json")
    staging.by_force(site, "UPDATE execution_executionexport SET made_at = made_at - interval '3 minutes'")
    staging.by_force(
        site, f"UPDATE execution_executionexport SET state = 'running' WHERE id = '{killed.json()['export_id']}'"
    )

    with site.role("job"):
        tasks.tend_exports()

    assert [state(site, each) for each in (unheard, killed)] == ["done", "done"]


def test_an_unforeseen_failure_is_on_record_and_another_order_is_another_try(site, rung, monkeypatch):
    ordered = order(site, "csv")
    broken = exports.FORMATS["csv"]
    monkeypatch.setitem(
        exports.FORMATS, "csv", type("Broken", (), {"use": broken.use, "is_signed": False, "write": None})()
    )

    with site.role("job"), pytest.raises(TypeError):
        tasks.make_export(**rung[0])
    monkeypatch.undo()

    with scope.acting_as(site.user("owner")), transaction.atomic():
        row = ExecutionExport.objects.get()
    assert (row.state, row.reason) == ("failed", "TypeError")
    assert state(site, ordered) == "failed"
    assert files.names() == set()
