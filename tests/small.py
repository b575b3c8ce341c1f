"""A week of a market with one share, and a ledger that holds it, for tests that change things. As role job."""

from datetime import date
from pathlib import Path

from django.contrib.auth import get_user_model

from execution.models import NightlyRun
from execution.night import nightly
from execution.operations import intake
from portfolio.models import Portfolio
from pricing.models import PricingPolicy
from pricing.tests import folders

WEEK = tuple(date(2020, 1, number) for number in (6, 7, 8, 9, 10))
CLOSES = {"OAK": ("100", "101", "102", "104", "103"), "ELM": ("10", "10", "10", "10", "10")}
RATES = {"USD": ("1.10",) * 5, "CAD": ("1.43", "1.43", "1.441", "1.43", "1.452")}

ACCOUNTS = """\
option "title" "Small"
option "operating_currency" "CAD"
option "booking_method" "FIFO"
option "inferred_tolerance_default" "*:0.005"
2020-01-06 open Assets:Cash:CAD CAD
2020-01-06 open Assets:Cash:USD USD
2020-01-06 open Assets:Shares:OAK OAK "FIFO"
2020-01-06 open Assets:Shares:ELM ELM "FIFO"
2020-01-06 open Equity:External
2020-01-06 open Expenses:Commission
2020-01-06 open Income:Dividends
2020-01-06 open Income:Realised
"""
DEPOSIT = """
2020-01-06 * "Deposit" "first"
  id: "D1"
  Assets:Cash:CAD  10000.00 CAD
  Equity:External  -10000.00 CAD
"""
CONVERSION = """
2020-01-06 * "FX" "to buy with"
  id: "F1"
  fx_rate: "USDCAD=1.30"
  Assets:Cash:USD  5000.00 USD @ 1.30 CAD
  Assets:Cash:CAD  -6500.00 CAD
"""
PURCHASE = """
2020-01-07 * "Buy" "Buy 10 OAK"
  id: "B1"
  fx_trade: "USDCAD=1.30"
  Assets:Shares:OAK  10 OAK {101 USD}
  Assets:Cash:USD  -1015.00 USD
  Expenses:Commission  5.00 USD
"""
SECOND_PURCHASE = """
2020-01-08 * "Buy" "Buy 5 ELM"
  id: "B2"
  fx_trade: "USDCAD=1.31"
  Assets:Shares:ELM  5 ELM {10 USD}
  Assets:Cash:USD  -50.00 USD
"""
UNBALANCED = """
2020-01-09 * "Deposit" "does not balance"
  id: "D9"
  Assets:Cash:CAD  10.00 CAD
  Equity:External  -9.00 CAD
"""
LEDGER = ACCOUNTS + DEPOSIT + CONVERSION + PURCHASE


def market(
    folder: Path, *, without: tuple[str, ...] = (), also: str = "", actions: str = "", basis: str = "raw"
) -> Path:
    """The folder of the week; `without` leaves out the lines that begin so, `also` adds prices, `basis` is OAK's."""
    prices = [
        f"{day},{symbol},{close},USD,wood"
        for symbol, closes in CLOSES.items()
        for day, close in zip(WEEK, closes, strict=True)
    ]
    rates = [
        f"{day},EUR,{quote},{rate},central"
        for quote, each in RATES.items()
        for day, rate in zip(WEEK, each, strict=True)
    ]

    def kept(header: str, lines: list[str]) -> str:
        return "\n".join([header, *(line for line in lines if not line.startswith(without))]) + "\n"

    return folders.write(
        folder,
        {
            "securities.csv": "symbol,name,currency,type,exchange,source,price_basis,first_date,last_date\n"
            f"OAK,Oak Inc.,USD,equity,XNYS,wood,{basis},2020-01-02,\nELM,Elm Inc.,USD,equity,XNYS,wood,raw,2020-01-02,\n",
            "prices.csv": kept("date,symbol,close,currency,source", prices) + also,
            "fx.csv": kept("date,base,quote,rate,source", rates),
            "macro.csv": "date,series_id,value,source\n2020-01-06,Y10,1.88,bureau\n",
            "macro_series.csv": "id,title,unit,frequency,source\nY10,Ten years,percent,D,bureau\n",
            "corporate_actions.csv": "ex_date,pay_date,symbol,action,ratio,amount,currency,source,announced,quality\n"
            + actions,
        },
    )


def ledger(folder: Path, text: str = LEDGER) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "main.beancount").write_text(text)
    return folder


def take_in(tmp_path: Path, text: str = LEDGER, slug: str = "small") -> dict[str, object]:
    """Import the ledger of a portfolio."""
    return intake.import_ledger(ledger(tmp_path / slug, text), owner="anna")


def begin(tmp_path: Path, text: str = LEDGER, slugs: tuple[str, ...] = ("small",), **how) -> PricingPolicy:
    """The market loaded, anna's portfolios imported, no night yet."""
    get_user_model().objects.create_user("anna")
    intake.load_market_data(str(market(tmp_path / "market", **how)))
    for slug in slugs:
        take_in(tmp_path, text, slug)
    return policy()


def policy() -> PricingPolicy:
    return PricingPolicy.objects.get(pk="ECB_EUR")


def night(policy: PricingPolicy, first: date = WEEK[0], last: date = WEEK[-1], **how) -> NightlyRun:
    return nightly.run(policy=policy, from_date=first, date=last, **how)


def portfolio(slug: str = "small") -> Portfolio:
    return Portfolio.objects.select_related("policy", "owner").get(slug=slug)
