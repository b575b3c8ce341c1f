"""The metrics of a portfolio: windows cut from its value history, figures from `portfolio.analytics`, each with its status.

A figure that can't be computed is unavailable with its reason; one that rests on a substitute is degraded by it. Nothing is
annualised under 365 days (MEASUREMENT, Returns).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from portfolio.analytics import returns as rates
from portfolio.analytics import risk
from portfolio.analytics.errors import AnalyticsError, UndefinedReturn
from portfolio.valuation import Days, ValueHistory

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
class TwrRecord:
    """Time-weighted returns by window (DESIGN §5, metrics.compute_twr)."""

    portfolio_id: str
    asof_date: date
    pricing_pack_id: str
    base_currency: str
    inception_date: date
    basis_caption: str
    twr_1d: Metric
    twr_mtd: Metric
    twr_qtd: Metric
    twr_ytd: Metric
    twr_1y: Metric
    twr_3y: Metric
    twr_5y: Metric
    twr_itd: Metric
    twr_itd_annualised: Metric


@dataclass(frozen=True, slots=True)
class MetricsRecord(TwrRecord):
    """The whole metrics record (metrics.compute)."""

    mwr_ytd: Metric
    mwr_1y: Metric
    mwr_3y: Metric
    mwr_5y: Metric
    mwr_itd: Metric
    volatility_30d: Metric
    volatility_60d: Metric
    volatility_90d: Metric
    volatility_1y: Metric
    volatility_itd: Metric
    sharpe_30d: Metric
    sharpe_60d: Metric
    sharpe_90d: Metric
    sharpe_1y: Metric
    sharpe_itd: Metric
    sortino_itd: Metric
    calmar_itd: Metric
    win_rate_itd: Metric
    max_drawdown: Metric
    max_drawdown_1y: Metric
    max_drawdown_3y: Metric
    current_drawdown: Metric
    value_at_risk_1d: Metric
    expected_shortfall_1d: Metric
    beta_1y: Metric
    alpha_1y: Metric
    tracking_error_1y: Metric
    information_ratio_1y: Metric


@dataclass(frozen=True, slots=True)
class Window:
    """A span of a history: the closes at `start` and `end` (indexes into its days; -1 is the day before inception)."""

    name: str
    start: int
    end: int
    opened: date
    closed: date
    years: int = 0

    @property
    def days(self) -> int:
        return (self.closed - self.opened).days


@dataclass(frozen=True, slots=True)
class _Measured:
    history: ValueHistory
    subperiods: Floats
    """(D,) return of each pack day; row 0 is the first day, opened at nothing on the day before."""
    observations: npt.NDArray[np.intp]
    """Days that count as observations of risk."""
    periods_per_year: float
    opening: int
    """The close from which the first day is measured: -1, the day before; 0 where it can't be."""
    risk_free: RiskFree | None
    undefined_from: int | None = None
    memo: dict[str, Metric] = field(default_factory=dict)


def twr_record(history: ValueHistory, *, portfolio_id: str, pack_id: str) -> TwrRecord:
    """Every window's time-weighted return."""
    figures: dict[str, Any] = {**_head(history, portfolio_id, pack_id), **_twr(_measure(history, None))}
    return TwrRecord(**figures)


def record(history: ValueHistory, *, portfolio_id: str, pack_id: str, risk_free: RiskFree | None) -> MetricsRecord:
    """Every figure that the history gives. `risk_free` None: what rests on it is unavailable."""
    measured = _measure(history, risk_free)
    figures: dict[str, Any] = {
        **_head(history, portfolio_id, pack_id),
        **_twr(measured),
        **{f"mwr_{name}": _mwr(measured, name) for name in ("ytd", "1y", "3y", "5y", "itd")},
        **_risk_figures(measured),
        **{
            name: Metric(None, "unavailable", "no_benchmark", {})
            for name in ("beta_1y", "alpha_1y", "tracking_error_1y", "information_ratio_1y")
        },
    }
    return MetricsRecord(**figures)


def window(history: ValueHistory, name: str) -> Window | None:
    """A named window as of the history's last day; None where the portfolio is younger than it.

    It opens at the close of the last pack on or before its anniversary; since inception opens at nothing on the day before.
    """
    last = history.dates[-1].item()
    if name == "itd":
        return Window(name, -1, len(history.dates) - 1, history.dates[0].item() - timedelta(days=1), last)
    anniversary = _anniversary(history, name)
    if anniversary is None:
        return None
    start = int(np.searchsorted(history.dates, np.datetime64(anniversary), side="right")) - 1
    if start < 0:
        return None
    years = int(name[:-1]) if name.endswith("y") else 0
    return Window(name, start, len(history.dates) - 1, history.dates[start].item(), last, years)


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
    """The span of the last `count` pack days; None where there are not as many closes before them."""
    start = len(history.dates) - 1 - count
    if start < -1:
        return None
    if start == -1:
        return window(history, "itd")
    return Window(f"{count}d", start, len(history.dates) - 1, history.dates[start].item(), history.dates[-1].item())


