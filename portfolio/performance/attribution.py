"""Where a portfolio's return came from: prices, exchange rates, holdings and fees, and decisions against a benchmark.

Parts are made under the default flow timing, whatever the portfolio's own is: under another they are degraded by that. A window
whose return can't be taken apart is unavailable with its reason; its rows are then none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

from portfolio.analytics import attribution
from portfolio.analytics.errors import AnalyticsError
from portfolio.analytics.returns import FlowTiming
from portfolio.performance import metrics
from portfolio.performance.metrics import BenchmarkReturns, Metric
from portfolio.valuation import InvariantViolated, ValueHistory

Floats = npt.NDArray[np.float64]

TOLERANCE_BP = 0.1
TIMING: FlowTiming = "in_start_out_end"
ANOTHER_TIMING = "default_flow_timing"


@dataclass(frozen=True, slots=True)
class Contribution:
    """Linked by Carino over the window: contributions of all rows add up to the return, whose status is theirs."""

    symbol: str
    currency: str
    local: float
    fx: float
    interaction: float
    total: float


@dataclass(frozen=True, slots=True)
class CurrencyAttribution:
    """Two views of one return, never mixed. The headline is compounded: total = local + fx + interaction.

    In the contribution view the parts of all rows add up to the total; `fx_dealing` is what deals at another rate than the
    fixing made or lost.
    """

    first_date: date
    last_date: date
    days: int
    base_currency: str
    local_return: Metric
    fx_return: Metric
    interaction: Metric
    total_return: Metric
    error_bps: float | None
    """How far the parts are from the independently linked return."""
    by_holding: tuple[Contribution, ...]
    by_currency: tuple[Contribution, ...]
    fx_dealing: Metric
    flow_timing: str
    """The portfolio's own."""
    benchmark_return: Metric
    """The benchmark over the same days with its currencies, and hedged: sold forward at two one-month rates of the pack."""
    benchmark_hedged_return: Metric


def currency(
    history: ValueHistory, span: metrics.Window, benchmark: BenchmarkReturns | None = None
) -> CurrencyAttribution:
    """Split a window's return.

    raises   InvariantViolated where the parts miss the portfolio's linked return by more than 0.1 bp
    """
    shown, split, rows, error_bp = _shown(history, span), None, list[Contribution](), None
    values: tuple[float | None, ...] = (None,) * 5
    try:
        split = _currencies(history, span) if shown.value is not None else None
    except AnalyticsError as undefined:
        shown = replace(shown, value=None, status="unavailable", reason=str(undefined))
    if split is not None:
        headline, held = split.compounded, split.holdings
        values = (headline.local, headline.fx, headline.interaction, split.total, held.other)
        parts = headline.local + headline.fx + headline.interaction
        error_bp = abs(_require_return("local + FX + interaction = return", history, span, parts)) * 10_000
        rows = [
            Contribution(symbol, code, float(local), float(fx), float(both), float(local + fx + both))
            for (symbol, code), local, fx, both in zip(
                _rows(history), held.local, held.fx, held.interaction, strict=True
            )
        ]
    local_return, fx_return, interaction, total_return, fx_dealing = (replace(shown, value=each) for each in values)
    return CurrencyAttribution(
        first_date=span.opened,
        last_date=span.closed,
        days=span.end - span.start,
        base_currency=history.base_currency,
        local_return=local_return,
        fx_return=fx_return,
        interaction=interaction,
        total_return=total_return,
        error_bps=error_bp,
        by_holding=tuple(rows),
        by_currency=tuple(
            Contribution(
                code,
                code,
                sum(row.local for row in rows if row.currency == code),
                sum(row.fx for row in rows if row.currency == code),
                sum(row.interaction for row in rows if row.currency == code),
                sum(row.total for row in rows if row.currency == code),
            )
            for code in sorted({row.currency for row in rows})
        ),
        fx_dealing=fx_dealing,
        flow_timing=history.flow_timing,
        benchmark_return=metrics.benchmark_over(history, span, benchmark),
        benchmark_hedged_return=metrics.benchmark_over(history, span, benchmark, hedged=True),
    )


