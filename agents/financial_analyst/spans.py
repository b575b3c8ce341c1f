"""What the owner's pages ask over a span of days: performance, months, leading holdings."""

from dataclasses import dataclass

from agents.bounds import Day
from agents.financial_analyst.performance import PERFORMANCE_TTL_S, HistoricalNav
from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio import valuation
from portfolio.performance import calendar_months as months_of
from portfolio.performance import day_span, leading_holdings, range_performance, return_line, trading_days
from portfolio.performance.calendar_months import YearOfMonths
from portfolio.performance.day_span import DaySpan, Range
from portfolio.performance.leading_holdings import LeadingHolding
from portfolio.performance.range_performance import RangePerformance
from portfolio.performance.return_line import ReturnLine
from portfolio.performance.trading_days import TradingDay


@capability("portfolio.span", agent="financial_analyst")
def span(ctx: RequestContext, *, range: Range = "max", from_date: Day | None = None) -> Result[DaySpan]:
    """The days of a range up to the as-of date, or from `from_date` on."""
    return Result(
        day_span.choose(range, ctx.asof_date, from_date), sources=(), asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S
    )


@capability("metrics.over_span", agent="financial_analyst")
def over_span(ctx: RequestContext, *, nav: HistoricalNav, span: DaySpan) -> Result[RangePerformance]:
    """Returns of the span, the benchmark's beside them, its drawdowns, and the series of a chart."""
    figures = range_performance.measure(nav.life, span, nav.benchmark)
    return Result(figures, sources=nav.sources(benchmark=True), asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)


@capability("metrics.return_line", agent="financial_analyst")
def line(ctx: RequestContext, *, performance: RangePerformance) -> Result[ReturnLine]:
    """The return of a span as a line that is small enough for a list."""
    return Result(return_line.thin(performance), sources=(), asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)


@dataclass(frozen=True, slots=True)
class Trades:
    days: tuple[TradingDay, ...]
    """Those of the span, rising."""


@capability("portfolio.trades", agent="financial_analyst")
def trades(ctx: RequestContext, *, nav: HistoricalNav, performance: RangePerformance) -> Result[Trades]:
    """What was bought and sold on which days of a span."""
    symbols = {pk: security.symbol for pk, security in nav.securities.items()}
    days = trading_days.find(ctx.book.events, symbols, performance)
    return Result(Trades(days), sources=("ledger",), asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)


@dataclass(frozen=True, slots=True)
class CalendarMonths:
    years: tuple[YearOfMonths, ...]
    """The newest first."""


@capability("metrics.calendar_months", agent="financial_analyst")
def calendar_months(ctx: RequestContext, *, nav: HistoricalNav) -> Result[CalendarMonths]:
    """The time-weighted return of each month and year."""
    months = CalendarMonths(months_of.calendar_months(nav.life))
    return Result(months, sources=nav.life.sources, asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)


@dataclass(frozen=True, slots=True)
class Holdings:
    rows: tuple[LeadingHolding, ...]
    """The greatest value first."""
    largest: tuple[LeadingHolding, ...]
    """The first ten of them."""


@capability("portfolio.leading_holdings", agent="financial_analyst")
def leading(
    ctx: RequestContext, *, valued: valuation.ValuedPositions, nav: HistoricalNav, span: DaySpan
) -> Result[Holdings]:
    """The holdings, with what each returned and added over the span."""
    rows = leading_holdings.rank(valued.positions, nav.life, span)
    sources = tuple(sorted({*valued.sources, *nav.life.sources}))
    return Result(Holdings(rows, rows[:10]), sources=sources, asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)
