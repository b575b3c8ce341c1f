"""The nightly figures of a chunk of portfolios: daily values, metrics, factor exposures. Computing again changes nothing.

A chunk reads the history once and its books in two queries, and stores what came of it in one transaction by COPY. A portfolio
whose figures can't be computed is told by name and keeps the others from nothing. What a pack and a revision have figures of
already is passed over, so that a chunk cut short is cheaply done again.
"""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TypeVar
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connection, transaction

from config.bulk import BINARY_END, BINARY_HEADER, copy_in
from config.errors import TieoutError
from portfolio import books
from portfolio.models import FactorExposure, LedgerRevision, PackFigure, Portfolio, PortfolioMetrics
from portfolio.performance import benchmarks, factor_exposures, metrics, risk_free_rates
from portfolio.performance.metrics import BenchmarkReturns, RiskFree
from portfolio.valuation import ValueHistory, Valuer
from pricing import market
from pricing.models import PricingPack

logger = logging.getLogger(__name__)


class FiguresFailed(TieoutError):
    """The figures of a portfolio can't be computed for a reason that nobody foresaw; the log has it."""

    def __init__(self) -> None:
        super().__init__(
            "its figures could not be computed: a fault of this program, which its operator finds in the log"
        )


Used = tuple[Portfolio, LedgerRevision]
"""A portfolio, and the revision of it that is computed from."""
Figures = TypeVar("Figures")

RECORD_COLUMNS = ("portfolio_id", "revision_id", "pack_id", "record")
EXPOSURE_COLUMNS = (
    "portfolio_id", "revision_id", "pack_id", "factor", "series_id", "status", "reason", "beta", "standard_error", "t_statistic",
    "variance_share", "observations",
)  # fmt: skip
NUMBERS = ("value", "cash", "inflow", "outflow", "receivable")


@dataclass(slots=True)
class Outcome:
    """What a chunk came to."""

    portfolios: int = 0
    added: int = 0
    """Daily values that were not there before."""
    failed: dict[int, TieoutError] = field(default_factory=dict)
    """Revision -> why its portfolio has no figures."""


def compute_metrics(*, used: Sequence[Used], pack: PricingPack) -> Outcome:
    """Daily values of each whole life, and the metrics record as of the pack."""

    def record(
        portfolio: Portfolio, life: ValueHistory, free: RiskFree | None, against: BenchmarkReturns | None
    ) -> str:
        found = metrics.record(life, portfolio_id=str(portfolio.pk), pack_id=pack.pk, risk_free=free, benchmark=against)
        return json.dumps(found, cls=_RecordEncoder, allow_nan=False)

    outcome, records, lives = Outcome(len(used)), [], []
    for portfolio, revision, life, told in _computed(used, pack, PortfolioMetrics, record, outcome):
        records.append((portfolio.pk, revision.pk, pack.pk, told))
        lives.append(_DailyValues.of(revision, life))
    if records:
        with transaction.atomic():
            _lock(lives)
            outcome.added = _keep_daily_values(lives, pack)
            copy_in(PortfolioMetrics, RECORD_COLUMNS, records, keep_existing=True)
    return outcome


class _RecordEncoder(DjangoJSONEncoder):
    """Dataclasses by their fields, as they stand: asdict would first copy each of a record's hundred figures deeply."""

    def default(self, o: object) -> object:
        if is_dataclass(o):
            return {each.name: getattr(o, each.name) for each in fields(o)}
        return super().default(o)


def prewarm_factors(*, used: Sequence[Used], pack: PricingPack) -> Outcome:
    """The exposures of each portfolio as of the pack."""

    choices = factor_exposures.chosen()

    def exposed(
        portfolio: Portfolio, life: ValueHistory, free: RiskFree | None, against: BenchmarkReturns | None
    ) -> list[factor_exposures.Exposure]:
        return factor_exposures.compute(life, pack, free, benchmark=against, choices=choices)

    outcome = Outcome(len(used))
    rows = [
        (portfolio.pk, revision.pk, pack.pk, *(getattr(each, name) for name in EXPOSURE_COLUMNS[3:]))
        for portfolio, revision, _, found in _computed(used, pack, FactorExposure, exposed, outcome)
        for each in found
    ]
    if rows:
        copy_in(FactorExposure, EXPOSURE_COLUMNS, rows, keep_existing=True)
    return outcome