def _currencies(history: ValueHistory, span: metrics.Window) -> attribution.CurrencyAttribution:
    chosen = slice(span.start + 1, span.end + 1)
    local, fx, weights = history.local_returns, history.fx_returns, history.weights
    if history.outside_fees.any():  # a loss in the base currency, of the whole
        charged = _charged(history)
        local, fx, weights = (
            np.column_stack((each, more))
            for each, more in ((local, -charged), (fx, 0 * charged), (weights, 1 + 0 * charged))
        )
    return attribution.currency_attribution(local[chosen], fx[chosen], weights[chosen], other=history.other[chosen])


def _charged(history: ValueHistory) -> Floats:
    """(D,) fees paid from elsewhere, as parts of what a day opens with."""
    return metrics.over_opening(replace(history, flow_timing=TIMING), history.outside_fees)


def _rows(history: ValueHistory) -> tuple[tuple[str, str], ...]:
    """What the currency parts are told of: the holdings, and fees paid from elsewhere where there were any."""
    return (*history.holdings, *(((FEES, history.base_currency),) if history.outside_fees.any() else ()))


def _daily(history: ValueHistory, span: metrics.Window) -> Floats:
    """The window's returns under the timing that its parts are made by."""
    return metrics.subperiod_returns(replace(history, flow_timing=TIMING))[span.start + 1 : span.end + 1]


def _shown(history: ValueHistory, span: metrics.Window) -> Metric:
    """What every figure of the window says beside its value, or why there is none."""
    basis = {
        "net": metrics.NET,
        "annualised": False,
        "first": span.opened.isoformat(),
        "last": span.closed.isoformat(),
        "n": span.end - span.start,
        "flow_timing": TIMING,
        **metrics.scope_of(history),
    }
    daily = metrics.daily_returns(replace(history, flow_timing=TIMING))
    absent = metrics.lacking(daily, span, basis)
    if absent is not None:
        return absent
    doubts = [] if history.flow_timing == TIMING else [ANOTHER_TIMING]
    return metrics.degraded(Metric(0.0, "ok", None, basis), [*span.doubts, *doubts])


def _require_return(invariant: str, history: ValueHistory, span: metrics.Window, parts: float) -> float:
    """By how much the parts miss the return; raises where that is more than 0.1 bp."""
    linked = float(np.prod(1.0 + _daily(history, span)) - 1.0)
    if not abs(parts - linked) * 10_000 <= TOLERANCE_BP * max(1.0, abs(1.0 + linked)):
        raise InvariantViolated(invariant, span.closed, parts - linked)
    return parts - linked


FEES, DEALING = "fees", "fx_dealing"
SHOWN = 5


@dataclass(frozen=True, slots=True)
class HoldingContribution:
    """What one row of the books added to the return."""

    symbol: str
    currency: str
    kind: str
    """security, cash, fees (that belong to no deal) or fx_dealing (deals at another rate than the fixing)."""
    contribution: float
    average_weight: float | None
    """Mean of (V0 + in) of the row / (V0 + in) of the portfolio; None for what is no holding."""
    share: float | None
    """Of the whole return; None where that is nothing."""


@dataclass(frozen=True, slots=True)
class Contributions:
    """Contributions of all rows, linked by Carino: they add up to the total return."""

    first_date: date
    last_date: date
    days: int
    base_currency: str
    total_return: Metric
    rows: tuple[HoldingContribution, ...]
    """The largest first."""
    top: tuple[HoldingContribution, ...]
    bottom: tuple[HoldingContribution, ...]
    """The lowest first; only rows that lost."""
    flow_timing: str
    """The portfolio's own."""


def contribution(history: ValueHistory, span: metrics.Window) -> Contributions:
    """Each holding's money gain over what the portfolio opened with, cash and fees as rows of their own.

    raises   InvariantViolated where the rows miss the portfolio's linked return by more than 0.1 bp
    """
    shown, total, rows = _shown(history, span), None, list[HoldingContribution]()
    try:
        total, rows = _holding_contributions(history, span) if shown.value is not None else (None, [])
    except AnalyticsError as undefined:
        shown = replace(shown, status="unavailable", reason=str(undefined))
    return Contributions(
        first_date=span.opened,
        last_date=span.closed,
        days=span.end - span.start,
        base_currency=history.base_currency,
        total_return=replace(shown, value=total),
        rows=tuple(rows),
        top=tuple(row for row in rows if row.contribution > 0)[:SHOWN],
        bottom=tuple(row for row in reversed(rows) if row.contribution < 0)[:SHOWN],
        flow_timing=history.flow_timing,
    )


