"""Bugsink, which speaks Sentry's language, from a virtual environment of its own: its packages do not go with ours."""

import json
import os
import socket
import sqlite3
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.canary.processes import wait_until

CONFIGURATION = """
from bugsink.settings.default import *
SECRET_KEY = "{key}"
DATABASES["default"]["NAME"] = "{folder}/db.sqlite3"
DATABASES["snappea"]["NAME"] = "{folder}/snappea.sqlite3"
SNAPPEA = {{"TASK_ALWAYS_EAGER": True}}
ALLOWED_HOSTS = ["127.0.0.1"]
BUGSINK = {{"BASE_URL": "http://127.0.0.1:{port}", "SINGLE_USER": True, "SINGLE_TEAM": True, "PHONEHOME": False}}
"""
PROJECT = (
    'from projects.models import Project; Project.objects.create(name="tieout", slug="tieout", sentry_key="{key}")'
)


class Bugsink:
    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn, self.folder = dsn, folder

    @property
    def events(self) -> list[dict[str, Any]]:
        with sqlite3.connect(self.folder / "db.sqlite3") as database:
            return [json.loads(data) for (data,) in database.execute("SELECT data FROM events_event ORDER BY id")]

    @property
    def stored(self) -> str:
        """Everything that it has written down anywhere, whatever it made of it."""
        return "\n".join(file.read_bytes().decode("latin-1") for file in self.folder.rglob("*") if file.is_file())


@contextmanager
def running(environment: Path, folder: Path) -> Iterator[Bugsink]:
    """A server on a free port of loopback, with one project. `environment`: where bugsink is installed."""
    folder.mkdir()
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    key = uuid.uuid4()
    text = CONFIGURATION.format(key=uuid.uuid4().hex * 2, folder=folder, port=port)
    (folder / "bugsink_conf.py").write_text(text)
    variables = os.environ | {"DJANGO_SETTINGS_MODULE": "bugsink_conf", "PYTHONPATH": str(folder)}

    def manage(*words: str) -> None:
        command = [str(environment / "bin" / "bugsink-manage"), *words]
        subprocess.run(command, cwd=folder, env=variables, check=True, capture_output=True, timeout=300)

    manage("migrate")
    manage("migrate", "--database", "snappea")
    manage("shell", "-c", PROJECT.format(key=key))
    gunicorn = [str(environment / "bin" / "gunicorn"), "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen([*gunicorn, "bugsink.wsgi"], cwd=folder, env=variables, stdout=log, stderr=log)
    try:
        wait_until(lambda: _answers(port))
        yield Bugsink(f"http://{key.hex}@127.0.0.1:{port}/1", folder)
    finally:
        server.terminate()
        server.wait(20)


def _answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0
