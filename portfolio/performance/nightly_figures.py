"""The nightly figures of a chunk of portfolios: daily values, metrics, factor exposures. Computing again changes nothing.

A chunk reads the history once and its books in two queries, and stores what came of it in one transaction by COPY. A portfolio
whose figures can't be computed is reported by name and does not keep the others from theirs. A revision that has figures of a
pack already is passed over, so that a chunk that was cut short is cheaply done again.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, transaction

from config import outage
from config.bulk import copy_in
from config.errors import TieoutError
from portfolio import books
from portfolio.models import FactorExposure, LedgerRevision, PackFigure, Portfolio, PortfolioMetrics
from portfolio.performance import (
    benchmarks,
    daily_values,
    factor_exposures,
    factor_series,
    record,
    risk_free_rates,
)
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.composite import BenchmarkDefinition
from portfolio.performance.risk_free import RiskFree
from portfolio.valuation import ValueHistory, Valuer
from pricing import market
from pricing.models import PricingPack

logger = logging.getLogger(__name__)

RECORD_COLUMNS = ("portfolio_id", "revision_id", "pack_id", "record")
EXPOSURE_COLUMNS = (
    "portfolio_id", "revision_id", "pack_id", "factor", "series_id", "status", "reason", "beta", "standard_error", "t_statistic",
    "variance_share", "observations",
)  # fmt: skip


class FiguresFailed(TieoutError):
    """The figures of a portfolio can't be computed for a reason that nobody foresaw; the log has it."""

    def __init__(self) -> None:
        super().__init__(
            "its figures could not be computed: a fault of this program, which its operator finds in the log"
        )


PortfolioRevision = tuple[Portfolio, LedgerRevision]
"""A portfolio, and the revision of it that is computed from."""


@dataclass(slots=True)
class ChunkFigures:
    """What a chunk came to."""

    portfolios: int = 0
    added: int = 0
    """Daily values that were not there before."""
    failed: dict[int, TieoutError] = field(default_factory=dict)
    """Revision -> why its portfolio has no figures."""


@dataclass(frozen=True, slots=True)
class _Life:
    """What the figures of one portfolio are made from."""

    portfolio: Portfolio
    revision: LedgerRevision
    whole: ValueHistory
    headline: ValueHistory
    """What returns are measured on: the whole, or the securities alone where deposits are inferred."""
    days: npt.NDArray[np.intp]
    """Of the headline, as indexes into the days of the pack's history."""
    risk_free: RiskFree | None
    benchmark: BenchmarkReturns | None


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the portfolios of a chunk share: the history of the pack, the risk-free rates, the definitions of benchmarks."""

    pack: PricingPack
    history: market.History
    valuer: Valuer
    rates: Mapping[str, RiskFree | None]
    """By base currency, on the days of the history."""
    definitions: Mapping[int | None, BenchmarkDefinition | None]
    """By the id of the benchmark."""

    @classmethod
    def load(cls, used: "Sequence[PortfolioRevision]", pack: PricingPack) -> "_Shared":
        history = market.history(pack)
        bases = {portfolio.base_currency for portfolio, _ in used}
        rates = {
            base: risk_free_rates.load(pack, risk_free_rates.read_series(base), base, history.dates) for base in bases
        }
        definitions = {each: benchmarks.read_definition(each) for each in {row.benchmark_id for row, _ in used}}
        return cls(pack, history, Valuer(history), rates, definitions)

    def life_of(self, portfolio: Portfolio, revision: LedgerRevision, book: books.Book) -> _Life | None:
        """None where nothing was booked."""
        whole = self.valuer.history(book)
        if not len(whole.dates):
            return None
        headline, base = self.valuer.headline(book, whole), portfolio.base_currency
        days = np.searchsorted(self.history.dates, headline.dates)
        rate, definition = self.rates[base], self.definitions[portfolio.benchmark_id]
        return _Life(
            portfolio=portfolio,
            revision=revision,
            whole=whole,
            headline=headline,
            days=days,
            risk_free=None if rate is None else replace(rate, yields=rate.yields[days]),
            benchmark=benchmarks.load(self.pack, definition, base, headline.dates),
        )


Figures = TypeVar("Figures")


def compute_metrics(*, used: Sequence[PortfolioRevision], pack: PricingPack) -> ChunkFigures:
    """Store the daily values of each whole life, and the metrics record as of the pack."""

    def compute(life: _Life) -> str:
        metrics = record.metrics(
            life.headline,
            portfolio_id=str(life.portfolio.pk),
            pack_id=pack.pk,
            risk_free=life.risk_free,
            benchmark=life.benchmark,
        )
        return json.dumps(metrics, cls=_RecordEncoder, allow_nan=False)

    chunk, records, values = ChunkFigures(len(used)), [], []
    for life, metrics in _compute_missing(used, pack, PortfolioMetrics, compute, chunk):
        records.append((life.portfolio.pk, life.revision.pk, pack.pk, metrics))
        values.append(daily_values.DailyValues.from_history(life.revision, life.whole))
    if records:
        with transaction.atomic():
            daily_values.lock(values)
            chunk.added = daily_values.store(values, pack)
            copy_in(PortfolioMetrics, RECORD_COLUMNS, records, keep_existing=True)
    return chunk


class _RecordEncoder(DjangoJSONEncoder):
    """Records by their keys and metrics by their fields. asdict would first copy each of a record's hundred figures deeply."""

    def default(self, o: object) -> object:
        if isinstance(o, Mapping):
            return dict(o)
        if is_dataclass(o):
            return {each.name: getattr(o, each.name) for each in fields(o)}
        return super().default(o)


