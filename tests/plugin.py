"""Real parts for the tests: an embedded PostgreSQL and Redis, migrated databases, the demo loaded once.

The tests log in as `tester`, which may become `app`, `job` or `owner` and is `app` unless told otherwise: no superuser, so
that row-level security binds the tests as it binds the service. Databases are copied from templates, because evidence can not
be truncated away. What takes long to make, the migrations and the demo, is made by the first process of a run that needs it.
`--without-servers` starts none of this and runs the tests that need no database.
"""

import fcntl
import functools
import hashlib
import itertools
import os
import random
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote

PROJECT = Path(__file__).resolve().parent.parent
MEMORY = Path("/dev/shm")
NEEDED_MEMORY = 4 << 30  # bytes; a run takes 0.5 GB at most


def _var() -> Path:
    """In memory where there is plenty: a run makes some 300 databases of 330 files each, on a disk a third of its time."""
    if os.access(MEMORY, os.W_OK | os.X_OK):
        room = os.statvfs(MEMORY)
        if room.f_bavail * room.f_frsize >= NEEDED_MEMORY:
            checkout = hashlib.sha256(os.fsencode(PROJECT)).hexdigest()[:8]
            return MEMORY / f"tieout-test-{os.geteuid()}-{checkout}"
    return PROJECT / "var" / "test"


os.environ.setdefault("TIEOUT_TEST_VAR", str(_var()))
os.environ["TIEOUT_VAR"] = os.environ["TIEOUT_TEST_VAR"]
os.environ["DEBUG"] = "1"
for name in ("DATABASE_URL", "REDIS_URL", "DATABASE_OWNER_URL", "DATABASE_JOB_URL", "TIEOUT_ROLE", "LEDGER_PATH"):
    os.environ.pop(name, None)
os.environ.setdefault("TIEOUT_TEST_SEED", str(random.SystemRandom().randrange(10**6)))
"""What generated tests of a run begin with: one number for all processes, printed with the header."""

import hypothesis  # noqa: E402
import psycopg  # noqa: E402
import pytest  # noqa: E402
from psycopg import sql  # noqa: E402

from config import embedded  # noqa: E402

# A machine that others use is slow at times, which is no fault of an example.
hypothesis.settings.register_profile(
    "shared", deadline=None, print_blob=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile("quick", hypothesis.settings.get_profile("shared"), max_examples=25)
hypothesis.settings.load_profile("shared")

EMPTY, DEMO = f"test_empty_{os.getpid()}", f"test_demo_{os.getpid()}"
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
RUN = os.getppid() if IS_WORKER else os.getpid()
SHARED = {EMPTY: f"test_made_empty_{RUN}", DEMO: f"test_made_demo_{RUN}"}
"""What a process works in -> the copy of it that all processes of the run begin with."""
DEMO_FIRST, DEMO_LAST = date(2002, 12, 2), date(2013, 3, 1)
PASSWORD = "correct horse battery staple"


@functools.cache
def sockets() -> str:
    """The folder of the server's socket, as the first address of this process has it."""
    return str(psycopg.conninfo.conninfo_to_dict(os.environ["DATABASE_URL"])["host"])


def address(database: str, role: str = "tester") -> str:
    return f"postgresql://{role}@/{database}?host={quote(sockets(), safe='')}&port={embedded.PORT}"


@functools.cache
def server() -> psycopg.Connection:
    """The superuser's session, of which a process has one: each would be a process of the server's."""
    return psycopg.connect(address("postgres", "postgres"), autocommit=True)


FORGETFUL = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")
"""Off in the tests' own cluster, which may lose everything in a crash and vacuums nothing by itself."""


def start_servers() -> None:
    """PostgreSQL and Redis as the settings will find them; what killed runs left behind goes."""
    embedded.provide("owner")
    for setting in FORGETFUL:
        server().execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
    server().execute("SELECT pg_reload_conf()")
    if server().execute("SELECT FROM pg_roles WHERE rolname = 'tester'").rowcount == 0:
        server().execute("CREATE ROLE tester LOGIN NOSUPERUSER IN ROLE owner, app, job")
    server().execute("ALTER ROLE tester SET role = 'app'")
    for (left,) in server().execute("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'").fetchall():
        if not Path("/proc", left.rsplit("_", 1)[-1]).exists():  # the number of a process that is no more
            _drop(left)
    os.environ["DATABASE_URL"] = address(EMPTY)
    # Each process of a run has a database of Redis, as it has databases of PostgreSQL.
    os.environ["REDIS_URL"] += f"?db={int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw')) + 1}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without-servers", action="store_true", help="only tests that need neither PostgreSQL nor Redis")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]):
    """Before the settings are read; generated examples are those of the run's seed."""
    args.append(f"--hypothesis-seed={os.environ['TIEOUT_TEST_SEED']}")
    if early_config.known_args_namespace.without_servers:
        os.environ |= {"DATABASE_URL": "postgresql://app@localhost/none", "REDIS_URL": "redis://localhost:1/0"}
    else:
        start_servers()
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "role(name): the database role the test runs as; app without it")
    config.addinivalue_line("markers", "servers: uses PostgreSQL or Redis without a fixture that says so")
    config.addinivalue_line("markers", "slow: takes seconds; `make test-quick` leaves it out")


