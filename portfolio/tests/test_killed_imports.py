"""A killed writer leaves a ledger that is ahead of its rows, or locked files: the next one who writes or looks mends it."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from config import env
from execution import tasks
from execution.night import history_check
from portfolio.books import catching_up, imports, revisions
from portfolio.ledger import reader
from portfolio.ledger.repository import LedgerRepository
from portfolio.models import Transaction
from tests import plugin, small

FILE = b"date,type,amount,currency,note\n2020-01-08,deposit,1.25,CAD,ours\n"

pytestmark = pytest.mark.role("job")


class Killed(Exception):
    """Takes the rows back, and not the ledger's commit."""


def take_in(portfolio):
    return imports.commit(portfolio=portfolio, name="a.csv", content=FILE, author="test", at=timezone.now())


def take_in_and_die(portfolio):
    with suppress(Killed), transaction.atomic():
        take_in(portfolio)
        raise Killed


def preview(portfolio):
    return imports.preview(portfolio=portfolio, name="a.csv", content=FILE, today=timezone.now().date())


def rows(portfolio):
    return Transaction.objects.filter(portfolio=portfolio, removed_in__isnull=True, note="ours").count()


@pytest.mark.parametrize("name", ["refs/heads/main.lock", "objects/ab/cd.lock", "packed-refs.lock", "HEAD.lock"])
def test_a_file_that_a_killed_writer_left_locked_locks_nobody_out(after_night, name):
    file = Path(settings.LEDGER_PATH) / name
    file.parent.mkdir(exist_ok=True)
    file.touch()
    advice = [str(each) for each in catching_up.find_advice()]

    taken = take_in(small.portfolio())

    assert taken.revision.status == "reconciled"
    assert not file.exists()
    assert file.name in advice[0]


def test_what_is_said_again_after_a_kill_is_finished_and_not_taken_for_known(after_night):
    portfolio = small.portfolio()
    take_in_and_die(portfolio)
    before = rows(portfolio)

    again = take_in(portfolio)

    assert (before, rows(portfolio)) == (0, 1)
    assert (again.import_id, again.revision.status) == (None, "reconciled")
    assert again.revision == revisions.newest(portfolio)


@pytest.mark.parametrize(
    "look",
    [preview, lambda _: tasks.take_up_stale_runs(), lambda _: small.night(small.policy(), restates="a test's")],
    ids=["preview", "watchdog", "night"],
)
def test_whoever_looks_reads_what_the_rows_lack(after_night, look):
    portfolio = small.portfolio()
    take_in_and_die(portfolio)

    look(portfolio)

    assert rows(portfolio) == 1
    assert catching_up.find_behind([portfolio]) == []
    assert list(history_check.find_differences(small.policy())) == []


@pytest.mark.parametrize(
    "refused",
    [
        lambda portfolio: imports.commit(
            portfolio=portfolio, name="bad.csv", content=b"date,type\nnever,deposit\n", author="test", at=timezone.now()
        ),
        lambda portfolio: imports.undo(portfolio=portfolio, author="test", at=timezone.now(), import_id="0" * 16),
    ],
    ids=["import", "undo"],
)
def test_what_is_caught_up_stands_although_what_was_asked_is_refused(after_night, refused):
    portfolio = small.portfolio()
    take_in_and_die(portfolio)

    with pytest.raises((imports.ImportRefused, imports.ImportNotFound)):
        refused(portfolio)

    assert rows(portfolio) == 1
    assert catching_up.find_behind([portfolio]) == []


def test_no_session_is_ended_while_a_ledger_is_read(after_night):
    """A writer reads it inside a transaction, under the lock of its portfolio."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM current_setting('idle_in_transaction_session_timeout')::interval)")
        (idle_s,) = cursor.fetchone()

    assert idle_s >= reader.MOST_TIMEOUT_S + 30


def test_a_whole_folder_that_is_said_again_after_a_kill_is_finished(after_night, tmp_path):
    text = small.LEDGER + small.SECOND_PURCHASE
    with suppress(Killed), transaction.atomic():
        small.take_in(tmp_path, text)
        raise Killed

    small.take_in(tmp_path, text)

    assert Transaction.objects.filter(entry_id="B2", removed_in__isnull=True).count() == 1
    assert revisions.newest(small.portfolio()).status == "reconciled"
    assert catching_up.find_behind([small.portfolio()]) == []


def test_an_undo_after_a_kill_takes_out_what_was_half_done(after_night):
    portfolio = small.portfolio()
    take_in_and_die(portfolio)

    undone = imports.undo(portfolio=portfolio, author="test", at=timezone.now())

    assert undone.name == "a.csv"
    assert rows(portfolio) == 0
    assert catching_up.find_behind([portfolio]) == []


def test_the_doctor_knows_a_ledger_that_is_ahead(after_night):
    take_in_and_die(small.portfolio())

    assert [str(each) for each in catching_up.find_advice()] == [
        "ledger: it is ahead of the rows of 1 portfolio; start worker and beat: the watchdog reads it within a minute"
    ]


def test_the_doctor_knows_a_damaged_ledger(after_night):
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        head = repository.head()
    (Path(settings.LEDGER_PATH) / "objects" / head[:2] / head[2:]).write_bytes(b"damaged")

    (advice,) = catching_up.find_advice()

    assert advice.piece == "ledger"
    assert "backup" in advice.mend


def test_an_import_may_be_killed_at_any_statement(after_night):
    """Some of the statements and a few random moments; `python -m chaos.killed_imports` takes them all."""
    done = subprocess.run(
        [sys.executable, "-m", "chaos.killed_imports", "--portfolio", "small", "--count", "3", "--every", "25"],
        cwd=env.PROJECT,
        env=os.environ
        | {
            "DATABASE_URL": plugin.address(after_night.database, "app"),
            "DATABASE_JOB_URL": plugin.address(after_night.database, "job"),
            "LEDGER_PATH": settings.LEDGER_PATH,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failures" in done.stdout
