"""A small agent with capabilities of every temper, and patterns cut short enough to read in a test."""

import time
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from agents.breaker import DependencyFailed
from agents.registry import Registry
from agents.result import RequestContext, Result
from config.errors import TieoutError


@dataclass(frozen=True)
class Position:
    symbol: str
    quantity: Decimal


@dataclass(frozen=True)
class Positions:
    positions: tuple[Position, ...]
    note: str | None
    _secret: str = "not for patterns"

    @property
    def first(self) -> Position:
        raise AssertionError("a template ran code")


@dataclass(frozen=True)
class Valued:
    total_value: Decimal
    rows: tuple[Position, ...]


class MissingPrice(TieoutError):
    pass


class ProviderAway(DependencyFailed):
    pass


offered = Registry()
calls: list[tuple[str, dict[str, Any]]] = []


@offered.capability("ledger.positions", agent="analyst")
def positions(ctx: RequestContext, *, portfolio_id: UUID) -> Result[Positions]:
    calls.append(("ledger.positions", {"portfolio_id": portfolio_id}))
    held = Positions((Position("AAPL", Decimal("10")), Position("IBM", Decimal("5.5"))), None)
    return Result(held, sources=("ledger",), asof=ctx.asof_date, ttl=60)


@offered.capability("pricing.apply_pack", agent="analyst")
def apply_pack(ctx: RequestContext, *, positions: Positions, asof_date: date | None = None) -> Result[Valued]:
    calls.append(("pricing.apply_pack", {"positions": positions, "asof_date": asof_date}))
    valued = Valued(Decimal("1234.50"), positions.positions)
    return Result(valued, sources=("ECB", "archive"), asof=ctx.asof_date, ttl=300, warnings=("one close is a day old",))


@offered.capability("test.echo", agent="echo")
def echo(ctx: RequestContext, *, value: Any = None) -> Result[dict[str, Any]]:
    calls.append(("test.echo", {"value": value}))
    return Result({"value": value, "none": None}, sources=(), asof=ctx.asof_date, ttl=0)


@offered.capability("test.typed", agent="echo")
def typed(ctx: RequestContext, *, days: int, share: float = 0.5, method: str = "FIFO") -> Result[dict[str, Any]]:
    calls.append(("test.typed", {"days": days, "share": share, "method": method}))
    return Result({"days": days}, sources=(), asof=ctx.asof_date, ttl=0)


@offered.capability("test.missing_price", agent="echo")
def missing_price(ctx: RequestContext) -> Result[dict[str, Any]]:
    raise MissingPrice("no close of AAPL on 2013-03-01")


@offered.capability("test.away", agent="echo")
def away(ctx: RequestContext) -> Result[dict[str, Any]]:
    raise ProviderAway("provider does not answer")


@offered.capability("test.slow", agent="echo")
def slow(ctx: RequestContext) -> Result[dict[str, Any]]:
    time.sleep(0.05)
    return Result({}, sources=(), asof=ctx.asof_date, ttl=0)


def document(*steps: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """A pattern of these steps whose outputs are all of them, unless `parts` says otherwise."""
    return {
        "id": "a_pattern",
        "version": "1.0.0",
        "title": "A pattern",
        "description": "",
        "inputs": {},
        "steps": list(steps),
        "outputs": list(dict.fromkeys(step["as"] for step in steps)),
        "panels": [],
    } | parts


def step(capability: str, name: str, args: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"capability": capability, "args": args or {}, "as": name, **more}
