"""What is measured, and over which window: the names of a portfolio's figures, and the keys that they are served by."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import product


class Measure(StrEnum):
    """What a figure says. docs/measurement.md defines each."""

    TWR = "twr"
    GROSS_TWR = "gross_twr"
    BENCHMARK_TWR = "benchmark_twr"
    EXCESS_TWR = "excess_twr"
    MWR = "mwr"
    BENCHMARK_MWR = "benchmark_mwr"
    EXCESS_MWR = "excess_mwr"
    VOLATILITY = "volatility"
    SHARPE = "sharpe"
    SORTINO = "sortino"
    DOWNSIDE_DEVIATION = "downside_deviation"
    CALMAR = "calmar"
    WIN_RATE = "win_rate"
    MAX_DRAWDOWN = "max_drawdown"
    CURRENT_DRAWDOWN = "current_drawdown"
    VALUE_AT_RISK = "value_at_risk"
    EXPECTED_SHORTFALL = "expected_shortfall"
    BETA = "beta"
    ALPHA = "alpha"
    TRACKING_ERROR = "tracking_error"
    INFORMATION_RATIO = "information_ratio"
    CORRELATION = "correlation"


class Window(StrEnum):
    """The time that a figure looks back upon, from the last day of the history."""

    DAY = "1d"
    MONTH_TO_DATE = "mtd"
    QUARTER_TO_DATE = "qtd"
    YEAR_TO_DATE = "ytd"
    ONE_YEAR = "1y"
    THREE_YEARS = "3y"
    FIVE_YEARS = "5y"
    INCEPTION = "itd"
    INCEPTION_ANNUALISED = "itd_annualised"
    """The days of INCEPTION; the figure is that of a year."""
    DAYS_30 = "30d"
    """The last 30 observations; likewise the next two."""
    DAYS_60 = "60d"
    DAYS_90 = "90d"


Figure = tuple[Measure, Window]

RETURN_WINDOWS = (
    Window.DAY,
    Window.MONTH_TO_DATE,
    Window.QUARTER_TO_DATE,
    Window.YEAR_TO_DATE,
    Window.ONE_YEAR,
    Window.THREE_YEARS,
    Window.FIVE_YEARS,
    Window.INCEPTION,
)
"""The windows that returns are measured over; a money-weighted return has all but the first."""
RELATIVE_MEASURES = (
    Measure.BETA,
    Measure.ALPHA,
    Measure.TRACKING_ERROR,
    Measure.INFORMATION_RATIO,
    Measure.CORRELATION,
)
"""What is measured against the benchmark."""
RELATIVE_WINDOWS = (Window.ONE_YEAR, Window.THREE_YEARS, Window.INCEPTION)


def _risk_figures() -> Iterator[Figure]:
    spans = (
        Window.DAYS_30,
        Window.DAYS_60,
        Window.DAYS_90,
        Window.ONE_YEAR,
        Window.THREE_YEARS,
        Window.FIVE_YEARS,
        Window.INCEPTION,
    )
    yield from product((Measure.VOLATILITY, Measure.SHARPE), spans)
    yield from product((Measure.SORTINO, Measure.DOWNSIDE_DEVIATION), (Window.ONE_YEAR, Window.INCEPTION))
    yield from product((Measure.CALMAR, Measure.WIN_RATE, Measure.MAX_DRAWDOWN), (Window.INCEPTION,))
    yield from product((Measure.MAX_DRAWDOWN,), (Window.ONE_YEAR, Window.THREE_YEARS, Window.FIVE_YEARS))
    yield Measure.CURRENT_DRAWDOWN, Window.INCEPTION
    yield from product((Measure.VALUE_AT_RISK, Measure.EXPECTED_SHORTFALL), (Window.DAY,))
    yield from ((measure, window) for window in RELATIVE_WINDOWS for measure in RELATIVE_MEASURES)


TIME_WEIGHTED: tuple[Figure, ...] = tuple(
    product(
        (Measure.TWR, Measure.GROSS_TWR, Measure.BENCHMARK_TWR, Measure.EXCESS_TWR),
        (*RETURN_WINDOWS, Window.INCEPTION_ANNUALISED),
    )
)
MONEY_WEIGHTED: tuple[Figure, ...] = tuple(
    product((Measure.MWR, Measure.BENCHMARK_MWR, Measure.EXCESS_MWR), RETURN_WINDOWS[1:])
)
RISK: tuple[Figure, ...] = tuple(_risk_figures())
SHARPE: tuple[Figure, ...] = tuple(figure for figure in RISK if figure[0] == Measure.SHARPE)

_NAMED_BY_MEASURE: frozenset[Figure] = frozenset(
    {(Measure.MAX_DRAWDOWN, Window.INCEPTION), (Measure.CURRENT_DRAWDOWN, Window.INCEPTION)}
)


def key_of(figure: Figure) -> str:
    """The key that a figure is served and stored by: twr_1y; a drawdown since inception has no window in its key."""
    measure, window = figure
    return str(measure) if figure in _NAMED_BY_MEASURE else f"{measure}_{window}"


FIGURE_OF_KEY: Mapping[str, Figure] = {key_of(figure): figure for figure in (*RISK, *MONEY_WEIGHTED, *TIME_WEIGHTED)}
