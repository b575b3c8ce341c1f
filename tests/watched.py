"""The services of docker-compose.yml as plain processes on this machine, watched by a Prometheus as ops/prometheus.yml has it.

Their commands and variables are the compose file's. What lies elsewhere here is replaced: addresses, ports, folders.
"""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml
from django.conf import settings

from tests import plugin
from tests.plugin import PROJECT

GIVEN = {
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP",
    "AUDIT_KEY": "KLMNOPabcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789",
    "RESULT_KEY": "ABCDEFGHIJKLMNOP0123456789abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "127.0.0.1",
    "BEHIND_PROXY": "1",
    **dict.fromkeys(
        ("POSTGRES_PASSWORD", "OWNER_PASSWORD", "APP_PASSWORD", "JOB_PASSWORD", "REDIS_PASSWORD"), "secret"
    ),
}
"""What an operator would write to .env."""
SERVICES = ("web", "worker", "beat")
PROGRAMS = {"python": [sys.executable], "celery": [sys.executable, "-m", "celery"]}


def compose() -> Any:
    return yaml.safe_load((PROJECT / "docker-compose.yml").read_text())


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def filled_in(text: str) -> str:
    """As compose does it: `${NAME:?why}` and `${NAME:-}`, and a doubled dollar is one."""
    return re.sub(r"\$\{(\w+)[^}]*\}", lambda match: GIVEN.get(match[1], ""), text).replace("$$", "$")


def command_of(service: Mapping[str, Any]) -> list[str]:
    """Of the compose file, or of the image."""
    if "command" in service:
        words = shlex.split(filled_in(service["command"]))
    else:
        text = (PROJECT / "Dockerfile").read_text().replace("\\\n", " ")
        words = json.loads(re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)[-1])
    return [*PROGRAMS.get(words[0], [words[0]]), *words[1:]]


def environment_of(service: Mapping[str, Any], here: Mapping[str, str]) -> dict[str, str]:
    """The service's own variables and nothing of ours but where programs are; those in `here` have their value from there."""
    told = {name: filled_in(value) for name, value in service.get("environment", {}).items()}
    ours = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPYCACHEPREFIX") if name in os.environ}
    return ours | told | {name: value for name, value in here.items() if name in told}


@dataclass
class Stack:
    """What runs: where each service shows its metrics, and where Prometheus answers."""

    database: str
    folder: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in (*SERVICES, "prometheus")})
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str, words: list[str], environment: Mapping[str, str]) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                words, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def here(self, name: str) -> dict[str, str]:
        """What this machine has in the place of the compose file's addresses and folders."""
        counters = self.folder / f"prometheus-{name}"
        counters.mkdir(exist_ok=True)
        return {
            "DATABASE_URL": plugin.address(self.database, "app"),
            "DATABASE_JOB_URL": plugin.address(self.database, "job"),
            "DATABASE_OWNER_URL": plugin.address(self.database, "owner"),
            "REDIS_URL": os.environ["REDIS_URL"],
            "RESULT_KEY": settings.RESULT_KEY,  # by which the demo's rows are proved
            "LEDGER_PATH": str(plugin.ledger_of(self.database)),
            "PROMETHEUS_MULTIPROC_DIR": str(counters),
            "METRICS_ADDRESS": f"127.0.0.1:{self.ports.get(name, 0)}",
        }

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]

    def read(self, name: str, path: str = "/metrics") -> str:
        """A page of a service. Raises OSError while it does not answer."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}{path}", timeout=15) as answer:
            return str(answer.read().decode())

    def ask(self, path: str, body: Mapping[str, Any], token: str = "") -> tuple[int, Any]:
        """POST to the web, as behind a proxy that ends TLS."""
        headers = {"Content-Type": "application/json", "X-Forwarded-Proto": "https"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['web']}{path}", json.dumps(body).encode(), headers
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query of Prometheus."""
        answer = json.loads(self.read("prometheus", f"/api/v1/query?query={quote(expression)}"))
        assert answer["status"] == "success", answer
        return list(answer["data"]["result"])

    def wait_for(self, what: str, condition: Any, seconds: float = 120) -> None:
        until = time.monotonic() + seconds
        while True:
            try:
                if condition():
                    return
            except OSError:
                pass
            if ended := [name for name, process in self.processes.items() if process.poll() is not None]:
                raise RuntimeError(f"{ended[0]} ended:\n{self.log(ended[0])}")
            if time.monotonic() > until:
                raise TimeoutError(f"no {what} after {seconds} s")
            time.sleep(0.2)


@contextmanager
def running(database: str, folder: Path) -> Iterator[Stack]:
    """Web, worker and beat over a database, until the block ends."""
    stack, services = Stack(database, folder), compose()["services"]
    try:
        for name in SERVICES:
            words = [
                word.replace("0.0.0.0:8000", f"127.0.0.1:{stack.ports['web']}") for word in command_of(services[name])
            ]
            stack.start(name, words, environment_of(services[name], stack.here(name)))
        for name in SERVICES:
            stack.wait_for(f"answer of {name}", lambda name=name: stack.read(name))
        yield stack
    finally:
        stack.stop()


def watch(stack: Stack) -> None:
    """Start a Prometheus that asks each service every second, by the compose file's command."""
    config = yaml.safe_load((PROJECT / "ops/prometheus.yml").read_text())
    config["global"] = dict.fromkeys(config["global"], "1s")
    for target in config["scrape_configs"][0]["static_configs"]:
        target["targets"] = [f"127.0.0.1:{stack.ports[target['labels']['service']]}"]
    (stack.folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copy(PROJECT / "ops/alerts.yml", stack.folder)
    here = {
        "--config.file": stack.folder / "prometheus.yml",
        "--storage.tsdb.path": stack.folder / "tsdb",
        "--web.listen-address": f"127.0.0.1:{stack.ports['prometheus']}",
    }
    told = dict(word.split("=", 1) for word in command_of(compose()["services"]["prometheus"]))
    assert here.keys() - told.keys() == {"--web.listen-address"}
    words = [f"{name}={value}" for name, value in (told | here).items()]
    stack.start("prometheus", ["prometheus", *words], {"PATH": os.environ["PATH"]})
