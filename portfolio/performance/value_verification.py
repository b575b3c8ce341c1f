"""The stored daily values of a portfolio, computed anew from its rows and the packs."""

from collections.abc import Iterator
from math import isclose

from config.row_difference import RowDifference
from portfolio import books
from portfolio.models import DailyValue, LedgerRevision, Portfolio
from portfolio.performance.daily_values import NUMBERS, DailyValues
from portfolio.valuation import Valuer
from pricing import market

RELATIVE = 1e-9
"""Two ways to the same value agree to it; another release of NumPy may round the last digit otherwise."""


def find_differences(portfolio: Portfolio, revision: LedgerRevision) -> list[RowDifference]:
    """Where the daily values of a revision, as of the newest pack that has one, are not what books and packs give.

    Values of days that a later release of a pack has replaced are not looked at: nothing is answered from them.
    """
    rows = DailyValue.objects.filter(portfolio=portfolio, revision=revision)
    newest = rows.select_related("pack").order_by("-pack__asof_date", "-pack__sequence").first()
    if newest is None:
        return []
    pack = newest.pack
    life = Valuer(market.history(pack)).history(books.load(portfolio, revision))
    values_now = DailyValues.from_history(revision, life)
    of_day = dict(zip(values_now.pack_ids, values_now.numbers.tolist(), strict=True))
    value_rows = rows.filter(pack__in=market.history(pack).pack_ids).order_by().values_list("pack_id", *NUMBERS)
    rows_by_pack = {pack_id: list(map(float, numbers)) for pack_id, *numbers in value_rows}
    return list(_differences(portfolio, of_day, rows_by_pack))


def _differences(
    portfolio: Portfolio, values_now: dict[str, list[float]], rows_by_pack: dict[str, list[float]]
) -> Iterator[RowDifference]:
    for pack_id in sorted(values_now.keys() | rows_by_pack.keys()):
        name = f"{portfolio.slug} at {pack_id}"
        if pack_id not in rows_by_pack:
            yield RowDifference("daily value", name, expected=str(values_now[pack_id][0]))
        elif pack_id not in values_now:
            yield RowDifference("daily value", name, stored=str(rows_by_pack[pack_id][0]))
        else:
            for column, expected, current in zip(NUMBERS, values_now[pack_id], rows_by_pack[pack_id], strict=True):
                if not isclose(expected, current, rel_tol=RELATIVE, abs_tol=RELATIVE):
                    yield RowDifference("daily value", name, column, str(expected), str(current))
