"""The ids of the work under way in this thread: spans, log lines and error reports carry them."""

from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import MappingProxyType
from typing import Any, Final, TypedDict, Unpack

PREFIX: Final = "tieout."
"""Before an id's name, where it is an attribute of a span."""


class Ids(TypedDict, total=False):
    """All that is ever told of a piece of work. None is an id that is not known, and is left out."""

    request_id: str | None
    execution_id: str | None
    pattern_id: str | None
    pattern_version: int | None
    pricing_pack_id: str | None
    ledger_commit_hash: str | None
    capability: str | None
    agent: str | None
    job: str | None
    chunk: int | None
    provider: str | None


_bound: ContextVar[Mapping[str, str | int]] = ContextVar("tieout_ids", default=MappingProxyType({}))


def current_ids() -> Mapping[str, str | int]:
    """The ids that are bound here, by name; never changed, so it may be kept."""
    return _bound.get()


def bind(**ids: Unpack[Ids]) -> None:
    """Bind what became known, until the enclosing `span` or `bound` ends."""
    _bound.set({**_bound.get(), **known(ids)})


class bound:  # noqa: N801 - reads as a word of a `with`
    """Bind ids for the length of a `with`."""

    __slots__ = ("_ids", "_token")

    def __init__(self, **ids: Unpack[Ids]) -> None:
        self._ids = ids

    def __enter__(self) -> None:
        self._token: Token[Mapping[str, str | int]] = _bound.set({**_bound.get(), **known(self._ids)})

    def __exit__(self, *failure: Any) -> None:
        _bound.reset(self._token)


def known(ids: Ids) -> dict[str, str | int]:
    """Those of the ids that have a value."""
    return {name: value for name, value in ids.items() if value is not None}  # type: ignore[misc]
