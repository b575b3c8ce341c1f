"""What is held, day by day in its own currency, beside the factors that may move it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats
from portfolio.analytics.macro.joint_betas import LEAST
from portfolio.performance import benchmarks, composite, factor_series
from portfolio.performance.benchmark_index import BenchmarkReturns, Component
from portfolio.performance.factor_series import BENCHMARK, FactorChoice, FactorLevels
from portfolio.valuation import Days, Positions
from pricing import market
from pricing.market import History, MissingPrice
from pricing.models import Factor, PricingPack

WINDOW = 252
"""Sessions that betas and covariances look back upon."""
HANDED_ON = {"handed_on": True}


@dataclass(frozen=True, slots=True)
class FactorSource:
    """What stands for a factor. `status` is unavailable by `reason` where nothing does."""

    factor: str
    series_id: str
    status: str
    reason: str | None
    sources: tuple[str, ...] = field(default=(), metadata=HANDED_ON)


@dataclass(frozen=True, slots=True, eq=False)
class HoldingHistory:
    """T sessions of N securities, F factors and C currencies. Sessions are days on which one of the securities was traded."""

    first_date: date | None
    last_date: date | None
    sessions: int
    factors: tuple[FactorSource, ...]
    """In the order of the columns of `changes`."""
    symbols: tuple[str, ...] = field(metadata=HANDED_ON)
    kinds: tuple[str, ...] = field(metadata=HANDED_ON)
    currencies: tuple[str, ...] = field(metadata=HANDED_ON)
    """Other than the base currency."""
    dates: Days = field(metadata=HANDED_ON)
    """(T,) the closes that sessions end at."""
    returns: Floats = field(metadata=HANDED_ON)
    """(T, N) in the security's own currency, with dividends; NaN without a close at either end."""
    changes: Floats = field(metadata=HANDED_ON)
    """(T, F) rates and spreads in decimal, the rest as returns; NaN without an observation."""
    fx: Floats = field(metadata=HANDED_ON)
    """(T, C) return of a currency in the base currency."""
    sources: tuple[str, ...] = field(metadata=HANDED_ON)

    def until(self, session: int) -> "HoldingHistory":
        """The same up to a number of sessions."""
        return replace(
            self,
            sessions=session,
            dates=self.dates[:session],
            returns=self.returns[:session],
            changes=self.changes[:session],
            fx=self.fx[:session],
        )


def load(
    pack: PricingPack, positions: Positions, choices: Sequence[FactorChoice], benchmark: BenchmarkReturns | None
) -> HoldingHistory:
    """The sessions that a pack sees of what is held.

    benchmark   on all days of the pack's history, in the currency of its components where they share one
    """
    history = market.history(pack)
    symbols = tuple(row.symbol for row in positions.positions)
    described, actions = benchmarks.read_securities(pack, pack.chain_hash, symbols)
    parts = [Component(*described[symbol][:4], 0.0) for symbol in symbols]
    base = positions.base_currency
    traded = {part.currency for part in parts} | {row.currency for row in positions.cash}
    currencies = tuple(sorted(each for each in traded - {base} if each in history.currencies))
    closes = _sessions(history, symbols)
    levels = factor_series.load(pack, choices, history.dates[closes])
    factors, changes = _factors(levels, benchmark, closes)
    columns, providers = [], {source for each in factors for source in each.sources}
    for part in parts:
        own_actions = [each for each in actions if each.symbol == part.symbol]
        try:
            basis = described[part.symbol][4]
            local, _ = composite.security_returns(history, part, basis, own_actions, part.currency)
            providers |= composite.return_sources(history, part, basis, own_actions, part.currency)
        except MissingPrice:
            local = np.full(len(history.dates), np.nan)
        columns.append(_between(local, closes))
    sessions = max(len(closes) - 1, 0)
    providers |= {source for each in (*currencies, base) if currencies for source in _fx_sources(history, each)}
    return HoldingHistory(
        first_date=history.dates[closes[0]].item() if sessions else None,
        last_date=history.dates[closes[-1]].item() if sessions else None,
        sessions=sessions,
        factors=factors,
        symbols=symbols,
        kinds=tuple(part.kind.casefold() for part in parts),
        currencies=currencies,
        dates=history.dates[closes[1:]],
        returns=np.column_stack(columns) if columns else np.zeros((sessions, 0)),
        changes=changes,
        fx=np.column_stack([_growth(history.fx(each, base)[closes]) for each in currencies])
        if currencies
        else np.zeros((sessions, 0)),
        sources=tuple(sorted(providers)),
    )


def _sessions(history: History, symbols: Sequence[str]) -> npt.NDArray[np.intp]:
    """Indexes of the days on which one of the securities was traded; without any security, all days."""
    columns = [history.symbols.index(each) for each in symbols if each in history.symbols]
    if not columns:
        return np.arange(len(history.dates))
    return np.flatnonzero((history.observed[:, columns] == history.dates[:, None]).any(axis=1))


def _factors(
    levels: FactorLevels, benchmark: BenchmarkReturns | None, closes: npt.NDArray[np.intp]
) -> tuple[tuple[FactorSource, ...], Floats]:
    """For each factor the first of its list that is known in enough sessions of the window, and its changes."""
    sources, columns = [], []
    for factor in Factor.values:
        source, column = (
            FactorSource(factor, "", "unavailable", "missing_factor"),
            np.full(max(len(closes) - 1, 0), np.nan),
        )
        for choice in (each for each in levels.choices if each.factor == factor):
            changes, doubts, providers = _changes(choice, levels, benchmark, closes)
            window = changes[-WINDOW:][np.isfinite(changes[-WINDOW:])]
            if len(window) >= LEAST and window.std() > 0:
                reason = ", ".join(doubts)
                status = "degraded" if reason else "ok"
                source, column = FactorSource(factor, choice.series_id, status, reason or None, providers), changes
                break
        sources.append(source)
        columns.append(column)
    return tuple(sources), np.column_stack(columns)


def _changes(
    choice: FactorChoice, levels: FactorLevels, benchmark: BenchmarkReturns | None, closes: npt.NDArray[np.intp]
) -> tuple[Floats, tuple[str, ...], tuple[str, ...]]:
    """The changes of one choice, what they are degraded by, and their providers; empty where the pack has nothing of it."""
    doubts = (choice.degraded,) if choice.degraded else ()
    if choice.series_id == BENCHMARK:
        if benchmark is None:
            return np.zeros(0), (), ()
        return _between(benchmark.returns, closes), (*doubts, *benchmark.degraded), benchmark.sources
    level = levels.levels.get(choice)
    return (np.zeros(0), (), ()) if level is None else (level.changes(), doubts, level.sources)


def _between(daily: Floats, closes: npt.NDArray[np.intp]) -> Floats:
    """(T,) the returns of days linked from each close to the next."""
    if len(closes) < 2:
        return np.zeros(0)
    first, last = closes[0] + 1, closes[-1] + 1
    return np.asarray(np.multiply.reduceat(1.0 + daily[first:last], closes[:-1] + 1 - first) - 1.0)


def _growth(rates: Floats) -> Floats:
    return np.asarray(rates[1:] / rates[:-1] - 1.0)


def _fx_sources(history: History, currency: str) -> tuple[str, ...]:
    return history.fx_sources[history.currencies.index(currency)] if currency in history.currencies else ()
