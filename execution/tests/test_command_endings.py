"""Whatever ends a command, its last line says what and what to do: every command, met by every outage."""

import errno
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.core.management import get_commands
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created
from psycopg import errors

from config import command_line, env, outage
from portfolio.ledger.repository import LedgerRepository

DEMO = env.PROJECT / "demo"
WORDS = {
    "classify": ("IBM", "--sector", "Information Technology"),
    "compare": (str(UUID(int=1)), str(UUID(int=2))),
    "end_second_factor": ("owner",),
    "execute": ("portfolio_overview", "--portfolio", "public"),
    "explain": (str(UUID(int=1)), "/valued_positions/total_value"),
    "export_portfolio": ("public", "NEW"),
    "fetch_market_data": ("polygon",),
    "import_ledger": (str(DEMO / "ledger" / "public"), "--portfolio", "public"),
    "import_portfolio": ("FILE", "--owner", "owner"),
    "import_transactions": ("FILE", "--portfolio", "public"),
    "load_market_data": (str(DEMO),),
    "pack_diff": ("PP_2013-02-28_ECB_EUR_r1", "PP_2013-03-01_ECB_EUR_r1"),
    "portfolio_settings": ("--portfolio", "public"),
    "replay": (str(UUID(int=1)),),
    "token": ("list", "owner"),
    "undo_import": ("--portfolio", "public"),
    "verify_bundle": ("FILE",),
}
"""What those are called with that need words to get as far as the database."""
OF_DJANGO = {
    "migrate": (),
    "showmigrations": (),
    "createsuperuser": ("--noinput", "--username", "x", "--email", "x@y.z"),
}
ASK_NOBODY = {"lint_patterns"}
ASK_A_PROVIDER = {"check_provider"}
"""What asks neither database nor Redis, but the network: tried in test_check_provider."""
APART = {"doctor", "runall"}
"""What asks for itself: tried as processes, below."""
ROOMS = ("config", "compliance", "execution", "portfolio", "pricing")
OURS = sorted({name for name, app in get_commands().items() if app in ROOMS} - APART - ASK_A_PROVIDER)


as_job = pytest.mark.role("job")


@pytest.fixture(autouse=True)
def _sessions_of_job():
    """A command closes its session when it ends; the next one begins as the role of the test."""

    def become(connection, **_):
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE job")

    connection_created.connect(become)
    yield
    connection_created.disconnect(become)


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    monkeypatch.setattr(settings, "PROVIDER_KEYS", settings.PROVIDER_KEYS | {"polygon": "x"})


@contextmanager
def failing(make):
    """Each statement of this session fails."""

    def fail(execute, sql, params, many, context):
        raise make()

    with connection.execute_wrapper(fail):
        yield


def wrapped(cause):
    failure = OperationalError("the words of anna")
    failure.__cause__ = cause
    return failure


ENDS = {
    "database away": (lambda: wrapped(errors.ConnectionFailure()), str(outage.DATABASE)),
    "disk of the database full": (lambda: wrapped(errors.DiskFull()), str(outage.DISK_FULL)),
    "disk full": (lambda: OSError(errno.ENOSPC, "No space left on device"), str(outage.DISK_FULL)),
    "locked": (lambda: wrapped(errors.LockNotAvailable()), str(outage.LOCKED)),
    "unforeseen": (
        lambda: ZeroDivisionError("the words of anna"),
        "it broke by a fault of this program (ZeroDivisionError)",
    ),
}


def last_line(text):
    lines = text.strip().splitlines()
    return re.sub(r"^CommandError: ", "", lines[-1]) if lines else ""


def words_of(name, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("date,type,amount,currency\n2013-02-28,deposit,1.25,CAD\n")
    given = (WORDS | OF_DJANGO).get(name, ())
    places = {"FILE": str(file), "NEW": str(tmp_path / "new")}
    return ["manage.py", name, *(places.get(word, word) for word in given)]


@as_job
@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("name", [*OURS, *OF_DJANGO])
def test_a_command_that_meets_an_outage_ends_with_one_line_that_says_what_to_do(demo, capfd, tmp_path, name, kind):
    make, line = ENDS[kind]
    words = words_of(name, tmp_path)
    capfd.readouterr()

    with failing(make):
        code = command_line.run(words)

    said = capfd.readouterr()
    if name in ASK_NOBODY:
        assert code == 0
        return
    assert code == 1
    assert last_line(said.err).startswith(line) or line in last_line(said.err)
    assert "Traceback" not in said.err + said.out
    assert "anna" not in said.err + said.out


def damage(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = b"????"
    file.chmod(0o600)
    file.write_bytes(content)


@as_job
@pytest.mark.parametrize("what", ["commit", "folder"])
def test_a_damaged_ledger_ends_no_command_with_a_traceback(private_demo, capfd, tmp_path, what):
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        head = repository.head()
        name = head if what == "commit" else repository.tree_hash(head, "public")
    damage(Path(settings.LEDGER_PATH) / "objects" / name[:2] / name[2:])
    codes = {}
    for command in set(OURS) - {"demo", "fetch_market_data", "load_market_data", "load_patterns"}:
        capfd.readouterr()
        codes[command] = command_line.run(words_of(command, tmp_path))
        said = capfd.readouterr()
        assert "Traceback" not in said.err + said.out, command
        if command in ("import_transactions", "undo_import") or (what, command) == ("commit", "import_ledger"):
            assert codes[command] == 1
            assert "an object or reference is damaged; restore it from a backup" in last_line(said.err), command

    assert codes["verify_ledger"] == 1


@as_job
def test_a_command_that_a_person_stops_says_so(demo, capfd):
    def stop():
        return KeyboardInterrupt()

    with failing(stop):
        code = command_line.run(["manage.py", "verify_packs"])

    assert (code, capfd.readouterr().err.strip()) == (130, "stopped")


def manage(*words, **environment):
    """A process of its own; nobody listens where it looks for database and Redis."""
    nowhere = {"DATABASE_URL": "postgresql://app@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1"}
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=env.PROJECT,
        env={**os.environ, **nowhere, "DEBUG": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.slow
@pytest.mark.parametrize("words", [("doctor",), ("runall",), ("nightly",)], ids=lambda words: words[0])
def test_a_process_that_finds_neither_database_nor_redis_ends_so_too(words):
    ended = manage(*words)

    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert re.match(r"(database|Redis|port \d+): .+; .+", last_line(ended.stderr))


@pytest.mark.slow
def test_output_that_finds_no_room_is_told():
    """/dev/full is a disk that is always full."""
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "manage.py", "lint_patterns"],
            cwd=env.PROJECT,
            env=os.environ | {"DATABASE_URL": "postgresql://app@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1"},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
        )

    assert ended.stderr.splitlines()[0] == str(outage.DISK_FULL)
    assert "Traceback" not in ended.stderr
