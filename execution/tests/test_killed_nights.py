"""A night may be killed anywhere, and a disk may be full: it is finished once, with nobody's help but of who frees the space."""

import gc
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from config import env, outage
from portfolio.books import catching_up, imports
from portfolio.ledger.repository import LedgerUnavailable
from portfolio.models import Transaction
from tests import plugin, small

ROW = b"date,type,amount,currency,note\n2020-01-08,deposit,1.25,CAD,ours\n"
AT = datetime(2020, 1, 10, tzinfo=UTC)


@pytest.mark.role("job")
def test_a_night_may_be_killed_at_any_statement(after_night):
    """Some of the statements and a random moment; `python -m chaos.killed_nights` takes them all."""
    done = subprocess.run(
        [sys.executable, "-m", "chaos.killed_nights", "--count", "1", "--every", "45"],
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


@pytest.fixture
def small_disk(tmp_path):
    """A disk of a megabyte, for the ledger alone."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)], check=False)
    if mounted.returncode:
        pytest.skip("only root may mount a disk")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def fill(disk):
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return


@pytest.mark.role("job")
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # dulwich leaves the file open that has no room
def test_an_import_that_finds_the_ledgers_disk_full_is_refused_whole_and_goes_when_there_is_room(
    after_night, small_disk
):
    """`python -m chaos.full_disk` fills that of the database and everything else, too."""
    subprocess.run(["cp", "-a", f"{settings.LEDGER_PATH}/.", str(small_disk / "ledger.git")], check=True)
    portfolio = small.portfolio()

    def take_in():
        return imports.commit(portfolio=portfolio, name="a.csv", content=ROW, author="test", at=AT)

    with override_settings(LEDGER_PATH=Path(small_disk) / "ledger.git"):
        fill(small_disk)
        try:
            fault = take_in() and None
        except LedgerUnavailable as refused:
            fault = outage.find(refused)
        gc.collect()
        before = Transaction.objects.filter(note="ours").count(), catching_up.find_behind([portfolio])
        (small_disk / "filler").unlink()
        taken = take_in()

        assert fault == outage.DISK_FULL
        assert before == (0, [])
        assert taken.revision.status == "reconciled"
        assert Transaction.objects.filter(note="ours").count() == 1
        assert catching_up.find_advice() == []
