"""What keeps this installation from working, one line for each fault. Changes nothing."""

import errno
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

import psycopg
import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from config import embedded, env, pulse
from config.errors import TieoutError


@dataclass(frozen=True, slots=True)
class Fault:
    """A broken piece and its mend."""

    piece: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.piece}: {self.what}; {self.mend}"


class UnboundRole(TieoutError):
    """The database role is not the one that row-level security and the grants are made for."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))


ROLE = "database role"
Check = Callable[[], list[Fault]]
_CHECKS: list[Check] = []


def register(check: Check) -> None:
    """Add a room's check for what works and yet should be seen to. It is called once the database answers."""
    _CHECKS.append(check)


def find_advice() -> list[Fault]:
    """What the rooms' checks advise. Nothing is broken; to be called only where `find_faults` finds none."""
    return [advice for check in _CHECKS for advice in check()]


def find_faults(*, port: int | None = None) -> list[Fault]:
    """Every fault but those of worker and beat; with `port`, also whether the web server can listen there."""
    faults: list[Fault | None] = [find_database_fault(role) for role in ("app", "job") if embedded.can_log_in_as(role)]
    if not any(faults):
        faults.append(find_history_fault() or find_migration_fault())
    faults.append(find_redis_fault())
    if port is not None:
        faults.append(find_port_fault(port))
    return [fault for fault in faults if fault]


def find_pulse_faults(names: Iterable[str] = (pulse.WORKER, pulse.BEAT)) -> list[Fault]:
    """Worker and beat, where they have been silent, and what the worker finds broken; nothing while Redis, through which they show
    themselves, is away."""
    faults = []
    for name in names:
        try:
            sign = pulse.last_sign(name)
        except redis.RedisError:
            return []
        if sign is None or sign.age_s > pulse.SILENT_AFTER_S:
            what = "shows no sign of life" if sign is None else f"has been silent for {sign.age_s:.0f} s"
            faults.append(Fault(name, what, f"start it: `make serve`, or celery -A config {name}"))
        elif sign.broken:
            what = f"is alive and reports: {', '.join(sign.broken)}"
            faults.append(Fault(name, what, "ask `manage.py doctor` with its environment"))
    return faults


def find_worker_faults() -> list[str]:
    """The pieces that are broken for the worker, which alone can log in as `job` where each service has its own password."""
    fault = find_database_fault("job")
    return [fault.piece] if fault else []


def find_database_fault(role: str) -> Fault | None:
    """Why `role` can't log in or is not bound by row-level security; None where all is well."""
    variable = embedded.ADDRESS_OF_ROLE[role]
    mend = f"start PostgreSQL or mend {variable}" if env.is_set(variable) else "start PostgreSQL or mend DATABASE_URL"
    try:
        with psycopg.connect(embedded.database_url(role), connect_timeout=5) as session:
            row = session.execute(
                """
                SELECT current_user, rolsuper OR rolbypassrls,
                       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                               WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relowner = r.oid),
                       EXISTS (SELECT FROM pg_roles m WHERE m.rolname = %(role)s AND pg_has_role(r.oid, m.oid, 'USAGE'))
                FROM pg_roles r WHERE rolname = current_user
                """,
                {"role": role},
            ).fetchone()
    except psycopg.OperationalError as exc:
        return Fault("database", _first_line(exc), mend)
    except psycopg.ProgrammingError:
        return Fault("database", f"the address for {role} can't be read", mend)
    assert row is not None
    name, unbound, owns_tables, is_role = row
    mend = f"log in as {role} by {variable}"
    if unbound:
        return Fault(ROLE, f"{name} is superuser or bypasses row-level security", mend)
    if owns_tables:
        return Fault(ROLE, f"{name} owns the tables, so it could undo their protection", mend)
    if not is_role:
        return Fault(ROLE, f"{name} is not {role} nor a member of it", mend)
    return None


def require_bound_role(role: str) -> None:
    """Let nothing start that would see every portfolio, or could undo what protects it.

    raises   UnboundRole; nothing where the database is away, for which a start waits
    """
    fault = find_database_fault(role)
    if fault is not None and fault.piece == ROLE:
        raise UnboundRole(fault)


def find_history_fault() -> Fault | None:
    """The fault of a database in which another release applied migrations that this one does not have."""
    loader = MigrationLoader(connection)
    ours = {label for label, _ in loader.disk_migrations}
    unknown = sorted(key for key in loader.applied_migrations.keys() - loader.disk_migrations.keys() if key[0] in ours)
    if not unknown:
        return None
    what = f"the database is of another release, {'.'.join(unknown[0])} is not known here"
    return Fault("migrations", what, "begin anew with `make clean`, or use that release")


def find_migration_fault() -> Fault | None:
    """The fault of a database that lacks migrations."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not missing:
        return None
    first = missing[0][0]
    return Fault("migrations", f"{len(missing)} not applied, first {first}", "run `manage.py migrate`")


@cache
def _migrations_on_disk() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)


def count_unapplied_migrations() -> int:
    """How many migrations of this release the database lacks; the files are read once for the life of the process."""
    applied = MigrationRecorder(connection).migration_qs.values_list("app", "name")
    return len(_migrations_on_disk().difference(applied))


def find_redis_fault() -> Fault | None:
    """Why Redis does not answer; None where it does."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except redis.RedisError as exc:
        return Fault("Redis", _first_line(exc), "start Redis or mend REDIS_URL")
    except ValueError:
        return Fault("Redis", "the address can't be read", "mend REDIS_URL")
    return None


def find_port_fault(port: int) -> Fault | None:
    """Why the web server can't listen on the port; None where it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the web server does: a port just left is free
        try:
            probe.bind(("127.0.0.1", port))
        except OverflowError:
            return Fault(f"port {port}", "is no port", "set PORT to a number up to 65535")
        except OSError as exc:
            what = "is taken" if exc.errno == errno.EADDRINUSE else str(exc.strerror)
            return Fault(f"port {port}", what, "stop what listens there or set PORT")
    return None


def _first_line(exc: Exception) -> str:
    return str(exc).strip().split("\n", 1)[0]
