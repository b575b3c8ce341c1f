"""`runall`: the three live and stop together, and nothing starts where something is broken."""

import os
import signal
import socket
import subprocess
import threading
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from config import doctor, embedded
from config.management.commands import runall

STAYS = ("http.server", "0", "--bind", "127.0.0.1")
ENDS = ("this",)


@pytest.fixture(autouse=True)
def _well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TIEOUT_VAR", str(tmp_path))
    monkeypatch.setattr(doctor, "find_faults", lambda *, port: [])


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[str]]:
    """Each child process that the command started."""
    seen: list[subprocess.Popen[str]] = []
    spawn = runall.Command.spawn

    def remember(self: runall.Command, *args: Any) -> subprocess.Popen[str]:
        seen.append(spawn(self, *args))
        return seen[-1]

    monkeypatch.setattr(runall.Command, "spawn", remember)
    return seen


def children_of(*commands: tuple[str, ...]) -> Any:
    return lambda port: tuple(runall.Child(f"c{i}", "app", "", command) for i, command in enumerate(commands))


def test_when_one_child_ends_all_are_stopped_and_the_exit_code_tells(
    monkeypatch: pytest.MonkeyPatch, started: list[subprocess.Popen[str]]
) -> None:
    monkeypatch.setattr(runall, "children", children_of(STAYS, ENDS, STAYS))
    said = StringIO()

    with pytest.raises(SystemExit) as ended:
        runall.Command(stderr=said, stdout=StringIO()).handle()

    assert ended.value.code == 1
    assert said.getvalue() == "c1 ended with 0: all stopped\n"
    assert len(started) == 3
    assert all(process.poll() is not None for process in started)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_and_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, started: list[subprocess.Popen[str]], number: signal.Signals
) -> None:
    monkeypatch.setattr(runall, "children", children_of(STAYS, STAYS))
    before = signal.getsignal(number)

    threading.Timer(1.0, os.kill, (os.getpid(), number)).start()
    runall.Command(stdout=StringIO()).handle()

    assert [process.poll() is not None for process in started] == [True, True]
    assert signal.getsignal(number) is before


def test_nothing_starts_where_something_is_broken(
    monkeypatch: pytest.MonkeyPatch, started: list[subprocess.Popen[str]]
) -> None:
    fault = doctor.Fault("Redis", "connection refused", "start Redis or mend REDIS_URL")
    monkeypatch.setattr(doctor, "find_faults", lambda *, port: [fault])
    said = StringIO()

    with pytest.raises(SystemExit) as ended:
        runall.Command(stderr=said).handle()

    assert ended.value.code == 1
    assert said.getvalue() == "Redis: connection refused; start Redis or mend REDIS_URL\n"
    assert started == []


def test_counters_of_the_former_run_are_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "prometheus" / "c0"
    folder.mkdir(parents=True)
    (folder / "counter_1.db").touch()
    monkeypatch.setattr(runall, "children", children_of(ENDS))

    with pytest.raises(SystemExit):
        runall.Command(stderr=StringIO(), stdout=StringIO()).handle()

    assert list(folder.iterdir()) == []


def test_a_taken_port_is_a_fault_with_its_mend() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        fault = doctor.find_port_fault(port)

    assert str(fault) == f"port {port}: is taken; stop what listens there or set PORT"
    assert doctor.find_port_fault(port) is None


def test_a_port_beyond_the_last_is_a_fault() -> None:
    assert str(doctor.find_port_fault(70000)) == "port 70000: is no port; set PORT to a number up to 65535"


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("postgresql://app@127.0.0.1:1/tieout", "Connection refused"),
        ("postgresql://app:hidden@/tieout?host=%zz", "the address for app can't be read"),
    ],
    ids=["nobody listens", "malformed"],
)
def test_a_wrong_database_address_is_one_line_without_its_password(
    monkeypatch: pytest.MonkeyPatch, address: str, what: str
) -> None:
    monkeypatch.setattr(embedded, "database_url", lambda role: address)
    monkeypatch.setenv("DATABASE_URL", address)

    fault = str(doctor.find_database_fault("app"))

    assert what in fault
    assert fault.endswith("mend DATABASE_URL")
    assert "\n" not in fault
    assert "hidden" not in fault