def _computed(
    used: Sequence[Used],
    pack: PricingPack,
    figures: type[PackFigure],
    compute: Callable[[Portfolio, ValueHistory, RiskFree | None, BenchmarkReturns | None], Figures],
    outcome: Outcome,
) -> Iterator[tuple[Portfolio, LedgerRevision, ValueHistory, Figures]]:
    """Of those without such figures yet: the whole life, and what `compute` makes of what returns are measured on. Who fails
    goes to `outcome.failed`."""
    revisions = [revision.pk for _, revision in used]
    there = set(
        figures._default_manager.filter(revision__in=revisions, pack=pack).values_list("revision_id", flat=True)
    )
    missing = [(portfolio, revision) for portfolio, revision in used if revision.pk not in there]
    if not missing:
        return
    seen = market.history(pack)
    valuer = Valuer(seen)
    free_of = {
        base: risk_free_rates.load(pack, risk_free_rates.choose(base), base, seen.dates)
        for base in {portfolio.base_currency for portfolio, _ in missing}
    }
    choice_of = {
        benchmark: benchmarks.choose(benchmark) for benchmark in {portfolio.benchmark_id for portfolio, _ in missing}
    }
    for (portfolio, revision), book in zip(missing, books.load_all(missing), strict=True):
        try:
            whole = valuer.history(book)
            if not len(whole.dates):
                continue
            life = valuer.headline(book, whole)
            free = free_of[portfolio.base_currency]
            against = benchmarks.load(pack, choice_of[portfolio.benchmark_id], portfolio.base_currency, life.dates)
            rows = np.searchsorted(seen.dates, life.dates)
            found = compute(portfolio, life, free and replace(free, yields=free.yields[rows]), against)
        except TieoutError as failure:
            # By name only where nobody reads it who may not: others see how many failed, and why.
            told = {"portfolio": portfolio.slug, "pack_id": pack.pk, "reason": str(failure)}
            logger.warning("a portfolio has no figures", extra=told)
            outcome.failed[revision.pk] = failure
            continue
        except DatabaseError:
            raise
        except Exception:
            # One portfolio's data must not keep the others of a night from theirs, whatever is wrong with them.
            logger.exception(
                "the figures of a portfolio failed", extra={"portfolio": portfolio.slug, "pack_id": pack.pk}
            )
            outcome.failed[revision.pk] = FiguresFailed()
            continue
        yield portfolio, revision, whole, found


# --- daily values


@dataclass(frozen=True, slots=True)
class _DailyValues:
    """What is kept of a life until the chunk is stored: a small part of it."""

    portfolio_id: UUID
    revision_id: int
    pack_ids: tuple[str, ...]
    dates: npt.NDArray[np.datetime64]
    numbers: npt.NDArray[np.float64]
    """(D, 5) in the order of NUMBERS."""

    @classmethod
    def of(cls, revision: LedgerRevision, life: ValueHistory) -> "_DailyValues":
        """Days of which a number is not known are left out."""
        numbers = np.column_stack([life.cash_basis_value, *(getattr(life, name) for name in NUMBERS[1:])])
        known = np.isfinite(numbers).all(axis=1)
        pack_ids = life.pack_ids if known.all() else tuple(np.array(life.pack_ids)[known].tolist())
        return cls(revision.portfolio_id, revision.pk, pack_ids, life.dates[known], numbers[known])


