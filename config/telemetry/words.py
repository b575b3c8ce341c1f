"""What may be said of a log line and of a failure: nothing that can hold a name, an amount or a key."""

import logging
from collections.abc import Iterator, Mapping
from traceback import walk_tb
from types import TracebackType
from typing import Final

ROOMS: Final = ("agents", "compliance", "config", "execution", "portfolio", "pricing")
WITH_ARGUMENTS: Final = frozenset({"celery.beat", "celery.worker.strategy"})
"""Loggers of others whose arguments are names of tasks and their ids."""
TASKS: Final = "celery.app.trace"


def is_ours(record: logging.LogRecord) -> bool:
    """Whether one of our own modules wrote the line: its words are constants, and its fields were chosen."""
    return record.name.partition(".")[0] in ROOMS


def describe_line(record: logging.LogRecord) -> str:
    """The words of a line. Those of others are given as their template, or, where there is none, by the place they come from: what
    they fill in may be a request's path, a host that somebody made up, the arguments of a task or an exception's words."""
    if is_ours(record) or record.name in WITH_ARGUMENTS:
        return record.getMessage()
    if record.name == TASKS and isinstance(record.args, Mapping):
        return str(record.msg) % _OfTask(record.args)
    return str(record.msg) if record.args else f"{record.module}:{record.lineno}"


class _OfTask(dict[str, object]):
    """What Celery fills in of a task that has ended: which it was, and not what it was given, gave back or broke with."""

    def __init__(self, of_task: Mapping[str, object]) -> None:
        super().__init__({name: of_task[name] for name in ("name", "id", "description", "runtime") if name in of_task})

    def __missing__(self, name: str) -> str:
        return "…"


def describe_failure(failure: BaseException) -> str:
    """The class of a failure and, a line each, module, line and function of its frames; then those of what it came from."""
    return "\nfrom ".join(_describe_one(each) for each in _chain(failure))


def _chain(failure: BaseException) -> Iterator[BaseException]:
    """A failure, what it was raised from or while what was handled, and so on; each once."""
    visited_ids = set()
    link: BaseException | None = failure
    while link is not None and id(link) not in visited_ids:
        visited_ids.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _describe_one(failure: BaseException) -> str:
    kind = type(failure)
    return "\n  ".join([f"{kind.__module__}.{kind.__qualname__}", *_places(failure.__traceback__)])


def _places(traceback: TracebackType | None) -> Iterator[str]:
    for frame, line in walk_tb(traceback):
        yield f"{frame.f_globals.get('__name__', '?')}:{line} {frame.f_code.co_name}"