def subperiod_returns(history: ValueHistory) -> Floats:
    """(D,) daily returns under the history's flow timing, the first day measured from nothing; NaN from where none is defined.

    Under `end` the first day begins with nothing and can't be measured: it stands as 0.
    """
    begin = 1 if history.flow_timing == "end" else 0
    values, inflow, outflow = (
        np.concatenate(([0.0], each))[begin:] for each in (history.value, history.inflow, history.outflow)
    )
    daily = np.zeros(len(history.dates))

    def measure(rows: int) -> None:
        if rows > 1:
            daily[begin : begin + rows - 1] = rates.time_weighted_returns(
                values[:rows],
                inflow[:rows],
                outflows=outflow[:rows],
                flow_timing=history.flow_timing,  # type: ignore[arg-type]
            )

    try:
        measure(len(values))
    except UndefinedReturn as undefined:
        if undefined.index is None:
            raise
        measure(undefined.index)
        daily[begin + undefined.index - 1 :] = np.nan
    return daily


def excess_returns(history: ValueHistory, risk_free: RiskFree) -> tuple[Days, Floats]:
    """The closes between observations (n + 1,), and the returns over the risk-free rate between them (n,); NaN where unknown.

    The close before the first observation is left out: a factor has no level on the day before a portfolio began.
    """
    measured = _measure(history, risk_free)
    span = _between(measured, measured.observations)
    return history.dates[measured.observations], span.returns - _risk_free_returns(measured, risk_free, span)


def _measure(history: ValueHistory, risk_free: RiskFree | None) -> _Measured:
    daily = subperiod_returns(history)
    undefined = np.isnan(daily)
    empty = (np.concatenate(([0.0], history.value[:-1])) + history.inflow == 0) & (history.value + history.outflow == 0)
    observations = np.flatnonzero(history.observed & ~empty)
    opening = 0 if history.flow_timing == "end" else -1
    observations = observations[observations > opening]
    days = (history.dates[-1] - history.dates[0]).astype(int) + 1
    per_year = 252.0 if len(history.exchanges) == 1 else len(observations) / (days / 365) if days else float("nan")
    return _Measured(
        history=history,
        subperiods=daily,
        observations=observations,
        periods_per_year=per_year,
        opening=opening,
        risk_free=risk_free,
        undefined_from=int(np.argmax(undefined)) if undefined.any() else None,
    )


def _twr(measured: _Measured) -> dict[str, Metric]:
    figures = {
        f"twr_{name}": _window_twr(measured, name) for name in ("1d", "mtd", "qtd", "ytd", "1y", "3y", "5y", "itd")
    }
    total = figures["twr_itd"]
    span = window(measured.history, "itd")
    assert span is not None
    if total.value is None:
        annual = total
    elif span.days < 365:
        annual = Metric(None, "unavailable", "under_a_year", _basis(measured, span, annualised=True))
    else:
        # Days count from the first flow, as XIRR counts, so that with a single flow TWR annualised = MWR.
        days = (span.closed - measured.history.dates[0].item()).days
        annual = _annualised(replace(total, basis=_basis(measured, span, annualised=True)), total.value, days)
    return {**figures, "twr_itd_annualised": annual}


def _window_twr(measured: _Measured, name: str) -> Metric:
    span = window(measured.history, name)
    if span is None:
        return Metric(None, "unavailable", "short_history", {})
    annualised = span.years > 1
    basis = _basis(measured, span, annualised=annualised)
    if not _is_defined(measured, span):
        return Metric(None, "unavailable", "starts_at_or_below_zero", basis)
    total = float(rates.link(measured.subperiods[span.start + 1 : span.end + 1]))
    first_day_lost = span.start == -1 and measured.history.flow_timing == "end"
    metric = Metric(
        total, "degraded" if first_day_lost else "ok", "first_day_excluded" if first_day_lost else None, basis
    )
    return _annualised(metric, total, 365 * span.years) if annualised else metric


def _annualised(metric: Metric, total: float, days: int) -> Metric:
    """Nothing is left to compound once more than all was lost."""
    try:
        return replace(metric, value=float(rates.annualise(total, days)))
    except UndefinedReturn as undefined:
        return replace(metric, value=None, status="unavailable", reason=str(undefined))


