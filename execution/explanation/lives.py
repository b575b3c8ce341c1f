"""The market and the life that a question is about, as explanations read them."""

from execution.explanation import benchmark_days
from execution.explanation.question import Question
from portfolio.explanation.lives import Life
from portfolio.explanation.market_terms import MarketTerms


def market_of(question: Question) -> MarketTerms:
    return MarketTerms(question.ctx.book, question.ctx.market.history)


def life_of(question: Question) -> Life:
    nav = question.arguments.get("nav", question.data)
    market = market_of(question)
    return Life.of(market, nav.life, nav.risk_free, nav.benchmark, benchmark_days.load(question.ctx, market, nav.life))