def pytest_report_header() -> str:
    return f"seed of generated tests: TIEOUT_TEST_SEED={os.environ['TIEOUT_TEST_SEED']}"


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config):
    """One more than processors: where one test waits for a server, another computes. Without servers nobody waits."""
    processors = yield
    return processors if config.getoption("without_servers") else processors + 1


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that started the others goes last."""
    if config.getoption("without_servers"):
        return
    if not IS_WORKER:
        for name in SHARED.values():
            _drop(name)
            shutil.rmtree(ledger_of(name), ignore_errors=True)
            _lock_of(name).unlink(missing_ok=True)
    server().close()


def _lock_of(name: str) -> Path:
    return Path(os.environ["TIEOUT_VAR"]) / f"{name}.lock"


@contextmanager
def _made_once(name: str) -> Iterator[bool]:
    """Whether the run has it already; if not, the block makes it in `name` and the others will begin with a copy."""
    shared = SHARED[name]
    with _lock_of(shared).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        there = bool(server().execute("SELECT FROM pg_database WHERE datname = %s", [shared]).rowcount)
        if there:
            _copy(shared, name)
        yield there
        if not there:
            _copy(name, shared)


def _copy(template: str, name: str) -> None:
    """A database, and the ledger that belongs to it."""
    from django.db import connection

    connection.close()
    if ledger_of(template).exists():
        shutil.copytree(ledger_of(template), ledger_of(name))
    # PostgreSQL copies only a database that nobody is in, and sleeps a tenth of a second where one is just leaving.
    server().execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [template])
    while server().execute("SELECT FROM pg_stat_activity WHERE datname = %s", [template]).rowcount:
        time.sleep(0.001)
    server().execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY OWNER owner").format(
            sql.Identifier(name), sql.Identifier(template)
        )
    )
    server().execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO app, job").format(sql.Identifier(name)))


def _drop(name: str) -> None:
    server().execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def database(name: str) -> Iterator[None]:
    """Let Django's connection be to another database for the block. What the cache has of one is not true of another."""
    from django.core.cache import cache
    from django.db import connection

    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    cache.clear()
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before
        cache.clear()


@contextmanager
def role(name: str) -> Iterator[None]:
    """Let the connection act as another of the three roles for the block."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (before,) = cursor.fetchone()
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(name)))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(before)))


def log_in(client, user) -> None:
    """As after a log-in at the page, with a second factor where that is asked for."""
    from django_otp import DEVICE_ID_SESSION_KEY

    client.force_login(user)
    if user.is_staff:
        session = client.session
        session[DEVICE_ID_SESSION_KEY] = second_factor_of(user).persistent_id
        session.save()


def second_factor_of(user):
    from django_otp.plugins.otp_totp.models import TOTPDevice

    return TOTPDevice.objects.get_or_create(user=user, name="codes")[0]


def code_of(device) -> str:
    """What the user's app would show now."""
    from django_otp.oath import totp

    return f"{totp(device.bin_key):06}"


@dataclass(frozen=True)
class World:
    """A database of a test's own to act in."""

    database: str

    def role(self, name: str):
        return role(name)

    def user(self, username: str):
        from django.contrib.auth import get_user_model

        return get_user_model().objects.get(username=username)


@dataclass(frozen=True)
class Demo(World):
    """The demo as `make demo` leaves it: `owner` owns the portfolio public, `other` the portfolio second, `staff` nothing."""

    def client(self, username: str):
        """A browser in which the user has logged in, with a second factor where that is asked for."""
        from django.test import Client

        client = Client()
        log_in(client, self.user(username))
        return client

    def code_of(self, username: str) -> str:
        """A code of the second factor, which the user has from then on."""
        return code_of(second_factor_of(self.user(username)))

    def token(self, username: str) -> str:
        from rest_framework_simplejwt.tokens import AccessToken

        return str(AccessToken.for_user(self.user(username)))

    def post(self, username: str | None, body, **headers):
        """POST /v1/execute; a string is sent as it is."""
        import json

        from django.test import Client

        if username is not None:
            headers["Authorization"] = f"Bearer {self.token(username)}"
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        return Client().post("/v1/execute", text, content_type="application/json", headers=headers)

    @property
    def public_id(self):
        return self._portfolio("public").pk

    @property
    def second_id(self):
        return self._portfolio("second").pk

    def _portfolio(self, slug: str):
        from portfolio.models import Portfolio

        with role("job"):
            return Portfolio.objects.get(slug=slug)

    def ask(self, username: str = "owner", **fields):
        """POST /v1/execute for the overview of public, with fields changed or added."""
        return self.post(username, {"pattern_id": "portfolio_overview", "portfolio_id": str(self.public_id), **fields})


