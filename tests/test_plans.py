"""Whole lives of portfolios against books kept apart from this project (tests/golden/README.md).

The plans `demo` and `small` rest on data that may not be shipped: they are read from the folder that TIEOUT_DATA names.
"""

import csv
import gzip
import json
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from config import env
from execution.night import nightly
from execution.operations import intake
from portfolio import books, valuation
from portfolio.analytics import returns
from portfolio.books import balances
from portfolio.models import DailyValue, Portfolio, Reconciliation
from portfolio.performance import record as metrics_record
from portfolio.valuation import bridge, bridge_walk, gains
from pricing import market, packs
from pricing.models import PricingPolicy, Security
from pricing.tests import folders

GOLDEN = Path(__file__).parent / "golden"
DATA = env.path("TIEOUT_DATA", default=env.PROJECT.parent / "shared" / "data")
TWR_SINCE_INCEPTION = {"public": 7.20523951, "demo": 7.52819858, "small": 0.10930430}
"""Default timing, first day measured: docs/measurement.md, Worked examples."""


def _check(slug: str, folder: Path) -> None:
    summary = json.loads((folder / f"{slug}_summary.json").read_text())
    with (folder / f"{slug}_nav.csv").open() as file:
        nav = list(csv.DictReader(file))
    portfolio = Portfolio.objects.select_related("policy").get(slug=slug)
    pack = packs.resolve(policy=portfolio.policy)
    revision = books.newest_reconciled(portfolio)
    assert revision is not None
    book = books.load(portfolio, revision)

    _check_every_day(portfolio, nav)
    _check_month_ends(revision, folder / f"{slug}_expected.csv")
    life = valuation.history(book, market.history(pack))
    _check_returns(life, summary, slug, pack.pk)
    _check_books(portfolio)
    _check_gains(book, market.history(pack), summary)
    exact = valuation.value(_positions(book, pack.asof_date), market.as_of(pack))
    assert abs(float(exact) - life.value[-1]) <= 1e-9 * abs(life.value[-1])
    assert abs(exact - Decimal(summary["nav_end"])) <= Decimal("0.000001")


def _check_every_day(portfolio, nav) -> None:
    stored = {
        day.isoformat(): value
        for day, value in DailyValue.objects.filter(portfolio=portfolio).values_list("date", "value")
    }
    flows = {
        day.isoformat(): inflow - outflow
        for day, inflow, outflow in DailyValue.objects.filter(portfolio=portfolio).values_list(
            "date", "inflow", "outflow"
        )
    }

    for row in nav:
        assert abs(stored[row["date"]] - Decimal(row["nav_base"])) <= Decimal("0.01"), row["date"]
        assert abs(flows[row["date"]] - Decimal(row["external_flow_base"])) <= Decimal("0.000001"), row["date"]


def _check_month_ends(revision, path: Path) -> None:
    with path.open() as file:
        rows = list(csv.DictReader(file))
    by_day: dict[str, dict[tuple[str, str], Decimal]] = {}
    for row in rows:
        by_day.setdefault(row["date"], {})[row["kind"], row["commodity"]] = Decimal(row["units"])
    days = [date.fromisoformat(day) for day in by_day]
    for expected, state in zip(by_day.values(), balances.by_day(revision, days), strict=True):
        held: dict[tuple[str, str], Decimal] = {}
        for (_, symbol), quantity in state.units.items():
            held["holding", symbol] = held.get(("holding", symbol), Decimal(0)) + quantity
        held |= {("cash", currency): amount for currency, amount in state.cash.items() if amount}

        assert held == expected, state.date


def _check_returns(life, summary, slug, pack_id):
    record = metrics_record.metrics(life, portfolio_id="-", pack_id=pack_id, risk_free=None)
    opened_at_first_close = returns.link(
        returns.time_weighted_returns(life.value, life.inflow - life.outflow, flow_timing="start")
    )

    assert record["twr_itd"].value == pytest.approx(TWR_SINCE_INCEPTION[slug], abs=5e-9)
    assert opened_at_first_close == pytest.approx(float(summary["twr_total_flow_at_start_of_day"]), abs=1e-10)
    assert record["mwr_itd"].value == pytest.approx(summary["mwr_xirr_365"], abs=5e-11)
    net_deposits = Decimal(repr(float((life.inflow - life.outflow).sum()))).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    assert net_deposits == Decimal(summary["net_deposits"])


