"""Databases of the benchmarks' own, in an embedded PostgreSQL under var/bench; the developer's stays as it is.

A world is a database with a folder (ledger, log-ins) of its own. All that happens in it happens in child processes, which
get it by the environment alone.
"""

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import quote

import psycopg
from psycopg import sql

from config import embedded, env

NAMED_BY_ENVIRONMENT = (
    "DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_JOB_URL", "REDIS_URL", "TIEOUT_ROLE", "LEDGER_PATH",
)  # fmt: skip
SECRET_KEY = secrets.token_urlsafe(50)
RESULT_KEY = "of the benchmarks, whose databases outlive the process"
_numbers = count(1)


@dataclass(frozen=True)
class World:
    database: str
    folder: Path

    @cached_property
    def environment(self) -> dict[str, str]:
        """As in production, but for the servers, which are the embedded ones."""
        return os.environ | {
            "DATABASE_URL": _address(self.database, "app"),
            "DATABASE_OWNER_URL": _address(self.database, "owner"),
            "DATABASE_JOB_URL": _address(self.database, "job"),
            "TIEOUT_VAR": str(self.folder),
            "DEBUG": "0",
            "SECRET_KEY": SECRET_KEY,
            "AUDIT_KEY": SECRET_KEY,
            "RESULT_KEY": RESULT_KEY,
            **dict.fromkeys(("EXECUTIONS_PER_MINUTE", "COMPUTATIONS_AT_ONCE", "STORED_EXECUTIONS"), "1000000"),
            "ALLOWED_HOSTS": "127.0.0.1",
            "BEHIND_PROXY": "1",
        }

    def sample(self, name: str) -> dict[str, float]:
        """Seconds by step of a function of benchmarks.inside, run in a process of its own."""
        return dict(json.loads(_run("-m", "benchmarks.inside", name, environment=self.environment)))

    def connect(self) -> psycopg.Connection[Any]:
        """As superuser: row-level security hides nothing."""
        return _connect(self.database)

    def row(self, statement: LiteralString, *parameters: Any) -> tuple[Any, ...]:
        """The first row."""
        with self.connect() as database:
            first_row = database.execute(statement, parameters).fetchone()
        if first_row is None:
            raise LookupError(statement)
        return tuple(first_row)

    def copy(self) -> "World":
        """A world of its own that begins as this one is. Nobody may be in this one."""
        number = next(_numbers)
        world = World(f"bench_{number}", env.var() / f"world-{number}")
        with _connect("postgres") as server:
            server.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER owner").format(
                    sql.Identifier(world.database), sql.Identifier(self.database)
                )
            )
            server.execute(
                sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO app, job").format(sql.Identifier(world.database))
            )
        if self.folder.exists():
            shutil.copytree(self.folder, world.folder)
        else:
            world.folder.mkdir()
        return world

    def drop(self) -> None:
        with _connect("postgres") as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.database)))
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def own_servers() -> Iterator[None]:
    """PostgreSQL and Redis of the benchmarks for the block; what a killed run left behind goes first."""
    for name in NAMED_BY_ENVIRONMENT:
        os.environ.pop(name, None)
    os.environ |= {"TIEOUT_VAR": str(env.var() / "bench"), "DEBUG": "1"}
    env.var().mkdir(parents=True, exist_ok=True)
    with (env.var() / "bench.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("benchmarks run already in another process")
        embedded.provide("owner")
        _drop_all()
        try:
            yield
        finally:
            _drop_all()
            embedded.release()


@cache
def migrated() -> World:
    """Tables, no rows: the template of all others."""
    _run("manage.py", "migrate", "-v", "0", environment=os.environ | {"TIEOUT_ROLE": "owner"})
    return World(embedded.DATABASE, env.var() / "world-0")


@cache
def stocked() -> World:
    """The demo's market data and ledgers are in, no pack is built."""
    world = migrated().copy()
    world.sample("stock")
    return world


def collect_static(world: World) -> None:
    """The style sheets and scripts as they are served in production, compressed and with hashed names."""
    _run("manage.py", "collectstatic", "--noinput", "-v", "0", environment=world.environment)


@cache
def demo() -> World:
    """The demo as it is served."""
    world = migrated().copy()
    world.sample("fill")
    return world


def _drop_all() -> None:
    with _connect("postgres") as server:
        names = server.execute("SELECT datname FROM pg_database WHERE datname LIKE 'bench\\_%'").fetchall()
    for (name,) in names:
        World(name, env.var() / name.replace("bench_", "world-")).drop()


def _sockets() -> str:
    return str(psycopg.conninfo.conninfo_to_dict(embedded.database_url("owner"))["host"])


def _address(database: str, role: str) -> str:
    return f"postgresql://{role}@/{database}?host={quote(_sockets(), safe='')}&port={embedded.PORT}"


def _connect(database: str) -> psycopg.Connection[Any]:
    return psycopg.connect(_address(database, "postgres"), autocommit=True)


def _run(*words: str, environment: dict[str, str]) -> str:
    process = subprocess.run(
        [sys.executable, *words], cwd=env.PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    if process.returncode:
        sys.exit(f"{' '.join(words)} ended with {process.returncode}:\n{process.stderr[-4000:]}")
    return process.stdout
