"""Some capabilities load, recorded ones ask the world; all others compute from what they are handed and the context's market."""

import pytest
from django.db import connection

from agents import registry
from agents.result import RequestContext
from execution.executor.market_view import MarketView
from execution.executor.reference_series import ReferenceSeries
from portfolio import books
from portfolio.models import Portfolio
from portfolio.performance import benchmarks, factor_series, risk_free_rates
from pricing.models import PricingPack, Security

LOADING = (
    "ledger.positions", "portfolio.historical_nav", "portfolio.get_valued_positions", "macro.get_indicators",
    "macro.holding_history", "macro.get_regime_history", "cycles.history",
    "corporate_actions.upcoming", "corporate_actions.dividends", "corporate_actions.splits",
    "fundamentals.load", "get_security_fundamentals", "securities.classifications", "get_comparable_positions",
)  # fmt: skip


def refuse(execute, sql, params, many, context):
    raise AssertionError(f"the database is asked: {sql}")


@pytest.mark.role("job")
def test_a_capability_that_computes_opens_no_database(demo):
    portfolio = Portfolio.objects.get(slug="public")
    pack = PricingPack.objects.filter(policy=portfolio.policy_id).order_by("sequence").last()
    chosen = ReferenceSeries(
        risk_free_rates.read_series(portfolio.base_currency),
        benchmarks.read_definition(portfolio.benchmark_id),
        factor_series.read_choices(),
    )
    revision = books.newest_reconciled(portfolio)
    ctx = RequestContext(
        portfolio_id=portfolio.pk, asof_date=pack.asof_date, pricing_pack_id=pack.pk,
        base_currency=portfolio.base_currency, ledger_commit_hash=revision.commit, portfolio=portfolio, pack=pack,
        revision=revision, market=MarketView(pack, chosen),
    )  # fmt: skip
    positions, nav = (registry.get(name)(ctx, portfolio_id=portfolio.pk).data for name in LOADING[:2])
    indicators = registry.get("macro.get_indicators")(ctx).data
    holdings = registry.get("macro.holding_history")(ctx, positions=positions).data
    actions = registry.get("corporate_actions.upcoming")(ctx, positions=positions).data
    regime_history, cycle_history = (
        registry.get(name)(ctx).data for name in ("macro.get_regime_history", "cycles.history")
    )
    classified = registry.get("securities.classifications")(ctx, positions=positions).data
    assert ctx.market.asof.asof_date == pack.asof_date
    state = {"positions": positions, "nav": nav, "indicators": indicators, "holdings": holdings, "lookback_days": 252}
    state |= {
        "classified": classified,
        "actions": actions,
        "regime_history": regime_history,
        "cycle_history": cycle_history,
    }
    state["security_id"] = Security.objects.get(symbol=positions.positions[0].symbol).pk
    state["scenario_id"] = "equity_selloff"
    state["news_items"] = registry.get("news.search")(ctx, entities=()).data

    with connection.execute_wrapper(refuse):
        state["span"] = registry.get("portfolio.span")(ctx).data
        state["valued"] = registry.get("pricing.apply_pack")(ctx, positions=positions).data
        state["performance"] = registry.get("metrics.over_span")(ctx, nav=nav, span=state["span"]).data
        state["transactions"] = registry.get("get_transaction_history")(
            ctx, positions=positions, security_id=state["security_id"]
        ).data
        state["record"] = registry.get("metrics.compute")(ctx, nav=nav).data
        state["factor_exposures"] = registry.get("risk.compute_factor_exposures")(ctx, nav=nav).data
        state["scenario_result"] = registry.get("macro.run_scenario")(
            ctx, valued=state["valued"], holdings=holdings, scenario_id=state["scenario_id"]
        ).data
        state["stdc"] = registry.get("cycles.compute_short_term")(ctx, indicators=indicators).data
        state["regime"] = registry.get("macro.detect_regime")(ctx, indicators=indicators).data
        state["dar"] = registry.get("macro.compute_dar")(ctx, valued=state["valued"], holdings=holdings).data
        state["beta_history"] = registry.get("macro.beta_history")(ctx, valued=state["valued"], holdings=holdings).data
        state["trend_analysis"] = registry.get("macro.detect_trend_shifts")(
            ctx,
            indicators=indicators,
            regime_history=regime_history,
            cycle_history=cycle_history,
            beta_history=state["beta_history"],
        ).data
        answered = {
            each.name: each(
                ctx, **{name: state[name] for name, argument in each.arguments.items() if argument.required}
            )
            for each in registry.all()
            if each.name not in LOADING and not each.recorded
        }

    assert len(answered) >= 15
