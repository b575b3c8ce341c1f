"""Many portfolios at once are each what they are alone, and what a stored value refers to is there."""

from uuid import UUID

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from portfolio import books, valuation
from portfolio.models import DailyValue, Portfolio
from portfolio.tests.made import book, event, lot, market

DATES = ["2020-01-06", "2020-01-07", "2020-01-08", "2020-01-09"]


def test_books_valued_on_one_market_are_what_each_is_alone():
    priced = market(
        DATES,
        {"OAK": [10, 11, 12, 11], "ELM": [20, 21, 19, 20]},
        currencies={"ELM": "USD"},
        exchanges={"ELM": "XLON"},
        fx={"USD": [1.3, 1.31, 1.3, 1.32]},
        observed={"OAK": ["2020-01-06", "2020-01-07", "2020-01-07", "2020-01-09"]},
    )
    of_two = book(
        [event(DATES[0], "deposit", "100"), event(DATES[1], "buy", "-22", security=1)], [lot(1, "2", DATES[1])]
    )
    later = book([event(DATES[2], "deposit", "50", currency="USD")], [lot(2, "1", DATES[2], currency="USD")])
    valuer = valuation.Valuer(priced)

    for each in (of_two, later, book([]), of_two):
        together, alone = valuer.history(each), valuation.history(each, priced)
        for name in alone.__dataclass_fields__:
            assert np.array_equal(getattr(together, name), getattr(alone, name)), name
    assert valuer.history(of_two).observed.tolist() == [False, True, False, True]
    assert valuer.history(later).observed.tolist() == [True, True]


@pytest.mark.role("job")
def test_books_loaded_together_are_what_each_is_alone(demo):
    used = [(each, books.newest_reconciled(each)) for each in Portfolio.objects.order_by("-slug")]

    loaded = books.load_all(used)

    assert loaded == [books.load(portfolio, revision) for portfolio, revision in used]
    assert len({each.portfolio_id for each in loaded}) == 2
    assert books.newest_reconciled_by_portfolio(Portfolio.objects.all()) == {
        each.pk: revision for each, revision in used
    }


@pytest.mark.role("job")
@pytest.mark.parametrize(
    ("column", "nothing"),
    [("portfolio_id", UUID(int=9)), ("revision_id", 999_999), ("pack_id", "PP_1999-01-04_ECB_EUR_r1")],
)
def test_a_daily_value_of_what_is_not_there_is_refused(column, nothing, demo):
    row = DailyValue.objects.first()
    row.pk = None
    setattr(row, column, nothing)

    with pytest.raises(IntegrityError, match=f"{column}: there is no"), transaction.atomic():
        row.save(force_insert=True)
