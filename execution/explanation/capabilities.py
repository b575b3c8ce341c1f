"""Who explains the figures of which capability."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import numpy as np

from agents.data_harvester.fundamentals import Fundamentals
from agents.financial_analyst import attribution as attributing
from agents.financial_analyst import holdings as analyst_holdings
from agents.financial_analyst import positions as one_position
from config.strict_json import pointer_to
from execution.explanation import benchmark_days
from execution.explanation.question import Question
from execution.patterns import templating
from portfolio.explanation import (
    attribution,
    bridges,
    closed_holdings,
    coming_actions,
    conversion,
    days,
    decisions,
    exposures,
    gains,
    group_values,
    holding_record,
    holdings,
    income,
    indicators,
    life_days,
    lives,
    one_holding,
    realised_lots,
    returns,
    risk,
    rolling,
    rules,
    spans,
)
from portfolio.explanation.estimates import ESTIMATES
from portfolio.explanation.lives import Life
from portfolio.explanation.market_terms import MarketTerms
from portfolio.explanation.one_holding import OneHolding
from portfolio.explanation.terms import Explanation, NoSuchFigure, Observation, Term
from portfolio.performance import brinson, factor_exposures, leading_holdings, range_performance
from portfolio.performance.formulas import REPORTED
from portfolio.performance.measures import FIGURE_OF_KEY, RETURN_WINDOWS, RISK, Measure, Window, key_of
from portfolio.performance.windows import Span

Explain = Callable[[Question], Explanation]


def _market(question: Question) -> MarketTerms:
    return MarketTerms(question.ctx.book, question.ctx.market.history)


def _life(question: Question) -> Life:
    nav = question.arguments.get("nav", question.data)
    market = _market(question)
    return Life.of(market, nav.life, nav.risk_free, nav.benchmark, benchmark_days.load(question.ctx, market, nav.life))


# Values, gains, bridges


def _positions(question: Question) -> Explanation:
    if question.path[:1] != ("days",):
        raise NoSuchFigure
    return days.explain(_market(question), question.path[1:])


def _valued(question: Question) -> Explanation:
    positions = question.arguments["positions"]
    return holdings.explain(positions, question.ctx.market.asof, _market(question), question.data, question.path)


def _valued_at_once(question: Question) -> Explanation:
    """As `_valued`, where no step has what is held: days are below this one."""
    positions = analyst_holdings.positions(question.ctx, portfolio_id=question.arguments["portfolio_id"]).data
    if question.path[:1] == ("days",):
        return days.explain(_market(question), question.path[1:])
    return holdings.explain(positions, question.ctx.market.asof, _market(question), question.data, question.path)


def _bridge(question: Question) -> Explanation:
    if len(question.path) != 1:
        raise NoSuchFigure
    begins = question.arguments.get("from_date")
    opening = None if begins is None else begins - timedelta(days=1)
    closing = question.arguments.get("to_date")
    return bridges.explain(_market(question), question.data, question.path[0], opening, closing, "{step}")


def _bridges(question: Question) -> Explanation:
    return bridges.explain_overview(_market(question), question.data, question.path)


def _gains(question: Question) -> Explanation:
    return gains.explain(_market(question), question.data, question.path)


def _realised_in_year(question: Question) -> Explanation:
    year, begins = question.arguments.get("tax_year"), question.arguments.get("begins", "01-01")
    return realised_lots.explain(_market(question), question.data, year, begins, question.path)


def _income_of_year(question: Question) -> Explanation:
    year, begins = question.arguments.get("tax_year"), question.arguments.get("begins", "01-01")
    positions = question.arguments["positions"]
    return income.explain_year(positions, _market(question), question.data, year, begins, question.path)


def _closed(question: Question) -> Explanation:
    return closed_holdings.explain(_market(question), question.data.rows, question.path)


def _converted(question: Question) -> Explanation:
    valued, asof = question.arguments["valued"], question.ctx.market.asof
    return conversion.explain(_market(question), asof, valued, question.data, question.path)


def _income(question: Question) -> Explanation:
    return income.explain(question.arguments["positions"], _market(question), question.data, question.path)


# Returns and risk


def _historical_nav(question: Question) -> Explanation:
    nav = question.data
    match question.path:
        case ("days", *path):
            return life_days.explain(_life(question), path)
        case ("values", number):
            return lives.value_of(_market(question), nav.whole, int(number))
        case ("net_contributions", number):
            whole = Life.of(_market(question), nav.whole, None, None)
            return whole.net_contributions(int(number), nav.net_contributions[int(number)])
        case ("total_return_pct", number):
            return _life(question).growth(int(number), nav.total_return_pct[int(number)])
    raise NoSuchFigure


def _record(question: Question) -> Explanation:
    """A figure of a metrics record."""
    figure = FIGURE_OF_KEY.get(question.path[0]) if len(question.path) == 1 else None
    if figure is None:
        raise NoSuchFigure
    metric, life = question.data.figures[figure], _life(question)
    if figure in RISK:
        return risk.explain(life, *figure, metric)

    def beside(measure: Measure) -> Term:
        also = measure, figure[1]
        return Term(measure.value, question.data.figures[also].value, "fraction", path=f"{{step}}/{key_of(also)}")

    return returns.explain(life, *figure, metric, beside)


def _by_window(question: Question) -> Explanation:
    match question.path:
        case ("rows", number, name) if name in set(Measure):
            row, measure = question.data.rows[int(number)], Measure(name)
        case _:
            raise NoSuchFigure
    if int(number) >= len(RETURN_WINDOWS):
        raise NoSuchFigure  # of the whole portfolio, where its deposits are inferred
    is_money_weighted = measure in (Measure.MWR, Measure.BENCHMARK_MWR, Measure.EXCESS_MWR)
    window = RETURN_WINDOWS[int(number)] if is_money_weighted else Window(row.window)
    return returns.explain(_life(question), measure, window, getattr(row, name), _beside(row, f"rows/{number}"))


def _calendar_years(question: Question) -> Explanation:
    match question.path:
        case ("years", number, ("twr" | "benchmark_twr" | "excess_twr") as name):
            year, life = question.data.years[int(number)], _life(question)
        case _:
            raise NoSuchFigure
    metric, dates = getattr(year, name), life.history.dates
    start = int(np.searchsorted(dates, np.datetime64(year.first), side="right")) - 1
    span = Span(start, int(np.searchsorted(dates, np.datetime64(year.last))), year.first, year.last)
    return returns.time_weighted(life, Measure(name), span, metric, _beside(year, f"years/{number}"))


def _beside(row: object, below: str) -> returns.Beside:
    """The other measures of a row, by where they are explained."""

    def term(measure: Measure) -> Term:
        return Term(measure.value, getattr(row, measure).value, "fraction", path=f"{{step}}/{below}/{measure}")

    return term


# Spans and months


def _over_span(question: Question) -> Explanation:
    life = _life(question)
    span = range_performance.span_of(life.history, life.measured, question.arguments["span"])
    return spans.explain_over(life, span, question.data, question.path)


def _calendar_months(question: Question) -> Explanation:
    return spans.explain_months(_life(question), question.data.years, question.path)


def _leading_holdings(question: Question) -> Explanation:
    match question.path:
        case ("rows" | "largest" as part, number, *path):
            row = getattr(question.data, part)[int(number)]
        case _:
            raise NoSuchFigure
    places = [place for place, each in enumerate(question.arguments["valued"].positions) if each.symbol == row.symbol]
    position = {name: f"{{valued}}/positions/{places[0]}/{name}" for name in spans.OF_POSITION}
    life = _life(question)
    span = leading_holdings.span_of(life.history, question.arguments["span"])
    return spans.explain_leading(life, span, row, path, position)


# Where the return came from


def _views(question: Question) -> tuple[str, Span, Any]:
    """View, its span, and what was computed of it."""
    nav, lookback = question.arguments["nav"], question.arguments["lookback_days"]
    whole, recent, _ = attributing.spans(question.ctx, nav, lookback)
    spans = {"since_inception": whole, "lookback": recent}
    view = question.path[0]
    if view not in spans:
        raise NoSuchFigure
    return view, spans[view], getattr(question.data, view)


def _currency(question: Question) -> Explanation:
    view, span, computed = _views(question)
    return attribution.explain_currency(_life(question), span, computed, question.path[1:], f"{{step}}/{view}")


def _contribution(question: Question) -> Explanation:
    view, span, computed = _views(question)
    return attribution.explain_contributions(_life(question), span, computed, question.path[1:], f"{{step}}/{view}")


# One holding


def _one(question: Question) -> OneHolding:
    nav, given = question.arguments["nav"], question.arguments
    span = one_position.span_of(question.ctx, nav, given.get("lookback_days", one_position.LOOKBACK_DAYS))
    return OneHolding.of(_life(question), nav.securities[given["security_id"]].symbol, span)


def _one_holding(question: Question) -> Explanation:
    """What is held of it is a row of the valued positions; the rest is its own."""
    positions, valued, market = question.arguments["positions"], question.arguments["valued"], question.ctx.market
    security = question.arguments["security_id"]
    if len(question.path) > 1:
        terms = _market(question)
        return holding_record.explain(terms, question.ctx.asof_date, security, question.data, question.path)
    places = [place for place, row in enumerate(valued.positions) if row.security_id == security]
    if not places:
        raise NoSuchFigure
    below = ("positions", str(places[0]), question.path[0])
    return holdings.explain(positions, market.asof, _market(question), valued, below)


def _transactions(question: Question) -> Explanation:
    security = question.arguments["security_id"]
    return holding_record.explain_entry(
        _market(question), question.ctx.asof_date, security, question.data, question.path
    )


def _position_return(question: Question) -> Explanation:
    return one_holding.explain_returns(_one(question), question.data, question.path)


def _position_risk(question: Question) -> Explanation:
    valued, holding = question.arguments["valued"], _one(question)
    places = [place for place, row in enumerate(valued.positions) if row.symbol == holding.symbol]
    below = f"{{valued}}/positions/{places[0]}" if places else ""
    paths = {name: f"{below}/{name}" for name in ("market_value", "weight")} if places else {}
    return one_holding.explain_risk(holding, question.data, question.path, paths)


def _position_contribution(question: Question) -> Explanation:
    return attribution.explain_position(_one_part(question), question.data, question.path)


def _position_currency(question: Question) -> Explanation:
    return attribution.explain_position_currency(_one_part(question), question.data, question.path)


# Against the benchmark, and over windows of observations


def _brinson(question: Question) -> Explanation:
    view, span, computed = _views(question)
    nav, by = question.arguments["nav"], question.arguments.get("by", "currency")
    if nav.benchmark is None:
        raise NoSuchFigure
    kinds = {each.symbol: (each.kind, each.exchange) for each in nav.securities.values()}
    decided = brinson.decide(nav.life, span, nav.benchmark, by=by, kinds=kinds)
    if isinstance(decided, str):
        raise NoSuchFigure
    return decisions.explain(_life(question), decided, computed, question.path[1:], f"{{step}}/{view}")


def _rolling(question: Question) -> Explanation:
    return rolling.explain(_life(question), question.data, question.path)


def _return_line(question: Question) -> Explanation:
    return spans.explain_line(question.arguments["performance"], question.path)


# Exposures, the economy, news, corporate actions, what companies reported


def _exposures(question: Question) -> Explanation:
    nav = question.arguments["nav"]
    if not len(nav.life.dates):
        raise NoSuchFigure
    regression = factor_exposures.regress(nav.life, nav.factor_levels, nav.risk_free, nav.benchmark)
    life, asof = _life(question), question.ctx.asof_date
    return exposures.explain(life, regression.used, question.data, nav.factor_levels, asof, question.path)


def _indicators(question: Question) -> Explanation:
    return indicators.explain(question.data, question.path)


def _estimate(question: Question) -> Explanation:
    answers = {"": question.data, **question.arguments}
    return rules.explain(ESTIMATES[question.step.capability], answers, question.ctx.asof_date, question.path)


def _allocation(question: Question) -> Explanation:
    if question.path[-1] != "value":
        return _estimate(question)
    valued, classified = question.arguments["valued"], question.arguments["classified"].by_symbol
    return group_values.explain(valued, classified, question.data, question.ctx.book.base_currency, question.path)


def _action_impact(question: Question) -> Explanation:
    return coming_actions.explain(_market(question), question.data, question.path, "{days}/{date}/units/{symbol}")


def _reported(question: Question) -> Explanation:
    return _of_report(question, question.data, question.path)


def _security_fundamentals(question: Question) -> Explanation:
    return _of_report(question, question.data.reported, question.path[1:])


def _of_report(question: Question, data: Fundamentals, path: Sequence[str]) -> Explanation:
    match path:
        case ["figures", number, "value"]:
            reported = data.figures[int(number)]
        case _:
            raise NoSuchFigure
    series = f"{data.symbol}/{reported.concept}/{reported.frequency}"
    rows = (Observation(series, question.ctx.asof_date, reported.period_end),)
    term = Term("value", reported.value, reported.unit, REPORTED.expression, rows=rows, label=reported.concept)
    return Explanation(REPORTED.what, term)


def _fact(question: Question) -> Explanation:
    """A figure that a text speaks of, by where the answer has it."""
    match question.path:
        case ["facts", number, "value"]:
            fact = rules.at(question.data, ("facts", number))
        case _:
            raise NoSuchFigure
    (listed,) = (each for each in question.step.args.values() if isinstance(each, list))
    (reference,) = templating.references_in(listed[int(number)]["value"])
    if reference.path[0] != "state":
        raise NoSuchFigure
    path = pointer_to(*reference.path[1:])
    value, label = rules.number_at(fact, ("value",)), str(rules.at(fact, ("label",)))
    term = Term("value", value, "", "figure", (Term("figure", value, path=path),), label=label)
    return Explanation("A figure of the answer that the text speaks of", term)


def _one_part(question: Question) -> tuple[Life, str, Span]:
    holding = _one(question)
    return holding.life, holding.symbol, holding.span


EXPLAINED: Final[dict[str, Explain]] = {
    "ledger.positions": _positions,
    "pricing.apply_pack": _valued,
    "portfolio.get_valued_positions": _valued_at_once,
    "portfolio.money_bridge": _bridge,
    "portfolio.money_bridges": _bridges,
    "portfolio.gains": _gains,
    "portfolio.income": _income,
    "tax.realized_gains": _realised_in_year,
    "tax.income": _income_of_year,
    "portfolio.closed_holdings": _closed,
    "portfolio.converted_value": _converted,
    "portfolio.historical_nav": _historical_nav,
    "metrics.compute_twr": _record,
    "metrics.compute_mwr": _record,
    "metrics.compute_sharpe": _record,
    "metrics.risk": _record,
    "metrics.compute": _record,
    "metrics.by_window": _by_window,
    "metrics.calendar_years": _calendar_years,
    "metrics.over_span": _over_span,
    "metrics.calendar_months": _calendar_months,
    "metrics.return_line": _return_line,
    "metrics.rolling": _rolling,
    "risk.compute_factor_exposures": _exposures,
    "macro.get_indicators": _indicators,
    "corporate_actions.calculate_impact": _action_impact,
    "fundamentals.load": _reported,
    "get_security_fundamentals": _security_fundamentals,
    "claude.explain": _fact,
    **dict.fromkeys(ESTIMATES, _estimate),
    "portfolio.sector_allocation": _allocation,
    "portfolio.leading_holdings": _leading_holdings,
    "attribution.currency": _currency,
    "attribution.contribution": _contribution,
    "attribution.brinson": _brinson,
    "get_position_details": _one_holding,
    "get_transaction_history": _transactions,
    "compute_position_return": _position_return,
    "compute_position_risk": _position_risk,
    "compute_portfolio_contribution": _position_contribution,
    "compute_position_currency_attribution": _position_currency,
}
"""Capability -> how a figure below its answer is explained. Raises NoSuchFigure for one that it has not, or not yet."""

OF_POSITIONS: Final = (
    "pricing.apply_pack",
    "portfolio.money_bridge",
    "portfolio.money_bridges",
    "portfolio.gains",
    "portfolio.income",
    "tax.realized_gains",
    "tax.income",
    "portfolio.closed_holdings",
    "corporate_actions.calculate_impact",
)
BELOW_DAYS: Final[Mapping[str, str]] = dict.fromkeys(EXPLAINED, "nav") | dict.fromkeys(OF_POSITIONS, "positions")
"""Capability -> the argument whose step explains single days, where it is not the step itself."""
