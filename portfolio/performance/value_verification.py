"""The stored daily values of a portfolio, computed anew from its rows and the packs."""

from math import isclose

from django.db.models import QuerySet

from config.row_difference import RowDifference
from portfolio import books
from portfolio.models import DailyValue, LedgerRevision, Portfolio
from portfolio.performance.daily_values import NUMBERS, DailyValues
from portfolio.valuation import Valuer
from pricing import market
from pricing.models import PricingPack

RELATIVE = 1e-9
"""Two ways to the same value agree to it; another release of NumPy may round the last digit otherwise."""


Numbers = list[float]


def find_differences(portfolio: Portfolio, revision: LedgerRevision) -> list[RowDifference]:
    """Where the daily values of a revision, as of the newest pack that has one, are not what books and packs give.

    Values of days that a later release of a pack has replaced are not looked at: nothing is answered from them. A row is never
    changed, so it may also be what an earlier pack saw: money that came on a day without a value counts on the next one that has
    a value, until a release of the day values it.
    """
    rows = DailyValue.objects.filter(portfolio=portfolio, revision=revision)
    newest = rows.select_related("pack").order_by("-pack__asof_date", "-pack__sequence").first()
    if newest is None:
        return []
    book = books.load(portfolio, revision)
    values_by_day = _values(revision, book, newest.pack)
    visible = rows.filter(pack__in=market.history(newest.pack).pack_ids).order_by()
    rows_by_day = {pack_id: list(map(float, numbers)) for pack_id, *numbers in visible.values_list("pack_id", *NUMBERS)}
    differences = []
    for pack_id in sorted(values_by_day.keys() | rows_by_day.keys()):
        name = f"{portfolio.slug} at {pack_id}"
        if pack_id not in rows_by_day:
            differences.append(RowDifference("daily value", name, expected=str(values_by_day[pack_id][0])))
        elif pack_id not in values_by_day:
            differences.append(RowDifference("daily value", name, stored=str(rows_by_day[pack_id][0])))
        elif columns := _columns_that_differ(values_by_day[pack_id], rows_by_day[pack_id]):
            earlier = (_values(revision, book, head).get(pack_id) for head in _earlier_heads(rows, pack_id))
            if all(numbers is None or _columns_that_differ(numbers, rows_by_day[pack_id]) for numbers in earlier):
                differences += [
                    RowDifference("daily value", name, column, str(expected), str(number))
                    for column, expected, number in columns
                ]
    return differences


def _values(revision: LedgerRevision, book: books.Book, head: PricingPack) -> dict[str, Numbers]:
    """The numbers of each day by its pack, as of a pack that sees it."""
    values = DailyValues.from_history(revision, Valuer(market.history(head)).history(book))
    return dict(zip(values.pack_ids, values.numbers.tolist(), strict=True))


def _columns_that_differ(expected: Numbers, row: Numbers) -> list[tuple[str, float, float]]:
    return [
        (column, one, other)
        for column, one, other in zip(NUMBERS, expected, row, strict=True)
        if not isclose(one, other, rel_tol=RELATIVE, abs_tol=RELATIVE)
    ]


def _earlier_heads(rows: "QuerySet[DailyValue]", pack_id: str) -> list[PricingPack]:
    """Packs that a value may have been stored as of and that saw other days before it: its own, and the next that has a value
    after each release of an earlier day."""
    own = PricingPack.objects.get(pk=pack_id)
    releases = PricingPack.objects.filter(
        policy=own.policy_id, release__gt=1, asof_date__lt=own.asof_date, sequence__gt=own.sequence
    )
    later = rows.filter(pack__asof_date__gte=own.asof_date).select_related("pack").order_by("pack__sequence")
    heads = {own.pk: own}
    for sequence in releases.values_list("sequence", flat=True):
        row = later.filter(pack__sequence__gt=sequence).first()
        if row is not None:
            heads[row.pack_id] = row.pack
    return list(heads.values())
