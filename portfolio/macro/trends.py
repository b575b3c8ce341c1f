"""What changed over the last weeks: the regime, where indicators stand, and what the portfolio's return moves with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np

from config import dates
from portfolio.analytics.errors import UndefinedRatio
from portfolio.analytics.macro import joint_betas as regression
from portfolio.analytics.macro.standing import Standing
from portfolio.macro.cycles import CycleHistory
from portfolio.macro.holding_history import WINDOW, HoldingHistory
from portfolio.macro.indicators import Indicators
from portfolio.macro.regime import UNKNOWN, RegimeHistory
from portfolio.performance.metric import with_gaps
from portfolio.valuation import ValuedPositions
from pricing.models import Factor

SHIFT_DEVIATIONS = 1.0
"""An indicator shifted if its z-score moved by this much."""
SHIFT_ERRORS = 2.0
"""An exposure shifted if its beta moved by this many standard errors of the difference."""
SESSIONS_A_WEEK = 5


@dataclass(frozen=True, slots=True)
class WeekOfBetas:
    """The betas as of one day; None of a factor without series or sessions enough."""

    date: date
    real_rate: float | None
    inflation: float | None
    credit: float | None
    equity: float | None


@dataclass(frozen=True, slots=True)
class BetaHistory:
    """Betas of the portfolio as it stands on each factor, from the year before each day; in the currencies of its holdings."""

    dates: tuple[date, ...]
    betas: Mapping[str, tuple[float | None, ...]]
    """By factor; None where it has no series, or too few sessions."""
    errors: Mapping[str, tuple[float | None, ...]]
    weeks: tuple[WeekOfBetas, ...]
    """The same by day, the newest first."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A change worth a look. `size` is in z-scores of an indicator, in standard errors of a beta, None of a regime or a phase."""

    kind: str
    name: str
    title: str
    before: str
    after: str
    since: date
    size: float | None
    value: float | None = None
    """The z-score, or the beta, now."""
    change: float | None = None
    """What it is now less what it was."""


@dataclass(frozen=True, slots=True)
class TrendShifts:
    lookback_weeks: int
    rows: tuple[Shift, ...]


def betas(valued: ValuedPositions, holdings: HoldingHistory, *, weeks: int) -> BetaHistory:
    """The portfolio's betas at the end of each of the last weeks."""
    total = float(valued.total_value)
    usable = [
        place
        for place, each in enumerate(holdings.factors)
        if each.status != "unavailable" and each.factor != Factor.USD
    ]
    weights = np.array([float(row.market_value) / total if total > 0 else 0.0 for row in valued.positions])
    in_position = weights != 0
    series = (holdings.returns[:, in_position] @ weights[in_position])[:, None]
    ends = [end for end in range(holdings.sessions, 0, -SESSIONS_A_WEEK) if end >= WINDOW][: weeks + 1][::-1]
    table = np.full((2, len(ends), len(holdings.factors)), np.nan)
    for row, end in enumerate(ends if usable and in_position.any() else []):
        window = slice(end - WINDOW, end)
        try:
            fit = regression.joint_betas(series[window], holdings.changes[window][:, usable])
        except UndefinedRatio:
            continue
        table[0, row, usable] = fit.betas[:, 0]
        table[1, row, usable] = np.sqrt(np.diag(fit.inverse[0]) * fit.residual_variance[0])
    values, errors = (
        {each.factor: with_gaps(sheet[:, place]) for place, each in enumerate(holdings.factors)} for sheet in table
    )
    dates = tuple(holdings.dates[end - 1].item() for end in ends)
    shown_factors = (Factor.REAL_RATE, Factor.INFLATION, Factor.CREDIT, Factor.EQUITY)
    newest_first = [
        WeekOfBetas(day, *(values[each][row] for each in shown_factors))
        for row, day in reversed(list(enumerate(dates)))
    ]
    return BetaHistory(dates, values, errors, tuple(newest_first))


def detect(
    indicators: Indicators, regimes: RegimeHistory, cycles: CycleHistory, history: BetaHistory, *, weeks: int
) -> TrendShifts:
    """Every change of the regime and of cycles over the weeks; of indicators and exposures that from beginning to end."""
    rows = [
        Shift("regime", "regime", "Regime", before.label, after.label, after.date, None)
        for after, before in zip(regimes.points, regimes.points[1:], strict=False)
        if before.regime_name != after.regime_name and UNKNOWN not in (before.regime_name, after.regime_name)
    ]
    rows += [
        Shift("cycle", before.title, before.title, before.phase_label, after.phase_label, after.since, None)
        for before, after in pairwise(cycles.spans)
        if before.title == after.title and before.phase_label != after.phase_label
    ]
    last = np.datetime64(indicators.asof_date, "D")
    first = last - np.timedelta64(7 * weeks, "D")
    for name in indicators.by_name:
        before, after = indicators.standing_on(name, first), indicators.standing_on(name, last)
        if isinstance(before, Standing) and isinstance(after, Standing) and abs(after.z - before.z) >= SHIFT_DEVIATIONS:
            since = dates.parse(str(first))
            definition, change = indicators.by_name[name].definition, after.z - before.z
            was, now_is = (f"{two_decimals(each.value)} {definition.unit}" for each in (before, after))
            rows.append(Shift("indicator", name, definition.title, was, now_is, since, change, after.z, change))
    for factor, path in history.betas.items():
        if len(path) < 2:
            continue
        errors = history.errors[factor]
        then, now, error_then, error_now = path[0], path[-1], errors[0], errors[-1]
        if then is None or now is None or error_then is None or error_now is None:
            continue
        change, error = now - then, float(np.hypot(error_then, error_now))
        if error > 0 and abs(change) >= SHIFT_ERRORS * error:
            title, since = f"Beta to {Factor(factor).label}", history.dates[0]
            rows.append(
                Shift(
                    "exposure", factor, title, two_decimals(then), two_decimals(now), since, change / error, now, change
                )
            )
    return TrendShifts(weeks, tuple(rows))


def two_decimals(value: float) -> str:
    """A figure within a text: two decimals and a true minus sign."""
    return f"{value:.2f}".replace("-", "−")