def _holding_contributions(history: ValueHistory, span: metrics.Window) -> tuple[float, list[HoldingContribution]]:
    chosen = slice(span.start + 1, span.end + 1)
    daily = _daily_contributions(history)[chosen]
    total_by_day = daily.sum(axis=1)
    linked = attribution.carino_link(daily, total_by_day)
    total = float(np.prod(1.0 + total_by_day) - 1.0)
    _require_return("contributions sum to the return", history, span, float(linked.sum()))
    weights = [*history.weights[chosen].mean(axis=0).tolist(), None, None]
    named = [*history.holdings, (FEES, history.base_currency), ("FX dealing", history.base_currency)]
    kinds = ["cash" if symbol == code else "security" for symbol, code in history.holdings] + [FEES, DEALING]
    rows = (
        HoldingContribution(symbol, code, kind, each, weight, each / total if total else None)
        for (symbol, code), kind, each, weight in zip(named, kinds, linked.tolist(), weights, strict=True)
        if kind not in (FEES, DEALING) or each
    )
    return total, sorted(rows, key=lambda row: (-row.contribution, row.symbol))


def _daily_contributions(history: ValueHistory) -> Floats:
    """(D, H + 2) of each holding, of fees that belong to no deal (taken out of the cash that paid them), of dealing."""
    held = history.weights * ((1.0 + history.local_returns) * (1.0 + history.fx_returns) - 1.0)
    begin = np.concatenate(([0.0], history.value[:-1])) + history.inflow
    with np.errstate(divide="ignore", invalid="ignore"):
        fees = np.where(begin[:, None] > 0, history.cash_fees / begin[:, None], 0.0)
    currencies = fees.shape[1]
    if currencies:
        cash = held[:, -currencies:] + fees
        held[:, -currencies:] = np.where(np.abs(cash) < 1e-14, 0.0, cash)  # not the last bit of a subtraction
    charged = fees.sum(axis=1) + _charged(history)
    return np.column_stack((held, -charged, history.other))


SegmentBy = Literal["currency", "kind", "exchange"]


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment's part of the excess return; the weights are means over the days."""

    segment: str
    portfolio_weight: float
    benchmark_weight: float
    allocation: float
    selection: float
    interaction: float
    total: float


@dataclass(frozen=True, slots=True)
class BrinsonAttribution:
    """Excess return over the benchmark by decision (Brinson-Fachler, interaction apart, linked by Carino).

    The parts of all segments add up to the excess.
    """

    by: str
    benchmark: str | None
    first_date: date
    last_date: date
    days: int
    portfolio_return: Metric
    benchmark_return: Metric
    excess_return: Metric
    allocation: Metric
    selection: Metric
    interaction: Metric
    segments: tuple[Segment, ...]


