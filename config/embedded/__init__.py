"""PostgreSQL and Redis for a checkout that names none: started by the first who needs them, stopped by the last.

Used before the settings load, so it imports no Django. Each user holds a shared lock on `embedded.lock` for its life
and nobody counts: a user that was killed leaves servers behind which the next user adopts and the last one stops.
Development only: whoever may open the socket is superuser, so its folder is private and nothing listens on TCP.
"""

import atexit
import errno
import fcntl
import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from config import env
from config.embedded import postgres, redis_server
from config.embedded.postgres import DATABASE, PORT, ROLES
from config.embedded.programs import ServiceUnavailable, account_for
from config.embedded.sockets import answers, make_folder

__all__ = [
    "ADDRESS_OF_ROLE",
    "DATABASE",
    "PORT",
    "ROLES",
    "ServiceUnavailable",
    "can_log_in_as",
    "child_environment",
    "database_url",
    "inaccessible",
    "provide",
    "release",
    "running",
    "status",
    "stop",
]

ADDRESS_OF_ROLE = {"owner": "DATABASE_OWNER_URL", "app": "DATABASE_URL", "job": "DATABASE_JOB_URL"}


@dataclass(frozen=True, slots=True)
class LastStart:
    """What the last start left to be known, in `embedded.json`."""

    sockets: Path
    postmaster: int | None  # whose roles and database are known to be complete


@dataclass(frozen=True, slots=True)
class Hold:
    """This process's share in the servers."""

    pid: int
    var: Path
    variables: tuple[str, ...]
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


def provide(role: str) -> None:
    """Set DATABASE_URL to the address of `role`, and REDIS_URL; where unset, of embedded servers, started or joined.

    raises  ServiceUnavailable, env.SettingInvalid
    """
    if role not in ROLES:
        raise env.SettingInvalid("TIEOUT_ROLE", f"must be one of {', '.join(ROLES)}")
    variables = tuple(name for name in ("DATABASE_URL", "REDIS_URL") if not env.is_set(name))
    if variables and _process.hold is None:
        if not env.development():
            raise ServiceUnavailable(variables[0], "is not set and DEBUG is off", f"set {' and '.join(variables)}")
        sockets = _hold(env.var(), variables)
        if "DATABASE_URL" in variables:
            _process.set("TIEOUT_EMBEDDED", "1")
        if "REDIS_URL" in variables:
            _process.set("REDIS_URL", f"unix://{quote(str(redis_server.socket_path(sockets)))}")
    _process.set("DATABASE_URL", database_url(role))


def database_url(role: str) -> str:
    """Where `role` logs in. One without an address of its own uses DATABASE_URL; config.doctor tells if it can't."""
    hold = _process.hold
    if hold is not None and "DATABASE_URL" in hold.variables:
        last = _read_last_start(hold.var)
        if last is None:
            raise ServiceUnavailable("PostgreSQL", "was stopped", "begin again")
        return f"postgresql://{role}@/{DATABASE}?host={quote(str(last.sockets), safe='')}&port={PORT}"
    shared = _process.before.get("DATABASE_URL") or env.required("DATABASE_URL")
    return env.text(ADDRESS_OF_ROLE[role], default=shared) if role != "app" else shared


def can_log_in_as(role: str) -> bool:
    """Whether this process was given an address for `role`: of a web server that has none for `job`, it is not expected."""
    hold = _process.hold
    is_provided = hold is not None and "DATABASE_URL" in hold.variables
    return is_provided or role == "app" or env.is_set(ADDRESS_OF_ROLE[role])


def child_environment() -> dict[str, str]:
    """For a child that calls `provide` itself, in a role of its own: the environment as it was before ours."""
    before = {name: value for name, value in _process.before.items() if value is not None}
    return {name: value for name, value in os.environ.items() if name not in _process.before} | before


def running() -> bool:
    """Whether the servers this process was provided with still answer. Opens no session."""
    return _process.hold is None or _join(_process.hold.var, _process.hold.variables) is not None


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
    last, postmaster = _read_last_start(var), postgres.find_postmaster(var / "postgres")
    redis = redis_server.socket_path(last.sockets) if last else None
    return [
        ("PostgreSQL", f"process {postmaster.pid}, sockets in {postmaster.sockets}" if postmaster else "stopped"),
        ("Redis", f"socket {redis}" if redis and answers(redis) else "stopped"),
    ]