def _check_gains(book, history, summary) -> None:
    """Fees apart, FIFO: `*_summary.json`. And every year's bridge sums, and the years' make the whole life's."""
    told = {row.currency: row for row in gains.compute(book, history).by_currency}
    realised: dict[str, Decimal] = {}
    for match in book.matches:
        realised[match.currency] = realised.get(match.currency, Decimal(0)) + match.proceeds - match.cost
    years = range(book.first_date.year, history.dates[-1].item().year + 1)
    whole = bridge.between(book, history)
    parts = [
        bridge.between(book, history, opening=date(year - 1, 12, 31), closing=date(year, 12, 31)) for year in years
    ]

    assert realised.keys() == summary["realised_gain_by_currency"].keys()
    for currency, gain in summary["realised_gain_by_currency"].items():
        assert abs(realised[currency] - Decimal(gain)) <= Decimal("1e-9")
        assert told[currency].realised == valuation.quantise(Decimal(gain), currency)
    for currency, paid in summary["gross_dividends_by_currency"].items():
        assert told[currency].dividends == Decimal(paid)
    for currency, fees in summary["fees_by_currency"].items():
        assert told[currency].fees == Decimal(fees)
    assert whole.closing_value == valuation.quantise(Decimal(summary["nav_end"]), "CAD")
    assert whole.contributions + whole.withdrawals == Decimal(summary["net_deposits"])
    for part in (whole, *parts):
        lines = sum(getattr(part, name) for name in bridge_walk.LINES)
        assert part.opening_value + lines + part.rounding == part.closing_value
        assert abs(part.rounding) <= Decimal("0.01")
    assert sum(part.gain for part in parts) == whole.gain
    assert sum(part.income for part in parts) == pytest.approx(whole.income, abs=Decimal("0.05"))


def _check_books(portfolio) -> None:
    found = Reconciliation.objects.filter(portfolio=portfolio)

    assert found.count() == DailyValue.objects.filter(portfolio=portfolio).count()
    assert not found.filter(status="fail").exists()
    assert not found.filter(error_bp__isnull=True).exists()
    assert not found.filter(error_bp__gt=Decimal("1e-20")).exists()  # 0.0 bp: nothing but the 34th digit


def _positions(book, asof_date):
    named = {
        pk: (symbol, name, currency)
        for pk, symbol, name, currency in Security.objects.values_list("id", "symbol", "name", "currency")
    }
    return valuation.positions(book, asof_date, named)


@pytest.mark.role("job")
def test_the_public_plan_is_right_on_every_day_of_its_life(demo):
    _check("public", GOLDEN)


@pytest.mark.role("job")
def test_the_pack_days_are_those_of_new_york_and_the_fixing(demo):
    with (GOLDEN / "public_nav.csv").open() as file:
        expected = [row["date"] for row in csv.DictReader(file)]

    days = sorted(
        {day.isoformat() for day in DailyValue.objects.filter(portfolio__slug="public").values_list("date", flat=True)}
    )

    assert days == expected


@pytest.mark.role("job")
def test_the_second_portfolio_is_right_on_every_day_of_its_life(demo):
    with (GOLDEN / "second_nav.csv").open() as file:
        nav = list(csv.DictReader(file))
    portfolio = Portfolio.objects.get(slug="second")

    _check_every_day(portfolio, nav)
    _check_books(portfolio)


@pytest.mark.role("job")
def test_the_plans_on_data_that_is_not_shipped_are_right_on_every_day_of_their_lives(empty, subtests):
    """Both in one market: the first night ends with the shorter life, the second goes on to the end of the longer one."""
    if not DATA.is_dir():
        pytest.skip(f"TIEOUT_DATA: there is no folder {DATA.name} to read the plans from")
    get_user_model().objects.create_user("owner")
    intake.load_market_data(str(DATA))
    lives = []
    for plan in ("demo", "small"):
        intake.import_ledger(DATA / "ledger" / f"{plan}.beancount", owner="owner")
        summary = json.loads((DATA / "ledger" / f"{plan}_summary.json").read_text())
        lives.append((date.fromisoformat(summary["last_day"]), date.fromisoformat(summary["first_day"]), plan))

    begin = min(first for _, first, _ in lives)
    for last, _, plan in sorted(lives):
        nightly.run(policy=PricingPolicy.objects.get(pk="ECB_EUR"), from_date=begin, date=last)
        begin = last + timedelta(days=1)
        with subtests.test(plan):
            _check(plan, DATA / "ledger")


