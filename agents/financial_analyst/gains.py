"""What was gained and how the value moved: the money bridge of a period, gains since purchase, and those of a tax year."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from agents.bounds import Day, TaxYearNumber
from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio import valuation
from portfolio.valuation import bridge, closed_holdings, gains, income, realised_lots
from portfolio.valuation.tax_years import Begins

GAINS_TTL_S = 300
Data = TypeVar("Data")


@capability("portfolio.money_bridge", agent="financial_analyst")
def money_bridge(
    ctx: RequestContext, *, positions: valuation.Positions, from_date: Day | None = None, to_date: Day | None = None
) -> Result[bridge.MoneyBridge]:
    """From the close before `from_date` (None: since inception) to that of `to_date` (None: the as-of date)."""
    opening = None if from_date is None else from_date - timedelta(days=1)
    period = bridge.between(positions.book, ctx.market.history, opening=opening, closing=to_date)
    return _result(ctx, period, positions)


@capability("portfolio.money_bridges", agent="financial_analyst")
def money_bridges(ctx: RequestContext, *, positions: valuation.Positions) -> Result[bridge.Bridges]:
    """Since inception, year to date and of the last pack day."""
    return _result(ctx, bridge.overview(positions.book, ctx.market.history), positions)


@capability("portfolio.gains", agent="financial_analyst")
def since_purchase(ctx: RequestContext, *, positions: valuation.Positions) -> Result[gains.Gains]:
    """Realised and unrealised since purchase, and income; by currency and by security."""
    return _result(ctx, gains.compute(positions.book, ctx.market.history), positions)


@dataclass(frozen=True, slots=True)
class ClosedHoldings:
    rows: tuple[closed_holdings.ClosedHolding, ...]
    """That which was sold last first."""


@capability("portfolio.closed_holdings", agent="financial_analyst")
def sold_out(ctx: RequestContext, *, positions: valuation.Positions) -> Result[ClosedHoldings]:
    """What was held and is held no more, with its realised gain and income."""
    return _result(ctx, ClosedHoldings(closed_holdings.find_closed(positions.book, ctx.market.history)), positions)


@capability("portfolio.income", agent="financial_analyst")
def received(ctx: RequestContext, *, positions: valuation.Positions) -> Result[income.IncomeRecord]:
    """Dividends and interest received, by month, year and security."""
    return _result(ctx, income.record(positions, ctx.market.history), positions)


@capability("tax.realized_gains", agent="financial_analyst")
def realised_in_year(
    ctx: RequestContext,
    *,
    positions: valuation.Positions,
    tax_year: TaxYearNumber | None = None,
    begins: Begins = "01-01",
) -> Result[realised_lots.RealisedYear]:
    """What was sold in a tax year, lot by lot as booked, and the gain of each year."""
    return _result(
        ctx, realised_lots.of_year(positions.book, ctx.market.history, year=tax_year, begins=begins), positions
    )


@capability("tax.income", agent="financial_analyst")
def received_in_year(
    ctx: RequestContext,
    *,
    positions: valuation.Positions,
    tax_year: TaxYearNumber | None = None,
    begins: Begins = "01-01",
) -> Result[income.IncomeYear]:
    """Dividends and interest of a tax year, by month and payer: gross, withheld, net."""
    return _result(ctx, income.of_year(positions, ctx.market.history, year=tax_year, begins=begins), positions)


def _result(ctx: RequestContext, data: Data, positions: valuation.Positions) -> Result[Data]:
    providers = valuation.sources(positions.book, ctx.market.history)
    return Result(data, sources=tuple(sorted({"ledger", *providers})), asof=ctx.asof_date, ttl=GAINS_TTL_S)
