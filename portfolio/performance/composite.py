"""The returns of a benchmark, computed from the history of its components.

A component returns what an owner of it had: raw closes with the splits and dividends that the pack knows, dividends gross and
put back in at the close of their ex-date. Where prices can't say so the figures are degraded by name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from config.decimals import trimmed
from portfolio.analytics.attribution import hedged_returns
from portfolio.analytics.errors import Floats
from portfolio.analytics.returns import composite_returns
from portfolio.models import Rebalance
from portfolio.performance.benchmark_index import BenchmarkReturns, Component
from portfolio.valuation import Days
from pricing.fx import MissingRate
from pricing.market import History, MissingPrice
from pricing.models import PriceBasis
from pricing.packs.rows import KnownAction

DEGRADED: Mapping[str, str] = {
    PriceBasis.PRICE_INDEX: "price_index",
    PriceBasis.SPLIT_ADJUSTED: "price_return",  # in which units its dividends were paid is not known
}
"""What a component is degraded by whose prices leave dividends out, by its price basis."""


@dataclass(frozen=True, slots=True)
class BenchmarkDefinition:
    """A benchmark as staff defined it when it was read. They may change it, so a result says which one it was."""

    name: str
    rebalance: str
    components: tuple[tuple[str, str], ...]
    """(symbol, weight), by symbol; the weight in plain decimals."""
    one_month: tuple[tuple[str, str], ...] = ()
    """(currency, series) of the one-month rates that a hedge may take, by currency."""

    @property
    def in_words(self) -> str:
        """In words: 0.6 IBM, 0.4 MSFT, rebalanced monthly."""
        parts = ", ".join(f"{weight} {symbol}" for symbol, weight in self.components)
        return parts if len(self.components) == 1 else f"{parts}, rebalanced {self.rebalance}"


def define(
    name: str,
    rebalance: str,
    components: Iterable[tuple[str, Decimal | str]],
    one_month: Iterable[tuple[str, str]] = (),
) -> BenchmarkDefinition:
    """A definition with its components in order and their weights in plain decimals."""
    weights = sorted((symbol, trimmed(Decimal(weight))) for symbol, weight in components)
    rates = sorted((currency, series) for currency, series in one_month)
    return BenchmarkDefinition(name, rebalance, tuple(weights), tuple(rates))


def compute(
    history: History,
    parts: Sequence[Component],
    bases: Sequence[str],
    actions: Sequence[KnownAction],
    definition: BenchmarkDefinition,
    base_currency: str,
    days: Days,
    one_month: Mapping[str, tuple[Floats, tuple[str, ...]]] = MappingProxyType({}),
) -> BenchmarkReturns:
    """The composite of the parts, whose price bases are `bases`.

    one_month  by currency (D,) its yearly one-month rate on the days of `history`, and the providers

    Monthly and quarterly weights count from the first pack of the period in which the portfolio began, so that all portfolios
    have the same benchmark; without rebalancing they can only count from the portfolio's own first day. Row 0 is measured from
    the pack before it and NaN where there is none.
    """
    D = len(days)
    degraded = tuple(sorted({DEGRADED[basis] for basis in bases if basis in DEGRADED}))
    first = int(np.searchsorted(history.dates, days[0])) if D else 0
    since = _period_start(history.dates, first, definition.rebalance)
    columns, hedged, missing, reason, sources = [], [], [], "", set[str]()
    for part, basis in zip(parts, bases, strict=True):
        try:
            column, sold_forward, providers = _returns_of(history, part, basis, actions, base_currency, one_month)
            sources |= providers
        except (MissingPrice, MissingRate) as absent:
            column = sold_forward = np.full(len(history.dates), np.nan)
            reason = "missing_benchmark_rate" if isinstance(absent, MissingRate) else reason
        if np.isnan(column[max(first, 1) :]).any():
            missing.append(part.symbol)
        columns.append(column[since:])
        hedged.append(sold_forward[since:])
    table = np.column_stack(columns)
    first_complete = _known_from(table)
    returns, weights = np.full(len(table), np.nan), np.full(table.shape, np.nan)
    if first_complete < len(table):
        opens = rebalanced(history.dates[since:], definition.rebalance)[first_complete:]
        target = np.array([part.weight for part in parts])
        weights[first_complete:] = _opening_weights(table[first_complete:], target, opens)
        if definition.rebalance == Rebalance.DAILY or len(parts) == 1:
            returns[first_complete:] = table[first_complete:] @ target
        else:
            returns[first_complete:] = composite_returns(table[first_complete:], target, opens)
    own_days = slice(first - since, first - since + D)
    is_hedged = (weights * np.column_stack(hedged)).sum(axis=1)[own_days]
    return BenchmarkReturns(
        name=definition.name,
        returns=frozen(returns[own_days]),
        degraded=degraded,
        reason=(reason or "missing_benchmark_price") if missing else "",
        sources=tuple(sorted(sources)),
        missing=tuple(missing),
        components=tuple(parts),
        component_returns=frozen(table[own_days]),
        component_weights=frozen(weights[own_days]),
        definition=definition.in_words,
        hedged_returns=None if np.isnan(is_hedged).all() else frozen(is_hedged),
    )


_NO_RATE: tuple[Floats, tuple[str, ...]] = (np.array(np.nan), ())


def _returns_of(
    history: History,
    part: Component,
    basis: str,
    actions: Sequence[KnownAction],
    base_currency: str,
    one_month: Mapping[str, tuple[Floats, tuple[str, ...]]],
) -> tuple[Floats, Floats, set[str]]:
    """(D,) returns of a component in the base currency, the same with its currency sold forward, and the providers.

    raises   MissingPrice, MissingRate
    """
    own_actions = [each for each in actions if each.symbol == part.symbol]
    local, fx = security_returns(history, part, basis, own_actions, base_currency)
    sources = set(return_sources(history, part, basis, own_actions, base_currency))
    if part.currency == base_currency:
        return (1.0 + local) * (1.0 + fx) - 1.0, local, sources
    pair = [one_month.get(code, _NO_RATE) for code in (base_currency, part.currency)]
    sold_forward = _hedged(history.dates, local, fx, *(rate for rate, _ in pair))
    return (1.0 + local) * (1.0 + fx) - 1.0, sold_forward, sources.union(*(providers for _, providers in pair))


def _hedged(dates: Days, local: Floats, fx: Floats, base_rate: Floats, foreign_rate: Floats) -> Floats:
    """(D,) return of each day with the value of the day before sold forward to it, at the rates known then; else NaN."""
    base, foreign = (np.broadcast_to(rate, local.shape)[:-1] for rate in (base_rate, foreign_rate))
    elapsed = np.diff(dates).astype(np.int64)
    is_complete = np.isfinite(local[1:]) & np.isfinite(fx[1:]) & np.isfinite(base) & np.isfinite(foreign)
    hedged = np.full(len(local), np.nan)
    for days in np.unique(elapsed[is_complete]):
        rows = np.flatnonzero(is_complete & (elapsed == days))
        hedged[rows + 1] = hedged_returns(
            local[rows + 1], fx[rows + 1], base[rows], foreign[rows], years=float(days) / 365
        )
    return hedged


def security_returns(
    history: History, part: Component, basis: str, actions: Sequence[KnownAction], base_currency: str
) -> tuple[Floats, Floats]:
    """(D,) return of each pack day from the one before, in its own currency, and of that in the base currency.

    NaN on the first day, and without close or rate.

    raises   MissingPrice, MissingRate where the history has nothing of it at all
    """
    if part.symbol not in history.symbols:
        raise MissingPrice(part.symbol, history.dates[-1].item())
    close = history.close[:, history.symbols.index(part.symbol)]
    rate = np.ones(len(close)) if part.currency == base_currency else history.fx(part.currency, base_currency)
    ratio, paid = np.ones(len(close)), np.zeros(len(close))
    for action in actions if basis == PriceBasis.RAW else ():
        day = int(np.searchsorted(history.dates, np.datetime64(action.ex_date)))
        if day == len(close):
            continue
        if action.ratio is not None:
            ratio[day] *= float(action.ratio)
        elif action.amount is not None:
            in_part = action.currency == part.currency
            paid[day] += float(action.amount) * (1.0 if in_part else history.fx(action.currency, part.currency)[day])
    local, fx = np.full(len(close), np.nan), np.full(len(close), np.nan)
    local[1:] = (close * ratio + paid)[1:] / close[:-1] - 1.0
    fx[1:] = rate[1:] / rate[:-1] - 1.0
    return local, fx


def return_sources(
    history: History, part: Component, basis: str, actions: Sequence[KnownAction], base_currency: str
) -> set[str]:
    """Providers of the closes, rates and actions that `security_returns` makes its returns of."""
    own_actions = actions if basis == PriceBasis.RAW else ()
    other = {base_currency, *(each.currency for each in own_actions if each.amount is not None)} - {part.currency}
    currencies = {part.currency, *other} & {*history.currencies} if other else set()
    return {
        *history.close_sources[history.symbols.index(part.symbol)],
        *(each.source for each in own_actions),
        *(source for code in currencies for source in history.fx_sources[history.currency(code)]),
    }


def _known_from(table: Floats) -> int:
    """The row after the last one in which a component is not known."""
    unknown = np.flatnonzero(np.isnan(table).any(axis=1))
    return int(unknown[-1]) + 1 if len(unknown) else 0


def _period_start(dates: Days, first: int, rebalance: str) -> int:
    if rebalance not in (Rebalance.MONTHLY, Rebalance.QUARTERLY) or first >= len(dates):
        return min(first, len(dates))
    period = _periods(dates[: first + 1], rebalance)
    return int(np.argmax(period == period[-1]))


def _periods(dates: Days, rebalance: str) -> npt.NDArray[np.int64]:
    months = dates.astype("datetime64[M]").astype(np.int64)
    return months if rebalance == Rebalance.MONTHLY else months // 3


def rebalanced(dates: Days, rebalance: str) -> npt.NDArray[np.bool_]:
    """(D,) whether the day opens at the weights again."""
    if rebalance == Rebalance.DAILY:
        return np.ones(len(dates), dtype=np.bool_)
    if rebalance == Rebalance.NEVER:
        return np.zeros(len(dates), dtype=np.bool_)
    period = _periods(dates, rebalance)
    return np.concatenate(([True], period[1:] != period[:-1]))


def _opening_weights(table: Floats, target: Floats, rebalanced: npt.NDArray[np.bool_]) -> Floats:
    """(D, K) shares of the components as each day opens; their sum-product with the returns is the composite's return."""
    if rebalanced.all():
        return np.broadcast_to(target, table.shape)
    weights = np.empty(table.shape)
    starts = np.flatnonzero(rebalanced | (np.arange(len(table)) == 0))
    for begin, end in zip(starts, [*starts[1:], len(table)], strict=True):
        grown = target * np.vstack((np.ones(len(target)), np.cumprod(1.0 + table[begin : end - 1], axis=0)))
        weights[begin:end] = grown / grown.sum(axis=1, keepdims=True)
    return weights


def frozen(array: Floats) -> Floats:
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array
