"""How figures of value are explained: what is held, its gains and income, and the money bridge."""

from datetime import timedelta

from agents.financial_analyst import holdings as analyst_holdings
from execution.explanation import outside
from execution.explanation.lives import market_of
from execution.explanation.question import Question
from portfolio.explanation import (
    bridges,
    closed_holdings,
    conversion,
    days,
    gains,
    group_values,
    holdings,
    income,
    realised_lots,
)
from portfolio.explanation.terms import Explanation, NoSuchFigure


def explain_positions(question: Question) -> Explanation:
    if question.path[:1] != ("days",):
        raise NoSuchFigure
    return days.explain(market_of(question), question.path[1:])


def explain_valued(question: Question) -> Explanation:
    positions = question.arguments["positions"]
    return holdings.explain(positions, question.ctx.market.asof, market_of(question), question.data, question.path)


def explain_valued_at_once(question: Question) -> Explanation:
    """As `explain_valued`, where no step has what is held: days are below this one."""
    positions = analyst_holdings.positions(question.ctx, portfolio_id=question.arguments["portfolio_id"]).data
    if question.path[:1] == ("days",):
        return days.explain(market_of(question), question.path[1:])
    return holdings.explain(positions, question.ctx.market.asof, market_of(question), question.data, question.path)


def explain_bridge(question: Question) -> Explanation:
    if len(question.path) != 1:
        raise NoSuchFigure
    begins = question.arguments.get("from_date")
    opening = None if begins is None else begins - timedelta(days=1)
    closing = question.arguments.get("to_date")
    return bridges.explain(market_of(question), question.data, question.path[0], opening, closing, "{step}")


def explain_bridges(question: Question) -> Explanation:
    return bridges.explain_overview(market_of(question), question.data, question.path)


def explain_gains(question: Question) -> Explanation:
    return gains.explain(market_of(question), question.data, question.path)


def explain_realised_in_year(question: Question) -> Explanation:
    year, begins = question.arguments.get("tax_year"), question.arguments.get("begins", "01-01")
    return realised_lots.explain(market_of(question), question.data, year, begins, question.path)


def explain_income_of_year(question: Question) -> Explanation:
    year, begins = question.arguments.get("tax_year"), question.arguments.get("begins", "01-01")
    positions = question.arguments["positions"]
    return income.explain_year(positions, market_of(question), question.data, year, begins, question.path)


def explain_closed(question: Question) -> Explanation:
    return closed_holdings.explain(market_of(question), question.data.rows, question.path)


def explain_converted(question: Question) -> Explanation:
    valued, asof = question.arguments["valued"], question.ctx.market.asof
    return conversion.explain(market_of(question), asof, valued, question.data, question.path)


def explain_income(question: Question) -> Explanation:
    return income.explain(question.arguments["positions"], market_of(question), question.data, question.path)


def explain_allocation(question: Question) -> Explanation:
    if question.path[-1] != "value":
        return outside.explain_estimate(question)
    valued, classified = question.arguments["valued"], question.arguments["classified"].by_symbol
    return group_values.explain(valued, classified, question.data, question.ctx.book.base_currency, question.path)
