"""Every figure of the demo, taken apart down to rows, and put together again by plain arithmetic."""

from datetime import date

import pytest

from execution.explanation.tests.figures import MOST_PATHS, ask, check, figures_of, follow_days
from execution.tests import staging
from portfolio import books
from portfolio.models import Portfolio
from pricing.models import Security

pytestmark = pytest.mark.slow
VALUES = ["valued_positions", "bridges", "bridge", "gains", "income", "historical_nav", "allocation"]
RETURNS = [
    *("perf_metrics", "metrics", "windows", "calendar_years", "months", "over_span"),
    *("currency_attr", "contribution", "leading"),
]


def test_there_is_a_test_of_every_output(demo):
    result = ask(demo, "portfolio_overview")["result"]

    assert {*VALUES, *RETURNS} == {name for name, value in result.items() if list(figures_of(value))}


@pytest.mark.parametrize("output", [*VALUES, *RETURNS])
def test_figures_of_the_overview(demo, output):
    answer = ask(demo, "portfolio_overview")
    seen = set()

    for path, value in figures_of(answer["result"][output], f"/{output}"):
        check(demo, answer, path, value, seen, follow=MOST_PATHS if output in VALUES else 0)


@pytest.mark.parametrize("period", [{}, {"from_date": "2010-01-01", "to_date": "2011-06-30"}], ids=["whole", "period"])
def test_the_lines_of_a_bridge(demo, period):
    answer = ask(demo, "money_bridge", **period)
    seen = set()

    for path, value in figures_of(answer["result"]):
        check(demo, answer, path, value, seen)


def test_figures_of_one_holding(demo):
    answer = ask(demo, "holding_deep_dive", security_id=1)

    seen = set()
    for path, value in figures_of(answer["result"]):
        check(demo, answer, path, value, seen, follow=0 if path.startswith("/position_perf") else 1)


@pytest.mark.parametrize("inputs", [{}, {"tax_year": 2012}, {"tax_year": 2012, "begins": "07-01"}], ids=str)
def test_figures_of_what_was_sold_in_a_tax_year(demo, inputs):
    answer = ask(demo, "portfolio_tax_report", **inputs)

    realised = {name: value for name, value in answer["result"]["realised"].items() if name != "tax_year"}
    figures = list(figures_of(realised, "/realised"))
    for path, value in figures:
        check(demo, answer, path, value, set(), follow=0)

    assert ("tax_year" in inputs) == any(path.startswith("/realised/lots/0/") for path, _ in figures)


@pytest.mark.parametrize("inputs", [{}, {"tax_year": 2012}, {"tax_year": 2012, "begins": "07-01"}], ids=str)
def test_figures_of_what_was_received_in_a_tax_year(demo, inputs):
    answer = ask(demo, "portfolio_tax_report", **inputs)

    figures = list(figures_of(answer["result"]["income"], "/income"))
    for path, value in figures:
        check(demo, answer, path, value, set(), follow=0)

    assert any(path.startswith("/income/by_payer/0/") for path, _ in figures)


@pytest.mark.parametrize("currency", ["CAD", "EUR", "USD"])
def test_figures_of_the_row_of_a_portfolio(demo, currency):
    answer = ask(demo, "portfolio_summary", currency=currency)

    seen = set()
    for path, value in figures_of(answer["result"]):
        check(demo, answer, path, value, seen, follow=1)


def test_what_was_sold_out_is_made_of_its_sales_and_payments(private_demo):
    sell_out(private_demo, "IBM", price=200)
    answer = ask(private_demo, "portfolio_holdings")

    figures = list(figures_of(answer["result"]["closed"], "/closed"))
    for path, value in figures:
        check(private_demo, answer, path, value, set(), follow=0)

    assert {path for path, _ in figures} == {f"/closed/rows/0/{name}" for name in ("realised", "income", "total")}
    assert all(value is not None for _, value in figures)


def sell_out(world, symbol, *, price):
    """The public ledger with all units of a symbol sold on its last day."""
    with world.role("job"):
        public = Portfolio.objects.get(slug="public")
        book = books.load(public, books.newest_reconciled(public))
        security = Security.objects.get(symbol=symbol)
        lots = [lot for lot in book.lots if lot.is_open(date(2013, 3, 1)) and lot.security == security.pk]
    legs = "".join(
        f"  Assets:Broker:USD:{symbol}  -{lot.quantity} {symbol} {{{lot.unit_cost} USD, {lot.acquired}}} @ {price} USD\n"
        for lot in lots
    )
    units = sum(lot.quantity for lot in lots)
    staging.amend_ledger(
        world,
        f"""
2013-03-01 * "Sell" "all of it"
  id: "T999998"
  fx_trade: "USDCAD=1.0"
{legs}  Assets:Broker:Cash:USD  {units * price} USD
  Income:Realised
""",
    )


LEADING_TO_DAYS = {
    "portfolio_overview": ["/metrics/sharpe_1y", "/metrics/gross_twr_1y", "/contribution/lookback/rows/5/contribution",
                           "/currency_attr/lookback/local_return", "/currency_attr/lookback/by_holding/1/fx"],
    "holding_deep_dive": ["/position_perf/sharpe", "/risk/beta_to_portfolio"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "path"), [(name, path) for name, paths in LEADING_TO_DAYS.items() for path in paths]
)
def test_a_series_leads_on_to_its_days_and_these_to_rows(demo, pattern, path):
    answer = ask(demo, pattern, **({"security_id": 1} if pattern == "holding_deep_dive" else {}))

    seen = set()
    follow_days(demo, answer, path, seen)

    assert len(seen) > 3


@pytest.mark.parametrize(
    "path",
    ["2013-01-02/fees", "2013-01-02/other", "2013-01-02/holdings/CAD/local", "2012-12-03/other"],
)
def test_what_belongs_to_no_holding(demo, path):
    answer = ask(demo, "portfolio_overview")

    follow_days(demo, answer, f"/historical_nav/days/{path}", set())
