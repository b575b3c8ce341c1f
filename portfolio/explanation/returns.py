"""Returns of the windows, linked from the days; money-weighted ones, from what was put in and taken out."""

from datetime import date

import numpy as np

from portfolio.books import EXTERNAL
from portfolio.explanation.lives import Life
from portfolio.explanation.terms import Explanation, Items, NoSuchFigure, Part, Series, Term
from portfolio.performance.formulas import A_YEAR, RETURNS, YEARLY_RATE
from portfolio.performance.measures import Measure, Window
from portfolio.performance.metric import Metric
from portfolio.performance.money_weighted import days_of, paid, stated_days
from portfolio.performance.windows import Span
from portfolio.valuation.flows import IN_KIND

YEARLY = frozenset({Window.THREE_YEARS, Window.FIVE_YEARS, Window.INCEPTION_ANNUALISED})
OF_BENCHMARK = frozenset({Measure.BENCHMARK_TWR, Measure.EXCESS_TWR, Measure.BENCHMARK_MWR, Measure.EXCESS_MWR})


def explain(life: Life, measure: Measure, window: Window, metric: Metric) -> Explanation:
    """A return of a window. Raises NoSuchFigure: one that rests on the benchmark can't be taken apart yet."""
    if metric.value is None:
        return figure(measure, metric)
    if measure in OF_BENCHMARK:
        raise NoSuchFigure
    if measure == Measure.MWR:
        return money_weighted(life, window, metric)
    span = life.measured.spans[Window.INCEPTION if window == Window.INCEPTION_ANNUALISED else window]
    assert span is not None  # or there was no value
    years = 0
    if window in YEARLY:
        years = 365 * span.years if span.years else days_of(life.measured, span)
    return time_weighted(life, measure, span, metric, years)


def figure(measure: Measure, metric: Metric, *parts: Part, expression: str = "") -> Explanation:
    """A return with its terms; one that is unavailable has none."""
    formula = RETURNS[measure]
    return Explanation(
        formula.what, Term(measure.value, metric.value, "fraction", expression or formula.expression, parts)
    )


def time_weighted(life: Life, measure: Measure, span: Span, metric: Metric, yearly_days: int = 0) -> Explanation:
    """The linked return of a span; a yearly one over so many days."""
    if metric.value is None:
        return figure(measure, metric)
    if measure not in (Measure.TWR, Measure.GROSS_TWR):
        raise NoSuchFigure
    daily = life.daily_returns(span.start, span.end)
    gross = life.measured.gross
    if measure == Measure.GROSS_TWR and gross is not None:
        daily = life.between("daily_returns", gross, span.start, span.end, "gross_return")
    if not yearly_days:
        return figure(measure, metric, daily)
    return figure(measure, metric, daily, Term("days", yearly_days, "days"), expression=A_YEAR)


def money_weighted(life: Life, window: Window, metric: Metric) -> Explanation:
    """The rate of all that was put in and taken out: the opening value, each flow on its own date, the closing value."""
    span = life.measured.life if window == Window.INCEPTION else life.measured.spans[window]
    assert span is not None
    amounts = _amounts(life, span)
    days_left = [(life.day(span.end) - on).days for on, _ in amounts]
    left = Series("days_left", tuple(on for on, _ in amounts), tuple(map(float, days_left)), "days")
    stated = stated_days(days_of(life.measured, span))
    stated_for = Term("days", stated, "days")
    assert metric.value is not None
    rate = (1.0 + metric.value) ** (365.0 / stated) - 1.0
    items = Items("amounts", tuple(term for _, term in amounts))
    yearly = Term("yearly_rate", rate, "fraction", YEARLY_RATE.expression, (items, left), label=YEARLY_RATE.what)
    return figure(Measure.MWR, metric, yearly, stated_for)


def _amounts(life: Life, span: Span) -> list[tuple[date, Term]]:
    """(date, amount) of all that was put in, negative, and taken out. Raises NoSuchFigure where it is not what the rate was
    solved for."""
    history = life.history
    terms: list[tuple[date, Term]] = []
    if span.start >= 0:
        opening = life.value(span.start, "opening")
        terms.append((life.day(span.start), Term("opening", -(opening.value or 0), life.base, "-opening", (opening,))))
    for event in life.market.book.events:
        if event.kind not in EXTERNAL and event.kind not in IN_KIND:
            continue
        place = int(np.searchsorted(history.dates, np.datetime64(event.date)))
        on = life.day(place) if event.kind in IN_KIND and place < len(history.dates) else event.date
        if place < len(history.dates) and (on > span.opened or span.start < 0):
            flow = life.flow(event, place)
            terms.append(
                (on, Term(event.entry_id, -(flow.value or 0), life.base, "-flow", (_named(flow),), label=flow.label))
            )
    if history.outside_fees.any() or history.is_late or history.gaps or history.scope != "portfolio":
        raise NoSuchFigure
    closing = life.value(span.end, "closing")
    terms.append((life.day(span.end), Term("closing", closing.value, life.base, "closing", (closing,))))
    solved = sorted(float(each) for each in paid(history, (span,))[1][:, 0] if each)
    if not np.allclose(solved, sorted(float(term.value) for _, term in terms if term.value), rtol=1e-9):
        raise NoSuchFigure
    return terms


def _named(flow: Term) -> Term:
    return Term("flow", flow.value, flow.unit, flow.formula, flow.terms, flow.rows, label=flow.label)
