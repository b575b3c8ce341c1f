"""The product as it runs: web and worker as processes over a database of the test, and all that they say."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from tests.plugin import PROJECT, address, ledger_of


@contextmanager
def worker(database: str, log: Path, **environment: str) -> Iterator[None]:
    """Celery with one child at a time, each for four jobs."""
    variables = {
        "DATABASE_URL": address(database, "job"),
        "DATABASE_JOB_URL": address(database, "job"),
        "REDIS_URL": settings.REDIS_URL,
        "LEDGER_PATH": str(ledger_of(database)),
        "TIEOUT_ROLE": "job",
        **environment,
    }
    command = [
        *(sys.executable, "-m", "celery", "-A", "config", "worker", "--concurrency", "1"),
        *("--max-tasks-per-child", "4", "-Q", database, "--loglevel", environment.get("LOG_LEVEL", "WARNING")),
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=os.environ | variables, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def wait_until(holds: object, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.1)
