"""Volatility, ratios, drawdowns and tails, of the returns between observations."""

from portfolio.explanation import versus_benchmark
from portfolio.explanation.lives import Life
from portfolio.explanation.terms import Explanation, Part, Series, Term
from portfolio.performance import observations, relative_figures, risk_figures
from portfolio.performance.formulas import PERIODS_PER_YEAR, RISK
from portfolio.performance.measures import RELATIVE_MEASURES, Measure, Window, key_of
from portfolio.performance.metric import Metric
from portfolio.performance.observations import Observations

DRAWDOWNS = frozenset({Measure.MAX_DRAWDOWN, Measure.CURRENT_DRAWDOWN})
TAILS = frozenset({Measure.VALUE_AT_RISK, Measure.EXPECTED_SHORTFALL})
OVER_RISK_FREE = frozenset({Measure.SHARPE, Measure.SORTINO, Measure.DOWNSIDE_DEVIATION})
UNSCALED = frozenset({Measure.WIN_RATE})


def explain(life: Life, measure: Measure, window: Window, metric: Metric) -> Explanation:
    """A figure of risk."""
    formula = RISK[measure]
    if metric.value is None:
        return Explanation(formula.what, Term(measure.value, None, "", formula.expression))
    parts: tuple[Part, ...]
    if measure in RELATIVE_MEASURES:
        parts = _relative(life, measure, window)
    elif measure in DRAWDOWNS:
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


def _relative(life: Life, measure: Measure, window: Window) -> tuple[Part, ...]:
    """What a measure against the benchmark is made of: returns, the benchmark's, and what else its formula names."""
    observed, index = observations.of_window(life.measured, window), life.measured.benchmark
    assert not isinstance(observed, str)  # or there was no value
    assert index is not None
    if observed.closes[0] == -1 and index.known_from == 0:  # no pack was before the first day
        observed = observations.between(life.measured, observed.closes[1:], observed.doubts)
    parts: tuple[Part, ...] = (returns_of(life, observed), versus_benchmark.observed(life, observed))
    if measure == Measure.ALPHA:
        parts += (risk_free_of(life, observed), _other_measure(life, Measure.BETA, window))
    if measure == Measure.INFORMATION_RATIO:
        parts += (_other_measure(life, Measure.TRACKING_ERROR, window),)
    if measure in (Measure.ALPHA, Measure.TRACKING_ERROR, Measure.INFORMATION_RATIO):
        parts += (periods_per_year(life),)
    return parts


def _other_measure(life: Life, measure: Measure, window: Window) -> Term:
    """Another measure of the window, by where it is explained."""
    metric = relative_figures.figures(life.measured)[measure, window]
    return Term(measure.value, metric.value, path=f"{{step}}/{key_of((measure, window))}")


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