def _mwr(measured: _Measured, name: str) -> Metric:
    """Money-weighted: the opening value is put in, the closing value taken out, every flow on its own date."""
    history, span = measured.history, window(measured.history, name)
    if span is None:
        return Metric(None, "unavailable", "short_history", {})
    dates, amounts = [], []
    if span.start >= 0:
        dates.append(span.opened)
        amounts.append(-float(history.value[span.start]))
    for day, amount in history.flows:
        if (span.opened < day or span.start == -1) and day <= span.closed:
            dates.append(day)
            amounts.append(-amount)
    dates.append(span.closed)
    amounts.append(float(history.value[span.end]))
    basis = dict(_basis(measured, span, annualised=True)) | {"convention": "XIRR ACT/365"}
    days = (span.closed - dates[0]).days
    try:
        annual = rates.money_weighted_return(np.array(dates, dtype="datetime64[D]"), np.array(amounts))
    except AnalyticsError as undefined:
        return Metric(None, "unavailable", str(undefined), basis)
    if days < 365:
        return Metric((1.0 + annual) ** (days / 365) - 1.0, "ok", None, basis | {"annualised": False})
    return Metric(annual, "ok", None, basis)


def _risk_figures(measured: _Measured) -> dict[str, Metric]:
    itd = _observed(measured, window(measured.history, "itd"))
    figures: dict[str, Metric] = {}
    for label, span in [(f"{n}d", _last(measured, n)) for n in (30, 60, 90)] + [
        ("1y", _last(measured, 252)),
        ("itd", itd),
    ]:
        figures[f"volatility_{label}"] = _figure(
            measured, span, risk.volatility, periods_per_year=measured.periods_per_year
        )
        figures[f"sharpe_{label}"] = _excess_figure(measured, span, "sharpe")
    figures["sortino_itd"] = _excess_figure(measured, itd, "sortino")
    figures["calmar_itd"] = _figure(measured, itd, risk.calmar_ratio, periods_per_year=measured.periods_per_year)
    figures["win_rate_itd"] = _figure(measured, itd, risk.win_rate)
    figures["max_drawdown"] = _drawdown(measured, "itd")
    figures["max_drawdown_1y"] = _drawdown(measured, "1y")
    figures["max_drawdown_3y"] = _drawdown(measured, "3y")
    figures["current_drawdown"] = _drawdown(measured, "itd", current=True)
    year = _last(measured, 252)
    figures["value_at_risk_1d"] = _tail(measured, year, risk.value_at_risk)
    figures["expected_shortfall_1d"] = _tail(measured, year, risk.expected_shortfall)
    return figures


@dataclass(frozen=True, slots=True)
class _Observed:
    """(n,) returns over the observation days of a span; where no exchange was open the days are linked into the next."""

    returns: Floats
    indexes: npt.NDArray[np.intp]
    """(n + 1,) the closes between which they lie; the first may be -1."""
    defined: bool


def _observed(measured: _Measured, span: Window | None) -> _Observed | None:
    if span is None:
        return None
    inside = measured.observations[(measured.observations > span.start) & (measured.observations <= span.end)]
    return _between(measured, np.concatenate(([max(span.start, measured.opening)], inside)))


def _last(measured: _Measured, count: int) -> _Observed | None:
    """The last `count` observations; None where there are fewer."""
    if len(measured.observations) < count:
        return None
    chosen = measured.observations[-count:]
    before = measured.observations[-count - 1] if len(measured.observations) > count else measured.opening
    return _between(measured, np.concatenate(([before], chosen)))


