"""Factor exposures through time: the regression as of the end of each week of a look-back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from portfolio.performance import factor_exposures, observations, windows
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.factor_exposures import REGRESSION, Regression
from portfolio.performance.factor_series import FactorLevels
from portfolio.performance.metric import NO_OBSERVATIONS, NOT_STARTED
from portfolio.performance.observations import ObservedReturns
from portfolio.performance.risk_figures import NO_RISK_FREE_RATE
from portfolio.performance.risk_free import RiskFree
from portfolio.valuation import Days, ValueHistory
from pricing.models import Factor

Series = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class ExposureHistory:
    """The beta to each factor as of the last observation of each week, the last day among them; None where it had none."""

    window: int
    """Observations that each regression looks back upon."""
    dates: Days
    betas: Mapping[str, Series] = field(metadata=REGRESSION)
    """By factor."""
    r_squared: Series = field(metadata=REGRESSION)
    """What all factors together explain of the variance."""
    observations: tuple[int | None, ...]
    """How many complete days each regression had."""
    unavailable: Mapping[str, str]
    """Why a factor has no beta on any of the days, by its name."""
    degraded: Mapping[str, str]
    """What the beta of the last day is degraded by, by its factor."""


def history(
    life: ValueHistory,
    levels: FactorLevels,
    risk_free: RiskFree | None,
    *,
    lookback_days: int,
    benchmark: BenchmarkReturns | None,
) -> tuple[ExposureHistory, tuple[str, ...]]:
    """Each week's regression over the observations up to its end, as the pack knows them, and the providers of the series used.

    `levels` are on the days of the life, of which `lookback_days` are looked back upon.
    """
    if risk_free is None:
        return _without(life.dates[:0], NO_RISK_FREE_RATE), ()
    observed = observations.observed_returns(life, risk_free, benchmark)
    if not len(observed.returns):
        return _without(life.dates[:0], NO_OBSERVATIONS if len(life.dates) else NOT_STARTED), ()
    span = windows.last_days(life, lookback_days) or windows.life(life)
    first = life.dates[0] if span is None else np.datetime64(span.opened)
    ends = [end for end in week_ends(observed.closes) if end and observed.closes[end] >= first]
    if not ends:
        return _without(life.dates[:0], NO_OBSERVATIONS), ()
    regressions = [
        factor_exposures.regress_observed(_until(observed, end), levels, risk_free, benchmark) for end in ends
    ]
    return _of(observed.closes[ends], regressions), tuple(
        sorted({source for each in regressions for source in each.sources})
    )


def week_ends(dates: Days) -> npt.NDArray[np.intp]:
    """The places of the last day of each week from Monday to Sunday, the last day of all among them."""
    weeks = (dates.astype("datetime64[D]").astype(np.int64) + 3) // 7  # 1970-01-01 was a Thursday
    return np.flatnonzero(np.append(np.diff(weeks) != 0, True))


def _until(observed: ObservedReturns, end: int) -> ObservedReturns:
    """What was observed up to a close."""
    return ObservedReturns(
        observed.days[: end + 1],
        observed.closes[: end + 1],
        observed.returns[:end],
        observed.risk_free[:end],
        None if observed.benchmark is None else observed.benchmark[:end],
    )


def _of(dates: Days, regressions: list[Regression]) -> ExposureHistory:
    by_factor = [{row.factor: row for row in each.rows} for each in regressions]
    betas = {factor: tuple(rows[factor].beta for rows in by_factor) for factor in Factor.values}
    last = by_factor[-1]
    return ExposureHistory(
        window=factor_exposures.WINDOW,
        dates=dates,
        betas=betas,
        r_squared=tuple(None if each.fit is None else float(each.fit.r_squared) for each in regressions),
        observations=tuple(None if each.fit is None else int(each.fit.n) for each in regressions),
        unavailable={
            factor: last[factor].reason for factor, each in betas.items() if all(beta is None for beta in each)
        },
        degraded={factor: row.reason for factor, row in last.items() if row.status == "degraded"},
    )


def _without(no_dates: Days, reason: str) -> ExposureHistory:
    return ExposureHistory(
        window=factor_exposures.WINDOW,
        dates=no_dates,
        betas=dict.fromkeys(Factor.values, ()),
        r_squared=(),
        observations=(),
        unavailable=dict.fromkeys(Factor.values, reason),
        degraded={},
    )
