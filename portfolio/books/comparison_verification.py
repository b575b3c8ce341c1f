"""What reconciliations have stored, computed anew: values, error in basis points, and whether the books passed."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from config.row_difference import RowDifference
from portfolio.books import pack_prices, reconciliation, writer
from portfolio.books.entries import plain
from portfolio.books.reconciliation_rows import Comparison
from portfolio.ledger.reader import LoadingProcess
from portfolio.models import LedgerRevision, Portfolio, Reconciliation
from pricing import market
from pricing.models import PricingPack

DIGITS = 20
"""Places behind the point in which a stored value has to agree: numbers without an end are cut where a row ends."""


def find_differences(
    portfolio: Portfolio,
    revision: LedgerRevision,
    *,
    packs: Sequence[PricingPack],
    prices: pack_prices.PackPrices,
    head: PricingPack,
    child: LoadingProcess | None = None,
) -> list[RowDifference]:
    """Where the newest reconciliation of a revision at each of `packs` is not what ledger and rows give.

    Splits are left out of it: which are known depends on the day of the comparison.
    raises   LedgerRefused, LedgerUnavailable where the folder can't be read any more
    """
    rows_by_pack = _newest_by_pack(revision, packs)
    if not rows_by_pack:
        return []
    compared = sorted((pack for pack in packs if pack.pk in rows_by_pack), key=lambda pack: (pack.asof_date, pack.pk))
    stated = writer.read_statement(portfolio=portfolio, revision=revision, child=child)
    comparisons = reconciliation.compare(
        portfolio=portfolio,
        revision=revision,
        packs=compared,
        prices=prices,
        actions=market.actions(head),
        stated=stated,
    )
    return [
        RowDifference("reconciliation", f"{portfolio.slug} at {each.pack.pk}", *difference)
        for each in comparisons
        for difference in _differences(rows_by_pack[each.pack.pk], each)
    ]


def _newest_by_pack(revision: LedgerRevision, packs: Sequence[PricingPack]) -> dict[str, Reconciliation]:
    rows = Reconciliation.objects.filter(revision=revision, pack__in=packs, compared__gt=0)
    return {row.pack_id: row for row in rows.order_by("pack_id", "-made_at", "-id").distinct("pack_id")}


def _differences(row: Reconciliation, comparison: Comparison) -> Iterator[tuple[str, str, str]]:
    for column in ("ledger_value", "database_value", "error_bp"):
        expected, current = _text(getattr(comparison, column)), _text(getattr(row, column))
        if expected != current:
            yield column, expected, current
    if row.compared != comparison.compared:
        yield "compared", str(comparison.compared), str(row.compared)
    breaks = [each for each in comparison.breaks if each.kind != "SPLIT_MISMATCH"]
    if breaks and row.status == "pass":
        yield "status", "fail", row.status


def _text(value: Decimal | None) -> str:
    return "" if value is None else plain(round(value, DIGITS))
