"""What a portfolio is measured against: its benchmark's returns on the portfolio's own pack days, in its base currency.

A component returns what an owner of it had: raw closes with the splits and dividends that the pack knows, dividends gross and
put back in at the close of their ex-date. Where prices can't say so the figures are degraded by name.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from portfolio.analytics.attribution import hedged_returns
from portfolio.analytics.returns import composite_returns
from portfolio.models import BenchmarkComponent, OneMonthRate, Rebalance
from portfolio.performance.metrics import BenchmarkReturns, Component
from portfolio.valuation import Days
from pricing import market
from pricing.fx import MissingRate
from pricing.market import History, MissingPrice
from pricing.models import PriceBasis, PricingPack, PricingPolicy, Security
from pricing.packs.rows import KnownAction

Floats = npt.NDArray[np.float64]

DEGRADED: Mapping[str, str] = {
    PriceBasis.PRICE_INDEX: "price_index",
    PriceBasis.SPLIT_ADJUSTED: "price_return",  # in which units its dividends were paid is not known
}
"""Price bases that leave dividends out."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A benchmark as staff defined it when it was read. They may change it, so a result says which one it was."""

    name: str
    rebalance: str
    components: tuple[tuple[str, str], ...]
    """(symbol, weight), by symbol; the weight in plain decimals."""
    one_month: tuple[tuple[str, str], ...] = ()
    """(currency, series) of the one-month rates that a hedge may take, by currency."""

    @property
    def definition(self) -> str:
        """As one reads it: 0.6 IBM, 0.4 MSFT, rebalanced monthly."""
        parts = ", ".join(f"{weight} {symbol}" for symbol, weight in self.components)
        return parts if len(self.components) == 1 else f"{parts}, rebalanced {self.rebalance}"


def choose(benchmark_id: int | None) -> Choice | None:
    """A portfolio's benchmark as the rows have it now; None where it has none."""
    if benchmark_id is None:
        return None
    rows = BenchmarkComponent.objects.filter(benchmark=benchmark_id).values_list(
        "benchmark__name", "benchmark__rebalance", "security__symbol", "weight"
    )
    (name, rebalance, *_), *_ = found = list(rows)
    rates = OneMonthRate.objects.values_list("currency", "series_id")
    return choice(name, rebalance, [(symbol, weight) for *_, symbol, weight in found], rates)


def choice(
    name: str, rebalance: str, components: Iterable[Sequence[Any]], one_month: Iterable[Sequence[str]] = ()
) -> Choice:
    """A definition with its components in order and their weights in one way of writing."""
    written = sorted((symbol, format(Decimal(weight).normalize(), "f")) for symbol, weight in components)
    rates = sorted((currency, series) for currency, series in one_month)
    return Choice(name, rebalance, tuple(written), tuple(rates))


def find_unpriced(*, policy: PricingPolicy, securities: Iterable[Security]) -> list[MissingPrice | MissingRate]:
    """What would keep the next packs of the policy from being sealed, were these required: of those listed on the day of its
    newest sealed pack, each that has no close there, or none of whose currency in the policy's pivot."""
    newest = (
        PricingPack.objects.filter(policy=policy, sequence__isnull=False).order_by("-asof_date", "-sequence").first()
    )
    if newest is None:
        return []
    seen, missing = market.as_of(newest), list[MissingPrice | MissingRate]()
    for each in securities:
        if not each.first_date <= seen.asof_date <= (each.last_date or seen.asof_date):
            continue
        try:
            seen.close(each.pk, each.symbol)
            market.legs_between(seen, each.currency, seen.pivot)
        except (MissingPrice, MissingRate) as absent:
            missing.append(absent)
    return missing


def load(pack: PricingPack, chosen: Choice | None, base_currency: str, days: Days) -> BenchmarkReturns | None:
    """The benchmark's return to each of `days`, which are days of the pack's history, from the one before; of the first from
    the pack day before it. None without a choice."""
    if chosen is None:
        return None
    dates = market.history(pack).dates
    rows = np.searchsorted(dates, days)
    first, after = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 0)
    if chosen.rebalance == Rebalance.NEVER:  # the weights depend on the portfolio's own first day
        found = _load(pack, chosen, base_currency, dates[first:after])
    else:
        found = _cut(_whole(pack, pack.chain_hash, chosen, base_currency), first, after)
    return found if after - first == len(rows) else _linked(found, rows - first)


