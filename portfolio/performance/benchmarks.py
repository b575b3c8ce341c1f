"""What a portfolio is measured against: its benchmark's returns on the portfolio's own pack days, in its base currency."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats
from portfolio.models import BenchmarkComponent, OneMonthRate, Rebalance
from portfolio.performance import composite
from portfolio.performance.benchmark_index import BenchmarkReturns, Component
from portfolio.performance.composite import BenchmarkDefinition
from portfolio.valuation import Days
from pricing import market
from pricing.fx import MissingRate
from pricing.market import MissingPrice
from pricing.models import PricingPack, PricingPolicy, Security
from pricing.packs.rows import KnownAction


def read_definition(benchmark_id: int | None) -> BenchmarkDefinition | None:
    """A portfolio's benchmark as staff define it now; None where the portfolio has none."""
    if benchmark_id is None:
        return None
    components = BenchmarkComponent.objects.filter(benchmark=benchmark_id).order_by()  # `define` puts them in order
    rows = list(components.values_list("benchmark__name", "benchmark__rebalance", "security__symbol", "weight"))
    (name, rebalance, *_), *_ = rows
    rates = OneMonthRate.objects.order_by().values_list("currency", "series_id")
    return composite.define(name, rebalance, [(symbol, weight) for *_, symbol, weight in rows], rates)


def find_unpriced(*, policy: PricingPolicy, securities: Iterable[Security]) -> list[MissingPrice | MissingRate]:
    """What would keep the next packs of the policy from being sealed, were these required: of those listed on the day of its
    newest sealed pack, each that has no close there, or none of whose currency in the policy's pivot."""
    newest = (
        PricingPack.objects.filter(policy=policy, sequence__isnull=False).order_by("-asof_date", "-sequence").first()
    )
    if newest is None:
        return []
    closing, missing = market.as_of(newest), list[MissingPrice | MissingRate]()
    for each in securities:
        if not each.first_date <= closing.asof_date <= (each.last_date or closing.asof_date):
            continue
        try:
            closing.close(each.pk, each.symbol)
            market.legs_between(closing, each.currency, closing.pivot)
        except (MissingPrice, MissingRate) as absent:
            missing.append(absent)
    return missing


def load(
    pack: PricingPack, definition: BenchmarkDefinition | None, base_currency: str, days: Days
) -> BenchmarkReturns | None:
    """The benchmark's return to each of `days`, which are days of the pack's history, from the one before; of the first from
    the pack day before it. None without a definition."""
    if definition is None:
        return None
    dates = market.history(pack).dates
    rows = np.searchsorted(dates, days)
    first, after = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 0)
    if definition.rebalance == Rebalance.NEVER:  # the weights depend on the portfolio's own first day
        daily = compute_on(pack, definition, base_currency, dates[first:after])
    else:
        daily = _cut(_whole(pack, pack.chain_hash, definition, base_currency), first, after)
    return daily if after - first == len(rows) else _linked(daily, rows - first)


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
    opening_rows = np.concatenate((rows[:1], rows[:-1] + 1))

    def link(returns: Floats) -> Floats:
        return composite.frozen(np.asarray(np.multiply.reduceat(1.0 + returns, opening_rows, axis=0) - 1.0))

    return replace(
        daily,
        returns=link(daily.returns),
        component_returns=link(daily.component_returns),
        component_weights=composite.frozen(daily.component_weights[opening_rows]),
        hedged_returns=None if daily.hedged_returns is None else link(daily.hedged_returns),
    )


@lru_cache(maxsize=32)
def _whole(pack: PricingPack, chain_hash: str, definition: BenchmarkDefinition, base_currency: str) -> BenchmarkReturns:
    """On all days that the pack sees: portfolios that share a benchmark cut theirs out of it."""
    return compute_on(pack, definition, base_currency, market.history(pack).dates)


def compute_on(pack: PricingPack, definition: BenchmarkDefinition, base_currency: str, days: Days) -> BenchmarkReturns:
    """The benchmark on `days` alone, each time anew; `load` cuts it out of what portfolios share."""
    symbols = tuple(symbol for symbol, _ in definition.components)
    securities, actions = read_securities(pack, pack.chain_hash, symbols)
    parts = [Component(*securities[symbol][:4], float(weight)) for symbol, weight in definition.components]
    bases = [securities[symbol][4] for symbol in symbols]
    history = market.history(pack)
    rates = one_month_rates(pack, definition, {base_currency, *(part.currency for part in parts)}, history.dates)
    return composite.compute(history, parts, bases, actions, definition, base_currency, days, rates)


def one_month_rates(
    pack: PricingPack, definition: BenchmarkDefinition, currencies: Collection[str], days: Days
) -> dict[str, tuple[Floats, tuple[str, ...]]]:
    """By currency the yearly one-month rate known on each day, and its providers; only currencies whose rate the pack has."""
    rates = {}
    for currency, series in definition.one_month if len(currencies) > 1 else ():
        if currency in currencies:
            try:
                rate_series = market.series(pack, series, dates=days)
            except market.MissingSeries:
                continue
            rates[currency] = (np.asarray(rate_series.value) / 100.0, rate_series.sources)
    return rates


@lru_cache(maxsize=16)
def read_securities(
    pack: PricingPack, chain_hash: str, symbols: tuple[str, ...]
) -> tuple[Mapping[str, tuple[str, str, str, str, str]], tuple[KnownAction, ...]]:
    """What the securities are, and their actions; a pack's chain hash pins both, and many portfolios share a benchmark."""
    rows = Security.objects.filter(symbol__in=symbols).values_list(
        "symbol", "currency", "kind", "exchange", "price_basis"
    )
    return {row[0]: row for row in rows}, tuple(each for each in market.actions(pack) if each.symbol in symbols)
