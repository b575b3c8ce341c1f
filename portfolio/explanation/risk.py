"""Volatility, ratios, drawdowns and tails, of the returns between observations."""

from portfolio.explanation.lives import Life
from portfolio.explanation.terms import Explanation, NoSuchFigure, Part, Series, Term
from portfolio.performance import observations, risk_figures
from portfolio.performance.formulas import PERIODS_PER_YEAR, RISK
from portfolio.performance.measures import RELATIVE_MEASURES, Measure, Window
from portfolio.performance.metric import Metric
from portfolio.performance.observations import Observations

DRAWDOWNS = frozenset({Measure.MAX_DRAWDOWN, Measure.CURRENT_DRAWDOWN})
TAILS = frozenset({Measure.VALUE_AT_RISK, Measure.EXPECTED_SHORTFALL})
OVER_RISK_FREE = frozenset({Measure.SHARPE, Measure.SORTINO, Measure.DOWNSIDE_DEVIATION})
UNSCALED = frozenset({Measure.WIN_RATE})


def explain(life: Life, measure: Measure, window: Window, metric: Metric) -> Explanation:
    """A figure of risk. Raises NoSuchFigure: one that rests on the benchmark can't be taken apart yet."""
    formula = RISK[measure]
    if metric.value is None:
        return Explanation(formula.what, Term(measure.value, None, "", formula.expression))
    if measure in RELATIVE_MEASURES:
        raise NoSuchFigure
    parts: tuple[Part, ...]
    if measure in DRAWDOWNS:
        span = life.measured.spans[window]
        assert span is not None
        parts = (life.daily_returns(span.start, span.end),)
    else:
        observed = _observed(life, measure, window)
        parts = (returns_of(life, observed),)
        if measure in OVER_RISK_FREE:
            parts += (risk_free_of(life, observed),)
        if measure in TAILS:
            parts += (Term("level", risk_figures.TAIL_LEVEL),)
        elif measure not in UNSCALED:
            parts += (periods_per_year(life),)
    return Explanation(formula.what, Term(measure.value, metric.value, "", formula.expression, parts))


def _observed(life: Life, measure: Measure, window: Window) -> Observations:
    observed = observations.of_window(life.measured, Window.ONE_YEAR if measure in TAILS else window)
    if isinstance(observed, str) and measure in TAILS:  # fewer than a year's
        observed = observations.since_inception(life.measured)
    assert not isinstance(observed, str)  # or there was no value
    return observed


def returns_of(life: Life, observed: Observations) -> Series:
    return life.series("returns", observed.returns, observed.closes[1:], "observation")


def risk_free_of(life: Life, observed: Observations) -> Series:
    return life.series("risk_free", observed.risk_free_returns, observed.closes[1:], "risk_free")


def periods_per_year(life: Life) -> Term:
    """252 where one exchange alone is traded on, else what was observed."""
    history, value = life.history, life.measured.periods_per_year
    if len(history.exchanges) == 1:
        return Term("periods_per_year", value, "a year", label=f"one exchange: {history.exchanges[0]}")
    observed = Term("observations", len(life.measured.observations), "days")
    days = Term("days", (life.day(len(history.dates) - 1) - life.day(0)).days + 1, "days")
    return Term("periods_per_year", value, "a year", PERIODS_PER_YEAR.expression, (observed, days))
