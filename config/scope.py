"""Who is asking, for the database's row-level security, and by which door, for the audit log.

`enter` is called where an identity is established: log-in middleware, token authentication, commands. From then on every
transaction of this thread begins by telling PostgreSQL (`set_config(..., true)`: for that transaction only, so that nothing
is left on a connection that another request takes over). Outside a transaction, and outside a scope, nobody is asking and no
portfolio is visible.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connection, transaction
from psycopg import IsolationLevel
from psycopg.pq import TransactionStatus

from config import origin

_user_id: ContextVar[str] = ContextVar("user_id", default="")


def enter(user: Any) -> None:
    """From here on this thread asks for `user`, whoever asked before."""
    _ask_for(str(user.pk) if user is not None and user.is_active else "")


def leave() -> None:
    """From here on nobody is asking."""
    _ask_for("")


def asking() -> int | None:
    """The number of whoever asks, None for nobody."""
    return int(_user_id.get()) if _user_id.get() else None


@contextmanager
def acting_as(user: Any) -> Iterator[None]:
    """Ask for `user` inside the block."""
    before = _user_id.get()
    enter(user)
    try:
        yield
    finally:
        _ask_for(before)


@contextmanager
def because(reason: str) -> Iterator[None]:
    """What is changed inside the block is on record with this reason."""
    with origin.with_reason(reason):
        _ask_for(_user_id.get())
        yield
    _ask_for(_user_id.get())


@contextmanager
def snapshot() -> Iterator[None]:
    """One transaction that sees one state of the database and can write nothing; inside a transaction, that one's."""
    if connection.in_atomic_block:
        yield
        return
    connection.ensure_connection()
    raw = connection.connection
    raw.isolation_level, raw.read_only = IsolationLevel.REPEATABLE_READ, True
    try:
        with transaction.atomic():
            yield
    finally:
        if not raw.closed:
            raw.isolation_level = raw.read_only = None


def tell(wrapper: Any) -> None:
    """Tell a transaction that has just begun who is asking, and how the work came in where it may change something."""
    user_id = _user_id.get()
    if user_id or origin.current().may_write:
        _set(wrapper, user_id)


def write_in_transaction(execute: Any, statement: Any, params: Any, many: bool, context: Any) -> Any:
    """A wrapper of statements: a change outside a transaction becomes one of its own, which is told who makes it."""
    if (
        origin.current().may_write
        and isinstance(statement, str)
        and statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE")
        and not connection.in_atomic_block
        and connection.get_autocommit()
    ):
        with transaction.atomic():
            return execute(statement, params, many, context)
    return execute(statement, params, many, context)


def tell_again(wrapper: Any) -> None:
    """Tell it again after a return to a savepoint, with which PostgreSQL returned to whoever asked then."""
    _set(wrapper, _user_id.get())


def _ask_for(user_id: str) -> None:
    _user_id.set(user_id)
    if connection.in_atomic_block and not connection.needs_rollback and not _has_failed():
        _set(connection, user_id)


def _has_failed() -> bool:
    """A transaction after an error takes nothing but its end, and the error is not to be hidden behind another."""
    return bool(connection.connection.info.transaction_status == TransactionStatus.INERROR)


def _set(wrapper: Any, user_id: str) -> None:
    came_by = json.dumps(origin.current().as_settings(), ensure_ascii=False)
    with wrapper.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('app.user_id', %s, true), set_config('app.origin', %s, true)", [user_id, came_by]
        )


class ScopeMiddleware:
    """After authentication: the session's user asks, until the response is made."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        user = request.user
        enter(user if user.is_authenticated else None)
        try:
            return self.get_response(request)
        finally:
            leave()