def _cut(whole: BenchmarkReturns, first: int, after: int) -> BenchmarkReturns:
    cut = slice(first, after)
    missing = np.asarray(np.isnan(whole.component_returns[max(first, 1) : after]).any(axis=0))
    return replace(
        whole,
        returns=whole.returns[cut],
        reason=whole.reason if missing.any() else "",
        missing=tuple(part.symbol for part, is_missing in zip(whole.components, missing, strict=True) if is_missing),
        component_returns=whole.component_returns[cut],
        component_weights=whole.component_weights[cut],
        hedged_returns=None if whole.hedged_returns is None else whole.hedged_returns[cut],
    )


def _linked(daily: BenchmarkReturns, rows: npt.NDArray[np.intp]) -> BenchmarkReturns:
    """From each of some days to the next, where others lie between; weights are those that the span opens at."""
    opened = np.concatenate((rows[:1], rows[:-1] + 1))

    def link(returns: Floats) -> Floats:
        return _frozen(np.asarray(np.multiply.reduceat(1.0 + returns, opened, axis=0) - 1.0))

    return replace(
        daily,
        returns=link(daily.returns),
        component_returns=link(daily.component_returns),
        component_weights=_frozen(daily.component_weights[opened]),
        hedged_returns=None if daily.hedged_returns is None else link(daily.hedged_returns),
    )


@lru_cache(maxsize=32)
def _whole(pack: PricingPack, chain_hash: str, chosen: Choice, base_currency: str) -> BenchmarkReturns:
    """On all days that the pack sees: portfolios that share a benchmark cut theirs out of it."""
    return _load(pack, chosen, base_currency, market.history(pack).dates)


def _load(pack: PricingPack, chosen: Choice, base_currency: str, days: Days) -> BenchmarkReturns:
    symbols = tuple(symbol for symbol, _ in chosen.components)
    described, actions = _read(pack, pack.chain_hash, symbols)
    parts = [Component(*described[symbol][:4], float(weight)) for symbol, weight in chosen.components]
    bases = [described[symbol][4] for symbol in symbols]
    seen = market.history(pack)
    rates = _one_month(pack, chosen, {base_currency, *(part.currency for part in parts)}, seen.dates)
    return compute(seen, parts, bases, actions, chosen, base_currency, days, rates)


def _one_month(
    pack: PricingPack, chosen: Choice, currencies: Collection[str], days: Days
) -> dict[str, tuple[Floats, tuple[str, ...]]]:
    """Of each currency whose one-month rate the pack has: the yearly rate known on each day, and whose it is."""
    found = {}
    for currency, series in chosen.one_month if len(currencies) > 1 else ():
        if currency in currencies:
            try:
                known = market.series(pack, series, dates=days)
            except market.MissingSeries:
                continue
            found[currency] = (np.asarray(known.value) / 100.0, known.sources)
    return found


@lru_cache(maxsize=16)
def _read(
    pack: PricingPack, chain_hash: str, symbols: tuple[str, ...]
) -> tuple[Mapping[str, tuple[str, str, str, str, str]], tuple[KnownAction, ...]]:
    """What the securities are, and their actions; a pack's chain hash pins both, and many portfolios share a benchmark."""
    rows = Security.objects.filter(symbol__in=symbols).values_list(
        "symbol", "currency", "kind", "exchange", "price_basis"
    )
    return {row[0]: row for row in rows}, tuple(each for each in market.actions(pack) if each.symbol in symbols)


