"""A receiver in a process of its own, and the processes of the product that send to it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops import otlp_receiver
from ops.otlp_receiver import Span

PROJECT = Path(__file__).resolve().parent.parent
PROMPT = {"OTEL_BSP_SCHEDULE_DELAY": "50"}
"""Spans leave after so many milliseconds: the default of five seconds is long for a test."""


@dataclass(frozen=True)
class Receiver:
    store: Path
    address: str

    @property
    def environment(self) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.address, **PROMPT}

    def spans(self) -> list[Span]:
        return otlp_receiver.read_spans(self.store)

    def wait_for(self, enough: Callable[[list[Span]], bool], within_s: float = 60) -> list[Span]:
        """What is stored once it is enough; a span arrives a moment after what it tells of."""
        until = time.monotonic() + within_s
        while not enough(found := self.spans()):
            if time.monotonic() > until:
                raise AssertionError(f"not received within {within_s} s: {sorted(span.name for span in found)}")
            time.sleep(0.05)
        return found


@contextmanager
def receiving(folder: Path) -> Iterator[Receiver]:
    store = folder / "spans.jsonl"
    command = [sys.executable, "-m", "ops.otlp_receiver", "--store", str(store), "receive", "--port", "0"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Receiver(store, process.stdout.readline().strip().partition("=")[2])
        finally:
            process.terminate()


@contextmanager
def unresponsive() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"


def closed() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def environment_of(database: str) -> dict[str, str]:
    """What a process of the product needs to work on a database as `job`."""
    from django.conf import settings

    from tests.plugin import address

    return os.environ | {
        "DATABASE_URL": address(database, "job"),
        "DATABASE_JOB_URL": address(database, "job"),
        "REDIS_URL": settings.REDIS_URL,
        "LEDGER_PATH": str(settings.LEDGER_PATH),
        "TIEOUT_ROLE": "job",
    }


@contextmanager
def celery(database: str, *command: str, log: Path, **environment: str) -> Iterator[None]:
    """`celery -A config …` on a database, as `job`; what it says is in `log`."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "config", *command],
            cwd=PROJECT,
            env=environment_of(database) | environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python in a process that is set up as a command is, and traced where the environment says so."""
    begin = (
        "import django; django.setup()\n"
        "from config.telemetry import tracing; tracing.start('command')\n"
        "from config import telemetry\n"
    )
    return subprocess.run(
        [sys.executable, "-c", begin + code],
        cwd=PROJECT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
