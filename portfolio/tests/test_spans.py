"""Figures over a span of days agree with the record's windows, with the calendar years and with the gains since purchase."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from agents import registry
from agents.result import RequestContext
from execution.executor.market_view import MarketView
from execution.executor.reference_series import ReferenceSeries
from portfolio import books
from portfolio.books.entries import Event
from portfolio.models import Portfolio, Transaction
from portfolio.performance import composite, day_span, trading_days
from pricing.models import PricingPack

BENCHMARK = composite.define("Held", "monthly", [("AAPL", "0.5"), ("IBM", "0.5")])


@pytest.mark.parametrize(
    ("name", "asof", "first"),
    [
        ("1m", date(2013, 3, 31), date(2013, 3, 1)),
        ("3m", date(2013, 3, 1), date(2012, 12, 2)),
        ("ytd", date(2013, 3, 1), date(2013, 1, 1)),
        ("1y", date(2012, 2, 29), date(2011, 3, 1)),
        ("5y", date(2013, 3, 1), date(2008, 3, 2)),
        ("max", date(2013, 3, 1), None),
    ],
)
def test_a_range_begins_the_day_after_its_anniversary(name, asof, first):
    assert day_span.choose(name, asof).from_date == first


def test_an_own_first_day_goes_before_the_range():
    chosen = day_span.choose("1y", date(2013, 3, 1), date(2013, 1, 10))

    assert (chosen.from_date, chosen.label) == (date(2013, 1, 10), "since 2013-01-10")


class Asked:
    """Capabilities of one context, by name."""

    def __init__(self, ctx):
        self.ctx = ctx
        self.positions = self("ledger.positions", portfolio_id=ctx.portfolio_id)
        self.nav = self("portfolio.historical_nav", portfolio_id=ctx.portfolio_id)

    def __call__(self, name, **arguments):
        return registry.get(name)(self.ctx, **arguments).data

    def over(self, name, from_date=None):
        return self("metrics.over_span", nav=self.nav, span=self("portfolio.span", range=name, from_date=from_date))


@pytest.fixture
def asked(demo):
    portfolio = Portfolio.objects.get(slug="public")
    pack = PricingPack.objects.filter(policy=portfolio.policy_id).order_by("sequence").last()
    revision = books.newest_reconciled(portfolio)
    return Asked(
        RequestContext(
            portfolio_id=portfolio.pk, asof_date=pack.asof_date, pricing_pack_id=pack.pk,
            base_currency=portfolio.base_currency, ledger_commit_hash=revision.commit, portfolio=portfolio, pack=pack,
            revision=revision, market=MarketView(pack, ReferenceSeries(benchmark=BENCHMARK)),
        )
    )  # fmt: skip


@pytest.mark.role("job")
def test_a_span_has_the_returns_of_the_records_window(asked):
    record = asked("metrics.compute", nav=asked.nav)

    for name, key in (("1y", "1y"), ("ytd", "ytd"), ("max", "itd")):
        span = asked.over(name)
        for measure in ("twr", "gross_twr", "benchmark_twr", "excess_twr", "mwr"):
            assert getattr(span, measure).value == pytest.approx(record[f"{measure}_{key}"].value, abs=1e-12), (
                name,
                measure,
            )
        assert span.returns[-1] == pytest.approx(span.twr.value, abs=1e-12)
        assert span.benchmark_returns[-1] == pytest.approx(span.benchmark_twr.value, abs=1e-12)
        assert len(span.dates) == len(span.values) == len(span.returns) == len(span.drawdowns)


@pytest.mark.role("job")
def test_the_deepest_fall_is_the_maximum_drawdown_and_its_days(asked):
    deepest, *others = asked.over("max").worst
    figure = asked("metrics.compute", nav=asked.nav)["max_drawdown"]

    assert deepest.depth == pytest.approx(figure.value, abs=1e-12)
    assert [str(deepest.peak), str(deepest.trough), str(deepest.recovery)] == [
        figure.basis["peak"],
        figure.basis["trough"],
        figure.basis["recovery"],
    ]
    assert len(others) == 4
    assert min(asked.over("max").drawdowns) == pytest.approx(figure.value, abs=1e-12)


@pytest.mark.role("job")
def test_months_link_to_the_calendar_year(asked):
    years = {each.year: each.twr.value for each in asked("metrics.calendar_years", nav=asked.nav).years}

    for row in asked("metrics.calendar_months", nav=asked.nav).years:
        linked = 1.0
        for month in ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"):
            linked *= 1.0 + (getattr(row, month) or 0.0)
        assert linked - 1.0 == pytest.approx(years[row.year], abs=1e-12)
        assert row.whole == pytest.approx(years[row.year], abs=1e-12)


@pytest.mark.role("job")
def test_income_is_what_the_gains_have_and_adds_up(asked):
    income = asked("portfolio.income", positions=asked.positions)
    gains = asked("portfolio.gains", positions=asked.positions)
    bridge = asked(
        "portfolio.money_bridge", positions=asked.positions, from_date=asked("portfolio.span", range="1y").from_date
    )

    assert income.since_inception.net == gains.since_inception.income.net
    assert income.this_year.gross == gains.year_to_date.income.dividends
    assert income.twelve_months.gross == bridge.income
    assert income.twelve_months.net == bridge.income + bridge.taxes
    assert sum(each.net for each in income.months[-13:]) >= income.twelve_months.net
    assert abs(sum(each.net for each in income.years) - income.since_inception.net) <= len(income.years)
    assert len(income.months) == 24


@pytest.mark.role("job")
def test_the_contributions_of_the_leading_holdings_are_those_of_the_span(asked):
    valued = asked("pricing.apply_pack", positions=asked.positions)
    span = asked("portfolio.span", range="1y")

    rows = asked("portfolio.leading_holdings", valued=valued, nav=asked.nav, span=span).rows
    of_dive = asked("compute_position_return", nav=asked.nav, security_id=rows[0].security_id, lookback_days=252)

    assert [row.market_value for row in rows] == sorted((row.market_value for row in rows), reverse=True)
    assert sum(row.weight for row in rows) < 1
    assert rows[0].symbol == of_dive.symbol == "AAPL"
    assert all(len(row.way) <= 48 and row.way[0] == 1.0 for row in rows)
    assert rows[0].way[-1] - 1.0 == pytest.approx(rows[0].total_return)


@pytest.mark.role("job")
@pytest.mark.parametrize("name", ["1y", "max"])
def test_each_purchase_and_sale_of_the_span_is_a_trade_of_the_first_close_that_has_it(asked, name):
    span = asked.over(name)
    found = asked("portfolio.trades", nav=asked.nav, performance=span).days

    closes = [day for day in span.dates.tolist() if day > span.first_date]
    expected = set()
    for entry in Transaction.objects.filter(portfolio=asked.ctx.portfolio, removed_in=None, kind__in=("buy", "sell")):
        if span.first_date < entry.date <= span.last_date:
            marked = next(day for day in closes if day >= entry.date)
            expected.add((marked, entry.kind, entry.security.symbol))
    assert len(expected) > 5
    assert {(day.date, "buy", symbol) for day in found for symbol in day.bought} | {
        (day.date, "sell", symbol) for day in found for symbol in day.sold
    } == expected
    assert [day.date for day in found] == sorted({day for day, _, _ in expected})


@pytest.mark.parametrize(
    ("booked", "marked"),
    [(date(2020, 1, 3), None), (date(2020, 1, 4), date(2020, 1, 6)), (date(2020, 1, 6), date(2020, 1, 6)),
     (date(2020, 1, 8), None)],
    ids=["at the opening", "on a Sunday", "on a day of the span", "after it"],
)  # fmt: skip
def test_a_trade_is_marked_within_the_span_alone(booked, marked):
    days = np.array(["2020-01-03", "2020-01-06", "2020-01-07"], dtype="datetime64[D]")
    span: Any = SimpleNamespace(dates=days, first_date=date(2020, 1, 3))

    found = trading_days.find([Event("1", 1, booked, "sell", security=7)], {7: "OAK"}, span)

    assert found == (() if marked is None else (trading_days.TradingDay(marked, (), ("OAK",)),))
