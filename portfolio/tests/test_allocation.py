"""The value by sector: sums to the portfolio's, whatever is short, unclassified or cash."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.performance import allocation
from pricing.classifications import SECTORS, Kind
from pricing.market import Classification

AMOUNTS = st.decimals(min_value=-10_000, max_value=10_000, places=2)


def valued(amounts, cash):
    rows = [SimpleNamespace(symbol=symbol, market_value=amount) for symbol, amount in amounts.items()]
    return SimpleNamespace(
        positions=rows, cash=[object()] if cash else [], total_value=sum(amounts.values(), Decimal(0)) + cash
    )


def said(sectors, *, is_assumed=False):
    return {
        symbol: {Kind.SECTOR: Classification("sector", sector, date(2020, 1, 1), is_assumed, "manual")}
        for symbol, sector in sectors.items()
        if sector
    }


@given(
    st.dictionaries(st.sampled_from("ABCDEFG"), st.tuples(AMOUNTS, st.sampled_from([*SECTORS.values(), None]))), AMOUNTS
)
def test_groups_sum_to_the_portfolio_and_each_security_is_in_one(held, cash):
    whole = valued({symbol: amount for symbol, (amount, _) in held.items()}, cash)

    found = allocation.allocate(whole, said({symbol: sector for symbol, (_, sector) in held.items()}))

    assert sum((each.value for each in found.sectors), Decimal(0)) == (whole.total_value if held or cash else 0)
    named = [symbol for each in found.sectors for symbol in each.symbols.split(", ") if symbol]
    assert sorted(named) == sorted(held)
    assert found.unclassified == ", ".join(sorted(symbol for symbol, (_, sector) in held.items() if not sector))
    if whole.total_value > 0:
        assert sum(each.weight for each in found.sectors) == pytest.approx(1.0)
    else:
        assert all(each.weight is None for each in found.sectors)


def test_what_is_known_is_a_share_of_the_securities_and_doubts_are_told():
    whole = valued({"A": Decimal(30), "B": Decimal(-10), "C": Decimal(60)}, Decimal(5))

    found = allocation.allocate(whole, said({"A": "Energy", "B": "Energy"}, is_assumed=True))

    assert (found.sector_known.value, found.sector_known.reason) == (0.4, "assumed_release_date")
    assert [(each.name, each.value) for each in found.sectors] == [
        ("Energy", Decimal(20)),
        ("Unclassified", Decimal(60)),
        ("Cash", Decimal(5)),
    ]
    assert found.region_known.reason == "no_classification"


def test_cash_alone_has_nothing_to_classify():
    found = allocation.allocate(valued({}, Decimal(7)), {})

    assert [(each.name, each.weight) for each in found.sectors] == [("Cash", 1.0)]
    assert (found.sector_known.status, found.sector_known.reason) == ("unavailable", "no_securities")