def prewarm_factors(*, used: Sequence[PortfolioRevision], pack: PricingPack) -> ChunkFigures:
    """Store the factor exposures of each portfolio as of the pack."""
    levels = factor_series.load(pack, factor_series.read_choices(), market.history(pack).dates)

    def compute(life: _Life) -> tuple[factor_exposures.Exposure, ...]:
        return factor_exposures.rows(life.headline, levels.at(life.days), life.risk_free, benchmark=life.benchmark)

    chunk = ChunkFigures(len(used))
    rows = [
        (
            life.portfolio.pk,
            life.revision.pk,
            pack.pk,
            each.factor,
            each.series_id,
            each.status,
            each.reason,
            each.beta,
            each.standard_error,
            each.t_statistic,
            each.variance_share,
            each.observations,
        )
        for life, exposures in _compute_missing(used, pack, FactorExposure, compute, chunk)
        for each in exposures
    ]
    if rows:
        copy_in(FactorExposure, EXPOSURE_COLUMNS, rows, keep_existing=True)
    return chunk


def _compute_missing(
    used: Sequence[PortfolioRevision],
    pack: PricingPack,
    stored: type[PackFigure],
    compute: Callable[[_Life], Figures],
    chunk: ChunkFigures,
) -> Iterator[tuple[_Life, Figures]]:
    """What `compute` makes of each portfolio that has no such figures stored yet. Failures go to `chunk.failed`."""
    revisions = [revision.pk for _, revision in used]
    done = set(stored._default_manager.filter(revision__in=revisions, pack=pack).values_list("revision_id", flat=True))
    missing = [(portfolio, revision) for portfolio, revision in used if revision.pk not in done]
    if not missing:
        return
    shared = _Shared.load(missing, pack)
    for (portfolio, revision), book in zip(missing, books.load_all(missing), strict=True):
        try:
            life = shared.life_of(portfolio, revision, book)
            if life is None:
                continue
            figures = compute(life)
        except TieoutError as failure:
            # Without its words, which may tell holdings: whoever may read them finds them with the portfolio.
            logger.warning(
                "a portfolio has no figures",
                extra={"portfolio_id": str(portfolio.pk), "pack_id": pack.pk, "failure": type(failure).__name__},
            )
            chunk.failed[revision.pk] = failure
            continue
        except Exception as broken:
            if isinstance(broken, DatabaseError) or outage.find(broken) is not None:
                raise
            # One portfolio's data must not keep the others of a night from theirs, whatever is wrong with them.
            logger.exception(
                "the figures of a portfolio failed", extra={"portfolio_id": str(portfolio.pk), "pack_id": pack.pk}
            )
            chunk.failed[revision.pk] = FiguresFailed()
            continue
        yield life, figures
