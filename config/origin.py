"""By which door the work of this thread came in: what the audit log says of a change beside who asked for it."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from enum import StrEnum


class Door(StrEnum):
    PAGE = "page"
    API = "api"
    ADMIN = "admin"
    COMMAND = "command"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class Origin:
    """Of a change; empty where nobody said."""

    door: str = ""
    via: str = ""
    """The address with its method, the command or the task."""
    request_id: str = ""
    account: str = ""
    """Of the machine, for a command or a task: who ran it."""
    reason: str = ""
    may_write: bool = False
    """Whether changes are to be expected, also where nobody is logged in."""

    def as_settings(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if name != "may_write" and value}


_NONE = Origin()
_origin: ContextVar[Origin] = ContextVar("origin", default=_NONE)


def current() -> Origin:
    return _origin.get()


@contextmanager
def of_request(door: Door, via: str, request_id: str, *, may_write: bool) -> Iterator[None]:
    with _within(Origin(door, via[:200], request_id, may_write=may_write)):
        yield


@contextmanager
def of_process(door: Door, via: str, request_id: str = "") -> Iterator[None]:
    """A command or a task; one that another begins is still the first."""
    with _within(_origin.get() if _origin.get().door else Origin(door, via, request_id, _account(), may_write=True)):
        yield


def begin_task(name: str, task_id: str) -> None:
    """A worker does one task after the other, and calls this before each."""
    _origin.set(Origin(Door.TASK, name, task_id, _account(), may_write=True))


def end_task() -> None:
    _origin.set(_NONE)


@contextmanager
def with_reason(reason: str) -> Iterator[None]:
    """To be called by config.scope, which tells a transaction under way."""
    with _within(replace(_origin.get(), reason=reason[:400], may_write=True)):
        yield


@contextmanager
def _within(origin: Origin) -> Iterator[None]:
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)


def _account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user needs no name
        return str(os.geteuid())