@pytest.fixture(scope="session")
def migrated(django_db_blocker) -> Iterator[None]:
    """The template of all databases: real migrations, run by the owner."""
    from django.core.management import call_command
    from django.db import connection

    _drop(EMPTY)
    with django_db_blocker.unblock(), _made_once(EMPTY) as there:
        if not there:
            server().execute(sql.SQL("CREATE DATABASE {} OWNER owner").format(sql.Identifier(EMPTY)))
            server().execute(
                sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO app, job").format(sql.Identifier(EMPTY))
            )
            with psycopg.connect(address(EMPTY, "owner"), autocommit=True) as owner:
                owner.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
                owner.execute("GRANT USAGE ON SCHEMA public TO app, job")
            with role("owner"):
                call_command("migrate", verbosity=0)
    yield
    connection.close()
    _drop(EMPTY)


@pytest.fixture(scope="session")
def demo_database(migrated, django_db_blocker) -> Iterator[str]:
    """The demo data, loaded, imported and computed through the verbs that the commands call; once for all tests."""
    with django_db_blocker.unblock(), _made_once(DEMO) as there:
        if not there:
            _copy(EMPTY, DEMO)
            with database(DEMO), ledger(DEMO):
                load_demo()
    yield DEMO
    _drop(DEMO)
    shutil.rmtree(ledger_of(DEMO), ignore_errors=True)


def load_demo() -> None:
    from django.contrib.auth import get_user_model
    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import Group, Permission

    from execution.night import nightly
    from execution.operations import intake
    from execution.patterns import publishing
    from pricing.models import PricingPolicy, RiskFreeRate

    with role("job"):
        for document in publishing.read_library().values():
            publishing.publish(document)
        intake.load_market_data(str(PROJECT / "demo"))
        RiskFreeRate.objects.create(base_currency="CAD", series_id="UST3M", series_currency="USD")
        viewers = Group.objects.create(name="viewers")
        viewers.permissions.set(Permission.objects.filter(codename__startswith="view_"))
        password = make_password(PASSWORD)  # once for all four: it is slow by design
        for username, is_staff in (("owner", False), ("other", False), ("staff", True), ("viewer", True)):
            user = get_user_model().objects.create(username=username, password=password, is_staff=is_staff)
            if is_staff:
                user.groups.add(viewers)
        intake.import_ledger(PROJECT / "demo" / "ledger" / "public", slug="public", owner="owner")
        intake.import_ledger(PROJECT / "demo" / "ledger" / "second", slug="second", owner="other")
        nightly.run(policy=PricingPolicy.objects.get(pk="ECB_EUR"), from_date=DEMO_FIRST, date=DEMO_LAST)


def ledger_of(name: str) -> Path:
    return Path(os.environ["TIEOUT_VAR"]) / f"ledger-{name}.git"


@contextmanager
def ledger(name: str) -> Iterator[None]:
    from django.test import override_settings

    with override_settings(LEDGER_PATH=ledger_of(name)):
        yield


@pytest.fixture
def empty(migrated, django_db_blocker) -> Iterator[World]:
    """A migrated database without rows, of the test's own; nothing is rolled back, nothing is left."""
    yield from copy_of(SHARED[EMPTY], World, django_db_blocker)


@pytest.fixture
def demo(demo_database, django_db_blocker) -> Iterator[Demo]:
    """The demo, shared by all tests that use it: look, execute, but leave packs and ledgers as they are."""
    with django_db_blocker.unblock(), database(DEMO), ledger(DEMO):
        yield Demo(DEMO)


@pytest.fixture
def private_demo(demo_database, django_db_blocker) -> Iterator[Demo]:
    """The demo in a database of the test's own, as it was before any test."""
    yield from copy_of(SHARED[DEMO], Demo, django_db_blocker)


@pytest.fixture(scope="session")
def _begun(migrated, django_db_blocker, tmp_path_factory) -> Iterator[str]:
    from tests import small

    with template(SHARED[EMPTY]) as name:
        with at_work(World(name), django_db_blocker), role("job"):
            small.begin(tmp_path_factory.mktemp("small"))
        yield name


@pytest.fixture(scope="session")
def _after_night(_begun, django_db_blocker) -> Iterator[str]:
    from tests import small

    with template(_begun) as name:
        with at_work(World(name), django_db_blocker), role("job"):
            small.night(small.policy())
        yield name


