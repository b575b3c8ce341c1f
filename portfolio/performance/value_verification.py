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
    computed = DailyValues.from_history(revision, life)
    of_day = dict(zip(computed.pack_ids, computed.numbers.tolist(), strict=True))
    seen = rows.filter(pack__in=market.history(pack).pack_ids).order_by().values_list("pack_id", *NUMBERS)
    stored = {pack_id: list(map(float, numbers)) for pack_id, *numbers in seen}
    return list(_differences(portfolio, of_day, stored))


def _differences(
    portfolio: Portfolio, computed: dict[str, list[float]], stored: dict[str, list[float]]
) -> Iterator[RowDifference]:
    for pack_id in sorted(computed.keys() | stored.keys()):
        name = f"{portfolio.slug} at {pack_id}"
        if pack_id not in stored:
            yield RowDifference("daily value", name, expected=str(computed[pack_id][0]))
        elif pack_id not in computed:
            yield RowDifference("daily value", name, stored=str(stored[pack_id][0]))
        else:
            for column, expected, found in zip(NUMBERS, computed[pack_id], stored[pack_id], strict=True):
                if not isclose(expected, found, rel_tol=RELATIVE, abs_tol=RELATIVE):
                    yield RowDifference("daily value", name, column, str(expected), str(found))
