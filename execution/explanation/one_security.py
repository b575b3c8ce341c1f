"""How the figures of one holding are explained."""

from agents.financial_analyst import positions as one_position
from execution.explanation.lives import life_of, market_of
from execution.explanation.question import Question
from portfolio.explanation import (
    attribution,
    holding_record,
    holdings,
    one_holding,
)
from portfolio.explanation.lives import Life
from portfolio.explanation.one_holding import OneHolding
from portfolio.explanation.terms import Explanation, NoSuchFigure
from portfolio.performance.windows import Span


def _one(question: Question) -> OneHolding:
    nav, arguments = question.arguments["nav"], question.arguments
    span = one_position.span_of(question.ctx, nav, arguments.get("lookback_days", one_position.LOOKBACK_DAYS))
    return OneHolding.of(life_of(question), nav.securities[arguments["security_id"]].symbol, span)


def explain_one_holding(question: Question) -> Explanation:
    """What is held of it is a row of the valued positions; the rest is its own."""
    positions, valued, market = question.arguments["positions"], question.arguments["valued"], question.ctx.market
    security = question.arguments["security_id"]
    if len(question.path) > 1:
        terms = market_of(question)
        return holding_record.explain(terms, question.ctx.asof_date, security, question.data, question.path)
    places = [place for place, row in enumerate(valued.positions) if row.security_id == security]
    if not places:
        raise NoSuchFigure
    below = ("positions", str(places[0]), question.path[0])
    return holdings.explain(positions, market.asof, market_of(question), valued, below)


def explain_transactions(question: Question) -> Explanation:
    security = question.arguments["security_id"]
    return holding_record.explain_entry(
        market_of(question), question.ctx.asof_date, security, question.data, question.path
    )


def explain_position_return(question: Question) -> Explanation:
    return one_holding.explain_returns(_one(question), question.data, question.path)


def explain_position_risk(question: Question) -> Explanation:
    valued, holding = question.arguments["valued"], _one(question)
    places = [place for place, row in enumerate(valued.positions) if row.symbol == holding.symbol]
    below = f"{{valued}}/positions/{places[0]}" if places else ""
    paths = {name: f"{below}/{name}" for name in ("market_value", "weight")} if places else {}
    return one_holding.explain_risk(holding, question.data, question.path, paths)


def explain_position_contribution(question: Question) -> Explanation:
    return attribution.explain_position(_one_part(question), question.data, question.path)


def explain_position_currency(question: Question) -> Explanation:
    return attribution.explain_position_currency(_one_part(question), question.data, question.path)


def _one_part(question: Question) -> tuple[Life, str, Span]:
    holding = _one(question)
    return holding.life, holding.symbol, holding.span
