"""How figures are explained that come from outside the portfolio, or rest on them: the economy, reports, coming actions, texts."""

from collections.abc import Sequence

from agents.data_harvester.fundamentals import Fundamentals
from config.strict_json import pointer_to
from execution.explanation.lives import market_of
from execution.explanation.question import Question
from execution.patterns import templating
from portfolio.explanation import (
    coming_actions,
    indicators,
    rules,
)
from portfolio.explanation.estimates import ESTIMATES
from portfolio.explanation.terms import Explanation, NoSuchFigure, Observation, Term
from portfolio.performance.formulas import REPORTED


def explain_indicators(question: Question) -> Explanation:
    return indicators.explain(question.data, question.path)


def explain_estimate(question: Question) -> Explanation:
    answers = {"": question.data, **question.arguments}
    return rules.explain(ESTIMATES[question.step.capability], answers, question.ctx.asof_date, question.path)


def explain_action_impact(question: Question) -> Explanation:
    return coming_actions.explain(market_of(question), question.data, question.path, "{days}/{date}/units/{symbol}")


def explain_reported(question: Question) -> Explanation:
    return _of_report(question, question.data, question.path)


def explain_security_fundamentals(question: Question) -> Explanation:
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


def explain_fact(question: Question) -> Explanation:
    """A figure that a text speaks of, by where the answer has it."""
    match question.path:
        case ["facts", number, "value"]:
            fact = rules.at(question.data, ("facts", number))
        case _:
            raise NoSuchFigure
    (facts,) = (each for each in question.step.args.values() if isinstance(each, list))
    (reference,) = templating.references_in(facts[int(number)]["value"])
    if reference.path[0] != "state":
        raise NoSuchFigure
    path = pointer_to(*reference.path[1:])
    value, label = rules.number_at(fact, ("value",)), str(rules.at(fact, ("label",)))
    term = Term("value", value, "", "figure", (Term("figure", value, path=path),), label=label)
    return Explanation("A figure of the answer that the text speaks of", term)