def compute(
    seen: History,
    parts: Sequence[Component],
    bases: Sequence[str],
    actions: Sequence[KnownAction],
    chosen: Choice,
    base_currency: str,
    days: Days,
    one_month: Mapping[str, tuple[Floats, tuple[str, ...]]] = MappingProxyType({}),
) -> BenchmarkReturns:
    """Pure. The composite of the parts, whose price bases are `bases`.

    one_month  by currency (D,) its yearly one-month rate on the days of `seen`, and the providers

    Monthly and quarterly weights count from the first pack of the period in which the portfolio began, so that all portfolios
    have the same benchmark; without rebalancing they can only count from the portfolio's own first day. Row 0 is measured from
    the pack before it and NaN where there is none.
    """
    D = len(days)
    degraded = tuple(sorted({DEGRADED[basis] for basis in bases if basis in DEGRADED}))
    first = int(np.searchsorted(seen.dates, days[0])) if D else 0
    since = _period_start(seen.dates, first, chosen.rebalance)
    columns, hedged, missing, reason, sources = [], [], [], "", set[str]()
    for part, basis in zip(parts, bases, strict=True):
        try:
            known_actions = [each for each in actions if each.symbol == part.symbol]
            local, fx = _returns(seen, part, basis, known_actions, base_currency)
            column, sold_forward = (1.0 + local) * (1.0 + fx) - 1.0, local
            if part.currency != base_currency:
                pair = [one_month.get(code, _NO_RATE) for code in (base_currency, part.currency)]
                sold_forward = _hedged(seen.dates, local, fx, *(rate for rate, _ in pair))
                sources |= {source for _, providers in pair for source in providers}
            own = seen.close_sources[seen.symbols.index(part.symbol)]
            rates = [code for code in (part.currency, base_currency) if part.currency != base_currency]
            sources |= {*own, *(each for code in rates for each in seen.fx_sources[seen.currency(code)])}
        except (MissingPrice, MissingRate) as absent:
            column = sold_forward = np.full(len(seen.dates), np.nan)
            reason = "missing_benchmark_rate" if isinstance(absent, MissingRate) else reason
        if np.isnan(column[max(first, 1) :]).any():
            missing.append(part.symbol)
        columns.append(column[since:])
        hedged.append(sold_forward[since:])
    table = np.column_stack(columns)
    known = _known_from(table)
    returns, weights = np.full(len(table), np.nan), np.full(table.shape, np.nan)
    if known < len(table):
        rebalanced = _rebalanced(seen.dates[since:], chosen.rebalance)[known:]
        target = np.array([part.weight for part in parts])
        weights[known:] = _opening_weights(table[known:], target, rebalanced)
        if chosen.rebalance == Rebalance.DAILY or len(parts) == 1:
            returns[known:] = table[known:] @ target
        else:
            returns[known:] = composite_returns(table[known:], target, rebalanced)
    own_days = slice(first - since, first - since + D)
    is_hedged = (weights * np.column_stack(hedged)).sum(axis=1)[own_days]
    return BenchmarkReturns(
        name=chosen.name,
        returns=_frozen(returns[own_days]),
        degraded=degraded,
        reason=(reason or "missing_benchmark_price") if missing else "",
        sources=tuple(sorted(sources)),
        missing=tuple(missing),
        components=tuple(parts),
        component_returns=_frozen(table[own_days]),
        component_weights=_frozen(weights[own_days]),
        definition=chosen.definition,
        hedged_returns=None if np.isnan(is_hedged).all() else _frozen(is_hedged),
    )


_NO_RATE: tuple[Floats, tuple[str, ...]] = (np.array(np.nan), ())


def _hedged(dates: Days, local: Floats, fx: Floats, base_rate: Floats, foreign_rate: Floats) -> Floats:
    """(D,) return of each day with the value of the day before sold forward to it, at the rates known then; else NaN."""
    base, foreign = (np.broadcast_to(rate, local.shape)[:-1] for rate in (base_rate, foreign_rate))
    elapsed = np.diff(dates).astype(np.int64)
    known = np.isfinite(local[1:]) & np.isfinite(fx[1:]) & np.isfinite(base) & np.isfinite(foreign)
    found = np.full(len(local), np.nan)
    for days in np.unique(elapsed[known]):
        rows = np.flatnonzero(known & (elapsed == days))
        found[rows + 1] = hedged_returns(
            local[rows + 1], fx[rows + 1], base[rows], foreign[rows], years=float(days) / 365
        )
    return found


def _returns(
    seen: History, part: Component, basis: str, actions: Sequence[KnownAction], base_currency: str
) -> tuple[Floats, Floats]:
    """(D,) return of each pack day from the one before, in its own currency, and of that in the base currency.

    NaN on the first day, and without close or rate.

    raises   MissingPrice, MissingRate where the history has nothing of it at all
    """
    if part.symbol not in seen.symbols:
        raise MissingPrice(part.symbol, seen.dates[-1].item())
    close = seen.close[:, seen.symbols.index(part.symbol)]
    rate = np.ones(len(close)) if part.currency == base_currency else seen.fx(part.currency, base_currency)
    ratio, paid = np.ones(len(close)), np.zeros(len(close))
    for action in actions if basis == PriceBasis.RAW else ():
        day = int(np.searchsorted(seen.dates, np.datetime64(action.ex_date)))
        if day == len(close):
            continue
        if action.ratio is not None:
            ratio[day] *= float(action.ratio)
        elif action.amount is not None:
            in_part = action.currency == part.currency
            paid[day] += float(action.amount) * (1.0 if in_part else seen.fx(action.currency, part.currency)[day])
    local, fx = np.full(len(close), np.nan), np.full(len(close), np.nan)
    local[1:] = (close * ratio + paid)[1:] / close[:-1] - 1.0
    fx[1:] = rate[1:] / rate[:-1] - 1.0
    return local, fx


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


def _rebalanced(dates: Days, rebalance: str) -> npt.NDArray[np.bool_]:
    """(D,) the day opens at the weights again."""
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


def _frozen(array: Floats) -> Floats:
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array
