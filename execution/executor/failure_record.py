"""What is kept of a failure: its class, its message and its data. How it is answered is for the faces to say."""

from collections.abc import Iterator
from typing import Any

from config.errors import TieoutError
from execution import canonical


def describe(failure: BaseException) -> dict[str, Any]:
    """A failure as JSON.

    error    name of its class
    classes  names of that class and of the exceptions that it is derived from, the nearest first
    message  its text
    fields   attributes of a failure of ours that have a JSON form; a failure among them is described in the same way. The trace
             of a failed step is left out: it is a column of its own
    """
    return {
        "error": type(failure).__name__,
        "classes": [kind.__name__ for kind in type(failure).__mro__ if issubclass(kind, Exception)],
        "message": str(failure).replace("\0", "\N{REPLACEMENT CHARACTER}"),
        "fields": dict(_fields(failure)) if isinstance(failure, TieoutError) else {},
    }


def _fields(failure: TieoutError) -> Iterator[tuple[str, Any]]:
    for name, value in vars(failure).items():
        if name == "trace" or name.startswith("_"):
            continue
        if isinstance(value, BaseException):
            yield name, describe(value)
            continue
        try:
            yield name, canonical.render(value)
        except canonical.NotRenderable:
            continue
