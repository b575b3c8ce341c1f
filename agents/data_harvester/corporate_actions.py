"""Corporate actions of what is or was held, and what they mean for the portfolio."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from agents.bounds import Day, DaysAhead
from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio import valuation
from portfolio.valuation import coming_actions
from portfolio.valuation.coming_actions import ActionImpacts, HeldActions
from pricing import market
from pricing.models import Security

ACTIONS_TTL_S = 3600
AROUND = timedelta(days=90)
"""How far before and after the as-of date, where no day is given."""


@dataclass(frozen=True, slots=True)
class EarningsDates:
    """When companies report. Packs hold no such dates, so there are none: `status` says so."""

    status: str
    reason: str


@capability("corporate_actions.upcoming", agent="data_harvester")
def upcoming(ctx: RequestContext, *, positions: valuation.Positions, days_ahead: DaysAhead = 90) -> Result[HeldActions]:
    """What is announced with an ex-date after the as-of date."""
    first = ctx.asof_date + timedelta(days=1)
    return _load(ctx, positions, first, ctx.asof_date + timedelta(days=days_ahead))


@capability("corporate_actions.dividends", agent="data_harvester")
def dividends(
    ctx: RequestContext, *, positions: valuation.Positions, from_date: Day | None = None, to_date: Day | None = None
) -> Result[HeldActions]:
    """Dividends with an ex-date between two days; without them, ninety days around the as-of date."""
    return _load(ctx, positions, from_date, to_date, kinds=("dividend",))


@capability("corporate_actions.splits", agent="data_harvester")
def splits(
    ctx: RequestContext, *, positions: valuation.Positions, from_date: Day | None = None, to_date: Day | None = None
) -> Result[HeldActions]:
    """Splits between two days; without them, ninety days around the as-of date."""
    return _load(ctx, positions, from_date, to_date, kinds=("split",))


@capability("corporate_actions.earnings", agent="data_harvester")
def earnings(ctx: RequestContext) -> Result[EarningsDates]:
    """When companies report: no source of packs says."""
    dates = EarningsDates("unavailable", "no_source(earnings)")
    return Result(dates, sources=(), asof=ctx.asof_date, ttl=ACTIONS_TTL_S)


@capability("corporate_actions.calculate_impact", agent="data_harvester")
def calculate_impact(
    ctx: RequestContext, *, actions: HeldActions, positions: valuation.Positions
) -> Result[ActionImpacts]:
    """Units on each ex-date, and the dividends or new units of them."""
    impacts = coming_actions.impacts(actions, positions.book, ctx.market.asof)
    return Result(impacts, sources=tuple(sorted({"ledger", *impacts.sources})), asof=ctx.asof_date, ttl=ACTIONS_TTL_S)


def _load(
    ctx: RequestContext,
    positions: valuation.Positions,
    first: date | None,
    last: date | None,
    kinds: Collection[str] = coming_actions.KINDS,
) -> Result[HeldActions]:
    ids = {lot.security for lot in positions.book.lots}
    securities = dict(Security.objects.filter(pk__in=ids).values_list("symbol", "pk"))
    held_actions = coming_actions.between(
        market.actions(ctx.pack),
        securities,
        asof_date=ctx.asof_date,
        first=first or ctx.asof_date - AROUND,
        last=last or ctx.asof_date + AROUND,
        kinds=kinds,
    )
    read = {action.source for action in (*held_actions.actions, *held_actions.splits_ahead)}
    return Result(held_actions, sources=tuple(sorted({"ledger", *read})), asof=ctx.asof_date, ttl=ACTIONS_TTL_S)
