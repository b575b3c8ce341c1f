"""How figures of performance are explained: returns, risk, and where the return came from."""

from typing import Any

import numpy as np

from agents.financial_analyst import attribution as attributing
from execution.explanation.lives import life_of, market_of
from execution.explanation.question import Question
from portfolio.explanation import (
    attribution,
    decisions,
    exposures,
    life_days,
    lives,
    returns,
    risk,
    rolling,
    spans,
)
from portfolio.explanation.lives import Life
from portfolio.explanation.terms import Explanation, NoSuchFigure, Term
from portfolio.performance import brinson, factor_exposures, leading_holdings, range_performance
from portfolio.performance.measures import FIGURE_OF_KEY, RETURN_WINDOWS, RISK, Measure, Window, key_of
from portfolio.performance.windows import Span


def explain_historical_nav(question: Question) -> Explanation:
    nav = question.data
    match question.path:
        case ("days", *path):
            return life_days.explain(life_of(question), path)
        case ("values", number):
            return lives.value_of(market_of(question), nav.whole, int(number))
        case ("net_contributions", number):
            whole = Life.of(market_of(question), nav.whole, None, None)
            return whole.net_contributions(int(number), nav.net_contributions[int(number)])
        case ("total_return_pct", number):
            return life_of(question).growth(int(number), nav.total_return_pct[int(number)])
    raise NoSuchFigure


def explain_record(question: Question) -> Explanation:
    """A figure of a metrics record."""
    figure = FIGURE_OF_KEY.get(question.path[0]) if len(question.path) == 1 else None
    if figure is None:
        raise NoSuchFigure
    metric, life = question.data.figures[figure], life_of(question)
    if figure in RISK:
        return risk.explain(life, *figure, metric)

    def other_measure(measure: Measure) -> Term:
        also = measure, figure[1]
        return Term(measure.value, question.data.figures[also].value, "fraction", path=f"{{step}}/{key_of(also)}")

    return returns.explain(life, *figure, metric, other_measure)


def explain_by_window(question: Question) -> Explanation:
    match question.path:
        case ("rows", number, name) if name in set(Measure):
            row, measure = question.data.rows[int(number)], Measure(name)
        case _:
            raise NoSuchFigure
    if int(number) >= len(RETURN_WINDOWS):
        raise NoSuchFigure  # of the whole portfolio, where its deposits are inferred
    is_money_weighted = measure in (Measure.MWR, Measure.BENCHMARK_MWR, Measure.EXCESS_MWR)
    window = RETURN_WINDOWS[int(number)] if is_money_weighted else Window(row.window)
    return returns.explain(
        life_of(question), measure, window, getattr(row, name), _other_measure(row, f"rows/{number}")
    )


def explain_calendar_years(question: Question) -> Explanation:
    match question.path:
        case ("years", number, ("twr" | "benchmark_twr" | "excess_twr") as name):
            year, life = question.data.years[int(number)], life_of(question)
        case _:
            raise NoSuchFigure
    metric, dates = getattr(year, name), life.history.dates
    start = int(np.searchsorted(dates, np.datetime64(year.first), side="right")) - 1
    span = Span(start, int(np.searchsorted(dates, np.datetime64(year.last))), year.first, year.last)
    return returns.time_weighted(life, Measure(name), span, metric, _other_measure(year, f"years/{number}"))


def _other_measure(row: object, below: str) -> returns.OtherMeasure:
    """The other measures of a row, by where they are explained."""

    def term(measure: Measure) -> Term:
        return Term(measure.value, getattr(row, measure).value, "fraction", path=f"{{step}}/{below}/{measure}")

    return term


def explain_over_span(question: Question) -> Explanation:
    life = life_of(question)
    span = range_performance.span_of(life.history, life.measured, question.arguments["span"])
    return spans.explain_over(life, span, question.data, question.path)


def explain_calendar_months(question: Question) -> Explanation:
    return spans.explain_months(life_of(question), question.data.years, question.path)


def explain_leading_holdings(question: Question) -> Explanation:
    match question.path:
        case ("rows" | "largest" as part, number, *path):
            row = getattr(question.data, part)[int(number)]
        case _:
            raise NoSuchFigure
    places = [place for place, each in enumerate(question.arguments["valued"].positions) if each.symbol == row.symbol]
    position = {name: f"{{valued}}/positions/{places[0]}/{name}" for name in spans.OF_POSITION}
    life = life_of(question)
    span = leading_holdings.span_of(life.history, question.arguments["span"])
    return spans.explain_leading(life, span, row, path, position)


def _views(question: Question) -> tuple[str, Span, Any]:
    """View, its span, and what was computed of it."""
    nav, lookback = question.arguments["nav"], question.arguments["lookback_days"]
    whole, recent, _ = attributing.spans(question.ctx, nav, lookback)
    spans = {"since_inception": whole, "lookback": recent}
    view = question.path[0]
    if view not in spans:
        raise NoSuchFigure
    return view, spans[view], getattr(question.data, view)


def explain_currency(question: Question) -> Explanation:
    view, span, answer = _views(question)
    return attribution.explain_currency(life_of(question), span, answer, question.path[1:], f"{{step}}/{view}")


def explain_contribution(question: Question) -> Explanation:
    view, span, answer = _views(question)
    return attribution.explain_contributions(life_of(question), span, answer, question.path[1:], f"{{step}}/{view}")


def explain_brinson(question: Question) -> Explanation:
    view, span, answer = _views(question)
    nav, by = question.arguments["nav"], question.arguments.get("by", "currency")
    if nav.benchmark is None:
        raise NoSuchFigure
    kinds = {each.symbol: (each.kind, each.exchange) for each in nav.securities.values()}
    decided = brinson.decide(nav.life, span, nav.benchmark, by=by, kinds=kinds)
    if isinstance(decided, str):
        raise NoSuchFigure
    return decisions.explain(life_of(question), decided, answer, question.path[1:], f"{{step}}/{view}")


def explain_rolling(question: Question) -> Explanation:
    return rolling.explain(life_of(question), question.data, question.path)


def explain_return_line(question: Question) -> Explanation:
    return spans.explain_line(question.arguments["performance"], question.path)


def explain_exposures(question: Question) -> Explanation:
    nav = question.arguments["nav"]
    if not len(nav.life.dates):
        raise NoSuchFigure
    regression = factor_exposures.regress(nav.life, nav.factor_levels, nav.risk_free, nav.benchmark)
    life, asof = life_of(question), question.ctx.asof_date
    return exposures.explain(life, regression.regression_days, question.data, nav.factor_levels, asof, question.path)
