"""A worker that is killed in mid-export, or meets a full disk there, leaves no half file to serve, and another makes it whole."""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.db import transaction
from django.test import override_settings

from config import env, scope
from execution import exports, tasks
from execution.exports import files
from execution.models import ExecutionExport
from execution.tests.test_exports_api import order, send
from execution.web import ordered_exports
from tests import plugin

HALF_WAY = """
import sys, time, uuid
import django
django.setup()
from execution import exports
from execution.exports import csv_files

def write_half(file, *rest):
    file.write(b"half of a table")
    print("half", flush=True)
    time.sleep(60)

csv_files.write_table = write_half
exports.make(uuid.UUID(sys.argv[1]))
"""


@pytest.fixture
def waiting(asked_demo, tmp_path, monkeypatch):
    """A demo with an export that no worker has taken up."""
    monkeypatch.setattr(ordered_exports, "LARGE", 0)
    monkeypatch.setattr(tasks.make_export, "delay", lambda **message: None)
    with override_settings(EXPORT_PATH=tmp_path / "exports"):
        yield asked_demo, order(asked_demo, "csv"), tmp_path / "exports"


def kill_half_way(demo, export_id, place):
    with subprocess.Popen(
        [sys.executable, "-c", HALF_WAY, export_id],
        cwd=env.PROJECT,
        env=os.environ
        | {
            "DATABASE_URL": plugin.address(demo.database, "job"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "EXPORT_PATH": str(place),
            "TIEOUT_ROLE": "job",
        },
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdout is not None
        said = worker.stdout.readline()
        worker.send_signal(signal.SIGKILL)
    assert said == "half\n"


def make_once_its_lock_is_free(row):
    """The database learns of a killed client when it next looks."""
    for _ in range(100):
        exports.make(row.pk)
        with transaction.atomic():
            row.refresh_from_db()
        if row.state == "done":
            return
        time.sleep(0.1)


def test_what_a_killed_worker_wrote_is_never_served_and_the_next_one_makes_it_whole(waiting):
    demo, ordered, place = waiting

    kill_half_way(demo, ordered.json()["export_id"], place)
    left = [each.suffix for each in place.iterdir()]
    early = send(demo, "GET", ordered["Location"] + "/file")
    with demo.role("job"):
        make_once_its_lock_is_free(ExecutionExport.objects.get())
    late = send(demo, "GET", ordered["Location"] + "/file")

    assert left == [".part"]
    assert (early.status_code, early.json()["type"]) == (409, "export-not-ready")
    assert (late.status_code, late.whole[:2]) == (200, b"PK")
    assert [each.name for each in place.iterdir()] == [ordered.json()["export_id"]]


@pytest.mark.parametrize("code", list(exports.FORMATS))
def test_a_full_disk_leaves_no_file_of_any_form_and_its_reason_and_another_try_makes_it(
    asked_demo, tmp_path, monkeypatch, code
):
    """A disk that is really full: /dev/full takes no byte."""
    opened = os.open
    with override_settings(EXPORT_PATH=tmp_path / "exports"):
        with monkeypatch.context() as full:
            full.setattr(
                files.os, "open", lambda path, *how: opened("/dev/full" if str(path).endswith(".part") else path, *how)
            )
            failed = order(asked_demo, code)
        left = list((tmp_path / "exports").iterdir())
        with scope.acting_as(asked_demo.user("owner")), transaction.atomic():
            row = ExecutionExport.objects.get()
        gone = send(asked_demo, "GET", f"/v1/exports/{row.pk}/file")
        again = order(asked_demo, code)

    assert (failed.status_code, failed.json()["type"]) == (503, "export-failed")
    assert "No space left on device" in failed.json()["detail"]
    assert (row.state, row.reason) == ("failed", "No space left on device")
    assert left == []
    assert gone.status_code == 410
    assert (again.status_code, again.json()["state"]) == (201, "done")
