"""Web servers on loopback, and the client that asks them."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import closed_loop, measuring
from benchmarks.worlds import World
from config import env

GUNICORN = (
    *("gunicorn", "--worker-class", "config.web_worker.WebWorker", "--workers", "1", "--threads", "4"),
    "--no-control-socket",
)
HEADERS = {"Content-Type": "application/json", "X-Forwarded-Proto": "https"}


@dataclass(frozen=True, slots=True)
class Site:
    port: int
    arbiter: int
    """The process that watches the one worker."""

    def processor_s(self) -> float:
        """Seconds of processor that the workers have taken so far."""
        ticks = sum(
            sum(map(int, (folder / "stat").read_text().rpartition(")")[2].split()[11:13])) for folder in self._workers()
        )
        return ticks / os.sysconf("SC_CLK_TCK")

    def peak_mib(self) -> float:
        """The most memory that the worker has had resident."""
        (folder,) = self._workers()
        return measuring.peak_mib(folder)

    def _workers(self) -> list[Path]:
        """Their folders in /proc."""
        children = Path(f"/proc/{self.arbiter}/task/{self.arbiter}/children").read_text().split()
        return [Path("/proc", each) for each in children]

    def ask(
        self, path: str, bodies: Sequence[Any], *, token: str, warm_up: Sequence[Any] = (), clients: int = 1
    ) -> tuple[list[float], int]:
        """Milliseconds of each request, and the length of the last answer."""
        options = {
            "port": self.port,
            "path": path,
            "headers": HEADERS | {"Authorization": token},
            "warm_up": [json.dumps(body) for body in warm_up],
            "bodies": [json.dumps(body) for body in bodies],
            "clients": clients,
        }
        process = subprocess.run(
            [sys.executable, "-I", str(closed_loop.__file__)],
            input=json.dumps(options),
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            sys.exit(f"{path}: {process.stderr.strip()}")
        answer = json.loads(process.stdout)
        return answer["ms"], answer["bytes"]


@contextmanager
def serving(world: World, application: str, **environment: str | None) -> Iterator[Site]:
    """gunicorn with one worker, the same for all but for variables; None is one that is not set."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    counters = world.folder / f"prometheus-{port}"
    counters.mkdir(parents=True)
    log = world.folder / f"web-{port}.log"
    variables = {**world.environment, "PROMETHEUS_MULTIPROC_DIR": str(counters), **environment}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *GUNICORN, "--bind", f"127.0.0.1:{port}", application],
            cwd=env.PROJECT,
            env={name: value for name, value in variables.items() if value is not None},
            stdout=out,
            stderr=out,
        )
    try:
        _wait_for(port, process, log)
        yield Site(port, process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Until anything is answered: the application is loaded, no database was asked."""
    until = time.monotonic() + 60
    while True:
        try:
            request(port, "GET", "/health/live")
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"the web server did not come up:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)


def request(port: int, method: str, path: str, body: Any = None) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), HEADERS)
        return connection.getresponse().read()
    finally:
        connection.close()


def token_of(site: Site, world: World, username: str) -> str:
    """The header of a log-in that the demo made."""
    password = json.loads((world.folder / "demo-users.json").read_text())[username]
    answer = request(site.port, "POST", "/v1/token", {"username": username, "password": password})
    return f"Bearer {json.loads(answer)['access']}"
