"""Securities of the same sector, and how each did."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from portfolio.performance import benchmarks, composite
from portfolio.performance.allocation import NO_CLASSIFICATION
from portfolio.performance.benchmark_index import Component
from portfolio.performance.metric import Metric, degraded, unavailable
from portfolio.valuation import ValuedPositions
from pricing import market
from pricing.classifications import Kind
from pricing.market import History, MissingPrice
from pricing.models import PricingPack
from pricing.packs.deltas import ASSUMED_RELEASE_DATE
from pricing.packs.rows import KnownAction

NO_PEER = "no_peer"


@dataclass(frozen=True, slots=True)
class Comparable:
    """A security of the sector. Returns are in its own currency, with dividends and splits put back."""

    symbol: str
    currency: str
    total_return: Metric
    volatility: Metric
    """Of the days of the span, per year."""
    weight: float | None
    """In the portfolio; None where it is not held."""


@dataclass(frozen=True, slots=True)
class Comparables:
    """The security itself first, then others of its sector: those that are held by falling weight, then by symbol."""

    sector: str | None
    status: str
    reason: str | None
    """no_classification: nobody said of the security what sector it is of; no_peer: of no other that the pack has."""
    first_date: date | None
    rows: tuple[Comparable, ...]


def load(
    pack: PricingPack, symbol: str, valued: ValuedPositions, *, limit: int, lookback_days: int
) -> tuple[Comparables, tuple[str, ...]]:
    """The securities that the pack says are of the sector of `symbol`, at most `limit` of them, and their providers."""
    history = market.history(pack)
    classifications = market.classifications(pack, history.symbols)
    own = classifications.get(symbol, {}).get(Kind.SECTOR)
    if own is None:
        return Comparables(None, "unavailable", NO_CLASSIFICATION, None, ()), ()
    weights = {row.symbol: row.weight for row in valued.positions}
    peers = [
        each
        for each, kinds in classifications.items()
        if each != symbol and Kind.SECTOR in kinds and kinds[Kind.SECTOR].text == own.text
    ]
    peers.sort(key=lambda each: (each not in weights, -(weights.get(each) or 0.0), each))
    if not peers:
        return Comparables(own.text, "unavailable", NO_PEER, None, ()), (own.source,)
    symbols = (symbol, *peers[:limit])
    begin = max(len(history.dates) - 1 - lookback_days, 0)
    described, actions = benchmarks.read_securities(pack, pack.chain_hash, symbols)
    providers = {classifications[each][Kind.SECTOR].source for each in symbols}
    rows = []
    for each in symbols:
        part, basis = Component(*described[each][:4], 0.0), described[each][4]
        own_actions = [action for action in actions if action.symbol == each]
        rows.append(_measure(history, part, basis, own_actions, begin, weights.get(each)))
        providers |= composite.return_sources(history, part, basis, own_actions, part.currency)
    is_assumed = any(classifications[each][Kind.SECTOR].is_assumed for each in symbols)
    status, reason = ("degraded", ASSUMED_RELEASE_DATE) if is_assumed else ("ok", None)
    comparables = Comparables(own.text, status, reason, history.dates[begin].item(), tuple(rows))
    return comparables, tuple(sorted(providers))


def _measure(
    history: History,
    part: Component,
    basis: str,
    actions: Sequence[KnownAction],
    begin: int,
    weight: float | None,
) -> Comparable:
    symbol = part.symbol
    try:
        local, _ = composite.security_returns(history, part, basis, actions, part.currency)
    except MissingPrice:
        blank = unavailable("no_close")
        return Comparable(symbol, part.currency, blank, blank, weight)
    daily = local[begin + 1 :]
    if not len(daily) or not np.isfinite(daily).all():
        blank = unavailable("short_history")
        return Comparable(symbol, part.currency, blank, blank, weight)
    days = history.dates[begin].item(), history.dates[-1].item()
    measured = {"first": days[0].isoformat(), "last": days[1].isoformat(), "n": len(daily)}
    doubts = ["price_index"] if basis == "price_index" else []
    total = degraded(Metric(float(np.prod(1.0 + daily) - 1.0), "ok", None, measured), doubts)
    closes = history.observed[begin:, history.symbols.index(symbol)] == history.dates[begin:]
    traded = daily[closes[1:]]
    years = max((days[1] - days[0]).days, 1) / 365
    if len(traded) < 30:
        return Comparable(symbol, part.currency, total, unavailable("too_few_observations"), weight)
    pace = len(traded) / years
    volatility = Metric(float(traded.std(ddof=1) * np.sqrt(pace)), "ok", None, {**measured, "periods_per_year": pace})
    return Comparable(symbol, part.currency, total, degraded(volatility, doubts), weight)