def brinson(
    history: ValueHistory,
    span: metrics.Window,
    benchmark: BenchmarkReturns | None,
    *,
    by: SegmentBy,
    described: Mapping[str, tuple[str, str]],
) -> BrinsonAttribution:
    """Decompose a window's excess. `described`: kind and exchange of each security held, by symbol; cash is a segment there.

    A segment that the portfolio does not hold earns in it what the benchmark's does; one that is not in the benchmark earns in
    that what the portfolio's does, so that all of it is allocation. What belongs to no holding counts by weight. Days on which
    the portfolio was empty are left out of both.

    raises   InvariantViolated where the parts miss the excess
    """
    shown = _shown(history, span)
    basis = {**shown.basis, "by": by}

    def without(reason: str) -> BrinsonAttribution:
        none = Metric(None, "unavailable", reason, basis)
        name = benchmark.name if benchmark else None
        return BrinsonAttribution(by, name, span.opened, span.closed, 0, none, none, none, none, none, none, ())

    if benchmark is None:
        return without("no_benchmark")
    if shown.value is None:
        return without(shown.reason or "")
    unknown = np.flatnonzero(np.isnan(benchmark.returns))
    doubts, start = [*([shown.reason] if shown.reason else []), *benchmark.degraded], span.start + 1
    if len(unknown) and unknown[-1] >= start:
        if unknown[-1] > 0:
            return without(benchmark.reason)
        doubts, start = [*doubts, "first_day_excluded"], 1
    begin = np.concatenate(([0.0], history.value[:-1])) + history.inflow
    rows = np.arange(start, span.end + 1)
    rows = rows[begin[rows] > 0]
    if not len(rows):
        return without("short_history")
    if len(rows) < span.end + 1 - start:
        doubts.append("empty_days_excluded")

    position = ("currency", "kind", "exchange").index(by)
    own_keys = [(code, *(described.get(symbol, ("cash", "cash"))))[position] for symbol, code in history.holdings]
    bench_keys = [(part.currency, part.kind, part.exchange)[position] for part in benchmark.components]
    names = sorted({*own_keys, *bench_keys})
    held = history.weights[rows]
    gained = held * ((1.0 + history.local_returns[rows]) * (1.0 + history.fx_returns[rows]) - 1.0)
    total = gained.sum(axis=1) + history.other[rows] - _charged(history)[rows]
    own, earned = _by_segment(held, gained, own_keys, names)
    share = own.sum(axis=1, keepdims=True)
    own = own / np.where(share > 0, share, 1.0)
    parts = benchmark.component_weights[rows]
    bench, bench_earned = _by_segment(parts, parts * benchmark.component_returns[rows], bench_keys, names)
    nothing = (own == 0) & (bench == 0)
    earned = np.where(own == 0, bench_earned, earned)
    bench_earned = np.where(bench == 0, earned, bench_earned)
    earned = np.where(nothing, 0.0, earned)
    bench_earned = np.where(nothing, 0.0, bench_earned)
    earned = earned + (total - (own * earned).sum(axis=1))[:, None]
    try:
        found = attribution.brinson(own, earned, bench, bench_earned)
    except AnalyticsError as undefined:
        return without(str(undefined))
    sums = found.allocation + found.selection + found.interaction
    if not abs(float(sums.sum()) - found.excess) <= 1e-9 * max(1.0, abs(found.excess)):
        raise InvariantViolated("Brinson parts sum to the excess", span.closed, float(sums.sum()) - found.excess)
    linked = float(np.prod(1.0 + _daily(history, span)[rows - span.start - 1]) - 1.0)
    if not abs(found.portfolio - linked) * 10_000 <= TOLERANCE_BP * max(1.0, abs(1.0 + linked)):
        raise InvariantViolated("Brinson's return is the portfolio's", span.closed, found.portfolio - linked)
    shown = metrics.degraded(Metric(0.0, "ok", None, {**basis, "n": len(rows), "benchmark": benchmark.name}), doubts)
    return BrinsonAttribution(
        by=by,
        benchmark=benchmark.name,
        first_date=span.opened if start == span.start + 1 else history.dates[start - 1].item(),
        last_date=span.closed,
        days=len(rows),
        portfolio_return=replace(shown, value=float(found.portfolio)),
        benchmark_return=replace(shown, value=float(found.benchmark)),
        excess_return=replace(shown, value=float(found.excess)),
        allocation=replace(shown, value=float(found.allocation.sum())),
        selection=replace(shown, value=float(found.selection.sum())),
        interaction=replace(shown, value=float(found.interaction.sum())),
        segments=tuple(
            Segment(name, *(float(each[number]) for each in (*weights, *effects, sums)))
            for number, name in enumerate(names)
            for weights in ((own.mean(axis=0), bench.mean(axis=0)),)
            for effects in ((found.allocation, found.selection, found.interaction),)
        ),
    )


def _by_segment(weights: Floats, gained: Floats, keys: list[str], names: list[str]) -> tuple[Floats, Floats]:
    """(D, S) weights, and returns: contributions over weights, 0 where there is no weight."""
    members = np.array([[key == name for name in names] for key in keys], dtype=np.float64)
    held, earned = weights @ members, gained @ members
    # weights that cancel or were rounded away have no return
    there = np.abs(held) > 1e-12
    return np.where(there, held, 0.0), np.where(there, earned / np.where(there, held, 1.0), 0.0)
