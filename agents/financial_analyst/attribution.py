"""Where the return came from."""

from dataclasses import dataclass

from agents.financial_analyst.performance import PERFORMANCE_TTL_S, HistoricalNav
from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio.performance import attribution, metrics


@dataclass(frozen=True, slots=True)
class CurrencyViews:
    """Since inception, and over the look-back; the latter is the whole life where the portfolio is younger."""

    since_inception: attribution.CurrencyAttribution
    lookback: attribution.CurrencyAttribution


@capability("attribution.currency", agent="financial_analyst")
def currency(ctx: RequestContext, *, nav: HistoricalNav, lookback_days: int) -> Result[CurrencyViews]:
    """Local, FX and interaction, headline and per holding and currency; `lookback_days` counts pack days."""
    whole, recent, warnings = _spans(ctx, nav, lookback_days)
    return Result(
        CurrencyViews(
            attribution.currency(nav.life, whole, nav.benchmark), attribution.currency(nav.life, recent, nav.benchmark)
        ),
        sources=nav.sources(benchmark=True),
        asof=ctx.asof_date,
        ttl=PERFORMANCE_TTL_S,
        warnings=warnings,
    )


@dataclass(frozen=True, slots=True)
class ContributionViews:
    """Since inception, and over the look-back; the latter is the whole life where the portfolio is younger."""

    since_inception: attribution.Contributions
    lookback: attribution.Contributions


@capability("attribution.contribution", agent="financial_analyst")
def contribution(ctx: RequestContext, *, nav: HistoricalNav, lookback_days: int) -> Result[ContributionViews]:
    """What each holding, cash and fees added to the return; `lookback_days` counts pack days."""
    whole, recent, warnings = _spans(ctx, nav, lookback_days)
    return Result(
        ContributionViews(attribution.contribution(nav.life, whole), attribution.contribution(nav.life, recent)),
        sources=nav.life.sources,
        asof=ctx.asof_date,
        ttl=PERFORMANCE_TTL_S,
        warnings=warnings,
    )


@dataclass(frozen=True, slots=True)
class BrinsonViews:
    """Since inception, and over the look-back; the latter is the whole life where the portfolio is younger."""

    since_inception: attribution.BrinsonAttribution
    lookback: attribution.BrinsonAttribution


@capability("attribution.brinson", agent="financial_analyst")
def brinson(
    ctx: RequestContext, *, nav: HistoricalNav, lookback_days: int, by: attribution.SegmentBy = "currency"
) -> Result[BrinsonViews]:
    """The excess over the benchmark by decision and segment: `by` currency, kind or exchange."""
    whole, recent, warnings = _spans(ctx, nav, lookback_days)
    since, lately = (
        attribution.brinson(nav.life, span, nav.benchmark, by=by, described=nav.described) for span in (whole, recent)
    )
    return Result(
        BrinsonViews(since, lately),
        sources=nav.sources(benchmark=True),
        asof=ctx.asof_date,
        ttl=PERFORMANCE_TTL_S,
        warnings=warnings,
    )


def _spans(
    ctx: RequestContext, nav: HistoricalNav, lookback_days: int
) -> tuple[metrics.Window, metrics.Window, tuple[str, ...]]:
    """Since inception, the look-back, and what to warn of."""
    whole = metrics.window(nav.life, "itd")
    if whole is None:
        none = metrics.nothing(ctx.asof_date)
        return none, none, ()
    recent = metrics.last_observations(nav.life, lookback_days)
    warnings = () if recent else (f"the portfolio is younger than {lookback_days} pack days",)
    return whole, recent or whole, warnings
