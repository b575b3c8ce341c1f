"""The embedded servers: started by the first user, shared, adopted after a kill, stopped by the last user."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis

from config import doctor, embedded, env
from config.embedded import postgres, programs
from tests import plugin

pytestmark = pytest.mark.servers

USER = """
import os, sys, time
from config import embedded
began = time.perf_counter()
try:
    embedded.provide(sys.argv[1])
except embedded.ServiceUnavailable as exc:
    sys.exit(str(exc))
print(os.environ["DATABASE_URL"], os.environ["REDIS_URL"], time.perf_counter() - began, flush=True)
sys.stdin.read()
embedded.release()
"""
NOTHING = [("PostgreSQL", "stopped"), ("Redis", "stopped")]


@contextmanager
def place() -> Iterator[Path]:
    """A folder of its own. Not tmp_path: a second pytest of root closes the parent that both have, and the servers,
    which root runs as another account, could no longer pass."""
    in_memory = Path(os.environ["TIEOUT_TEST_VAR"]).is_relative_to(plugin.MEMORY)
    with tempfile.TemporaryDirectory(prefix="tieout test ", dir=plugin.MEMORY if in_memory else None) as made:
        yield Path(made).resolve()


@pytest.fixture
def folder() -> Iterator[Path]:
    with place() as made:
        yield made


@pytest.fixture(scope="module")
def var() -> Iterator[Path]:
    """One cluster for the module, in a folder with a space; stopped whatever a test left."""
    with place() as made:
        yield made / "var"
        embedded.stop(made / "var")


@contextmanager
def user(var: Path, role: str = "app", **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A process that uses the servers until its input ends."""
    unset = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_JOB_URL", "REDIS_URL", "DEBUG", "TIEOUT_EMBEDDED")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    process = subprocess.Popen(
        [sys.executable, "-c", USER, role],
        cwd=env.PROJECT,
        env=environment | {"TIEOUT_VAR": str(var)} | variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def said_by(process: subprocess.Popen[str]) -> list[str]:
    """Both addresses, and the seconds that it took to be provided with them."""
    assert process.stdout is not None
    return process.stdout.readline().split()


def addresses(process: subprocess.Popen[str]) -> list[str]:
    return said_by(process)[:2]


def leave(process: subprocess.Popen[str]) -> None:
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said


def cluster(var: Path) -> Path:
    """Made by the first test that a process of the run begins with."""
    if not (var / "postgres").exists():
        with user(var) as first:
            addresses(first)
            leave(first)
    return var / "postgres"


def test_both_servers_answer_and_stop_with_their_only_user(var: Path) -> None:
    with user(var) as only:
        database_url, redis_url = addresses(only)
        with psycopg.connect(database_url) as session, redis.Redis.from_url(redis_url) as client:
            who = session.execute("SELECT current_user, current_database()").fetchone()
            alive = client.ping()
        leave(only)

    assert (who, alive) == (("app", "tieout"), True)
    assert embedded.status(var) == NOTHING


def test_no_role_but_owner_can_create_and_none_passes_row_security(var: Path) -> None:
    with user(var, "job") as only, psycopg.connect(addresses(only)[0]) as session:
        roles = session.execute(
            "SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication, rolcreatedb"
            " FROM pg_roles WHERE rolcanlogin AND rolname <> 'postgres' ORDER BY 1"
        ).fetchall()
        owner = session.execute(
            "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate FROM pg_database"
            " WHERE datname = 'tieout'"
        ).fetchone()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("CREATE TABLE mine (id int)")

    assert roles == [("app", False, False), ("job", False, False), ("owner", False, True)]
    assert owner == ("owner", "UTF8", "C")


def test_nothing_listens_on_tcp_and_the_sockets_are_private(var: Path) -> None:
    with user(var) as only:
        database_url, redis_url = addresses(only)
        with psycopg.connect(database_url) as session, redis.Redis.from_url(redis_url) as client:
            folder = Path(session.info.host)
            listening = session.execute("SELECT current_setting('listen_addresses')").fetchone()
            redis_port = client.config_get("port")
        mode = folder.stat().st_mode & 0o777
        leave(only)

    assert (listening, redis_port, mode) == (("",), {"port": "0"}, 0o700)
    assert not folder.exists()


def test_a_second_user_joins_and_the_last_one_stops(var: Path) -> None:
    with user(var) as first, user(var, "job") as second:
        places = {addresses(each)[0].partition("@")[2] for each in (first, second)}
        leave(first)
        between = embedded.status(var)
        leave(second)

    assert len(places) == 1
    assert "stopped" not in dict(between).values()
    assert embedded.status(var) == NOTHING


def test_joining_takes_less_than_fifty_milliseconds(var: Path) -> None:
    took = []
    with user(var) as first:
        addresses(first)
        for _ in range(5):
            with user(var) as another:
                *_, seconds = said_by(another)
                took.append(float(seconds))

    assert min(took) < 0.050


