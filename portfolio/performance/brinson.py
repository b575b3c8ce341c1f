"""The excess return over the benchmark by decision and segment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

from portfolio.analytics import attribution
from portfolio.analytics.errors import AnalyticsError, Floats
from portfolio.performance import parts
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.metric import SHORT_HISTORY, Metric, degraded, doubts_of, unavailable
from portfolio.performance.versus_benchmark import NO_BENCHMARK
from portfolio.performance.windows import Span
from portfolio.valuation import InvariantViolated, ValueHistory

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


@dataclass(frozen=True, slots=True)
class Decisions:
    """What the parts of an excess are made of: D days, S segments."""

    rows: npt.NDArray[np.intp]
    """(D,) the days of the history that count."""
    start: int
    """The first that could count."""
    doubts: tuple[str, ...]
    names: tuple[str, ...]
    """(S,) in their order."""
    own_keys: tuple[str, ...]
    """The segment of each holding, and of each component of the benchmark."""
    benchmark_keys: tuple[str, ...]
    weights: Floats
    """(D, S) as each day opens, likewise `returns` and those of the benchmark."""
    returns: Floats
    benchmark_weights: Floats
    benchmark_returns: Floats

    @property
    def totals(self) -> Floats:
        """(D,) return of the portfolio."""
        return np.asarray((self.weights * self.returns).sum(axis=1))

    @property
    def benchmark_totals(self) -> Floats:
        return np.asarray((self.benchmark_weights * self.benchmark_returns).sum(axis=1))


def attribute(
    history: ValueHistory,
    span: Span,
    benchmark: BenchmarkReturns | None,
    *,
    by: SegmentBy,
    kinds: Mapping[str, tuple[str, str]],
) -> BrinsonAttribution:
    """Decompose the excess of a span. `kinds`: kind and exchange of each security held, by symbol; cash is a segment of its own.

    raises   InvariantViolated where the parts miss the excess
    """
    figure = parts.blank_figure(history, span)
    rests_on = {**figure.basis, "by": by}

    def without(reason: str) -> BrinsonAttribution:
        none = unavailable(reason, rests_on)
        name = benchmark.name if benchmark else None
        return BrinsonAttribution(by, name, span.opened, span.closed, 0, none, none, none, none, none, none, ())

    if benchmark is None:
        return without(NO_BENCHMARK)
    if figure.value is None:
        return without(figure.reason or "")
    decided = decide(history, span, benchmark, by=by, kinds=kinds)
    if isinstance(decided, str):
        return without(decided)
    own, bench, rows = decided.weights, decided.benchmark_weights, decided.rows
    try:
        split = attribution.brinson(own, decided.returns, bench, decided.benchmark_returns)
    except AnalyticsError as undefined:
        return without(str(undefined))
    sums = split.allocation + split.selection + split.interaction
    if not abs(float(sums.sum()) - split.excess) <= 1e-9 * max(1.0, abs(split.excess)):
        raise InvariantViolated("Brinson parts sum to the excess", span.closed, float(sums.sum()) - split.excess)
    parts.require_return("Brinson's return is the portfolio's", history, span, split.portfolio, rows)
    doubts = [*doubts_of(figure), *decided.doubts]
    figure = degraded(Metric(0.0, "ok", None, {**rests_on, "n": len(rows), "benchmark": benchmark.name}), doubts)
    return BrinsonAttribution(
        by=by,
        benchmark=benchmark.name,
        first_date=span.opened if decided.start == span.start + 1 else history.dates[decided.start - 1].item(),
        last_date=span.closed,
        days=len(rows),
        portfolio_return=replace(figure, value=float(split.portfolio)),
        benchmark_return=replace(figure, value=float(split.benchmark)),
        excess_return=replace(figure, value=float(split.excess)),
        allocation=replace(figure, value=float(split.allocation.sum())),
        selection=replace(figure, value=float(split.selection.sum())),
        interaction=replace(figure, value=float(split.interaction.sum())),
        segments=tuple(
            Segment(name, *(float(each[number]) for each in (*weights, *effects, sums)))
            for number, name in enumerate(decided.names)
            for weights in ((own.mean(axis=0), bench.mean(axis=0)),)
            for effects in ((split.allocation, split.selection, split.interaction),)
        ),
    )


def decide(
    history: ValueHistory,
    span: Span,
    benchmark: BenchmarkReturns,
    *,
    by: SegmentBy,
    kinds: Mapping[str, tuple[str, str]],
) -> Decisions | str:
    """Weights and returns by segment of a span that has a return, or the code of why there are none.

    A segment that the portfolio does not hold earns in it what the benchmark's does; one that is not in the benchmark earns in
    that what the portfolio's does, so that all of it is allocation. What belongs to no holding counts by weight. Days on which
    the portfolio was empty are left out of both.
    """
    unknown = np.flatnonzero(np.isnan(benchmark.returns))
    doubts, start = [*benchmark.degraded], span.start + 1
    if len(unknown) and unknown[-1] >= start:
        if unknown[-1] > 0:
            return benchmark.reason
        doubts, start = [*doubts, "first_day_excluded"], 1
    begin = np.concatenate(([0.0], history.value[:-1])) + history.inflow
    rows = np.arange(start, span.end + 1)
    rows = rows[begin[rows] > 0]
    if not len(rows):
        return SHORT_HISTORY
    if len(rows) < span.end + 1 - start:
        doubts.append("empty_days_excluded")

    position = ("currency", "kind", "exchange").index(by)
    own_keys = [(code, *(kinds.get(symbol, ("cash", "cash"))))[position] for symbol, code in history.holdings]
    bench_keys = [(part.currency, part.kind, part.exchange)[position] for part in benchmark.components]
    names = sorted({*own_keys, *bench_keys})
    weights = history.weights[rows]
    gained = weights * ((1.0 + history.local_returns[rows]) * (1.0 + history.fx_returns[rows]) - 1.0)
    total = gained.sum(axis=1) + history.other[rows] - parts.outside_fees(history)[rows]
    own, earned = _by_segment(weights, gained, own_keys, names)
    share = own.sum(axis=1, keepdims=True)
    own = own / np.where(share > 0, share, 1.0)
    bench_weights = benchmark.component_weights[rows]
    bench_returns = bench_weights * benchmark.component_returns[rows]
    bench, bench_earned = _by_segment(bench_weights, bench_returns, bench_keys, names)
    nothing = (own == 0) & (bench == 0)
    earned = np.where(own == 0, bench_earned, earned)
    bench_earned = np.where(bench == 0, earned, bench_earned)
    earned = np.where(nothing, 0.0, earned)
    bench_earned = np.where(nothing, 0.0, bench_earned)
    earned = earned + (total - (own * earned).sum(axis=1))[:, None]
    return Decisions(
        rows, start, tuple(doubts), tuple(names), tuple(own_keys), tuple(bench_keys), own, earned, bench, bench_earned
    )


def _by_segment(weights: Floats, gained: Floats, keys: list[str], names: list[str]) -> tuple[Floats, Floats]:
    """(D, S) weights, and returns: contributions over weights, 0 where there is no weight."""
    members = np.array([[key == name for name in names] for key in keys], dtype=np.float64)
    weight, earned = weights @ members, gained @ members
    # weights that cancel or were rounded away have no return
    there = np.abs(weight) > 1e-12
    return np.where(there, weight, 0.0), np.where(there, earned / np.where(there, weight, 1.0), 0.0)
