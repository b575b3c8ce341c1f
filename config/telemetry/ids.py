"""The ids of the work under way in this thread: spans, log lines and error reports carry them."""

from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import MappingProxyType
from typing import TypedDict


class Ids(TypedDict, total=False):
    """All that is ever told of a piece of work. None is an id that is not known, and is left out."""

    request_id: str | None
    execution_id: str | None
    pattern_id: str | None
    pattern_version: str | None
    pricing_pack_id: str | None
    ledger_commit_hash: str | None
    capability: str | None
    agent: str | None
    job: str | None
    chunk: int | None
    provider: str | None


Known = Mapping[str, str | int]
"""Ids that have a value, by name."""

_bound: ContextVar[Known] = ContextVar("tieout_ids", default=MappingProxyType({}))


def current_ids() -> Known:
    """The ids that are bound here. It never changes, so it may be kept."""
    return _bound.get()


def set_known(ids: Known) -> Token[Known]:
    """Bind these beside what is bound; the token returns to what was bound before."""
    return _bound.set({**_bound.get(), **ids})


def return_to(token: Token[Known]) -> None:
    _bound.reset(token)


def with_value(ids: Ids) -> dict[str, str | int]:
    """Those of the ids that have a value."""
    if None in ids.values():
        return {name: value for name, value in ids.items() if value is not None}  # type: ignore[misc]
    return ids  # type: ignore[return-value]
