"""The market that the portfolios live in, and their ledgers as text."""

from datetime import date, timedelta
from pathlib import Path

from pricing.tests import folders

FIRST, MIDDLE, LAST = date(2020, 1, 6), date(2020, 1, 15), date(2020, 1, 24)
"""A night over the days up to the middle one, and one over those after it."""
BEGIN = date(2019, 11, 18)
DAYS = tuple(day for n in range(68) if (day := BEGIN + timedelta(days=n)).weekday() < 5)
LATE = date(2020, 1, 20)
"""The first day of the rates of DKK."""

SECURITIES = """\
symbol,name,currency,type,exchange,source,price_basis,first_date,last_date,quote_unit,multiplier,expiry,maturity
OAK,Oak Inc.,USD,equity,XNYS,wood,raw,2019-11-18,,,,,
ELM,Elm Inc.,USD,equity,XNYS,wood,raw,2019-11-18,,,,,
FIR,Fir plc,GBp,equity,XLON,wood,raw,2019-11-18,,,,,
PIN,Pine Inc.,USD,equity,XNYS,wood,raw,2019-11-18,,,,,
YEW,Yew Inc.,USD,equity,XNYS,wood,raw,2019-11-18,2020-01-14,,,,
ASP,Aspen Inc.,USD,equity,XNYS,wood,raw,2019-11-18,2020-01-14,,,,
LAR,Larch Inc.,USD,equity,XNYS,wood,raw,2019-11-18,2019-11-29,,,,
FIG,Fig Inc.,USD,equity,XNYS,wood,raw,2019-11-18,,,,,
TEA,Teak,THB,equity,XBKK,wood,raw,2019-11-18,,,,,
BND,Bond,USD,bond,XNYS,wood,raw,2019-11-18,,,,,
OPT,Option,USD,option,XNYS,wood,raw,2019-11-18,,,100,2020-01-17,
"""
CLOSES = {"OAK": 100, "ELM": 10, "FIR": 1500, "PIN": 60, "YEW": 8, "ASP": 30, "LAR": 5, "TEA": 90, "BND": 99, "OPT": 5}
ENDS = {"YEW": date(2020, 1, 14), "ASP": date(2020, 1, 14), "LAR": date(2019, 11, 29), "OPT": date(2020, 1, 17)}
SPLIT = date(2020, 1, 16)
ACTIONS = f"""\
ex_date,pay_date,symbol,action,ratio,amount,currency,source,announced,quality
{SPLIT},,PIN,split,2,,USD,derived:wood,,ok
2020-01-15,,ASP,delisting,,,USD,wood,,ok
"""
RATES = {"USD": "1.10", "CAD": "1.43", "GBP": "0.85", "JPY": "121.5", "DKK": "7.47"}


def market(folder: Path) -> Path:
    """Ten weeks of eleven securities: one halves its price by a split, three end, one has no close, one no quote unit."""
    prices, rates, yields = [], [], []
    for number, day in enumerate(DAYS):
        for symbol, close in CLOSES.items():
            if day <= ENDS.get(symbol, day):
                unit = {"FIR": "GBp", "TEA": "THB"}.get(symbol, "USD")
                halved = 2 if symbol == "PIN" and day >= SPLIT else 1
                prices.append(f"{day},{symbol},{(close + (number * 7 + close) % 5) / halved},{unit},wood")
        for quote, rate in RATES.items():
            if quote != "DKK" or day >= LATE:
                rates.append(f"{day},EUR,{quote},{float(rate) * (1 + number % 4 / 1000):.5f},central")
        yields.append(f"{day},Y10,{1.5 + number % 3 / 100},bureau")
    return folders.write(
        folder,
        {
            "securities.csv": SECURITIES,
            "prices.csv": "\n".join(["date,symbol,close,currency,source", *prices, ""]),
            "fx.csv": "\n".join(["date,base,quote,rate,source", *rates, ""]),
            "macro.csv": "\n".join(["date,series_id,value,source", *yields, ""]),
            "macro_series.csv": "id,title,unit,frequency,source\nY10,Ten years,percent,D,bureau\n",
            "corporate_actions.csv": ACTIONS,
        },
    )


def ledger(*entries: str, base: str = "CAD", since: date = date(2019, 11, 1)) -> str:
    """A ledger of these entries; each gets an id by its place."""
    symbols = [line.split(",")[0] for line in SECURITIES.splitlines()[1:]]
    lines = [
        f'option "title" "Isolation"\noption "operating_currency" "{base}"\noption "booking_method" "FIFO"',
        'option "inferred_tolerance_default" "*:0.005"',
        *(
            f"{since} open Assets:Cash:{code} {code}"
            for code in ("CAD", "USD", "GBP", "JPY", "DKK", "THB", "AED", "EUR")
        ),
        *(f'{since} open Assets:Shares:{symbol} {symbol} "FIFO"' for symbol in symbols),
        *(
            f"{since} open {name}"
            for name in ("Equity:External", "Expenses:Commission", "Income:Dividends", "Income:Realised")
        ),
    ]
    dated = [entry.replace("ID", f"E{number}", 1) for number, entry in enumerate(entries, 1)]
    return "\n".join([*lines, "", *dated])


def deposit(day: date, amount: object, currency: str = "CAD") -> str:
    return f'{day} * "Deposit" "in"\n  id: "ID"\n  Assets:Cash:{currency}  {amount} {currency}\n  Equity:External\n'


def withdrawal(day: date, amount: object, currency: str = "CAD") -> str:
    return deposit(day, f"-{amount}", currency)


def buy(day: date, symbol: str, quantity: object, price: object, currency: str = "USD") -> str:
    return (
        f'{day} * "Buy" "{symbol}"\n  id: "ID"\n  Assets:Shares:{symbol}  {quantity} {symbol} {{{price} {currency}}}\n'
        f"  Assets:Cash:{currency}\n"
    )


def sell(day: date, symbol: str, quantity: object, price: object, currency: str = "USD") -> str:
    return (
        f'{day} * "Sell" "{symbol}"\n  id: "ID"\n  Assets:Shares:{symbol}  -{quantity} {symbol} {{}} @ {price} {currency}\n'
        f"  Assets:Cash:{currency}  {float(str(quantity)) * float(str(price)):.2f} {currency}\n  Income:Realised\n"
    )


def split(day: date, bought: date, quantity: int, price: int, ratio: int = 2) -> str:
    return (
        f'{day} * "Split" "PIN"\n  id: "ID"\n  ratio: "{ratio}:1"\n'
        f"  Assets:Shares:PIN  -{quantity} PIN {{{price} USD, {bought}}}\n"
        f"  Assets:Shares:PIN  {quantity * ratio} PIN {{{price / ratio} USD, {bought}}}\n"
    )


GOOD_LEDGER = ledger(
    deposit(date(2020, 1, 6), 20000),
    deposit(date(2020, 1, 6), 6000, "USD"),
    buy(date(2020, 1, 7), "OAK", 20, 101),
    buy(date(2020, 1, 8), "FIR", 30, "15.2", "GBP"),
    deposit(date(2020, 1, 8), 456, "GBP"),
    sell(date(2020, 1, 14), "OAK", 5, 104),
    buy(date(2020, 1, 17), "ELM", 40, 12),
    base="CAD",
)
