"""Pages of portfolios that are unlike the demo's, in Chromium, with a picture of each in var/pictures/lives to be looked at.

Sixty and 250 holdings, 15,000 transactions, names of 180 characters, a value below zero, overdrawn cash, an account without an
entry, a portfolio that was sold out, and one that is blocked because a price is missing.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password

from execution.night import nightly
from execution.operations import intake
from execution.patterns import publishing
from portfolio import portfolio_settings
from portfolio.models import Portfolio
from pricing.models import PricingPolicy
from pricing.tests import folders
from tests.plugin import EMPTY, PASSWORD, PROJECT, SHARED, World, at_work, role, template, web_server

pytestmark = pytest.mark.slow

PICTURES = PROJECT / "var" / "pictures" / "lives"
DAYS = tuple(day for day in (date(2020, 1, 6) + timedelta(days=n) for n in range(12)) if day.weekday() < 5)
MOST_HOLDINGS, TRANSACTIONS = 250, 15_000
LONG = "The Very Long Name of a Company That Was Merged with Several Others and Kept All of Their Names "
LONG_NAME = f"{LONG}{'Aktiengesellschaft' * 5}"[:180]
SYMBOLS = [f"S{number:03}" for number in range(MOST_HOLDINGS)]
LIVES = ("wide60", "wide250", "busy", "overdrawn", "below-zero", "nothing", "sold-out", "blocked")
WINDOWS = {"desktop": (1440, 900), "phone": (390, 844), "narrow": (320, 640), "tablet": (820, 1180)}
TOO_WIDE = """[...document.querySelectorAll(".scroll")].filter(each => each.scrollWidth > each.clientWidth)
    .map(each => each.getAttribute("aria-label"))"""
PAGES = (
    "portfolio_overview/",
    "portfolio_holdings/",
    "performance/",
    "income/",
    "money_bridge/",
    "transactions/",
    "reconciliation/",
)
HEAD = """\
option "title" "{title}"
option "operating_currency" "CAD"
option "booking_method" "FIFO"
option "inferred_tolerance_default" "*:0.005"
2020-01-06 open Assets:Cash:CAD CAD
2020-01-06 open Equity:External
2020-01-06 open Expenses:Commission
2020-01-06 open Income:Realised
"""


def market(folder: Path) -> Path:
    """Shares of our own kind, each a little dearer or cheaper by the day; one of them has no price."""
    names = {symbol: LONG_NAME if number % 5 == 0 else f"{symbol} Inc." for number, symbol in enumerate(SYMBOLS)}
    prices = [
        f"{day},{symbol},{10 + number % 90 + (number % 7 - 3) * step / 100:.2f},CAD,wood"
        for number, symbol in enumerate(SYMBOLS)
        for step, day in enumerate(DAYS)
    ]
    securities = [f"{symbol},{name},CAD,equity,XTSE,wood,raw,2020-01-02," for symbol, name in names.items()]
    securities.append("GONE,Gone Inc.,CAD,equity,XTSE,wood,raw,2020-01-02,")
    lines = {
        "securities.csv": ["symbol,name,currency,type,exchange,source,price_basis,first_date,last_date", *securities],
        "prices.csv": ["date,symbol,close,currency,source", *prices, f"{DAYS[0]},GONE,7.00,CAD,wood"],
        "fx.csv": ["date,base,quote,rate,source", *(f"{day},EUR,CAD,1.45,central" for day in DAYS)],
        "macro.csv": ["date,series_id,value,source", "2020-01-06,Y10,1.88,bureau"],
        "macro_series.csv": ["id,title,unit,frequency,source", "Y10,Ten years,percent,D,bureau"],
        "corporate_actions.csv": [
            "ex_date,pay_date,symbol,action,ratio,amount,currency,source,announced,quality",
            f"{DAYS[3]},{DAYS[4]},S000,dividend,,0.10,CAD,wood,,",
        ],
    }
    return folders.write(folder, {name: "\n".join(each) + "\n" for name, each in lines.items()})


class Book:
    """A ledger that is written entry by entry; money in Canadian dollars."""

    def __init__(self, title: str, *symbols: str) -> None:
        opened = (f'2020-01-06 open Assets:Shares:{symbol} {symbol} "FIFO"\n' for symbol in symbols)
        self.text, self.number = HEAD.format(title=title) + "".join(opened), 0

    def deposit(self, amount: int, day: date = DAYS[0]) -> None:
        self._entry(day, "Deposit", f"  Assets:Cash:CAD  {amount}.00 CAD\n  Equity:External  {-amount}.00 CAD\n")

    def withdraw(self, amount: int, day: date) -> None:
        self._entry(day, "Withdrawal", f"  Assets:Cash:CAD  {-amount}.00 CAD\n  Equity:External  {amount}.00 CAD\n")

    def buy(self, symbol: str, units: int, price: int, day: date = DAYS[0]) -> None:
        lot = f"  Assets:Shares:{symbol}  {units} {symbol} {{{price} CAD}}\n"
        self._entry(day, "Buy", f"{lot}  Assets:Cash:CAD  {-units * price}.00 CAD\n")

    def sell(self, symbol: str, units: int, cost: int, price: int, day: date) -> None:
        lot = f"  Assets:Shares:{symbol}  {-units} {symbol} {{{cost} CAD}} @ {price} CAD\n"
        gain = (price - cost) * units
        self._entry(day, "Sell", f"{lot}  Assets:Cash:CAD  {units * price}.00 CAD\n  Income:Realised  {-gain}.00 CAD\n")

    def _entry(self, day: date, kind: str, postings: str) -> None:
        self.number += 1
        self.text += f'{day} * "{kind}" "{kind} {self.number}"\n  id: "T{self.number}"\n{postings}'


def books() -> Iterator[tuple[str, str]]:
    """Slug and ledger of each life."""
    for count in (60, 250):
        wide = Book(f"With {count} holdings", *SYMBOLS[:count])
        wide.deposit(1_000_000)
        for number, symbol in enumerate(SYMBOLS[:count]):
            wide.buy(symbol, 10 + number, 10 + number % 90)
        yield f"wide{count}", wide.text
    busy = Book("Much dealing", "S001", "S002")
    busy.deposit(1_000_000)
    for number in range((TRANSACTIONS - 2) // 2):
        day = DAYS[number * (len(DAYS) - 1) // TRANSACTIONS]
        busy.buy("S001", 2, 11, day)
        busy.sell("S001", 2, 11, 12, day)
    busy.buy("S002", 10, 12)
    yield "busy", busy.text
    overdrawn = Book("Overdrawn", "S003")
    overdrawn.deposit(1_000)
    overdrawn.buy("S003", 100, 13)
    yield "overdrawn", overdrawn.text
    below = Book("Worth less than nothing", "S004")
    below.deposit(1_000)
    below.buy("S004", 10, 14)
    below.withdraw(5_000, DAYS[2])
    yield "below-zero", below.text
    yield "nothing", Book("Nothing booked").text
    sold = Book("Sold out", "S005")
    sold.deposit(1_000)
    sold.buy("S005", 10, 15)
    sold.sell("S005", 10, 15, 16, DAYS[3])
    sold.withdraw(1_010, DAYS[4])
    yield "sold-out", sold.text
    blocked = Book("Blocked", "GONE")
    blocked.deposit(1_000)
    blocked.buy("GONE", 10, 7)
    yield "blocked", blocked.text


@pytest.fixture(scope="module")
def lives(chromium, migrated, tmp_path_factory, django_db_blocker) -> Iterator[str]:
    """The address of a web server over all of them."""
    folder = tmp_path_factory.mktemp("lives")
    with pytest.MonkeyPatch.context() as patched, ExitStack() as stack:
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright has a loop in this thread, which waits meanwhile
        name = stack.enter_context(template(SHARED[EMPTY]))
        with at_work(World(name), django_db_blocker), role("job"):
            for document in publishing.read_library().values():
                publishing.publish(document)
            get_user_model().objects.create(username="owner", password=make_password(PASSWORD))
            intake.load_market_data(str(market(folder / "market")))
            for slug, text in books():
                (folder / slug).mkdir()
                (folder / slug / "main.beancount").write_text(text)
                intake.import_ledger(folder / slug, owner="owner")
            portfolio_settings.rename(portfolio=Portfolio.objects.get(slug="wide60"), name=LONG_NAME)
            policy = PricingPolicy.objects.get(pk="ECB_EUR")
            nightly.run(policy=policy, from_date=DAYS[0], date=DAYS[-1])
        with web_server(name, EXECUTIONS_PER_MINUTE="100000") as base_url:
            yield base_url


@pytest.fixture(scope="module")
def page(chromium, lives):
    context = chromium.new_context(base_url=lives, reduced_motion="reduce")
    context.set_default_timeout(120_000)
    page = context.new_page()
    page.goto("/login/")
    page.get_by_label("Username").fill("owner")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Portfolios").wait_for()
    PICTURES.mkdir(parents=True, exist_ok=True)
    yield page
    context.close()


def look(page, address: str, name: str) -> dict[str, int]:
    """Go there, take a picture in two windows; the status, and how many pixels the page is too wide in each window."""
    answer = page.goto(address)
    seen = {"status": answer.status}
    for window, (width, height) in WINDOWS.items():
        page.set_viewport_size({"width": width, "height": height})
        seen[window] = page.evaluate("document.documentElement.scrollWidth") - width
        if window in ("desktop", "phone"):
            whole = page.evaluate("document.documentElement.scrollHeight") < 12_000
            page.screenshot(path=PICTURES / f"{name}-{window}.png", full_page=whole, animations="disabled")
    return seen


@pytest.mark.parametrize("slug", LIVES)
def test_each_page_of_an_odd_life_stands_in_its_window(page, slug):
    seen = {each: look(page, f"/portfolios/{slug}/{each}", f"{slug}-{each.strip('/')}") for each in PAGES}

    wide = {
        (name, window): width for name, found in seen.items() for window, width in found.items() if window != "status"
    }
    assert {key: width for key, width in wide.items() if width > 0} == {}
    assert {name: found["status"] for name, found in seen.items()} == dict.fromkeys(PAGES, 200) | STATUSES.get(slug, {})


@pytest.mark.parametrize("address", ["portfolio_overview/", "portfolio_holdings/"])
def test_long_names_push_no_figure_out_of_sight(page, address):
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"/portfolios/wide60/{address}")

    assert LONG_NAME in page.locator("main").inner_text()
    assert page.evaluate(TOO_WIDE) == []


STATUSES = {"blocked": {name: 503 for name in PAGES if name not in ("transactions/", "reconciliation/")}}
WORDS = {
    "wide250": ("portfolio_holdings/", "250"),
    "busy": ("transactions/", "15,000 entries"),
    "overdrawn": ("portfolio_holdings/", "−"),
    "below-zero": ("portfolio_overview/", "−"),
    "nothing": ("portfolio_overview/", "nothing was booked up to this day"),
    "sold-out": ("portfolio_holdings/?closed=1", "S005"),
    "blocked": ("portfolio_overview/", "GONE"),
}


@pytest.mark.parametrize("slug", WORDS)
def test_what_is_odd_about_it_is_said(page, slug):
    address, words = WORDS[slug]
    page.goto(f"/portfolios/{slug}/{address}")

    assert words in page.locator("main").inner_text()


def test_the_list_has_a_row_for_each_with_its_value_or_the_reason(page):
    page.goto("/")  # what is not computed yet is when the page is shown again
    seen = look(page, "/", "home")
    text = page.locator("main").inner_text()

    assert seen == {"status": 200} | dict.fromkeys(WINDOWS, 0)
    assert LONG_NAME in text
    assert "no price of GONE on 2020-01-17" in text
    assert "Not in the total: Blocked. Its row says why." in text
