"""Where the return came from."""

from dataclasses import dataclass

from agents.bounds import LookbackDays
from agents.financial_analyst.performance import PERFORMANCE_TTL_S, HistoricalNav
from agents.registry import capability
from agents.result import RequestContext, Result
from config.counts import number_of
from portfolio.performance import brinson as decisions
from portfolio.performance import contributions, currency_attribution, windows
from portfolio.performance.brinson import BrinsonAttribution, SegmentBy
from portfolio.performance.contributions import Contributions
from portfolio.performance.currency_attribution import CurrencyAttribution
from portfolio.performance.measures import Window
from portfolio.performance.windows import Span


@dataclass(frozen=True, slots=True)
class CurrencyViews:
    """Since inception, and over the look-back; the latter is the whole life where the portfolio is younger."""

    since_inception: CurrencyAttribution
    lookback: CurrencyAttribution


@capability("attribution.currency", agent="financial_analyst")
def currency(ctx: RequestContext, *, nav: HistoricalNav, lookback_days: LookbackDays) -> Result[CurrencyViews]:
    """Local, FX and interaction, headline and per holding and currency; `lookback_days` counts pack days."""
    whole, recent, warnings = spans(ctx, nav, lookback_days)
    return Result(
        CurrencyViews(
            currency_attribution.attribute(nav.life, whole, nav.benchmark),
            currency_attribution.attribute(nav.life, recent, nav.benchmark),
        ),
        sources=nav.sources(benchmark=True),
        asof=ctx.asof_date,
        ttl=PERFORMANCE_TTL_S,
        warnings=warnings,
    )


@dataclass(frozen=True, slots=True)
class ContributionViews:
    """Since inception, and over the look-back; the latter is the whole life where the portfolio is younger."""

    since_inception: Contributions
    lookback: Contributions


@capability("attribution.contribution", agent="financial_analyst")
def contribution(ctx: RequestContext, *, nav: HistoricalNav, lookback_days: LookbackDays) -> Result[ContributionViews]:
    """What each holding, cash and fees added to the return; `lookback_days` counts pack days."""
    whole, recent, warnings = spans(ctx, nav, lookback_days)
    return Result(
        ContributionViews(contributions.contribute(nav.life, whole), contributions.contribute(nav.life, recent)),
        sources=nav.life.sources,
        asof=ctx.asof_date,
        ttl=PERFORMANCE_TTL_S,
        warnings=warnings,
    )


@dataclass(frozen=True, slots=True)
class BrinsonViews:
    """Since inception, and over the look-back; the latter is the whole life where the portfolio is younger."""

    since_inception: BrinsonAttribution
    lookback: BrinsonAttribution


@capability("attribution.brinson", agent="financial_analyst")
def brinson(
    ctx: RequestContext, *, nav: HistoricalNav, lookback_days: LookbackDays, by: SegmentBy = "currency"
) -> Result[BrinsonViews]:
    """The excess over the benchmark by decision and segment: `by` currency, kind or exchange."""
    whole, recent, warnings = spans(ctx, nav, lookback_days)
    kinds = {each.symbol: (each.kind, each.exchange) for each in nav.securities.values()}
    since, lately = (decisions.attribute(nav.life, span, nav.benchmark, by=by, kinds=kinds) for span in (whole, recent))
    return Result(
        BrinsonViews(since, lately),
        sources=nav.sources(benchmark=True),
        asof=ctx.asof_date,
        ttl=PERFORMANCE_TTL_S,
        warnings=warnings,
    )


def spans(ctx: RequestContext, nav: HistoricalNav, lookback_days: int) -> tuple[Span, Span, tuple[str, ...]]:
    """Since inception, the look-back, and what to warn of."""
    whole = windows.span_of(nav.life, Window.INCEPTION)
    if whole is None:
        empty = windows.empty(ctx.asof_date)
        return empty, empty, ()
    recent = windows.last_days(nav.life, lookback_days)
    warnings = () if recent else (f"the portfolio is younger than {number_of(lookback_days, 'pack day')}",)
    return whole, recent or whole, warnings
