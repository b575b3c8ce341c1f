"""How far the two books of a portfolio were apart, pack by pack, as reconciliations have found it. Read-only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.db.models import Prefetch, QuerySet

from config.decimals import trimmed
from execution.models import BlockedPortfolio
from execution.operations import shown_values
from portfolio.books.comparison import VALUATION_MISMATCH
from portfolio.models import Break, Portfolio, Reconciliation

BASIS_POINT_PLACES = 6
DISTANCE: Final = ("id", "pack_id", "pack__asof_date", "pack__release", "status", "error_bp")
"""Columns of a Distance, in its order."""


@dataclass(frozen=True, slots=True)
class Distance:
    """What the last reconciliation of a portfolio at one pack found."""

    reconciliation_id: int
    pack_id: str
    asof_date: date
    release: int
    """Of the pack; 1 for the first of its day."""
    status: str
    """pass or fail."""
    error_bp: Decimal | None
    """Difference of the two values in basis points of the ledger's; None where no value could be computed."""


@dataclass(frozen=True, slots=True)
class History:
    """The distances of a portfolio, newest pack first."""

    distances: tuple[Distance, ...]

    @property
    def failing(self) -> tuple[Distance, ...]:
        return tuple(each for each in self.distances if each.status == "fail")

    @property
    def restated(self) -> tuple[tuple[Distance, Distance], ...]:
        """Later releases of the pack of a day, newest first, each behind the release before it, where both were compared."""
        distance_of = {(each.asof_date, each.release): each for each in self.distances}
        pairs = ((distance_of.get((each.asof_date, each.release - 1)), each) for each in self.distances)
        return tuple((before, after) for before, after in pairs if before is not None)

    @property
    def max_error_bp(self) -> Decimal | None:
        return max((each.error_bp for each in self.distances if each.error_bp is not None), default=None)


def read_history(portfolio: Portfolio, *, first: date | None = None, last: date | None = None) -> History:
    """The last reconciliation at each pack of a span of dates; without a bound, of all."""
    rows: QuerySet[Reconciliation] = Reconciliation.objects.filter(portfolio=portfolio)
    if first:
        rows = rows.filter(pack__asof_date__gte=first)
    if last:
        rows = rows.filter(pack__asof_date__lte=last)
    rows = rows.order_by("-pack__asof_date", "-pack__sequence", "pack_id", "-made_at", "-id")
    newest = rows.distinct("pack__asof_date", "pack__sequence", "pack_id")
    return History(tuple(Distance(*row) for row in newest.values_list(*DISTANCE)))


def find_distance(portfolio: Portfolio, pack_id: str) -> Distance | None:
    """What the last reconciliation at a pack found; None where the portfolio was not compared at it."""
    rows = Reconciliation.objects.filter(portfolio=portfolio, pack=pack_id).order_by("-made_at", "-id")
    row = rows.values_list(*DISTANCE).first()
    return Distance(*row) if row else None


@dataclass(frozen=True, slots=True)
class Report:
    """One reconciliation, its breaks, and what kept the night from computing figures at its pack."""

    reconciliation: Reconciliation
    breaks: Sequence[Break]
    blocked: Sequence[BlockedPortfolio]
    withheld: Sequence[str]
    """The sources whose terms keep back what rests on prices; empty where it may be shown."""


def read_reports(distances: Sequence[Distance]) -> list[Report]:
    """The reconciliations behind some distances of one portfolio, in their order."""
    rows: QuerySet[Any] = Reconciliation.objects.select_related("pack", "revision").prefetch_related(
        Prefetch("breaks", queryset=Break.objects.order_by("id"), to_attr="ordered_breaks")
    )
    by_id = rows.in_bulk([each.reconciliation_id for each in distances])
    reconciliations = [by_id[each.reconciliation_id] for each in distances]
    blocked = list(
        BlockedPortfolio.objects.filter(
            portfolio__in={row.portfolio_id for row in reconciliations},
            pack__in={row.pack_id for row in reconciliations},
        ).order_by("id")
    )
    withheld = shown_values.find_withheld((row.portfolio_id, row.pack_id) for row in reconciliations)
    return [
        Report(
            row,
            row.ordered_breaks,
            [each for each in blocked if each.pack_id == row.pack_id],
            withheld.get((row.portfolio_id, row.pack_id), ()),
        )
        for row in reconciliations
    ]


def as_dict(report: Report) -> dict[str, Any]:
    """As JSON. The pack's prices are their provider's to show: only the ledger's are there, and how far off they are where
    values may be shown at all."""
    row = report.reconciliation
    return {
        "pack_id": row.pack_id,
        "asof_date": row.pack.asof_date,
        "status": row.status,
        "error_bp": basis_points(row.error_bp),
        "compared": row.compared,
        "ledger_value": None if report.withheld else trimmed(row.ledger_value),
        "database_value": None if report.withheld else trimmed(row.database_value),
        "withheld": list(report.withheld),
        "revision": row.revision.number if row.revision else None,
        "ledger_commit": row.revision.commit if row.revision else None,
        "made_at": row.made_at,
        "breaks": [_break_as_dict(each, report) for each in report.breaks],
        "blocked": [{"job": each.job, "kind": each.kind, "reason": each.reason} for each in report.blocked],
        "price_differences": [_price_difference(each, report) for each in row.price_differences],
    }


def _price_difference(row: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """How far the ledger's price is off tells the pack's."""
    visible = {name: value for name, value in row.items() if name != "pack_price"}
    return visible | {"error_bp": None} if report.withheld else visible


def _break_as_dict(row: Break, report: Report) -> dict[str, Any]:
    """Quantities and cash are the ledger's own; a value rests on prices."""
    is_withheld = bool(report.withheld) and row.kind == VALUATION_MISMATCH
    return {
        "kind": row.kind,
        "account": row.account,
        "commodity": row.commodity,
        "ledger_value": None if is_withheld else trimmed(row.ledger_value),
        "database_value": None if is_withheld else trimmed(row.database_value),
        "difference": None if is_withheld else trimmed(row.difference),
        "error_bp": basis_points(row.error_bp),
        "detail": row.detail,
    }


def basis_points(distance: Decimal | None) -> str | None:
    return trimmed(distance, places=BASIS_POINT_PLACES)
