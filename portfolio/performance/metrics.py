"""The metrics of a portfolio: windows cut from its value history, figures from `portfolio.analytics`, each with its status.

A figure that can't be computed is unavailable with its reason; one that rests on a substitute is degraded by it. Nothing is
annualised under 365 days (MEASUREMENT, Returns).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from portfolio.analytics import returns as rates
from portfolio.analytics import risk
from portfolio.analytics.errors import AnalyticsError, InvalidInput, UndefinedReturn
from portfolio.valuation import Days, InvariantViolated, ValueHistory

Floats = npt.NDArray[np.float64]


MIN_VAR_OBSERVATIONS, FULL_VAR_OBSERVATIONS = 30, 100


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure: a fraction unless its name says otherwise. `reason` says why it is not ok."""

    value: float | None
    status: str
    reason: str | None
    basis: Mapping[str, object]

    @property
    def is_known(self) -> bool:
        return self.value is not None


@dataclass(frozen=True, slots=True)
class RiskFree:
    """The risk-free series of a base currency on the history's days."""

    series_id: str
    yields: Floats
    """(D,) annual fraction, as known on each pack day; NaN before the first."""
    degraded: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Component:
    """One security of a benchmark, with what it may be grouped by."""

    symbol: str
    currency: str
    kind: str
    exchange: str
    weight: float


@dataclass(frozen=True, slots=True)
class BenchmarkReturns:
    """What a benchmark of K components did on the history's D days, base currency. Arrays are not writeable."""

    name: str
    returns: Floats
    """(D,) from the pack day before; NaN before all its components are known, and on row 0 where no pack was before."""
    degraded: tuple[str, ...] = ()
    reason: str = ""
    """Why returns are NaN after row 0, as a code."""
    sources: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """The components that are not known on every day."""
    components: tuple[Component, ...] = ()
    component_returns: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    """(D, K)"""
    component_weights: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    """(D, K) as each day opens; the sum-product with component_returns is returns."""
    definition: str = ""
    """Weights, components and when they are rebalanced."""
    hedged_returns: Floats | None = None
    """(D,) with the foreign components sold forward into the base currency; None where the pack lacks a rate."""


@dataclass(frozen=True, slots=True)
class Head:
    """Whose figures they are, and of when."""

    portfolio_id: str
    asof_date: date
    pricing_pack_id: str
    base_currency: str
    inception_date: date | None
    """None where nothing was booked up to the as-of date."""
    basis_caption: str
    benchmark: str | None
    """Its name; None where the portfolio has none."""
    benchmark_definition: str | None
    """What it was made of when the figures were computed: staff may change it."""


@dataclass(frozen=True)
class TwrRecord(Head):
    """Time-weighted returns by window, the benchmark's over the same days, and their difference (metrics.compute_twr)."""

    twr_1d: Metric
    twr_mtd: Metric
    twr_qtd: Metric
    twr_ytd: Metric
    twr_1y: Metric
    twr_3y: Metric
    twr_5y: Metric
    twr_itd: Metric
    twr_itd_annualised: Metric
    gross_twr_1d: Metric
    gross_twr_mtd: Metric
    gross_twr_qtd: Metric
    gross_twr_ytd: Metric
    gross_twr_1y: Metric
    gross_twr_3y: Metric
    gross_twr_5y: Metric
    gross_twr_itd: Metric
    gross_twr_itd_annualised: Metric
    benchmark_twr_1d: Metric
    benchmark_twr_mtd: Metric
    benchmark_twr_qtd: Metric
    benchmark_twr_ytd: Metric
    benchmark_twr_1y: Metric
    benchmark_twr_3y: Metric
    benchmark_twr_5y: Metric
    benchmark_twr_itd: Metric
    benchmark_twr_itd_annualised: Metric
    excess_twr_1d: Metric
    excess_twr_mtd: Metric
    excess_twr_qtd: Metric
    excess_twr_ytd: Metric
    excess_twr_1y: Metric
    excess_twr_3y: Metric
    excess_twr_5y: Metric
    excess_twr_itd: Metric
    excess_twr_itd_annualised: Metric


@dataclass(frozen=True)
class MwrRecord(Head):
    """Money-weighted returns by window, what the same money would have returned in the benchmark, and their difference
    (metrics.compute_mwr)."""

    mwr_mtd: Metric
    mwr_qtd: Metric
    mwr_ytd: Metric
    mwr_1y: Metric
    mwr_3y: Metric
    mwr_5y: Metric
    mwr_itd: Metric
    benchmark_mwr_mtd: Metric
    benchmark_mwr_qtd: Metric
    benchmark_mwr_ytd: Metric
    benchmark_mwr_1y: Metric
    benchmark_mwr_3y: Metric
    benchmark_mwr_5y: Metric
    benchmark_mwr_itd: Metric
    excess_mwr_mtd: Metric
    excess_mwr_qtd: Metric
    excess_mwr_ytd: Metric
    excess_mwr_1y: Metric
    excess_mwr_3y: Metric
    excess_mwr_5y: Metric
    excess_mwr_itd: Metric


@dataclass(frozen=True)
class RiskRecord(Head):
    """Risk, ratios and what the benchmark explains (metrics.risk)."""

    volatility_30d: Metric
    volatility_60d: Metric
    volatility_90d: Metric
    volatility_1y: Metric
    volatility_3y: Metric
    volatility_5y: Metric
    volatility_itd: Metric
    sharpe_30d: Metric
    sharpe_60d: Metric
    sharpe_90d: Metric
    sharpe_1y: Metric
    sharpe_3y: Metric
    sharpe_5y: Metric
    sharpe_itd: Metric
    sortino_1y: Metric
    sortino_itd: Metric
    downside_deviation_1y: Metric
    downside_deviation_itd: Metric
    calmar_itd: Metric
    win_rate_itd: Metric
    max_drawdown: Metric
    max_drawdown_1y: Metric
    max_drawdown_3y: Metric
    max_drawdown_5y: Metric
    current_drawdown: Metric
    value_at_risk_1d: Metric
    expected_shortfall_1d: Metric
    beta_1y: Metric
    alpha_1y: Metric
    tracking_error_1y: Metric
    information_ratio_1y: Metric
    correlation_1y: Metric
    beta_3y: Metric
    alpha_3y: Metric
    tracking_error_3y: Metric
    information_ratio_3y: Metric
    correlation_3y: Metric
    beta_itd: Metric
    alpha_itd: Metric
    tracking_error_itd: Metric
    information_ratio_itd: Metric
    correlation_itd: Metric


@dataclass(frozen=True)
class MetricsRecord(TwrRecord, MwrRecord, RiskRecord):
    """The whole metrics record (metrics.compute)."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of a history: the closes at `start` and `end` (indexes into its days; -1 is the day before inception)."""

    name: str
    start: int
    end: int
    opened: date
    closed: date
    years: int = 0
    doubts: tuple[str, ...] = ()
    """What every figure of the window is degraded by."""

    @property
    def days(self) -> int:
        return (self.closed - self.opened).days


