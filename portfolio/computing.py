"""The nightly figures of all portfolios: daily values, metrics, factor exposures. Computing again changes nothing."""

from collections.abc import Iterable
from dataclasses import asdict
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from config.bulk import copy_in
from portfolio import books, exposures, metrics, riskfree, valuation
from portfolio.models import DailyValue, FactorExposure, LedgerRevision, Portfolio, PortfolioMetrics
from pricing import market
from pricing.models import PricingPack

DAILY_COLUMNS = ("portfolio_id", "revision_id", "pack_id", "date", "value", "cash", "inflow", "outflow", "receivable")
EXPOSURE_COLUMNS = (
    "portfolio_id", "revision_id", "pack_id", "factor", "series_id", "status", "reason", "beta", "standard_error", "t_statistic",
    "variance_share", "observations",
)  # fmt: skip


def compute_metrics(*, portfolio: Portfolio, revision: LedgerRevision, pack: PricingPack) -> int:
    """Daily values of the whole life, and the metrics record as of the pack. How many daily values were new.

    raises   MissingPrice, MissingRate, InvariantViolated: the portfolio's job fails by name
    """
    life = valuation.history(books.load(portfolio, revision), market.history(pack))
    if not len(life.dates):
        return 0
    with transaction.atomic():
        added = _keep_daily_values(portfolio.pk, revision.pk, life)
        PortfolioMetrics.objects.bulk_create(
            [
                PortfolioMetrics(
                    portfolio=portfolio, revision=revision, pack=pack, record=asdict(_record(portfolio, pack, life))
                )
            ],
            ignore_conflicts=True,
        )
    return added


def prewarm_factors(*, portfolio: Portfolio, revision: LedgerRevision, pack: PricingPack) -> None:
    """The exposures of one portfolio as of the pack."""
    life = valuation.history(books.load(portfolio, revision), market.history(pack))
    if not len(life.dates):
        return
    rows = exposures.compute(life, pack, _risk_free(portfolio, pack, life))
    with transaction.atomic():
        copy_in(
            FactorExposure,
            EXPOSURE_COLUMNS,
            (
                (portfolio.pk, revision.pk, pack.pk, *(getattr(row, name) for name in EXPOSURE_COLUMNS[3:]))
                for row in rows
            ),
            keep_existing=True,
        )


def _risk_free(portfolio: Portfolio, pack: PricingPack, life: valuation.ValueHistory) -> metrics.RiskFree | None:
    chosen = riskfree.choose(portfolio.base_currency)
    return riskfree.load(pack, chosen, portfolio.base_currency, life.dates)


def _record(portfolio: Portfolio, pack: PricingPack, life: valuation.ValueHistory) -> metrics.MetricsRecord:
    free = _risk_free(portfolio, pack, life)
    return metrics.record(life, portfolio_id=str(portfolio.pk), pack_id=pack.pk, risk_free=free)


def _keep_daily_values(portfolio_id: UUID, revision_id: int, life: valuation.ValueHistory) -> int:
    known = set(
        DailyValue.objects.filter(portfolio=portfolio_id, revision=revision_id).values_list("pack_id", flat=True)
    )
    new = [day for day, pack_id in enumerate(life.pack_ids) if pack_id not in known]
    return (
        copy_in(DailyValue, DAILY_COLUMNS, _daily_rows(portfolio_id, revision_id, life, new), keep_existing=True)
        if new
        else 0
    )


def _daily_rows(
    portfolio_id: UUID, revision_id: int, life: valuation.ValueHistory, days: Iterable[int]
) -> Iterable[tuple[object, ...]]:
    for day in days:
        yield (
            portfolio_id,
            revision_id,
            life.pack_ids[day],
            life.dates[day].item(),
            *(
                Decimal(repr(float(array[day])))
                for array in (life.cash_basis_value, life.cash, life.inflow, life.outflow, life.receivable)
            ),
        )
