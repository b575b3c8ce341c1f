"""A receiver in a process of its own, and the processes of the product that send to it."""

import os
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

    def wait_for(self, enough: Callable[[list[Span]], bool], within_s: float = 20) -> list[Span]:
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
def worker(database: str, *options: str, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker on a database, as `job`, once it is ready."""
    from tests.plugin import address, ledger_of

    settings = {
        "DATABASE_URL": address(database, "job"),
        "LEDGER_PATH": str(ledger_of(database)),
        "TIEOUT_ROLE": "job",
        "LOG_LEVEL": "INFO",
        **environment,
    }
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel", "INFO", *options]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=PROJECT, env=os.environ | settings, stdout=out, stderr=out)
    try:
        until = time.monotonic() + 60
        while "ready." not in log.read_text():
            assert process.poll() is None and time.monotonic() < until, log.read_text()[-3000:]
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(30)
