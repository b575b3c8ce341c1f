"""The metrics record of a portfolio: its figures by measure and window, served by their keys."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, ClassVar, get_type_hints

from config import dates
from portfolio.performance import measured_history, money_weighted, relative_figures, risk_figures, time_weighted
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.measures import FIGURE_OF_KEY, MONEY_WEIGHTED, RISK, SHARPE, TIME_WEIGHTED, Figure, key_of
from portfolio.performance.metric import NOT_STARTED, Figures, Metric, unavailable
from portfolio.performance.risk_free import RiskFree
from portfolio.valuation import ValueHistory

FLOW_TIMINGS: Mapping[str, str] = {
    "in_start_out_end": "money in counts from the start of its day, money out until the end",
    "start": "flows count from the start of their day",
    "end": "flows count from the end of their day",
}


@dataclass(frozen=True)
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
class Record(Mapping[str, object]):
    """Figures by (measure, window). As a mapping it is what is served: the fields of the head, and each figure by its key."""

    FIGURES: ClassVar[tuple[Figure, ...]] = ()
    head: Head
    figures: Figures

    def __getitem__(self, key: str) -> object:
        figure = FIGURE_OF_KEY.get(key)
        return vars(self.head)[key] if figure is None else self.figures[figure]

    def __iter__(self) -> Iterator[str]:
        return iter(self.declared_keys())

    def __len__(self) -> int:
        return len(self.declared_keys())

    @classmethod
    def declared_keys(cls) -> Mapping[str, Any]:
        """The keys that every record of this class has, with the types of their values."""
        types = get_type_hints(Head)
        return {each.name: types[each.name] for each in fields(Head)} | {key_of(each): Metric for each in cls.FIGURES}


class TwrRecord(Record):
    """Time-weighted returns by window, net and gross, the benchmark's over the same days, and the excess over it."""

    FIGURES = TIME_WEIGHTED


class MwrRecord(Record):
    """Money-weighted returns by window, what the same money would have returned in the benchmark, and their difference."""

    FIGURES = MONEY_WEIGHTED


class RiskRecord(Record):
    """Risk, ratios and what the benchmark explains."""

    FIGURES = RISK


class SharpeRecord(Record):
    """The Sharpe ratio by window."""

    FIGURES = SHARPE


class MetricsRecord(TwrRecord, MwrRecord, RiskRecord):
    """The whole metrics record."""

    FIGURES = (*RISK, *MONEY_WEIGHTED, *TIME_WEIGHTED)


def twr(
    history: ValueHistory, *, portfolio_id: str, pack_id: str, benchmark: BenchmarkReturns | None = None
) -> TwrRecord:
    """Every window's time-weighted return, with the benchmark's and the excess."""
    head = _head(history, portfolio_id, pack_id, benchmark)
    if not len(history.dates):
        return TwrRecord(head, _not_started(TwrRecord))
    return TwrRecord(head, time_weighted.figures(measured_history.measure(history, None, benchmark)))


def mwr(
    history: ValueHistory, *, portfolio_id: str, pack_id: str, benchmark: BenchmarkReturns | None = None
) -> MwrRecord:
    """Every window's money-weighted return, with the benchmark's by the same money and the excess."""
    head = _head(history, portfolio_id, pack_id, benchmark)
    if not len(history.dates):
        return MwrRecord(head, _not_started(MwrRecord))
    return MwrRecord(head, money_weighted.figures(measured_history.measure(history, None, benchmark)))


def risk(
    history: ValueHistory,
    *,
    portfolio_id: str,
    pack_id: str,
    risk_free: RiskFree | None,
    benchmark: BenchmarkReturns | None = None,
) -> RiskRecord:
    """Risk and ratios. Without a risk-free rate or a benchmark the figures that need it are unavailable."""
    head = _head(history, portfolio_id, pack_id, benchmark)
    if not len(history.dates):
        return RiskRecord(head, _not_started(RiskRecord))
    measured = measured_history.measure(history, risk_free, benchmark)
    return RiskRecord(head, {**risk_figures.figures(measured), **relative_figures.figures(measured)})


def sharpe(
    history: ValueHistory,
    *,
    portfolio_id: str,
    pack_id: str,
    risk_free: RiskFree | None,
    benchmark: BenchmarkReturns | None = None,
) -> SharpeRecord:
    """Every window's Sharpe ratio, unavailable without a risk-free rate. Of the benchmark the head has the name alone."""
    head = _head(history, portfolio_id, pack_id, benchmark)
    if not len(history.dates):
        return SharpeRecord(head, _not_started(SharpeRecord))
    return SharpeRecord(head, risk_figures.sharpe(measured_history.measure(history, risk_free)))


def metrics(
    history: ValueHistory,
    *,
    portfolio_id: str,
    pack_id: str,
    risk_free: RiskFree | None,
    benchmark: BenchmarkReturns | None = None,
) -> MetricsRecord:
    """Every figure that a history gives. Without a risk-free rate or a benchmark the figures that need it are unavailable."""
    head = _head(history, portfolio_id, pack_id, benchmark)
    if not len(history.dates):
        return MetricsRecord(head, _not_started(MetricsRecord))
    measured = measured_history.measure(history, risk_free, benchmark)
    return MetricsRecord(
        head,
        {
            **risk_figures.figures(measured),
            **relative_figures.figures(measured),
            **money_weighted.figures(measured),
            **time_weighted.figures(measured),
        },
    )


def _not_started(kind: type[Record]) -> Figures:
    """The figures of a record as of a day before the first transaction."""
    return dict.fromkeys(kind.FIGURES, unavailable(NOT_STARTED))


def _head(history: ValueHistory, portfolio_id: str, pack_id: str, benchmark: BenchmarkReturns | None) -> Head:
    has_begun = len(history.dates) > 0
    return Head(
        portfolio_id=portfolio_id,
        asof_date=history.dates[-1].item() if has_begun else dates.parse(pack_id.split("_")[1]),
        pricing_pack_id=pack_id,
        base_currency=history.base_currency,
        inception_date=history.dates[0].item() if has_begun else None,
        basis_caption=caption(history, pack_id),
        benchmark=benchmark.name if benchmark else None,
        benchmark_definition=benchmark.definition if benchmark else None,
    )


def caption(history: ValueHistory, pack_id: str) -> str:
    """One sentence that says what every figure rests on."""
    policy = pack_id.split("_", 2)[2].rsplit("_", 1)[0]
    if not len(history.dates):
        return "Nothing was booked up to this day."
    net = "Securities only, net" if history.scope == "securities_only" else "Net"
    return (
        f"{net} of all that is booked, {history.accrual} basis, in {history.base_currency} at the rates of {policy}; "
        f"time-weighted daily, {FLOW_TIMINGS[history.flow_timing]}; since {history.dates[0].item().isoformat()}."
    )
