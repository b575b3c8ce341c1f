"""What is held, and its value at the pack."""

from dataclasses import replace
from uuid import UUID

from agents.registry import capability
from agents.result import RequestContext, Result
from config.counts import number_of
from portfolio import valuation
from portfolio.valuation import conversion, deal_rates
from pricing.models import QuoteUnit, Security

HOLDINGS_TTL_S = 60


@capability("ledger.positions", agent="financial_analyst")
def positions(ctx: RequestContext, *, portfolio_id: UUID) -> Result[valuation.Positions]:
    """Open lots grouped by security, and cash, at the close of the as-of date."""
    book = ctx.book
    security_ids = {lot.security for lot in book.lots} | {event.security for event in book.events if event.security}
    rows = Security.objects.filter(id__in=security_ids).values_list("id", "symbol", "name", "currency", "quote_unit")
    described = {security_id: (symbol, name, currency) for security_id, symbol, name, currency, _ in rows}
    in_percent = {security_id for security_id, *_, unit in rows if unit == QuoteUnit.PERCENT_OF_NOMINAL}
    lacking = any(
        lot.layers
        or (lot.fx_to_base is None and lot.currency != book.base_currency)
        or (lot.security in described and described[lot.security][2] != lot.currency)
        for lot in book.lots
    )
    rates = None
    if lacking or book.trade_fx == "fixing":
        rates = deal_rates.DealRates(ctx.market.history, book.base_currency, book.trade_fx)
    grouped = valuation.positions(book, ctx.asof_date, described, rates, clean_priced=in_percent)
    sources = ("ledger", *(rates.sources if rates else ()))
    return Result(grouped, sources=tuple(sorted(sources)), asof=ctx.asof_date, ttl=HOLDINGS_TTL_S)


@capability("pricing.apply_pack", agent="financial_analyst")
def apply_pack(ctx: RequestContext, *, positions: valuation.Positions) -> Result[valuation.ValuedPositions]:
    """The positions at the closes and rates of the pack."""
    valued = valuation.apply(positions, ctx.market.asof)
    warnings = tuple(
        f"{row.symbol}: close of {row.observed_date.isoformat()}, "
        + (
            f"{number_of(row.age_sessions, 'session')} old"
            if row.age_sessions
            else f"carried for {number_of(row.age_days, 'day')} since it was delisted"
        )
        for row in valued.positions
        if row.age_sessions or row.reason == valuation.DELISTED
    )
    return Result(valued, sources=valued.sources, asof=ctx.asof_date, ttl=HOLDINGS_TTL_S, warnings=warnings)


@capability("portfolio.get_valued_positions", agent="financial_analyst")
def get_valued_positions(ctx: RequestContext, *, portfolio_id: UUID) -> Result[valuation.ValuedPositions]:
    """What is held at the closes and rates of the pack, for a pattern that needs no step for what is held alone."""
    book = positions(ctx, portfolio_id=portfolio_id)
    valued = apply_pack(ctx, positions=book.data)
    return replace(valued, sources=tuple(sorted({*book.sources, *valued.sources})))


@capability("portfolio.converted_value", agent="financial_analyst")
def converted_value(
    ctx: RequestContext, *, valued: valuation.ValuedPositions, currency: str | None = None
) -> Result[conversion.ConvertedValue]:
    """The value in another currency, at the rates of the pack; without one, in the base currency."""
    converted = conversion.convert(valued, ctx.market.asof, currency or valued.currency)
    sources = tuple(sorted({each.source for each in converted.fixings}))
    return Result(converted, sources=sources, asof=ctx.asof_date, ttl=HOLDINGS_TTL_S)
