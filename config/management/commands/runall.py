"""`manage.py runall`: web, worker and beat together, until one of them ends or somebody says stop."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

from config import doctor, embedded, env
from config.command import TieoutCommand

PATIENCE_SECONDS = 20  # for children to end: longer than the worker's soft shutdown
PYTHON = (sys.executable, "-m")
RESET = "\033[0m"
ACCESS_LOG = "%(m)s %(U)s %(s)s %(b)s B %(M)s ms"
"""Without the query: what is asked about is nobody else's to read."""


@dataclass(frozen=True, slots=True)
class Child:
    name: str
    role: str
    colour: str
    command: tuple[str, ...]
    metrics_port: int | None = None
    """Where Prometheus reads it, if not at a page of the web."""


def children(port: int) -> tuple[Child, ...]:
    gunicorn = ("gunicorn", "--config", "python:config.gunicorn", "--bind", f"127.0.0.1:{port}")
    web = (*gunicorn, "--access-logfile", "-", "--access-logformat", ACCESS_LOG, "config.wsgi:application")
    celery = ("celery", "-A", "config")
    return (
        Child("web", "app", "\033[36m", web),
        Child("worker", "job", "\033[33m", (*celery, "worker", "--concurrency", "2", "--loglevel", "INFO"), port + 1),
        Child("beat", "job", "\033[35m", (*celery, "beat", "--loglevel", "INFO", "--pidfile="), port + 2),
    )


class Stopped(BaseException):
    """Somebody sent a signal. A BaseException, as KeyboardInterrupt is: it must not be taken for a failure."""


class Command(TieoutCommand):
    help = "Serve: web, worker and beat together; they stop together."
    has_json = False

    def handle(self, *args: Any, **options: Any) -> None:
        port = env.integer("PORT", default=8000, minimum=1)
        faults = doctor.find_faults(port=port)
        for fault in faults:
            self.stderr.write(str(fault))
        if faults:
            raise SystemExit(1)
        before = {number: signal.signal(number, _raise_stopped) for number in (signal.SIGINT, signal.SIGTERM)}
        running: dict[Child, subprocess.Popen[str]] = {}
        try:
            for child in children(port):
                running[child] = self.spawn(child)
            self.stdout.write(f"http://127.0.0.1:{port}/ (ctrl-c stops)")
            end = self._watch(running)
        except Stopped:
            end = None
        finally:
            _stop(running)
            for number, handler in before.items():
                signal.signal(number, handler)
        if end:
            self.stderr.write(f"{end}: all stopped")
            raise SystemExit(1)

    def spawn(self, child: Child) -> subprocess.Popen[str]:
        counters = _empty(env.var() / "prometheus" / child.name)
        metrics_address = "" if child.metrics_port is None else str(child.metrics_port)
        process = subprocess.Popen(  # noqa: S603 - no shell, and each word is ours
            [*PYTHON, *child.command],
            cwd=env.PROJECT,
            env=embedded.child_environment()
            | {
                "TIEOUT_ROLE": child.role,
                "PROMETHEUS_MULTIPROC_DIR": str(counters),
                "METRICS_ADDRESS": metrics_address,
                "PYTHONUNBUFFERED": "1",
                "MALLOC_ARENA_MAX": "2",  # as in the Dockerfile
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # a ctrl-c is for us, who stop the three in order
        )
        assert process.stdout is not None
        threading.Thread(target=_prefix, args=(child, process.stdout), daemon=True).start()
        return process

    def _watch(self, running: dict[Child, subprocess.Popen[str]]) -> str:
        """Wait until one is gone; which, and how."""
        while True:
            for child, process in running.items():
                if (code := process.poll()) is not None:
                    return f"{child.name} ended with {code}"
            if not embedded.running():
                return "the embedded PostgreSQL or Redis was stopped"
            time.sleep(0.5)


def _raise_stopped(number: int, frame: FrameType | None) -> None:
    raise Stopped


def _empty(folder: Path) -> Path:
    """Counters of processes that are gone must not be counted on."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _prefix(child: Child, lines: IO[str]) -> None:
    start = f"{child.colour}{child.name:<6}{RESET} " if sys.stdout.isatty() else f"{child.name:<6} "
    with lines:
        for line in lines:
            sys.stdout.write(start + line)
            sys.stdout.flush()


def _stop(running: dict[Child, subprocess.Popen[str]]) -> None:
    """Ask all, wait, then insist; a second signal must not leave one behind."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    for process in running.values():
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + PATIENCE_SECONDS
    for process in running.values():
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