def _between(measured: _Measured, closes: npt.NDArray[np.intp]) -> _Observed:
    growth = np.concatenate(([1.0], np.cumprod(1.0 + measured.subperiods)))
    index = growth[closes + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = index[1:] / index[:-1] - 1.0
    return _Observed(steps, closes, bool(np.isfinite(steps).all()))


def _figure(measured: _Measured, span: _Observed | None, compute: Callable[..., float], **settings: object) -> Metric:
    if span is None:
        return Metric(None, "unavailable", "short_history", {})
    basis = _span_basis(measured, span)
    if not span.defined:
        return Metric(None, "unavailable", "starts_at_or_below_zero", basis)
    try:
        return Metric(float(compute(span.returns, **settings)), "ok", None, basis)
    except AnalyticsError as undefined:
        return Metric(None, "unavailable", str(undefined), basis)


def _excess_figure(measured: _Measured, span: _Observed | None, name: str) -> Metric:
    """Sharpe, or Sortino with MAR = risk-free."""
    free = measured.risk_free
    if free is None:
        return Metric(None, "unavailable", "no_risk_free_rate", {})
    if span is None:
        return Metric(None, "unavailable", "short_history", {})
    per_period = _risk_free_returns(measured, free, span)
    basis = dict(_span_basis(measured, span)) | {"risk_free": free.series_id}
    if np.isnan(per_period).any():
        return Metric(None, "unavailable", "no_risk_free_rate", basis)
    if name == "sharpe":
        metric = _figure(
            measured, span, risk.sharpe_ratio, risk_free=per_period, periods_per_year=measured.periods_per_year
        )
    else:
        metric = _figure(measured, span, risk.sortino_ratio, mar=per_period, periods_per_year=measured.periods_per_year)
    if metric.value is not None and free.degraded:
        return replace(metric, status="degraded", reason=", ".join(free.degraded), basis=basis)
    return replace(metric, basis=basis)


def _risk_free_returns(measured: _Measured, free: RiskFree, span: _Observed) -> Floats:
    """(n,) (1 + y)^(calendar days / 365) - 1 with the yield known at the opening pack."""
    days = measured.history.dates
    opened = np.maximum(span.indexes[:-1], 0)
    first = days[0] - np.timedelta64(1, "D")
    opening_days = np.where(span.indexes[:-1] < 0, first, days[opened])
    elapsed = (days[span.indexes[1:]] - opening_days).astype(int)
    return np.asarray((1.0 + free.yields[opened]) ** (elapsed / 365.0) - 1.0)


def _drawdown(measured: _Measured, name: str, *, current: bool = False) -> Metric:
    """On the return index over all pack days, with the dates of peak, trough and recovery."""
    span = window(measured.history, name)
    if span is None:
        return Metric(None, "unavailable", "short_history", {})
    basis = dict(_basis(measured, span))
    if not _is_defined(measured, span):
        return Metric(None, "unavailable", "starts_at_or_below_zero", basis)
    try:
        found = risk.drawdown(measured.subperiods[span.start + 1 : span.end + 1])
    except AnalyticsError as undefined:
        return Metric(None, "unavailable", str(undefined), basis)

    def day(position: int | None) -> str | None:
        """Position in the return index: 0 is the window's opening."""
        if position is None:
            return None
        at = span.start + position
        return str(span.opened if at < 0 else measured.history.dates[at])

    if current:
        return Metric(float(found.current), "ok", None, basis | {"peak": day(found.current_peak)})
    return Metric(
        float(found.depth),
        "ok",
        None,
        basis | {"peak": day(found.peak), "trough": day(found.trough), "recovery": day(found.recovery)},
    )


def _tail(measured: _Measured, span: _Observed | None, compute: Callable[..., float]) -> Metric:
    if span is None:
        available = _observed(measured, window(measured.history, "itd"))
        if available is None or len(available.returns) < MIN_VAR_OBSERVATIONS:
            return Metric(None, "unavailable", "short_history", {})
        span = available
    metric = _figure(measured, span, compute, level=0.95)
    if metric.value is not None and len(span.returns) < FULL_VAR_OBSERVATIONS:
        return replace(metric, status="degraded", reason="few_observations")
    return metric


def _is_defined(measured: _Measured, span: Window) -> bool:
    return measured.undefined_from is None or span.end < measured.undefined_from


def _basis(measured: _Measured, span: Window, *, annualised: bool = False) -> Mapping[str, object]:
    return {
        "net": "net of all that is booked",
        "annualised": annualised,
        "first": span.opened.isoformat(),
        "last": span.closed.isoformat(),
        "n": span.end - span.start,
        "flow_timing": measured.history.flow_timing,
    }


def _span_basis(measured: _Measured, span: _Observed) -> Mapping[str, object]:
    history = measured.history
    opened = (
        history.dates[0].item() - timedelta(days=1) if span.indexes[0] < 0 else history.dates[span.indexes[0]].item()
    )
    return {
        "net": "net of all that is booked",
        "annualised": True,
        "first": opened.isoformat(),
        "last": history.dates[span.indexes[-1]].item().isoformat(),
        "n": len(span.returns),
        "periods_per_year": measured.periods_per_year,
    }


def _head(history: ValueHistory, portfolio_id: str, pack_id: str) -> dict[str, Any]:
    return {
        "portfolio_id": portfolio_id,
        "asof_date": history.dates[-1].item(),
        "pricing_pack_id": pack_id,
        "base_currency": history.base_currency,
        "inception_date": history.dates[0].item(),
        "basis_caption": caption(history, pack_id),
    }


TIMING_WORDS = {
    "in_start_out_end": "money in counts from the start of its day, money out until the end",
    "start": "flows count from the start of their day",
    "end": "flows count from the end of their day",
}


def caption(history: ValueHistory, pack_id: str) -> str:
    """One sentence that says what every figure rests on."""
    policy = pack_id.split("_", 2)[2].rsplit("_", 1)[0]
    return (
        f"Net of all that is booked, {history.accrual} basis, in {history.base_currency} at the rates of {policy}; "
        f"time-weighted daily, {TIMING_WORDS[history.flow_timing]}; since {history.dates[0].item().isoformat()}."
    )


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
