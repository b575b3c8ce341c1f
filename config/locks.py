"""Advisory locks of PostgreSQL, each named by a text; https://www.postgresql.org/docs/current/explicit-locking.html.

A lock of the session outlasts its transactions, a lock of the transaction ends with it; both end with the process.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection
from psycopg.errors import LockNotAvailable
from psycopg.pq import TransactionStatus

_KEY = "hashtextextended(%s, 0)"  # locks are numbered: 64 bits of the name


class LockTimeout(OperationalError):
    """Another session kept the lock for longer than this one's `lock_timeout`."""

    def __init__(self, name: str) -> None:
        super().__init__(f"another session holds the lock {name}")
        self.name = name


@contextmanager
def session_lock(name: str) -> Iterator[None]:
    """Wait for the lock, then hold it inside the block. Raises LockTimeout."""
    _wait(f"SELECT pg_advisory_lock({_KEY})", name)
    try:
        yield
    finally:
        _unlock(name)


@contextmanager
def try_session_lock(name: str) -> Iterator[bool]:
    """Yield whether the lock was free; if it was, it is held inside the block."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock({_KEY})", [name])
        (acquired,) = cursor.fetchone()
    try:
        yield acquired
    finally:
        if acquired:
            _unlock(name)


def lock_until_commit(name: str) -> None:
    """Wait for the lock and hold it to the end of the current transaction. Raises LockTimeout."""
    _wait(f"SELECT pg_advisory_xact_lock({_KEY})", name)


def _wait(statement: str, name: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, [name])
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise LockTimeout(name) from error
        raise


def _unlock(name: str) -> None:
    """A lost session has lost its locks. In a transaction that failed nothing can be run, so the session is ended."""
    if connection.connection is None or connection.connection.closed:
        return
    if connection.needs_rollback or connection.connection.info.transaction_status is TransactionStatus.INERROR:
        connection.close()
        return
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_unlock({_KEY})", [name])
