"""The list of portfolios: each with one value, or the words for why there is none.

The value is that of the newest reconciled revision at the newest fresh pack, as they were reconciled: what the overview of
that day shows. It is never that of an older revision.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from config.decimals import plain
from execution import figures
from execution.operations import shown_values
from execution.web.pages.navigation import OVERVIEW
from portfolio import books
from portfolio.models import LedgerRevision, Portfolio, Reconciliation, RevisionStatus
from pricing.models import PackStatus, PricingPack

NOTHING_BOOKED: Final = "nothing is booked yet"
NOT_COMPARED: Final = "the books are compared with the next pricing pack; until then there are no figures"
BOOKS_DIFFER: Final = "the books do not tie out, so that there are no figures; the reconciliation says where"
NO_PACK: Final = "there are no prices yet: the first nightly run makes them ready"
NOT_COMPUTED: Final = "not computed yet for the newest entries: the overview does it at once"
NO_VALUE: Final = "a price or an exchange rate is missing; the overview says which"


@dataclass(frozen=True, slots=True)
class Row:
    """A value and its as-of date, or the reason why there is none. `note` goes with either; `page` tells more."""

    portfolio: Portfolio
    value: figures.Figure | None = None
    asof: str = ""
    reason: str = ""
    note: str = ""
    page: str = "overview"
    """overview, imports or reconciliation."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the database has on all the portfolios: revisions, packs and reconciliations."""

    newest: Mapping[UUID, LedgerRevision]
    usable: Mapping[UUID, LedgerRevision]
    packs: Mapping[str, PricingPack]
    reconciliations: Mapping[tuple[UUID, int, str], Reconciliation]
    withheld: Mapping[tuple[UUID, str], tuple[str, ...]]
    """Portfolio and pack -> the sources whose terms keep its value back."""


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """The portfolios that one may see, each with its value, or why there is none."""
    portfolios = list(Portfolio.objects.order_by("name", "slug"))
    return TemplateResponse(request, "portfolios.html", {"rows": rows(portfolios), "overview": OVERVIEW})


def rows(portfolios: Sequence[Portfolio]) -> list[Row]:
    """In the order given, in a fixed number of queries."""
    stored = _read(portfolios)
    return [_row(portfolio, stored) for portfolio in portfolios]


def _read(portfolios: Sequence[Portfolio]) -> _Stored:
    usable = books.newest_reconciled_by_portfolio(portfolios)
    newest = LedgerRevision.objects.filter(portfolio__in=portfolios).order_by("portfolio_id", "-number")
    packs = newest_fresh(portfolio.policy_id for portfolio in portfolios)
    reconciliations = Reconciliation.objects.filter(
        revision__in=[each.pk for each in usable.values()], pack__in=[each.pk for each in packs.values()]
    ).order_by("portfolio_id", "revision_id", "pack_id", "-made_at", "-id")
    compared = list(reconciliations.distinct("portfolio_id", "revision_id", "pack_id"))
    return _Stored(
        {each.portfolio_id: each for each in newest.distinct("portfolio_id")},
        usable,
        packs,
        {_key(each): each for each in compared},
        shown_values.find_withheld((each.portfolio_id, each.pack_id) for each in compared),
    )


def newest_fresh(policies: Iterable[str]) -> dict[str, PricingPack]:
    """Policy -> the fresh pack of its last date that has one; policies without one are absent."""
    fresh = PricingPack.objects.filter(policy__in=set(policies), status=PackStatus.FRESH)
    newest = fresh.order_by("policy_id", "-asof_date", "-sequence").distinct("policy_id")
    return {pack.policy_id: pack for pack in newest}


def _key(row: Any) -> tuple[UUID, int, str]:
    return row.portfolio_id, row.revision_id, row.pack_id


def _row(portfolio: Portfolio, stored: _Stored) -> Row:
    newest, usable = stored.newest.get(portfolio.pk), stored.usable.get(portfolio.pk)
    pack = stored.packs.get(portfolio.policy_id)
    if newest is None:
        return Row(portfolio, reason=NOTHING_BOOKED, page="imports")
    if usable is None:
        broken = newest.status == RevisionStatus.BROKEN
        return Row(portfolio, reason=BOOKS_DIFFER if broken else NOT_COMPARED, page="reconciliation")
    if pack is None:
        return Row(portfolio, reason=NO_PACK)
    note = ""
    if newest.status == RevisionStatus.BROKEN:
        note = f"without the newest entries (revision {newest.number}), whose books differ"
    reconciliation = stored.reconciliations.get((portfolio.pk, usable.pk, pack.pk))
    if reconciliation is None:
        return Row(portfolio, reason=NOT_COMPUTED, note=note)
    if reconciliation.status != "pass":
        return Row(portfolio, reason=BOOKS_DIFFER, note=note, page="reconciliation")
    if reconciliation.database_value is None:
        return Row(portfolio, reason=NO_VALUE, note=note)
    if refusing := stored.withheld.get((portfolio.pk, pack.pk)):
        return Row(portfolio, reason=shown_values.explain(refusing), note=note)
    value = figures.from_value(plain(reconciliation.database_value), "currency", currency=portfolio.base_currency)
    return Row(portfolio, value, pack.asof_date.isoformat(), note=note)