WINDOWS = ("1d", "mtd", "qtd", "ytd", "1y", "3y", "5y", "itd")
OBSERVATIONS = {"30d": 30, "60d": 60, "90d": 90, "1y": 252, "3y": 756, "5y": 1260}
"""How many observations the spans of risk figures have."""
NET, GROSS = "net of all that is booked", "before management and custody fees"
UNDER_A_YEAR = "under_a_year"
NOT_STARTED, SHORT_HISTORY, NO_OBSERVATIONS = "not_started", "short_history", "no_observations"
BELOW_ZERO, TOTAL_LOSS = "starts_at_or_below_zero", "total_loss"
TO_DATE = frozenset({"mtd", "qtd", "ytd"})
"""Windows that are measured from inception where the portfolio is younger than they are."""


@dataclass(frozen=True, slots=True)
class Undefined:
    """A day without a return, and why, as a code: every window that contains it is unavailable."""

    index: int
    on: date
    reason: str


@dataclass(frozen=True, slots=True)
class DailyReturns:
    """What a history did from each of its days to the next."""

    returns: Floats
    """(D,) row 0 is the first day, opened at nothing on the day before; NaN where a day has none."""
    undefined: tuple[Undefined, ...]
    """Rising."""

    def first_undefined(self, start: int, end: int) -> Undefined | None:
        """The first day without a return between the closes `start` and `end`."""
        return next((each for each in self.undefined if start < each.index <= end), None)

    def between(self, closes: npt.NDArray[np.intp]) -> Floats:
        """(n,) returns between n + 1 closes; NaN where a day without one lies between."""
        has_none = np.isnan(self.returns)
        index = np.concatenate(([1.0], np.cumprod(np.where(has_none, 1.0, 1.0 + self.returns))))[closes + 1]
        so_far = np.concatenate(([0], np.cumsum(has_none)))[closes + 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(so_far[1:] > so_far[:-1], np.nan, index[1:] / index[:-1] - 1.0)

    def growth(self) -> Floats:
        """(D,) of the return index at each close; NaN on a day without a return, after which it begins anew."""
        has_none = np.isnan(self.returns)
        index = np.cumprod(np.where(has_none, 1.0, 1.0 + self.returns))
        begins = np.maximum.accumulate(np.where(has_none, np.arange(len(index)), -1))
        base = np.where(begins < 0, 1.0, index[begins])
        return np.asarray(np.where(has_none, np.nan, index if not has_none.any() else index / base))


@dataclass(frozen=True, slots=True)
class _Measured:
    history: ValueHistory
    daily: DailyReturns
    gross: Floats | None
    """(D,) returns with management and custody fees added back; None where there were none."""
    observations: npt.NDArray[np.intp]
    """Days that count as observations of risk."""
    periods_per_year: float
    opening: int
    """The close from which the first day is measured: -1, the day before; 0 where it can't be."""
    windows: Mapping[str, "Window | None"]
    life: "Window"
    """From the first day, whatever its days have a return."""
    risk_free: RiskFree | None
    benchmark: "_Beside | None"


@dataclass(frozen=True, slots=True)
class _Beside:
    """A benchmark on the portfolio's days."""

    of: BenchmarkReturns
    growth: Floats
    """(D + 1,) its return index from the close `known_from` on; before that it means nothing."""
    known_from: int
    """The first close from which every later day is known; -1 is the day before the first."""

    def degraded(self, *also: str) -> tuple[str, ...]:
        return (*also, *self.of.degraded)

    def between(self, closes: npt.NDArray[np.intp]) -> Floats:
        """(n,) returns between n + 1 closes, NaN where one of them lies before all was known."""
        index = self.growth[closes + 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(closes[:-1] < self.known_from, np.nan, index[1:] / index[:-1] - 1.0)


def twr_record(
    history: ValueHistory, *, portfolio_id: str, pack_id: str, benchmark: BenchmarkReturns | None = None
) -> TwrRecord:
    """Every window's time-weighted return, and the benchmark's beside it."""
    if not len(history.dates):
        return TwrRecord(**_not_started(TwrRecord, history, portfolio_id, pack_id, benchmark))
    figures: dict[str, Any] = {
        **_head(history, portfolio_id, pack_id, benchmark),
        **_twr(_measure(history, None, benchmark)),
    }
    return TwrRecord(**figures)


def mwr_record(
    history: ValueHistory, *, portfolio_id: str, pack_id: str, benchmark: BenchmarkReturns | None = None
) -> MwrRecord:
    """Every window's money-weighted return, and the benchmark's with the same money beside it."""
    if not len(history.dates):
        return MwrRecord(**_not_started(MwrRecord, history, portfolio_id, pack_id, benchmark))
    figures: dict[str, Any] = {
        **_head(history, portfolio_id, pack_id, benchmark),
        **_mwrs(_measure(history, None, benchmark)),
    }
    return MwrRecord(**figures)


def risk_record(
    history: ValueHistory,
    *,
    portfolio_id: str,
    pack_id: str,
    risk_free: RiskFree | None,
    benchmark: BenchmarkReturns | None = None,
) -> RiskRecord:
    """Risk and ratios. `risk_free` None: what rests on it is unavailable, and likewise the benchmark."""
    if not len(history.dates):
        return RiskRecord(**_not_started(RiskRecord, history, portfolio_id, pack_id, benchmark))
    measured = _measure(history, risk_free, benchmark)
    figures: dict[str, Any] = {
        **_head(history, portfolio_id, pack_id, benchmark),
        **_risk_figures(measured),
        **_relative_figures(measured),
    }
    return RiskRecord(**figures)


def record(
    history: ValueHistory,
    *,
    portfolio_id: str,
    pack_id: str,
    risk_free: RiskFree | None,
    benchmark: BenchmarkReturns | None = None,
) -> MetricsRecord:
    """Every figure that the history gives. `risk_free` None: what rests on it is unavailable, and likewise the benchmark."""
    if not len(history.dates):
        return MetricsRecord(**_not_started(MetricsRecord, history, portfolio_id, pack_id, benchmark))
    measured = _measure(history, risk_free, benchmark)
    figures: dict[str, Any] = {
        **_head(history, portfolio_id, pack_id, benchmark),
        **_twr(measured),
        **_mwrs(measured),
        **_risk_figures(measured),
        **_relative_figures(measured),
    }
    return MetricsRecord(**figures)


def _not_started(
    kind: type[Head], history: ValueHistory, portfolio_id: str, pack_id: str, benchmark: BenchmarkReturns | None
) -> dict[str, Any]:
    """The fields of a record as of a day before the first transaction."""
    none = Metric(None, "unavailable", NOT_STARTED, {})
    head = _head(history, portfolio_id, pack_id, benchmark)
    return {each.name: none for each in fields(kind) if each.name not in head} | head


@dataclass(frozen=True, slots=True)
class WindowReturns:
    """One window of a record: the returns, the benchmark's, and the excess of each."""

    window: str
    label: str
    twr: Metric
    benchmark_twr: Metric
    excess_twr: Metric
    mwr: Metric
    benchmark_mwr: Metric
    excess_mwr: Metric


LABELS: Mapping[str, str] = {
    "1d": "today",
    "mtd": "this month",
    "qtd": "this quarter",
    "ytd": "this year",
    "1y": "one year",
    "3y": "three years, a year",
    "5y": "five years, a year",
    "itd": "since inception",
    "itd_annualised": "since inception, a year",
}


def by_window(record: MetricsRecord) -> tuple[WindowReturns, ...]:
    """Every window of a record as a row; since inception a year once there has been one."""
    since = "itd_annualised" if record.twr_itd_annualised.is_known else "itd"
    within_a_day = Metric(None, "unavailable", "within_a_day", {})
    rows = []
    for name in WINDOWS:
        timed = since if name == "itd" else name
        rows.append(
            WindowReturns(
                timed,
                LABELS[timed],
                *(getattr(record, f"{whose}twr_{timed}") for whose in ("", "benchmark_", "excess_")),
                *(
                    within_a_day if name == "1d" else getattr(record, f"{whose}mwr_{name}")
                    for whose in ("", "benchmark_", "excess_")
                ),
            )
        )
    return tuple(rows)


def with_inferred_flows(rows: Iterable[WindowReturns]) -> tuple[WindowReturns, ...]:
    """Rows of a whole portfolio whose deposits are inferred, beside those of its securities."""
    return tuple(
        WindowReturns(
            f"inferred_{row.window}",
            f"{row.label}, cash and inferred deposits included",
            *(
                degraded(getattr(row, each.name), ["inferred_flows"])
                for each in fields(WindowReturns)
                if each.name not in ("window", "label")
            ),
        )
        for row in rows
    )


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """One calendar year; the first and the last may be part of one."""

    year: int
    label: str
    """The year, with the day from which it is measured where that is not the end of the year before."""
    first: date
    last: date
    is_whole: bool
    """From the close of the year before to the last close of the year."""
    twr: Metric
    benchmark_twr: Metric
    excess_twr: Metric


def calendar_years(history: ValueHistory, *, benchmark: BenchmarkReturns | None = None) -> tuple[CalendarYear, ...]:
    """Each year of the life, the newest first; no year is annualised."""
    if not len(history.dates):
        return ()
    measured = _measure(history, None, benchmark)
    years = history.dates.astype("datetime64[Y]").astype(int) + 1970
    return tuple(_calendar_year(measured, years, year) for year in range(int(years[-1]), int(years[0]) - 1, -1))


def _calendar_year(measured: _Measured, years: npt.NDArray[np.int64], year: int) -> CalendarYear:
    days, life = measured.history.dates, measured.life
    inside = np.flatnonzero(years == year)
    if not len(inside):
        before: date = days[np.searchsorted(years, year) - 1].item()
        none = Metric(None, "unavailable", "no_valued_day", {})
        return CalendarYear(year, str(year), before, before, False, none, none, none)
    start = max(int(inside[0]) - 1, life.start)
    is_first = start == life.start
    opened = life.opened if is_first else days[start].item()
    doubts = life.doubts if is_first else ()
    span = Window(str(year), start, int(inside[-1]), opened, days[inside[-1]].item(), doubts=doubts)
    own, versus = _span_twr(measured, span), _span_benchmark(measured, span)
    opens_with_year = start >= 0 and int(years[start]) == year - 1
    label = str(year) if opens_with_year else f"{year}, from {days[inside[0]] if is_first else opened}"
    is_whole = opens_with_year and (year < years[-1] or _is_year_end(span.closed))
    return CalendarYear(year, label, span.opened, span.closed, is_whole, own, versus, _excess(own, versus))


def _is_year_end(day: date) -> bool:
    return (day.month, day.day) == (12, 31)


@dataclass(frozen=True, slots=True)
class Rolling:
    """Figures of the last `window` observations, as of each observation date that has as many; None where not defined."""

    window: int
    periods_per_year: float
    dates: Days
    twr: tuple[float | None, ...]
    """Cumulative over the window."""
    volatility: tuple[float | None, ...]
    sharpe: tuple[float | None, ...]
    beta: tuple[float | None, ...]
    correlation: tuple[float | None, ...]
    tracking_error: tuple[float | None, ...]
    benchmark: str | None
    risk_free: str | None
    unavailable: Mapping[str, str]
    """Why a figure has no values at all, by its name."""
    degraded: Mapping[str, str]


def rolling(
    history: ValueHistory,
    *,
    window: int,
    risk_free: RiskFree | None,
    benchmark: BenchmarkReturns | None = None,
) -> Rolling:
    """One pass over all windows of `window` observations; each agrees with the figure computed of its days alone.

    raises   InvalidInput for a window of none
    """
    if window < 1:
        raise InvalidInput("window", f"is {window}, at least one observation is needed")
    names = ("twr", "volatility", "sharpe", "beta", "correlation", "tracking_error")
    found: dict[str, tuple[float | None, ...]] = dict.fromkeys(names, ())
    unavailable, degraded = dict[str, str](), dict[str, str]()
    if not len(history.dates):
        named = (benchmark.name if benchmark else None, risk_free.series_id if risk_free else None)
        return Rolling(
            window,
            0.0,
            history.dates,
            **found,
            benchmark=named[0],
            risk_free=named[1],
            unavailable=dict.fromkeys(names, NOT_STARTED),
            degraded=degraded,
        )
    measured = _measure(history, risk_free, benchmark)
    whole = _observed(measured, measured.life)
    per_year, n = measured.periods_per_year, len(whole.returns)
    beside = measured.benchmark
    if window > n:
        unavailable = dict.fromkeys(names, SHORT_HISTORY if n else NO_OBSERVATIONS)
    else:

        def windows(each: Floats) -> Floats:
            return np.lib.stride_tricks.sliding_window_view(each, window).T

        own = windows(whole.returns)
        found["twr"] = listed(np.prod(1.0 + own, axis=0) - 1.0)
        found["volatility"] = listed(risk.volatility(own, periods_per_year=per_year))
        if risk_free is None:
            unavailable["sharpe"] = "no_risk_free_rate"
        else:
            free = windows(risk_free_between(history, risk_free, whole.indexes))
            found["sharpe"] = listed(risk.sharpe_ratio(own, risk_free=free, periods_per_year=per_year))
            degraded |= {"sharpe": ", ".join(risk_free.degraded)} if risk_free.degraded else {}
        if beside is None:
            unavailable |= dict.fromkeys(names[3:], "no_benchmark")
        else:
            other = windows(beside.between(whole.indexes))
            found["beta"] = listed(risk.beta(own, other))
            found["correlation"] = listed(risk.correlation(own, other))
            found["tracking_error"] = listed(risk.tracking_error(own, other, periods_per_year=per_year))
            degraded |= dict.fromkeys(names[3:], ", ".join(beside.of.degraded)) if beside.of.degraded else {}
    return Rolling(
        window=window,
        periods_per_year=per_year,
        dates=history.dates[whole.indexes[window:]] if window <= n else history.dates[:0],
        **found,
        benchmark=benchmark.name if benchmark else None,
        risk_free=risk_free.series_id if risk_free else None,
        unavailable=unavailable,
        degraded=degraded,
    )


def listed(values: Floats) -> tuple[float | None, ...]:
    """A series as it is served: None where it has no value."""
    return tuple(value if np.isfinite(value) else None for value in values.tolist())


def window(history: ValueHistory, name: str) -> Window | None:
    """A named window as of the history's last day; None where the portfolio is younger than it.

    It opens at the close of the last pack on or before its anniversary; since inception opens at nothing on the day before the
    first, and after a day without a return at the close of that. This month, quarter and year of a portfolio that is younger
    are measured from its first day.
    """
    return _window(history, daily_returns(history), name)


def _window(history: ValueHistory, daily: DailyReturns, name: str) -> Window | None:
    whole = life(history)
    if whole is None:
        return None
    if name == "itd":
        return _since_last_undefined(history, daily, whole)
    anniversary = _anniversary(history, name)
    if anniversary is None:
        return None
    start = int(np.searchsorted(history.dates, np.datetime64(anniversary), side="right")) - 1
    if start < 0:
        return replace(whole, name=name, doubts=(*whole.doubts, "since_inception")) if name in TO_DATE else None
    years = int(name[:-1]) if name.endswith("y") else 0
    return Window(name, start, len(history.dates) - 1, history.dates[start].item(), whole.closed, years)


def life(history: ValueHistory) -> Window | None:
    """All days, whether each has a return or not. None where there are none: nothing was booked up to the as-of date."""
    if not len(history.dates):
        return None
    first, last = history.dates[0].item(), history.dates[-1].item()
    if history.is_late:
        return Window("itd", 0, len(history.dates) - 1, first, last, doubts=("before_first_pack",))
    return Window("itd", -1, len(history.dates) - 1, first - timedelta(days=1), last)


def nothing(asof_date: date) -> Window:
    """The window of a portfolio that has no life yet."""
    return Window("itd", -1, -1, asof_date, asof_date)


def _since_last_undefined(history: ValueHistory, daily: DailyReturns, whole: Window) -> Window:
    """Since inception starts anew at the close of a day without a return; after a total loss, where money comes in again."""
    if not daily.undefined:
        return whole
    start, reason = daily.undefined[-1].index, daily.undefined[-1].reason
    if reason == TOTAL_LOSS:
        came_in = np.flatnonzero(history.inflow[start + 1 :] > 0)
        start = start + int(came_in[0]) if len(came_in) else whole.end
    opened: date = history.dates[start].item()
    return replace(whole, start=start, opened=opened, doubts=(f"since {opened.isoformat()}",))


def _anniversary(history: ValueHistory, name: str) -> date | None:
    """The day whose close opens a window; None where a single day has no day before it."""
    last: date = history.dates[-1].item()
    match name:
        case "1d":
            return history.dates[-2].item() if len(history.dates) > 1 else None
        case "mtd":
            return last.replace(day=1) - timedelta(days=1)
        case "qtd":
            return last.replace(month=(last.month - 1) // 3 * 3 + 1, day=1) - timedelta(days=1)
        case "ytd":
            return last.replace(month=1, day=1) - timedelta(days=1)
        case _:
            return _years_before(last, int(name.removesuffix("y")))


def last_observations(history: ValueHistory, count: int) -> Window | None:
    """The span of the last `count` pack days; None where there are not as many closes before them.

    raises   InvalidInput for a span of none
    """
    if count < 1:
        raise InvalidInput("lookback_days", f"is {count}, at least one day is needed")
    start, whole = len(history.dates) - 1 - count, life(history)
    if whole is None or start < whole.start:
        return None
    if start == whole.start:
        return whole
    return Window(f"{count}d", start, len(history.dates) - 1, history.dates[start].item(), history.dates[-1].item())


def subperiod_returns(history: ValueHistory) -> Floats:
    """(D,) daily returns under the history's flow timing, the first day measured from nothing; NaN where a day has none.

    Under `end` the first day begins with nothing and can't be measured: it stands as 0.
    """
    return daily_returns(history).returns


def daily_returns(history: ValueHistory) -> DailyReturns:
    """`subperiod_returns`, and why a day has none."""
    return _without_losses(history, _raw_returns(history))


def _raw_returns(history: ValueHistory) -> Floats:
    """(D,) as `subperiod_returns`, with what ends at or below nothing as it is."""
    begin = 1 if history.flow_timing == "end" or history.is_late else 0
    values = np.concatenate(([0.0], history.value))
    daily = np.zeros(len(history.dates))
    if len(daily) > begin:
        before, after = values[begin:-1], values[begin + 1 :]
        flows = (np.vstack((np.zeros(len(each[begin:])), each[begin:])) for each in (history.inflow, history.outflow))
        inflow, outflow = flows
        # Each day is a table's column by itself, so that one without a return leaves the others theirs.
        daily[begin:] = rates.time_weighted_returns(
            np.vstack((before, after)),
            inflow,
            outflows=outflow,
            flow_timing=history.flow_timing,  # type: ignore[arg-type]
        )[0]
    return daily - over_opening(history, history.outside_fees) if history.outside_fees.any() else daily


def _without_losses(history: ValueHistory, daily: Floats) -> DailyReturns:
    """What can be linked, and the days that can't: a start at or below zero, a total loss, money moved on a day without value."""
    is_lost = daily <= -1.0 + 1e-12
    across = np.zeros(len(daily), dtype=np.bool_) if history.flow_in_gap is None else history.flow_in_gap
    has_none = np.isnan(daily) | is_lost | across
    if not has_none.any():
        return DailyReturns(daily, ())
    undefined = []
    for index in np.flatnonzero(has_none).tolist():
        on: date = history.dates[index].item()
        reason = TOTAL_LOSS if is_lost[index] else BELOW_ZERO
        if across[index]:
            reason = f"missing_{gap_before(history, on)}"
        undefined.append(Undefined(index, on, reason))
    return DailyReturns(np.where(has_none, np.nan, daily), tuple(undefined))


def gap_before(history: ValueHistory, on: date) -> str:
    """What was missing on the last day without a value up to a day: price or rate."""
    return next((gap.kind for gap in reversed(history.gaps) if gap.first <= on), "rate")


def over_opening(history: ValueHistory, amounts: Floats) -> Floats:
    """(D,) of amounts at the close, as a part of what the flow timing measures the day from; 0 where that is nothing."""
    opening = np.concatenate(([0.0], history.value[:-1]))
    if history.flow_timing != "end":
        opening = opening + history.inflow
    if history.flow_timing == "start":
        opening = opening - history.outflow
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(opening > 0, amounts / opening, 0.0))


@dataclass(frozen=True, slots=True)
class ObservedReturns:
    """What lies between a portfolio's observations, for regressions.

    The close before the first observation is left out: a factor has no level on the day before a portfolio began.
    """

    closes: Days
    """(n + 1,)"""
    returns: Floats
    """(n,) of the portfolio."""
    risk_free: Floats
    """(n,) NaN where no rate was known."""
    benchmark: Floats | None
    """(n,) NaN where it was not known."""


def observed_returns(
    history: ValueHistory, risk_free: RiskFree, benchmark: BenchmarkReturns | None = None
) -> ObservedReturns:
    """The returns between observations, the risk-free rate and the benchmark over the same days."""
    none = np.zeros(0)
    if not len(history.dates):
        return ObservedReturns(history.dates, none, none, None if benchmark is None else none)
    measured = _measure(history, risk_free, benchmark)
    if not len(measured.observations):
        return ObservedReturns(history.dates[:0], none, none, None if benchmark is None else none)
    span = _between(measured, measured.observations)
    return ObservedReturns(
        history.dates[measured.observations],
        span.returns,
        risk_free_between(history, risk_free, span.indexes),
        None if measured.benchmark is None else measured.benchmark.between(span.indexes),
    )


def _measure(history: ValueHistory, risk_free: RiskFree | None, benchmark: BenchmarkReturns | None = None) -> _Measured:
    """Of a history that has days."""
    raw = _raw_returns(history)
    _require_long_only(history, raw)
    daily, whole = _without_losses(history, raw), life(history)
    assert whole is not None
    observations = observation_days(history)
    return _Measured(
        history=history,
        daily=daily,
        gross=_gross(history, daily.returns),
        observations=observations,
        periods_per_year=periods_per_year(history, len(observations)),
        opening=_first_measured(history) - 1,
        windows={name: _window(history, daily, name) for name in WINDOWS},
        life=whole,
        risk_free=risk_free,
        benchmark=None if benchmark is None else _beside(benchmark),
    )


def _first_measured(history: ValueHistory) -> int:
    """The first day that has a return: the second under `end`, and where the ledger begins before the first pack."""
    return 1 if history.flow_timing == "end" or history.is_late else 0


def _require_long_only(history: ValueHistory, daily: Floats) -> None:
    """Who owes nothing and has sold nothing short can lose all, and no more: else the history itself is wrong.

    Under `end` what came in and was lost on the same day is more than what was there before; and what is paid from elsewhere
    may be more than what there is.
    """
    if history.flow_timing == "end" or history.outside_fees.any():
        return
    below = np.flatnonzero(daily < -1.0 - 1e-12)
    if len(below) and (history.weights >= 0).all() and (history.cash >= 0).all():
        raise InvariantViolated(
            "a long-only return is not below -100 %", history.dates[below[0]].item(), float(daily[below[0]] + 1.0)
        )


def observation_days(history: ValueHistory) -> npt.NDArray[np.intp]:
    """Days that count as observations of risk: something held was traded. A first day that can't be measured is none."""
    before = np.concatenate(([0.0], history.value[:-1])) + history.inflow
    empty = (before == 0) & (history.value + history.outflow == 0)
    found = np.flatnonzero(history.observed & ~empty)
    return found[found >= _first_measured(history)]


def periods_per_year(history: ValueHistory, observations: int) -> float:
    """252 for one exchange, else as many as were observed a year."""
    if not len(history.dates):
        return 0.0
    days = (history.dates[-1] - history.dates[0]).astype(int) + 1
    return 252.0 if len(history.exchanges) == 1 else observations / (days / 365)


def _gross(history: ValueHistory, daily: Floats) -> Floats | None:
    """What was charged by management and custody counts as if it were still there at the close of its day."""
    if not history.recurring_fees.any():
        return None
    return daily + over_opening(history, history.recurring_fees)


def _beside(benchmark: BenchmarkReturns) -> _Beside:
    unknown = np.flatnonzero(np.isnan(benchmark.returns))
    known_from = int(unknown[-1]) if len(unknown) else -1
    known = np.where(np.isnan(benchmark.returns), 0.0, benchmark.returns)
    return _Beside(benchmark, np.concatenate(([1.0], np.cumprod(1.0 + known))), known_from)


def _twr(measured: _Measured) -> dict[str, Metric]:
    own = {name: _window_twr(measured, name) for name in WINDOWS}
    own["itd_annualised"] = _since_inception(measured, own["itd"])
    if measured.gross is None:
        gross = {name: replace(each, basis={**each.basis, "net": GROSS}) for name, each in own.items()}
    else:
        gross = {name: _window_twr(measured, name, measured.gross) for name in WINDOWS}
        gross["itd_annualised"] = _since_inception(measured, gross["itd"])
    beside = {name: _span_benchmark(measured, measured.windows[name]) for name in WINDOWS}
    beside["itd_annualised"] = _since_inception(measured, beside["itd"])
    return {
        **{f"twr_{name}": each for name, each in own.items()},
        **{f"gross_twr_{name}": each for name, each in gross.items()},
        **{f"benchmark_twr_{name}": each for name, each in beside.items()},
        **{f"excess_twr_{name}": _excess(own[name], each) for name, each in beside.items()},
    }


def _since_inception(measured: _Measured, total: Metric) -> Metric:
    """A year's share of a return since inception."""
    if total.value is None:
        return total
    span = measured.windows["itd"] or measured.life
    days = _days_invested(measured.history) if span.start < 0 else span.days
    basis = dict(total.basis) | {"annualised": True}
    if days < rates.DAYS_A_YEAR:
        return Metric(None, "unavailable", UNDER_A_YEAR, basis)
    return _annualised(replace(total, basis=basis), total.value, days)


def _days_invested(history: ValueHistory) -> int:
    """As XIRR counts, from the first flow's own date, so that with a single flow TWR annualised = MWR."""
    first: date = history.flows[0][0] if history.flows else history.dates[0].item()
    last: date = history.dates[-1].item()
    return (last - first).days


def _window_twr(measured: _Measured, name: str, daily: Floats | None = None) -> Metric:
    return _span_twr(measured, measured.windows[name], daily)


def _span_twr(measured: _Measured, span: Window | None, daily: Floats | None = None) -> Metric:
    if span is None:
        return Metric(None, "unavailable", SHORT_HISTORY, {})
    annualised = span.years > 1
    basis = dict(_basis(measured, span, annualised=annualised))
    if daily is not None:
        basis["net"] = GROSS
    absent = lacking(measured.daily, span, basis)
    if absent is not None:
        return absent
    chosen = measured.daily.returns if daily is None else daily
    total = float(rates.link(chosen[span.start + 1 : span.end + 1]))
    first_day_lost = span.start == -1 and measured.history.flow_timing == "end"
    metric = degraded(
        Metric(total, "ok", None, basis), (*span.doubts, *(("first_day_excluded",) if first_day_lost else ()))
    )
    return _annualised(metric, total, 365 * span.years) if annualised else metric


def lacking(daily: DailyReturns, span: Window, basis: Mapping[str, object]) -> Metric | None:
    """Why a window has no return: a day of it has none, or it has no days. None: it has one."""
    if not len(daily.returns):
        return Metric(None, "unavailable", NOT_STARTED, basis)
    undefined = daily.first_undefined(span.start, span.end)
    if undefined is None and span.start == span.end:
        if not daily.undefined:
            return Metric(None, "unavailable", SHORT_HISTORY, basis)
        undefined = daily.undefined[-1]
    return None if undefined is None else _without_return(undefined, basis)


def _without_return(undefined: Undefined, basis: Mapping[str, object]) -> Metric:
    return Metric(None, "unavailable", undefined.reason, {**basis, "undefined": undefined.on.isoformat()})


def _span_benchmark(measured: _Measured, span: Window | None) -> Metric:
    """The benchmark over the days of the portfolio's window."""
    opened = _opened(measured, span)
    if isinstance(opened, Metric):
        return opened
    beside, closes, opening = opened.beside, opened.span, opened.opening
    annualised = closes.years > 1
    total = float(beside.growth[closes.end + 1] / beside.growth[opening + 1] - 1.0)
    metric = opened.named(Metric(total, "ok", None, _basis(measured, closes, annualised=annualised)))
    return _annualised(metric, total, 365 * closes.years) if annualised else metric


@dataclass(frozen=True, slots=True)
class _Opened:
    """A window that the benchmark is known in, from the close `opening` on."""

    beside: "_Beside"
    span: Window
    opening: int
    doubts: tuple[str, ...]

    def named(self, figure: Metric) -> Metric:
        """Of the benchmark, with what it is degraded by."""
        figure = replace(figure, basis={**figure.basis, "net": self.beside.of.name})
        return degraded(figure, self.beside.degraded(*self.span.doubts, *self.doubts))


def _opened(measured: _Measured, span: Window | None) -> _Opened | Metric:
    """Where the benchmark's part of a window begins, or why it has none."""
    beside = measured.benchmark
    if beside is None:
        return Metric(None, "unavailable", "no_benchmark", {})
    if span is None:
        return Metric(None, "unavailable", SHORT_HISTORY, {})
    if span.start == span.end:
        return lacking(measured.daily, span, {}) or Metric(None, "unavailable", SHORT_HISTORY, {})
    opening = max(span.start, measured.opening)
    doubts = ("first_day_excluded",) if span.start == -1 and measured.opening == 0 else ()
    if beside.known_from == 0 and opening == -1:
        opening, doubts = 0, ("first_day_excluded",)  # no pack was before the portfolio's first
    if opening < beside.known_from:
        basis = {**_basis(measured, span, annualised=span.years > 1), "net": beside.of.name}
        return Metric(None, "unavailable", beside.of.reason, {**basis, "missing": list(beside.of.missing)})
    return _Opened(beside, span, opening, doubts)


def benchmark_over(
    history: ValueHistory, span: Window, benchmark: BenchmarkReturns | None, *, hedged: bool = False
) -> Metric:
    """The benchmark's return over a span of the history, with its currencies or hedged into the base currency."""
    if hedged and benchmark is not None:
        if benchmark.hedged_returns is None:
            return Metric(None, "unavailable", "no_forward_rate", {})
        reason = benchmark.reason or "no_forward_rate"
        benchmark = replace(benchmark, returns=benchmark.hedged_returns, reason=reason)
    if not len(history.dates):
        return Metric(None, "unavailable", NOT_STARTED, {})
    figure = _span_benchmark(_measure(history, None, benchmark), span)
    return replace(figure, basis={**figure.basis, "hedged": hedged}) if figure.basis else figure


def _excess(own: Metric, beside: Metric) -> Metric:
    """The difference of the two figures, as they stand."""
    for each in (beside, own) if beside.reason == "no_benchmark" else (own, beside):
        if each.value is None:
            return Metric(None, "unavailable", each.reason, each.basis)
    assert own.value is not None
    assert beside.value is not None
    basis = dict(own.basis) | {"benchmark": beside.basis["net"], "excess": "arithmetic"}
    doubts = [word for each in (own, beside) if each.reason for word in each.reason.split(", ")]
    return degraded(Metric(own.value - beside.value, "ok", None, basis), doubts)


def degraded(metric: Metric, doubts: Iterable[str]) -> Metric:
    """The same figure, degraded by each doubt once, beside what it is degraded by already."""
    if metric.value is None:
        return metric
    named = list(dict.fromkeys([*((metric.reason or "").split(", ") if metric.reason else []), *doubts]))
    return replace(metric, status="degraded", reason=", ".join(named)) if named else metric


def _annualised(metric: Metric, total: float, days: int) -> Metric:
    """Nothing is left to compound once more than all was lost."""
    try:
        return replace(metric, value=float(rates.annualise(total, days)))
    except UndefinedReturn as undefined:
        return replace(metric, value=None, status="unavailable", reason=str(undefined))


def _mwrs(measured: _Measured) -> dict[str, Metric]:
    """Money-weighted: the opening value is put in, the closing value taken out, every flow on its own date.

    Beside it what the same money would have returned in the benchmark (Long and Nickels, 1996). Under a year a figure is
    the period's own, else a yearly rate.
    """
    names = [name for name in WINDOWS if name != "1d"]
    windows = {**measured.windows, "itd": measured.life}  # whatever a day of it has no return
    spans = {name: span for name in names if (span := windows[name]) is not None}
    history = measured.history
    dates, own = _paid(history, list(spans.values()))
    days = np.array([_days_invested(history) if span.start < 0 else span.days for span in spans.values()])
    opened = {name: _opened(measured, windows[name]) for name in names}
    beside, worth = np.zeros(own.shape), dict[str, float]()
    for column, name in enumerate(spans):
        if isinstance(of_window := opened[name], _Opened):
            beside[:, column] = own[:, column]
            beside[-1, column] = worth[name] = _worth_in_benchmark(history, of_window, own[:, column])
    # Fees paid from elsewhere: put in, and nothing to show for it. The same money in the benchmark has none.
    charged = np.flatnonzero(history.outside_fees)
    places = charged[:, None]
    inside = (np.array([span.start for span in spans.values()]) < places) & (
        places <= np.array([span.end for span in spans.values()])
    )
    own = np.vstack((own, np.where(inside, -history.outside_fees[places], 0.0)))
    beside = np.vstack((beside, np.zeros(inside.shape)))
    dates = np.concatenate((dates, history.dates[charged]))
    told_for, order = np.minimum(np.maximum(days, 1), 365), np.argsort(dates, kind="stable")
    tables = [own] if measured.benchmark is None else [own, beside]
    found = rates.money_weighted_return(
        dates[order], np.column_stack(tables)[order], days=np.tile(told_for, len(tables))
    )

    def figure(paid: Floats, column: int, rate: float, span: Window) -> Metric:
        basis = {**_basis(measured, span, annualised=bool(days[column] >= 365)), "convention": "XIRR ACT/365"}
        unknown = dates[np.isnan(own[:, column])]
        if len(unknown):
            return Metric(None, "unavailable", f"missing_{gap_before(history, unknown[0].item())}", basis)
        if np.isnan(rate):  # the series alone says why
            try:
                rate = rates.money_weighted_return(dates[order], paid[order, column], days=float(told_for[column]))
            except AnalyticsError as undefined:
                return Metric(None, "unavailable", str(undefined), basis)
        return degraded(Metric(float(rate), "ok", None, basis), span.doubts)

    figures: dict[str, Metric] = {}
    for name in names:
        mine, other = Metric(None, "unavailable", SHORT_HISTORY, {}), opened[name]
        if name in spans:
            column = list(spans).index(name)
            mine = figure(own, column, found[column], spans[name])
            if isinstance(other, _Opened):
                rate = figure(beside, column, found[len(spans) + column], spans[name])
                if worth[name] < 0:
                    rate = replace(rate, value=None, status="unavailable", reason="benchmark_emptied")
                other = other.named(rate)
        assert isinstance(other, Metric)  # without a window there is no opening
        figures |= {f"mwr_{name}": mine, f"benchmark_mwr_{name}": other, f"excess_mwr_{name}": _excess(mine, other)}
    return figures


def _paid(history: ValueHistory, spans: list[Window]) -> tuple[Days, Floats]:
    """(K,) dates and (K, W) amounts of W windows, put in negative, zero is no flow: the flows, W openings, the close."""
    days = np.array([day for day, _ in history.flows], dtype="datetime64[D]")
    money = np.array([amount for _, amount in history.flows], dtype=np.float64)
    opened = np.array([span.opened for span in spans], dtype="datetime64[D]")
    amounts = np.zeros((len(days) + len(spans) + 1, len(spans)))
    for column, span in enumerate(spans):
        inside = ((days > opened[column]) | (span.start < 0)) & (days <= history.dates[-1])
        amounts[: len(days), column] = np.where(inside, -money, 0.0)
        if span.start >= 0:
            amounts[len(days) + column, column] = -history.value[span.start]
    amounts[-1] = history.value[-1]
    return np.concatenate((days, opened, history.dates[-1:])), amounts


def _worth_in_benchmark(history: ValueHistory, opened: "_Opened", paid: Floats) -> float:
    """What the money of one column of `_paid` would be at the close, had it been in the benchmark.

    Each flow counts by the flow timing, on the pack day that it belongs to.
    """
    days = np.array([day for day, _ in history.flows], dtype="datetime64[D]")
    amounts = -paid[:-1]
    closes = np.full(len(amounts), opened.opening)
    of_day = np.minimum(np.searchsorted(history.dates, days), len(history.dates) - 1)
    early = np.full(len(days), history.flow_timing == "start")
    if history.flow_timing == "in_start_out_end":
        early = amounts[: len(days)] > 0
    closes[: len(days)] = np.maximum(of_day - early, opened.opening)
    growth = opened.beside.growth
    return float((amounts * (growth[opened.span.end + 1] / growth[closes + 1])).sum())


def _risk_figures(measured: _Measured) -> dict[str, Metric]:
    itd = _since_inception_observed(measured)
    spans = {label: _last(measured, count) for label, count in OBSERVATIONS.items()} | {"itd": itd}
    per_year = measured.periods_per_year
    figures: dict[str, Metric] = {}
    for label, span in spans.items():
        figures[f"volatility_{label}"] = _figure(measured, span, risk.volatility, periods_per_year=per_year)
        figures[f"sharpe_{label}"] = _excess_figure(measured, span, risk.sharpe_ratio, "risk_free")
    for label in ("1y", "itd"):
        figures[f"sortino_{label}"] = _excess_figure(measured, spans[label], risk.sortino_ratio, "mar")
        figures[f"downside_deviation_{label}"] = _excess_figure(measured, spans[label], risk.downside_deviation, "mar")
    figures["calmar_itd"] = _figure(measured, itd, risk.calmar_ratio, periods_per_year=per_year)
    if figures["calmar_itd"].value is not None and _days_invested(measured.history) < rates.DAYS_A_YEAR:
        figures["calmar_itd"] = Metric(None, "unavailable", UNDER_A_YEAR, figures["calmar_itd"].basis)
    figures["win_rate_itd"] = _figure(measured, itd, risk.win_rate)
    figures |= _drawdowns(measured)
    figures["value_at_risk_1d"] = _tail(measured, spans["1y"], risk.value_at_risk)
    figures["expected_shortfall_1d"] = _tail(measured, spans["1y"], risk.expected_shortfall)
    return figures


RELATIVE: Mapping[str, Callable[..., float]] = {
    "beta": risk.beta,
    "alpha": risk.alpha,
    "tracking_error": risk.tracking_error,
    "information_ratio": risk.information_ratio,
    "correlation": risk.correlation,
}


def _relative_figures(measured: _Measured) -> dict[str, Metric]:
    spans = {label: _last(measured, OBSERVATIONS[label]) for label in ("1y", "3y")}
    spans["itd"] = _since_inception_observed(measured)
    return {
        f"{name}_{label}": figure for label, span in spans.items() for name, figure in _relative(measured, span).items()
    }


def _relative(measured: _Measured, span: "_Observed | str") -> dict[str, Metric]:
    """What the benchmark explains of the returns between a span's closes."""
    beside = measured.benchmark
    if beside is None or isinstance(span, str):
        missing = "no_benchmark" if beside is None else str(span)
        return dict.fromkeys(RELATIVE, Metric(None, "unavailable", missing, {}))
    doubts: tuple[str, ...] = ()
    if span.indexes[0] == -1 and beside.known_from == 0 and len(span.indexes) > 1:
        span, doubts = _between(measured, span.indexes[1:], span.doubts), ("first_day_excluded",)
    basis = {**span.basis, "benchmark": beside.of.name}
    if span.indexes[0] < beside.known_from:
        absent = Metric(None, "unavailable", beside.of.reason, basis | {"missing": list(beside.of.missing)})
        return dict.fromkeys(RELATIVE, absent)
    other = beside.between(span.indexes)
    figures = {}
    for name, compute in RELATIVE.items():
        yearly = {} if name in ("beta", "correlation") else {"periods_per_year": measured.periods_per_year}
        if name == "alpha":
            figure = _excess_figure(measured, span, compute, "risk_free", benchmark=other)
        else:
            figure = _figure(measured, span, compute, benchmark=other, **yearly)
        figure = replace(figure, basis={**basis, **figure.basis})
        figures[name] = degraded(figure, beside.degraded(*doubts))
    return figures


@dataclass(slots=True)
class _Observed:
    """(n,) returns over the observation days of a span; where no exchange was open the days are linked into the next."""

    returns: Floats
    indexes: npt.NDArray[np.intp]
    """(n + 1,) the closes between which they lie; the first may be -1."""
    basis: Mapping[str, object]
    undefined: Undefined | None
    """The first day of the span that has no return."""
    doubts: tuple[str, ...] = ()
    free: Floats | None = None
    """(n,) the risk-free return of the same periods, once it was asked for."""


def _observed(measured: _Measured, span: Window) -> _Observed:
    inside = measured.observations[(measured.observations > span.start) & (measured.observations <= span.end)]
    return _between(measured, np.concatenate(([max(span.start, measured.opening)], inside)), span.doubts)


def _since_inception_observed(measured: _Measured) -> _Observed | str:
    """The observations since inception, or why there are none, as a code."""
    if not len(measured.observations):
        return NO_OBSERVATIONS
    span = measured.windows["itd"] or measured.life
    found = _observed(measured, span)
    if len(found.returns):
        return found
    return measured.daily.undefined[-1].reason if measured.daily.undefined else NO_OBSERVATIONS


def _last(measured: _Measured, count: int) -> _Observed | str:
    """The last `count` observations, or why there are not as many, as a code."""
    if not len(measured.observations):
        return NO_OBSERVATIONS
    if len(measured.observations) < count:
        return SHORT_HISTORY if len(measured.history.dates) < count else "too_few_observations"
    chosen = measured.observations[-count:]
    before = measured.observations[-count - 1] if len(measured.observations) > count else measured.opening
    return _between(measured, np.concatenate(([before], chosen)))


def _between(measured: _Measured, closes: npt.NDArray[np.intp], doubts: tuple[str, ...] = ()) -> _Observed:
    undefined = measured.daily.first_undefined(int(closes[0]), int(closes[-1])) if measured.daily.undefined else None
    return _Observed(measured.daily.between(closes), closes, _span_basis(measured, closes), undefined, doubts)


def _figure(measured: _Measured, span: _Observed | str, compute: Callable[..., float], **settings: object) -> Metric:
    if isinstance(span, str):
        return Metric(None, "unavailable", span, {})
    if span.undefined is not None:
        return _without_return(span.undefined, span.basis)
    basis = span.basis if "periods_per_year" in settings else {**span.basis, "annualised": False}
    try:
        return degraded(Metric(float(compute(span.returns, **settings)), "ok", None, basis), span.doubts)
    except AnalyticsError as undefined:
        return Metric(None, "unavailable", str(undefined), basis)


def _excess_figure(
    measured: _Measured, span: _Observed | str, compute: Callable[..., float], rate: str, **settings: object
) -> Metric:
    """A figure over the risk-free rate, which `compute` takes by the name `rate`."""
    free = measured.risk_free
    if free is None:
        return Metric(None, "unavailable", "no_risk_free_rate", {})
    if isinstance(span, str):
        return Metric(None, "unavailable", span, {})
    if span.free is None:
        span.free = risk_free_between(measured.history, free, span.indexes)
    basis = {**span.basis, "risk_free": free.series_id}
    if np.isnan(span.free).any():
        return Metric(None, "unavailable", "no_risk_free_rate", basis)
    metric = _figure(
        measured, span, compute, **{rate: span.free}, periods_per_year=measured.periods_per_year, **settings
    )
    return replace(degraded(metric, free.degraded), basis=basis)


def risk_free_between(history: ValueHistory, free: RiskFree, closes: npt.NDArray[np.intp]) -> Floats:
    """(n,) (1 + y)^(calendar days / 365) - 1 between n + 1 closes, with the yield known at the opening pack."""
    days = history.dates
    opened = np.maximum(closes[:-1], 0)
    first = days[0] - np.timedelta64(1, "D")
    opening_days = np.where(closes[:-1] < 0, first, days[opened])
    elapsed = (days[closes[1:]] - opening_days).astype(int)
    return np.asarray((1.0 + free.yields[opened]) ** (elapsed / 365.0) - 1.0)


def _drawdowns(measured: _Measured) -> dict[str, Metric]:
    """On the return index over all pack days, with the dates of peak, trough and recovery."""
    figures = {}
    for name, label in (("itd", ""), ("1y", "_1y"), ("3y", "_3y"), ("5y", "_5y")):
        deepest, current = _drawdown(measured, measured.windows[name])
        figures[f"max_drawdown{label}"] = deepest
        if name == "itd":
            figures["current_drawdown"] = current
    return figures


def _drawdown(measured: _Measured, span: Window | None) -> tuple[Metric, Metric]:
    """The deepest and the current one of a window."""
    if span is None:
        return (Metric(None, "unavailable", SHORT_HISTORY, {}),) * 2
    basis = dict(_basis(measured, span))
    absent = lacking(measured.daily, span, basis)
    if absent is not None:
        return (absent,) * 2
    try:
        found = risk.drawdown(measured.daily.returns[span.start + 1 : span.end + 1])
    except AnalyticsError as undefined:
        return (Metric(None, "unavailable", str(undefined), basis),) * 2

    def day(position: int | None) -> str | None:
        """Position in the return index: 0 is the window's opening."""
        if position is None:
            return None
        at = span.start + position
        return str(span.opened if at < 0 else measured.history.dates[at])

    turns = {"peak": day(found.peak), "trough": day(found.trough), "recovery": day(found.recovery)}
    return (
        degraded(Metric(float(found.depth), "ok", None, basis | turns), span.doubts),
        degraded(Metric(float(found.current), "ok", None, basis | {"peak": day(found.current_peak)}), span.doubts),
    )


def _tail(measured: _Measured, span: _Observed | str, compute: Callable[..., float]) -> Metric:
    if isinstance(span, str):
        available = _since_inception_observed(measured)
        if isinstance(available, str) or len(available.returns) < MIN_VAR_OBSERVATIONS:
            return Metric(None, "unavailable", span, {})
        span = available
    metric = _figure(measured, span, compute, level=0.95)
    if metric.value is not None and len(span.returns) < FULL_VAR_OBSERVATIONS:
        return degraded(metric, ["few_observations"])
    return metric


def _basis(measured: _Measured, span: Window, *, annualised: bool = False) -> Mapping[str, object]:
    return {
        "net": NET,
        "annualised": annualised,
        "first": span.opened.isoformat(),
        "last": span.closed.isoformat(),
        "n": span.end - span.start,
        "flow_timing": measured.history.flow_timing,
        **scope_of(measured.history),
        **carried_between(measured.history, span.start, span.end),
    }


def carried_between(history: ValueHistory, start: int, end: int) -> Mapping[str, object]:
    """Of the days of a span, the mean share of the value that was carried at the last close of what is delisted."""
    if history.carried is None:
        return {}
    value, carried = (each[start + 1 : end + 1] for each in (history.value, history.carried))
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(value > 0, carried / value, 0.0)
    return {"delisted_share": float(shares.mean())} if carried.any() else {}


def scope_of(history: ValueHistory) -> Mapping[str, object]:
    """What a basis says of the scope: nothing where it is the whole portfolio."""
    return {"scope": history.scope} if history.scope != "portfolio" else {}


def _span_basis(measured: _Measured, closes: npt.NDArray[np.intp]) -> Mapping[str, object]:
    history = measured.history
    opened = history.dates[0].item() - timedelta(days=1) if closes[0] < 0 else history.dates[closes[0]].item()
    return {
        "net": NET,
        "annualised": True,
        "first": opened.isoformat(),
        "last": history.dates[closes[-1]].item().isoformat(),
        "n": len(closes) - 1,
        "periods_per_year": measured.periods_per_year,
        **scope_of(history),
        **carried_between(history, int(closes[0]), int(closes[-1])),
    }


def _head(history: ValueHistory, portfolio_id: str, pack_id: str, benchmark: BenchmarkReturns | None) -> dict[str, Any]:
    has_begun = len(history.dates) > 0
    return {
        "portfolio_id": portfolio_id,
        "asof_date": history.dates[-1].item() if has_begun else date.fromisoformat(pack_id.split("_")[1]),
        "pricing_pack_id": pack_id,
        "base_currency": history.base_currency,
        "inception_date": history.dates[0].item() if has_begun else None,
        "basis_caption": caption(history, pack_id),
        "benchmark": benchmark.name if benchmark else None,
        "benchmark_definition": benchmark.definition if benchmark else None,
    }


TIMING_WORDS = {
    "in_start_out_end": "money in counts from the start of its day, money out until the end",
    "start": "flows count from the start of their day",
    "end": "flows count from the end of their day",
}


def caption(history: ValueHistory, pack_id: str) -> str:
    """One sentence that says what every figure rests on."""
    policy = pack_id.split("_", 2)[2].rsplit("_", 1)[0]
    if not len(history.dates):
        return "Nothing was booked up to this day."
    net = "Securities only, net" if history.scope == "securities_only" else "Net"
    return (
        f"{net} of all that is booked, {history.accrual} basis, in {history.base_currency} at the rates of {policy}; "
        f"time-weighted daily, {TIMING_WORDS[history.flow_timing]}; since {history.dates[0].item().isoformat()}."
    )


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
