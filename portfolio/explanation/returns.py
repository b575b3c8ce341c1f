"""Returns of the windows: linked from the days, or solved of what was put in and taken out; the benchmark's, and the excess."""

from collections.abc import Callable

from portfolio.explanation import money_weighted, versus_benchmark
from portfolio.explanation.lives import Life
from portfolio.explanation.terms import Explanation, Part, Term
from portfolio.performance.formulas import A_YEAR, BENCHMARK_A_YEAR, RETURNS
from portfolio.performance.measures import Measure, Window
from portfolio.performance.metric import Metric
from portfolio.performance.money_weighted import days_of
from portfolio.performance.windows import Span

OtherMeasure = Callable[[Measure], Term]
"""A measure of the same window, by where it is explained."""

YEARLY = frozenset({Window.THREE_YEARS, Window.FIVE_YEARS, Window.INCEPTION_ANNUALISED})


def explain(life: Life, measure: Measure, window: Window, metric: Metric, other_measure: OtherMeasure) -> Explanation:
    """A return of a window."""
    if metric.value is None:
        return figure(measure, metric)
    if measure == Measure.EXCESS_MWR:
        return figure(measure, metric, other_measure(Measure.MWR), other_measure(Measure.BENCHMARK_MWR))
    if measure in (Measure.MWR, Measure.BENCHMARK_MWR):
        lived = life.measured.life if window == Window.INCEPTION else life.measured.spans[window]
        assert lived is not None  # or there was no value
        is_own = measure == Measure.MWR
        return (money_weighted.explain if is_own else money_weighted.explain_in_benchmark)(life, lived, metric)
    span = life.measured.spans[Window.INCEPTION if window == Window.INCEPTION_ANNUALISED else window]
    assert span is not None  # or there was no value
    years = 0
    if window in YEARLY:
        years = 365 * span.years if span.years else days_of(life.measured, span)
    return time_weighted(life, measure, span, metric, other_measure, years)


def figure(measure: Measure, metric: Metric, *parts: Part, expression: str = "") -> Explanation:
    """A return with its terms; one that is unavailable has none."""
    formula = RETURNS[measure]
    return Explanation(
        formula.what, Term(measure.value, metric.value, "fraction", expression or formula.expression, parts)
    )


def time_weighted(
    life: Life, measure: Measure, span: Span, metric: Metric, other_measure: OtherMeasure, yearly_days: int = 0
) -> Explanation:
    """The linked return of a span, or the excess over the benchmark's; a yearly one over so many days."""
    if metric.value is None:
        return figure(measure, metric)
    if measure == Measure.EXCESS_TWR:
        return figure(measure, metric, other_measure(Measure.TWR), other_measure(Measure.BENCHMARK_TWR))
    gross = life.measured.gross
    if measure == Measure.BENCHMARK_TWR:
        daily, a_year = versus_benchmark.returns_over(life, span), BENCHMARK_A_YEAR
    elif measure == Measure.GROSS_TWR and gross is not None:
        daily, a_year = life.between("daily_returns", gross, span.start, span.end, "gross_return"), A_YEAR
    else:
        daily, a_year = life.daily_returns(span.start, span.end), A_YEAR
    if not yearly_days:
        return figure(measure, metric, daily)
    return figure(measure, metric, daily, Term("days", yearly_days, "days"), expression=a_year)