@pytest.fixture
def begun(_begun, django_db_blocker) -> Iterator[World]:
    """What `small.begin` leaves, in a database of the test's own."""
    yield from copy_of(_begun, World, django_db_blocker)


@pytest.fixture
def after_night(_after_night, django_db_blocker) -> Iterator[World]:
    """What `small.night` leaves after `small.begin`, in a database of the test's own."""
    yield from copy_of(_after_night, World, django_db_blocker)


@pytest.fixture(scope="session")
def _asked_demo(demo_database, django_db_blocker) -> Iterator[str]:
    with template(SHARED[DEMO]) as name:
        world = Demo(name)
        with at_work(world, django_db_blocker):
            assert world.ask().status_code == 200
        yield name


@pytest.fixture
def asked_demo(_asked_demo, django_db_blocker) -> Iterator[Demo]:
    """The demo in a database of the test's own, where the owner was answered the overview of public once."""
    yield from copy_of(_asked_demo, Demo, django_db_blocker)


@contextmanager
def template(of: str) -> Iterator[str]:
    """A copy of a database that is prepared once, `at_work`, and copied for each test that begins with it; or is served by
    processes of its own, which find nothing in the cache that another copy's have left."""
    from django.core.cache import cache

    name = f"test_own{next(_numbers)}_{os.getpid()}"
    _copy(of, name)
    cache.clear()
    try:
        yield name
    finally:
        _drop(name)
        shutil.rmtree(ledger_of(name), ignore_errors=True)


@contextmanager
def at_work(world: World, django_db_blocker) -> Iterator[World]:
    with django_db_blocker.unblock(), database(world.database), ledger(world.database):
        yield world


def copy_of(of, kind, django_db_blocker):
    with template(of) as name, at_work(kind(name), django_db_blocker) as world:
        yield world


_numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    for item in items:
        if item.get_closest_marker("role"):
            item.fixturenames.insert(0, "_role")
    if config.getoption("without_servers"):
        config.hook.pytest_deselected(items=[item for item in items if _needs_servers(item)])
        items[:] = [item for item in items if not _needs_servers(item)]


def _needs_servers(item: pytest.Function) -> bool:
    fixtures = {"migrated", "_role", "db", "django_db_setup"}
    return bool(fixtures & set(item.fixturenames)) or any(
        item.get_closest_marker(mark) for mark in ("django_db", "servers")
    )


@pytest.fixture
def _role(request, django_test_environment) -> Iterator[None]:
    """The role that the test's marker names; a module that prepares a template of its own calls the copy `own`."""
    for fixture in ("empty", "begun", "after_night", "own", "demo", "private_demo", "asked_demo", "db"):
        if fixture in request.fixturenames:
            request.getfixturevalue(fixture)
    with role(request.node.get_closest_marker("role").args[0]):
        yield


@dataclass(frozen=True)
class Site:
    """A web server of its own on loopback, as `app`, over the demo."""

    base_url: str
    username: str = "owner"
    password: str = PASSWORD


@pytest.fixture(scope="session")
def live_demo(demo_database) -> Iterator[Site]:
    with web_server(demo_database) as base_url:
        yield Site(base_url)


@contextmanager
def web_server(name: str, *, log: Path | None = None, **environment: str) -> Iterator[str]:
    """gunicorn with the application, on a free port of loopback; its address. What it says goes to `log`."""
    import subprocess
    import sys

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    settings = {
        "DATABASE_URL": address(name, "app"),
        "LEDGER_PATH": str(ledger_of(name)),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "1",
        **environment,
    }
    log = log or Path(os.environ["TIEOUT_VAR"]) / f"web-{port}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn", "--workers", "1"),
                *("--threads", "4"),
                *("--bind", f"127.0.0.1:{port}", "config.wsgi:application"),
            ],
            cwd=PROJECT,
            env=os.environ | settings,
            stdout=out,
            stderr=out,
        )
    try:
        _wait_for(port, process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int, process, log: Path) -> None:
    import urllib.request

    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=5).read()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the web server did not come up:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.1)


@pytest.fixture(scope="session")
def readings() -> dict[object, object]:
    return {}


@pytest.fixture
def read_once(readings, monkeypatch):
    """Each text goes through Beancount's process once for all tests: what it reads, or finds wrong, is a function of the text."""
    from portfolio.ledger import reader

    real = reader.read

    def read(files, **how):
        key = (tuple(sorted(files.items())), tuple(sorted(how.items())))
        if key not in readings:
            try:
                readings[key] = real(files, **how)
            except reader.LedgerIncorrect as refused:
                readings[key] = refused.findings
                raise
        elif isinstance(readings[key], tuple):
            raise reader.LedgerIncorrect(readings[key])
        return readings[key]

    monkeypatch.setattr(reader, "read", read)