LEDGER_2014 = """\
option "title" "Through the split"
option "operating_currency" "USD"
option "booking_method" "FIFO"
option "inferred_tolerance_default" "*:0.005"
2014-06-02 open Assets:Cash USD
2014-06-02 open Assets:Shares AAPL
2014-06-02 open Equity:External
2014-06-02 * "deposit"
  Assets:Cash  62865.00 USD
  Equity:External
2014-06-02 * "buy"
  Assets:Shares  100 AAPL {628.65 USD}
  Assets:Cash
2014-06-09 * "split"
  split_ratio: "7:1"
  Assets:Shares  -100 AAPL {}
  Assets:Shares  700 AAPL {89.80714285714286 USD, 2014-06-02}
"""


@pytest.mark.role("job")
def test_the_value_of_a_held_share_is_continuous_through_a_real_split(empty, tmp_path):
    source = DATA / "golden_raw_2014.csv.gz"
    if not source.is_file():
        pytest.skip(f"TIEOUT_DATA: there is no {source.name} to read unadjusted closes from")
    with gzip.open(source, "rt") as file:
        closes = {row["date"]: row["close_raw"] for row in csv.DictReader(file) if row["symbol"] == "AAPL"}
    with gzip.open(DATA / "fx.csv.gz", "rt") as file:
        rates = [
            row for row in csv.DictReader(file) if row["quote"] == "USD" and "2014-06-02" <= row["date"] <= "2014-06-13"
        ]
    days = [day for day in closes if "2014-06-02" <= day <= "2014-06-13"]
    folders.write(
        tmp_path / "market",
        {
            "securities.csv": "symbol,name,currency,type,exchange,source,price_basis,first_date,last_date\n"
            "AAPL,Apple Inc.,USD,equity,XNYS,wood,raw,2014-06-02,\n",
            "prices.csv": "date,symbol,close,currency,source\n"
            + "".join(f"{day},AAPL,{closes[day]},USD,wood\n" for day in days),
            "fx.csv": "date,base,quote,rate,source\n"
            + "".join(f"{row['date']},EUR,USD,{row['rate']},central\n" for row in rates),
            "macro.csv": "date,series_id,value,source\n2014-06-02,Y10,2.54,bureau\n",
            "macro_series.csv": "id,title,unit,frequency,source\nY10,Ten years,percent,D,bureau\n",
            "corporate_actions.csv": "ex_date,pay_date,symbol,action,ratio,amount,currency,source,announced,quality\n"
            "2014-06-09,,AAPL,split,7,,USD,derived:wood,,ok\n",
        },
    )
    get_user_model().objects.create_user("owner")
    intake.load_market_data(str(tmp_path / "market"))
    (tmp_path / "through.beancount").write_text(LEDGER_2014)
    intake.import_ledger(tmp_path / "through.beancount", owner="owner")

    nightly.run(
        policy=PricingPolicy.objects.get(pk="ECB_EUR"), from_date=date(2014, 6, 2), date=date.fromisoformat(days[-1])
    )

    stored = {day.isoformat(): value for day, value in DailyValue.objects.values_list("date", "value")}
    assert (round(stored["2014-06-06"], 6), round(stored["2014-06-09"], 6)) == (Decimal(64557), Decimal(65590))
    for before, after in pairwise(days):
        ratio = 7 if after == "2014-06-09" else 1
        expected = ratio * Decimal(closes[after]) / Decimal(closes[before])
        assert stored[after] / stored[before] == pytest.approx(expected, abs=Decimal("1e-9"))
    assert not Reconciliation.objects.filter(status="fail").exists()
