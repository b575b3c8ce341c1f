"""What the days of a benchmark are made of, loaded for an explanation."""

import numpy as np

from agents.result import RequestContext
from portfolio.explanation.benchmark_days import BenchmarkDays
from portfolio.explanation.market_terms import MarketTerms
from portfolio.models import Rebalance
from portfolio.performance import benchmarks
from portfolio.valuation import ValueHistory


def load(ctx: RequestContext, market: MarketTerms, history: ValueHistory) -> BenchmarkDays | None:
    """The benchmark of an execution on each pack day: from the portfolio's first day where its weights count from there, else
    from the first pack on. None without a benchmark, or before anything was booked."""
    definition = ctx.market.reference_series.benchmark
    if definition is None or not len(history.dates):
        return None
    dates, first = market.market.dates, 0
    if definition.rebalance == Rebalance.NEVER:
        first = int(np.searchsorted(dates, history.dates[0]))
    daily = ctx.market.benchmark(market.base, dates[first:])
    symbols = tuple(symbol for symbol, _ in definition.components)
    securities, actions = benchmarks.read_securities(ctx.pack, ctx.pack.chain_hash, symbols)
    bases = {symbol: securities[symbol][4] for symbol in symbols}
    currencies = {market.base, *(part.currency for part in daily.components)}
    rates = benchmarks.one_month_rates(ctx.pack, definition, currencies, dates)
    one_month = {currency: np.broadcast_to(rate, dates.shape) for currency, (rate, _) in rates.items()}
    return BenchmarkDays(market, definition, daily, first, bases, actions, one_month)
