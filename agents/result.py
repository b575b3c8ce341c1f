"""What goes into a capability and what comes out of it."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Generic, TypeVar
from uuid import UUID

from portfolio import books

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """What a capability gives back.

    data      a frozen dataclass or a JSON-like mapping; execution.canonical says what may be in it
    sources   provider codes of the rows really read, sorted
    ttl       seconds a panel may show it
    is_final  False where another call may be answered otherwise, as by a provider that is off or away: the execution is not stored
    """

    data: T
    sources: tuple[str, ...]
    asof: date
    ttl: int
    warnings: tuple[str, ...] = ()
    is_final: bool = True


@dataclass(frozen=True)
class RequestContext:
    """What one run knows. A template may read the first four as `ctx.*`; the rest is for capabilities only."""

    portfolio_id: UUID | None
    asof_date: date
    pricing_pack_id: str
    base_currency: str | None
    ledger_commit_hash: str | None
    portfolio: Any
    pack: Any
    revision: Any
    market: Any

    @cached_property
    def book(self) -> books.Book:
        """What the revision says up to the as-of date, read once for all steps of the run."""
        return books.load(self.portfolio, self.revision).as_of(self.asof_date)
