"""Pieces of work: their ids are bound for logs and error reports, and where this process is traced they are spans."""

from contextvars import Token
from typing import Any, Protocol, Unpack

from config.telemetry.ids import Ids, Known, current_ids, return_to, set_known, with_value


class Tracer(Protocol):
    """What a traced process opens its spans by."""

    def open(self, name: str, ids: Known) -> Any:
        """A span that is the current one from here on, as `close` takes it."""

    def close(self, span_and_token: Any, failure: BaseException | None) -> None: ...

    def tell(self, ids: Known) -> None:
        """Add ids to the current span."""

    def current_trace(self) -> tuple[str, str] | None: ...


_tracer: Tracer | None = None


def trace_by(tracer: Tracer) -> None:
    """From here on this process is traced."""
    global _tracer
    _tracer = tracer


def current_trace() -> tuple[str, str] | None:
    """The ids of the trace and of the span that are open here, in hex; None outside of any."""
    return None if _tracer is None else _tracer.current_trace()


def bind(**ids: Unpack[Ids]) -> None:
    """Add what became known to the ids, until the enclosing `span` or `binding` ends."""
    fresh = with_value(ids)
    set_known(fresh)
    if _tracer is not None:
        _tracer.tell(fresh)


class binding:  # noqa: N801 - reads as a word of a `with`
    """Bind ids for the length of a `with`."""

    __slots__ = ("_ids", "_token")

    def __init__(self, **ids: Unpack[Ids]) -> None:
        self._ids = with_value(ids)

    def __enter__(self) -> None:
        self._token: Token[Known] = set_known(self._ids)
        if _tracer is not None:
            _tracer.tell(self._ids)

    def __exit__(self, kind: Any, failure: BaseException | None, traceback: Any) -> None:
        return_to(self._token)


class span:  # noqa: N801 - reads as a word of a `with`
    """Open a piece of work for the length of a `with`. Its span carries these ids and those that were bound before."""

    __slots__ = ("_ids", "_name", "_span_and_token", "_token", "_tracer")

    def __init__(self, name: str, **ids: Unpack[Ids]) -> None:
        self._name, self._ids = name, with_value(ids)

    def __enter__(self) -> None:
        self._token: Token[Known] = set_known(self._ids)
        self._tracer = _tracer
        if self._tracer is not None:
            self._span_and_token = self._tracer.open(self._name, current_ids())

    def __exit__(self, kind: Any, failure: BaseException | None, traceback: Any) -> None:
        if self._tracer is not None:
            self._tracer.close(self._span_and_token, failure)
        return_to(self._token)