def test_a_killed_user_leaves_servers_that_the_next_one_adopts_and_stops(var: Path) -> None:
    with user(var) as killed:
        addresses(killed)
        killed.kill()
        killed.wait()
    left = dict(embedded.status(var))

    with user(var) as heir:
        addresses(heir)
        adopted = dict(embedded.status(var))
        leave(heir)

    assert left["PostgreSQL"].startswith("process ")
    assert adopted == left
    assert embedded.status(var) == NOTHING


def test_three_who_start_at_once_share_one_server(var: Path) -> None:
    with user(var) as one, user(var) as two, user(var) as three:
        places = {tuple(addresses(each)) for each in (one, two, three)}
        for each in (one, two, three):
            assert each.stdin is not None
            each.stdin.close()  # all leave at once, too
        codes = [each.wait(timeout=60) for each in (one, two, three)]

    assert len(places) == 1
    assert codes == [0, 0, 0]
    assert embedded.status(var) == NOTHING


def test_a_pid_file_of_a_stranger_does_not_keep_the_server_from_starting(var: Path) -> None:
    (cluster(var) / "postmaster.pid").write_text(f"{os.getpid()}\n{var / 'postgres'}\n0\n5432\n\n\n\nready\n")

    with user(var) as only:
        found = addresses(only)
        leave(only)

    assert found


def test_a_killed_server_is_started_again_by_the_next_user(var: Path) -> None:
    with user(var) as witness:
        addresses(witness)
        postmaster = int((var / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        with user(var) as heir:
            database_url, _ = addresses(heir)
            with psycopg.connect(database_url) as session:
                answer = session.execute("SELECT 1").fetchone()
            leave(heir)
        leave(witness)

    assert answer == (1,)
    assert embedded.status(var) == NOTHING


def test_an_interrupted_first_start_is_begun_anew(var: Path, folder: Path) -> None:
    half = folder / "var" / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    with user(folder / "var") as only:
        found = addresses(only)
        leave(only)

    assert found
    assert not half.exists()


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"DEBUG": "0"}, "DATABASE_URL: is not set and DEBUG is off; set DATABASE_URL and REDIS_URL"),
        ({"DATABASE_URL": "postgresql://app@db/tieout"}, "REDIS_URL: is not set and DEBUG is off; set REDIS_URL"),
        ({"TMPDIR": "{long}"}, "socket folder: {long}/tieout-"),
        ({"TIEOUT_VAR": "/dev/null/var"}, "embedded services: /dev/null/var: Not a directory; make it accessible"),
    ],
    ids=["debug off", "database named", "long TMPDIR", "no folder"],
)
def test_what_cannot_be_is_refused_in_one_line(folder: Path, variables: dict[str, str], line: str) -> None:
    long = folder / ("x" * 100)
    long.mkdir()
    told = {name: value.format(long=long) for name, value in variables.items()}

    with user(folder / "var", **told) as refused:
        _, said = refused.communicate(timeout=60)

    assert refused.returncode == 1
    assert said.startswith(line.format(long=long))
    assert said.count("\n") == 1


def test_a_broken_configuration_is_told_by_the_servers_own_last_words(var: Path) -> None:
    configuration = cluster(var) / "postgresql.conf"
    sound = configuration.read_text()
    configuration.write_text(sound + "\nfsync = perhaps\n")

    try:
        with user(var) as refused:
            _, said = refused.communicate(timeout=60)
    finally:
        configuration.write_text(sound)

    assert refused.returncode == 1
    assert "PostgreSQL: " in said
    assert "contains errors" in said
    assert embedded.status(var) == NOTHING


def test_a_missing_program_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "find_spec", lambda name: None)

    with pytest.raises(embedded.ServiceUnavailable, match=r"^PostgreSQL: no program to start; run `make setup`"):
        postgres.programs()


def test_a_role_that_is_none_is_refused_by_the_variable_that_names_it() -> None:
    with pytest.raises(env.SettingInvalid, match=r"^TIEOUT_ROLE must be one of owner, app, job$"):
        embedded.provide("postgres")


@pytest.mark.parametrize(
    ("login", "line"),
    [
        (
            "postgres",
            "database role: postgres is superuser or bypasses row-level security; log in as app by DATABASE_URL",
        ),
        ("owner", "database role: owner is not app nor a member of it; log in as app by DATABASE_URL"),
        ("app", None),
    ],
)
def test_the_doctor_refuses_a_login_that_row_security_does_not_bind(
    var: Path, monkeypatch: pytest.MonkeyPatch, login: str, line: str | None
) -> None:
    with user(var) as only:
        address = addresses(only)[0].replace("//app@", f"//{login}@")
        monkeypatch.setattr(embedded, "database_url", lambda role: address)

        fault = doctor.find_database_fault("app")
        leave(only)

    assert (str(fault) if fault else None) == line


@pytest.mark.parametrize(("found", "mode"), [(0o755, 0o700), (0o700, 0o700), (0o777, 0o777)], ids=oct)
def test_var_is_its_users_alone_unless_it_is_a_folder_of_everybodys(tmp_path, found, mode):
    var = tmp_path / "var"
    var.mkdir()
    var.chmod(found)

    embedded._make_private(var)

    passing_through = 0 if os.geteuid() or found == mode else 0o011
    assert var.stat().st_mode & 0o777 == mode | passing_through