_ROW = np.dtype(
    [("fields", ">i2"), ("book_size", ">i4"), ("book", ">i4"), ("day_size", ">i4"), ("day", ">i4")]
    + [part for name in NUMBERS for part in ((f"{name}_size", ">i4"), (name, ">f8"))]
)
"""A row as binary COPY reads it: how many fields, and each behind its size. Thousands of days cost one assignment a field."""
_ARRIVING = "CREATE TEMP TABLE arriving (book int, day int, {}) ON COMMIT DROP".format(
    ", ".join(f"{name} float8" for name in NUMBERS)
)
# The shortest text of a float8 is exact, its cast to numeric is not (15 digits).
_INSERT = """
    INSERT INTO portfolio_dailyvalue (portfolio_id, revision_id, pack_id, date, {columns})
    SELECT books.portfolio_id, books.revision_id, days.pack_id, days.date, {numbers}
    FROM arriving
    JOIN unnest(%s::uuid[], %s::bigint[]) WITH ORDINALITY AS books (portfolio_id, revision_id, place) ON books.place = book
    JOIN unnest(%s::text[], %s::date[]) WITH ORDINALITY AS days (pack_id, date, place) ON days.place = day
    {conflict}
"""


def _lock(lives: Sequence[_DailyValues]) -> None:
    """Until the transaction's end nobody else stores figures of these revisions."""
    revisions = sorted(each.revision_id for each in lives)
    list(
        LedgerRevision.objects.filter(pk__in=revisions).order_by("pk").select_for_update(no_key=True).values_list("pk")
    )


def _keep_daily_values(lives: Sequence[_DailyValues], pack: PricingPack) -> int:
    """Store the days that have no row yet; how many.

    Metrics as of a pack are stored with the values of all that it sees. So a revision without metrics has no values, and what
    came after the newest pack with metrics is all that can be missing.
    """
    newest = {
        revision: (sequence, asof_date)
        for revision, sequence, asof_date in PortfolioMetrics.objects.filter(
            revision__in=[each.revision_id for each in lives]
        )
        .order_by("revision_id", "-pack__sequence")
        .distinct("revision_id")
        .values_list("revision_id", "pack__sequence", "pack__asof_date")
    }
    first = [each for each in lives if each.revision_id not in newest]
    later = [each for each in lives if each.revision_id in newest]
    added = _copy(first, [np.arange(len(each.dates)) for each in first], conflict="") if first else 0
    if later:
        sealed = dict(
            PricingPack.objects.filter(policy=pack.policy_id, sequence__isnull=False).values_list("pk", "sequence")
        )
        new = []
        for each in later:
            sequence, asof_date = newest[each.revision_id]
            sequences = np.array([sealed[pack_id] for pack_id in each.pack_ids])
            new.append(np.flatnonzero((sequences > sequence) | (each.dates > np.datetime64(asof_date))))
        added += _copy(later, new, conflict="ON CONFLICT DO NOTHING")
    return added


def _copy(lives: Sequence[_DailyValues], new: Sequence[npt.NDArray[np.intp]], *, conflict: str) -> int:
    """Insert the chosen days of each, in the order of the table's key. An index on rows in order takes half the time."""
    days: dict[str, object] = {}
    rows = np.zeros(sum(map(len, new)), dtype=_ROW)
    rows["fields"] = 2 + len(NUMBERS)
    for name in _ROW.names or ():
        if name.endswith("_size"):
            rows[name] = 8 if name.removesuffix("_size") in NUMBERS else 4
    for each in lives:
        days.update(zip(each.pack_ids, each.dates.tolist(), strict=True))
    place_of = {pack_id: place for place, pack_id in enumerate(days, 1)}
    begin = 0
    for place, (each, chosen) in enumerate(zip(lives, new, strict=True), 1):
        part = rows[begin : begin + len(chosen)]
        begin += len(chosen)
        part["book"] = place
        part["day"] = np.array([place_of[pack_id] for pack_id in each.pack_ids])[chosen]
        for column, name in enumerate(NUMBERS):
            part[name] = each.numbers[chosen, column]
    statement = _INSERT.format(
        columns=", ".join(NUMBERS), numbers=", ".join(f"{name}::text::numeric" for name in NUMBERS), conflict=conflict
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ARRIVING)
        with connection.wrap_database_errors, cursor.copy("COPY arriving FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(BINARY_HEADER + rows.tobytes() + BINARY_END)
        cursor.execute(
            statement,
            [
                [each.portfolio_id for each in lives],
                [each.revision_id for each in lives],
                list(days),
                list(days.values()),
            ],
        )
        inserted = cursor.rowcount
        cursor.execute("DROP TABLE arriving")
    return int(inserted)
