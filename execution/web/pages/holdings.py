"""The securities that a portfolio holds or held, to choose from."""

from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import Q

from portfolio import books
from portfolio.models import Lot, Portfolio
from pricing.models import Security


@dataclass(frozen=True, slots=True)
class Holding:
    security_id: int
    symbol: str
    name: str


@dataclass(frozen=True, slots=True)
class Holdings:
    """By symbol, of the newest reconciled revision."""

    now: tuple[Holding, ...]
    before: tuple[Holding, ...]


@transaction.atomic
def read(portfolio: Portfolio, asof: date | None) -> Holdings:
    """What is held at the end of a date, or today where there is none, and what was held before it."""
    revision = books.newest_reconciled(portfolio)
    if revision is None:
        return Holdings((), ())
    lots = books.rows_of_revisions(Lot.objects.all(), [revision]).order_by()
    if asof is not None:
        lots = lots.filter(valid_from__lte=asof)
    is_open = Q(valid_to__isnull=True) if asof is None else Q(valid_to__isnull=True) | Q(valid_to__gt=asof)
    open_ids = set(lots.filter(is_open).values_list("security", flat=True))
    securities = Security.objects.filter(pk__in=lots.values("security")).order_by("symbol")
    holdings = [Holding(*row) for row in securities.values_list("pk", "symbol", "name")]
    return Holdings(
        tuple(each for each in holdings if each.security_id in open_ids),
        tuple(each for each in holdings if each.security_id not in open_ids),
    )
