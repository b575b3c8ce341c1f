"""Whether the stored history is still what ledger and packs make of it: found by making it anew and comparing every row.

A reconciliation looks at the balances of the newest pack, and what lies before is believed. Each day a seventh of the portfolios is
derived again from their commits, and the comparisons at a seventh of the packs are made again, so that within a week everything is.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from config import outage
from config.errors import TieoutError
from config.row_difference import RowDifference
from execution.models import HistoryCheck
from portfolio import books
from portfolio.books import comparison_verification, pack_prices, row_verification
from portfolio.ledger.reader import LoadingProcess
from portfolio.macro import phases
from portfolio.models import LedgerRevision, Portfolio, RevisionStatus
from portfolio.performance import value_verification
from pricing import packs
from pricing.models import PricingPack, PricingPolicy

logger = logging.getLogger(__name__)

PARTS: Final = 7
MOST_PLACES: Final = 200
"""Places of differences that a check stores; it counts all."""


def find_differences(policy: PricingPolicy, *, part: int | None = None) -> Iterator[RowDifference]:
    """Every row of a policy's portfolios, and of what is stored of the economy by its packs, that is not what it was made from.

    part    0 to 6: a seventh of it; None: all
    raises  packs.PackWarming, packs.PackInError where there is no pack to compare at
    """
    head = packs.require_sealed(pack=packs.resolve(policy=policy))
    sealed = PricingPack.objects.filter(policy=policy, sequence__isnull=False).select_related("content")
    if part is not None:
        sealed = sealed.annotate(part=F("sequence") % PARTS).filter(part=part)
    compared = list(sealed)
    yield from phases.find_differences(head, compared)
    prices = pack_prices.load(compared, policy.pivot)
    with LoadingProcess() as child:
        for portfolio in Portfolio.objects.filter(policy=policy).order_by("slug"):
            is_due = part is None or portfolio.pk.int % PARTS == part
            yield from _of_portfolio(portfolio, compared, prices, head, child, with_rows=is_due)


def _of_portfolio(
    portfolio: Portfolio,
    compared: Sequence[PricingPack],
    prices: pack_prices.PackPrices,
    head: PricingPack,
    child: LoadingProcess,
    *,
    with_rows: bool,
) -> list[RowDifference]:
    """What could not be checked is a difference, too: it does not keep the other portfolios from being checked."""
    row_differences: list[RowDifference] = []
    try:
        if with_rows:
            for revision in row_verification.revisions_that_cover(portfolio):
                row_differences += row_verification.find_differences(portfolio, revision, child=child)
        revision_in_use = books.newest_reconciled(portfolio)
        if revision_in_use is not None and with_rows:
            row_differences += value_verification.find_differences(portfolio, revision_in_use)
        if revision_in_use is not None:
            row_differences += comparison_verification.find_differences(
                portfolio, revision_in_use, packs=compared, prices=prices, head=head, child=child
            )
    except TieoutError as failure:
        if outage.find(failure) is not None:
            raise
        logger.warning(
            "a portfolio's history can't be checked",
            extra={"portfolio_id": str(portfolio.pk), "failure": type(failure).__name__},
        )
        row_differences.append(RowDifference("ledger", portfolio.slug, "folder", "readable", str(failure)))
    except Exception as failure:
        if outage.find(failure) is not None:
            raise
        # One portfolio's data must not keep the others from being checked, whatever is wrong with them.
        logger.exception("the check of a portfolio's history failed", extra={"portfolio_id": str(portfolio.pk)})
        unknown = "not comparable: the log says why"
        row_differences.append(RowDifference("portfolio", portfolio.slug, "history", "comparable", unknown))
    return row_differences


def _nothing(part: int) -> Iterable[RowDifference]:
    return ()


def run(day: date, *, find_more: Callable[[int], Iterable[RowDifference]] = _nothing) -> HistoryCheck | None:
    """Check the part of a day and store what was found; None where the day has its check already.

    find_more   what other rows of a part differ. A check whose process died is made again by whoever asks next.
    """
    check, _ = HistoryCheck.objects.get_or_create(day=day, defaults={"part": day.toordinal() % PARTS})
    if check.finished_at is not None:
        return None
    row_differences = packs.find_security_differences()
    for policy in PricingPolicy.objects.filter(packs__sequence__isnull=False).distinct().order_by("code"):
        row_differences += find_differences(policy, part=check.part)
    row_differences += find_more(check.part)
    check.differences = [each.place for each in row_differences[:MOST_PLACES]]
    check.count, check.finished_at = len(row_differences), timezone.now()
    check.portfolios = _count_portfolios(check.part)
    with transaction.atomic():
        check.save()
    if row_differences:
        logger.error("stored history differs from what it was made from", extra={"count": len(row_differences)})
    else:
        logger.info("stored history ties out", extra={"part": check.part, "portfolios": check.portfolios})
    return check


def _count_portfolios(part: int) -> int:
    read = LedgerRevision.objects.filter(status=RevisionStatus.RECONCILED).order_by()
    return sum(pk.int % PARTS == part for pk in read.values_list("portfolio_id", flat=True).distinct())


@dataclass(frozen=True, slots=True)
class Standing:
    """What the newest check of each part says together."""

    differences: int
    finished_at: datetime
    """Of the newest of them."""


def read_standing() -> Standing | None:
    """None before the first check has ended."""
    ended = HistoryCheck.objects.filter(finished_at__isnull=False).order_by("part", "-day").distinct("part")
    newest = list(ended.values_list("count", "finished_at"))
    if not newest:
        return None
    return Standing(sum(count for count, _ in newest), max(at for _, at in newest if at is not None))