def inaccessible(var: Path, exc: OSError) -> ServiceUnavailable:
    """The error to raise where the folder of the servers can't be used."""
    is_full = exc.errno in (errno.ENOSPC, errno.EDQUOT)
    mend = "free space" if is_full else "make it accessible to this user or set TIEOUT_VAR to a folder of your own"
    return ServiceUnavailable("embedded services", f"{exc.filename or var}: {exc.strerror or exc}", mend)


# -- finding what runs


def _hold(var: Path, variables: tuple[str, ...]) -> Path:
    """Take a share, then join or start; the folder of the sockets."""
    try:
        _make_private(var)
        users = _open_lock(var / "embedded.lock")
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while the last user is stopping the servers
        _process.hold = Hold(os.getpid(), var, variables, users)
        atexit.register(release)
        return _join(var, variables) or _start(var, variables)
    except BaseException as exc:
        with suppress(OSError):
            release()  # half of the servers may have been started
        if isinstance(exc, OSError):
            raise inaccessible(var, exc) from exc
        raise


def _make_private(var: Path) -> None:
    """Let nobody else read what is in it, also where the interpreter made it first, for its byte code; a folder that everybody may
    write to was not made for us and stays as it is."""
    mode = 0o700 if os.geteuid() else 0o711  # root's servers run as another account, which has to pass through
    var.mkdir(parents=True, exist_ok=True, mode=mode)
    status = var.stat()
    if status.st_uid == os.geteuid() and not status.st_mode & stat.S_IWOTH and status.st_mode & 0o777 & ~mode:
        var.chmod(mode)


def _join(var: Path, variables: tuple[str, ...]) -> Path | None:
    """The folder of the sockets if all that is wanted runs and is complete."""
    last = _read_last_start(var)
    if last is None:
        return None
    if "DATABASE_URL" in variables:
        postmaster = postgres.find_postmaster(var / "postgres")
        if postmaster is None or postmaster.pid != last.postmaster or postmaster.sockets != last.sockets:
            return None
    if "REDIS_URL" in variables and not answers(redis_server.socket_path(last.sockets)):
        return None
    return last.sockets


def _read_last_start(var: Path) -> LastStart | None:
    """None where there was none, and where the file is torn: then the servers are looked for and the file is written anew."""
    try:
        record = json.loads((var / "embedded.json").read_text())
        return LastStart(Path(record["sockets"]), record["postmaster"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        print(
            f"{var / 'embedded.json'} is damaged: the servers are looked for, and it is written anew", file=sys.stderr
        )
        return None


def _write_last_start(var: Path, last: LastStart) -> None:
    fresh = var / "embedded.json.new"
    fresh.write_text(json.dumps({"sockets": str(last.sockets), "postmaster": last.postmaster}))
    fresh.replace(var / "embedded.json")


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


def _start(var: Path, variables: tuple[str, ...]) -> Path:
    with _starting(var):
        if sockets := _join(var, variables):
            return sockets
        account, data = account_for(var / "postgres"), var / "postgres"
        last, postmaster = _read_last_start(var), postgres.find_postmaster(data)
        if postmaster:
            sockets = postmaster.sockets
        elif last and answers(redis_server.socket_path(last.sockets)):
            sockets = last.sockets
        else:
            sockets = make_folder(var, account)
        _write_last_start(var, LastStart(sockets, last.postmaster if last else None))
        if "REDIS_URL" in variables and not answers(redis_server.socket_path(sockets)):
            redis_server.start(sockets, account)
        if "DATABASE_URL" in variables:
            postmaster = postmaster or postgres.start(data, sockets, account)
            postgres.bootstrap(sockets)
            _write_last_start(var, LastStart(sockets, postmaster.pid))
        return sockets


def _stop(var: Path) -> list[str]:
    stopped = []
    last, data = _read_last_start(var), var / "postgres"
    if postgres.find_postmaster(data):
        postgres.stop(data)
        stopped.append("PostgreSQL")
    if last and answers(redis_server.socket_path(last.sockets)):
        redis_server.stop(last.sockets)
        stopped.append("Redis")
    if last:
        shutil.rmtree(last.sockets, ignore_errors=True)
        (var / "embedded.json").unlink()
    return stopped
