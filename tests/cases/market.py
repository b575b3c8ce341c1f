"""The market on which the cases stand, all of it computed: a level for each security, and a small wiggle around it by the day.

A close is level x (1 + w), w = ((days since 2022-01-01) x 7 mod 11 - 5) / 1000, so that a right value can be worked out on
paper. Days on which w is nothing at all: 2021-12-30 + n x 11 and so on; `wiggle` tells. Exchanges keep their holidays.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

FIRST, LAST = date(2021, 12, 30), date(2024, 12, 31)

EUROPE = frozenset(
    (
        "2022-04-15", "2022-04-18", "2022-12-26", "2023-04-07", "2023-04-10", "2023-05-01", "2023-12-25", "2023-12-26",
        "2024-01-01", "2024-03-29", "2024-04-01", "2024-05-01", "2024-12-25", "2024-12-26",
    )
)  # fmt: skip
NEW_YORK = frozenset(
    (
        "2022-01-17", "2022-02-21", "2022-04-15", "2022-05-30", "2022-06-20", "2022-07-04", "2022-09-05", "2022-11-24",
        "2022-12-26", "2023-01-02", "2023-01-16", "2023-02-20", "2023-04-07", "2023-05-29", "2023-06-19", "2023-07-04",
        "2023-09-04", "2023-11-23", "2023-12-25", "2024-01-01", "2024-01-15", "2024-02-19", "2024-03-29", "2024-05-27",
        "2024-06-19", "2024-07-04", "2024-09-02", "2024-11-28", "2024-12-25",
    )
)  # fmt: skip
CLOSED = MappingProxyType({"XNYS": NEW_YORK, "XETR": EUROPE, "XLON": EUROPE, "MOTX": EUROPE, "XTSE": EUROPE})


@dataclass(frozen=True)
class Listing:
    """A security of the market. levels: (from day, level), rising; quote_unit, multiplier, expiry, maturity as loaded."""

    currency: str
    type: str
    exchange: str
    levels: tuple[tuple[str, str], ...]
    first: str = ""
    last: str = ""
    quote_unit: str = ""
    multiplier: str = ""
    expiry: str = ""
    maturity: str = ""

    def days(self) -> Iterator[date]:
        since = date.fromisoformat(self.first) if self.first else FIRST
        until = date.fromisoformat(self.last) if self.last else LAST
        return (day for day in sessions(self.exchange) if since <= day <= until)

    def close(self, day: date) -> Decimal:
        level = Decimal([each for since, each in self.levels if since <= day.isoformat()][-1])
        return (level * (1 + wiggle(day))).quantize(Decimal("0.0001") if level >= 1 else Decimal("0.0000000001"))


START = "2021-12-30"


def _flat(currency: str, kind: str, exchange: str, level: str, **rest: str) -> Listing:
    return Listing(currency, kind, exchange, ((START, level),), **rest)


LISTINGS: Mapping[str, Listing] = MappingProxyType(
    {
        "ACME": Listing("USD", "equity", "XNYS", ((START, "100"), ("2023-01-03", "110"), ("2024-01-02", "121"))),
        "BETA": Listing("USD", "equity", "XNYS", ((START, "50"), ("2024-01-02", "60"))),
        "COIN": Listing("USD", "equity", "XNYS", ((START, "250"), ("2024-01-02", "300"))),
        "MSFT": _flat("USD", "equity", "XNYS", "400"),
        "VWRL": Listing("EUR", "etf", "XETR", ((START, "100"), ("2024-01-02", "115"))),
        "HEN3": Listing("EUR", "equity", "XETR", ((START, "70"), ("2024-06-03", "63"))),
        "PENY": Listing(
            "EUR",
            "equity",
            "XETR",
            (
                (START, "0.0200"),
                ("2022-06-01", "0.0100"),
                ("2023-01-03", "0.0050"),
                ("2023-06-01", "0.0025"),
                ("2024-01-02", "0.0012"),
                ("2024-05-02", "0.0005"),
            ),
        ),
        "BTP30": Listing(
            "EUR",
            "bond",
            "MOTX",
            ((START, "98.5"), ("2024-01-02", "99.2")),
            quote_unit="percent_of_nominal",
            maturity="2030-03-01",
        ),
        "GOOG": Listing("USD", "equity", "XNYS", ((START, "2255.34"), ("2022-07-18", "109.03"))),
        "REV": Listing("USD", "equity", "XNYS", ((START, "10"), ("2024-05-20", "20"))),
        "ACB": Listing("USD", "equity", "XNYS", ((START, "0.60"), ("2024-02-20", "7.20"))),
        "VMW": _flat("USD", "equity", "XNYS", "142.48", last="2023-11-21"),
        "AVGO": Listing("USD", "equity", "XNYS", ((START, "600"), ("2023-11-22", "979.50"))),
        "FB": _flat("USD", "equity", "XNYS", "196.64", last="2022-06-08"),
        "META": Listing("USD", "equity", "XNYS", (("2022-06-09", "184.00"),), first="2022-06-09"),
        "EZJ": _flat("GBp", "equity", "XLON", "610"),
        "BTC": Listing("USD", "crypto", "CRYP", ((START, "42000"), ("2024-03-02", "62000"))),
        "ETH": _flat("USD", "crypto", "CRYP", "3000"),
        "SHIB": _flat("USD", "crypto", "CRYP", "0.00000812"),
        "OPT190C": Listing(
            "USD",
            "option",
            "XNYS",
            (("2024-01-02", "5.20"),),
            first="2024-01-02",
            last="2024-06-21",
            multiplier="100",
            expiry="2024-06-21",
        ),
        # Securities whose symbols a ledger can't write as they are.
        "2B78": _flat("EUR", "etf", "XETR", "7"),
        "912828P38": _flat("USD", "bond", "XNYS", "99", quote_unit="percent_of_nominal", maturity="2026-01-31"),
    }
)
MORE: Mapping[str, Listing] = MappingProxyType(
    {
        # Symbols as providers write them.
        "0P0001.F": _flat("EUR", "fund", "XETR", "12.50"),
        "BRK-B": _flat("USD", "equity", "XNYS", "300"),
        "RDSA.AS": _flat("EUR", "equity", "XETR", "20"),
        "BF.B": _flat("USD", "equity", "XNYS", "60"),
        "7203.T": _flat("JPY", "equity", "XETR", "2000"),
        "^GSPC": _flat("USD", "index", "XNYS", "4000"),
        # What ends: with a delisting on record, by maturity, with neither.
        "OLDC": _flat("USD", "equity", "XNYS", "40", last="2023-06-30"),
        "MATB": _flat(
            "EUR", "bond", "MOTX", "99.5", last="2024-06-14", quote_unit="percent_of_nominal", maturity="2024-06-14"
        ),
        "NOQB": _flat("EUR", "bond", "MOTX", "101"),
        "NEWC": _flat("USD", "equity", "XNYS", "25"),
        "SHOP": Listing("CAD", "equity", "XTSE", ((START, "80"), ("2024-01-02", "100"))),
        "FUT50": _flat("USD", "future", "XNYS", "40", multiplier="50", expiry="2025-03-21"),
        "REV13": Listing("USD", "equity", "XNYS", ((START, "4"), ("2024-03-11", "12"))),
    }
)
"""What the cases of the reports do without."""
RATES: Mapping[str, str] = MappingProxyType({"USD": "1.10", "GBP": "0.86", "DKK": "7.4600"})
"""Quote currency -> its level per euro."""
MORE_RATES: Mapping[str, str] = MappingProxyType({"CAD": "1.48", "JPY": "160"})
ACTIONS: tuple[tuple[str, ...], ...] = (
    ("2022-07-18", "", "GOOG", "split", "20", "", "USD"),
    ("2024-05-20", "", "REV", "split", "0.5", "", "USD"),
    ("2023-11-22", "", "VMW", "delisting", "", "", "USD"),
    ("2024-02-20", "", "ACB", "split", "0.083333333333333333", "", "USD"),
)
MORE_ACTIONS: tuple[tuple[str, ...], ...] = (
    ("2023-07-03", "", "OLDC", "delisting", "", "", "USD"),
    ("2024-03-11", "", "REV13", "split", "0.333333333333333333", "", "USD"),
)
SECURITIES = (
    *("symbol", "name", "currency", "type", "exchange", "source", "price_basis", "first_date", "last_date"),
    *("quote_unit", "multiplier", "expiry", "maturity"),
)


def wiggle(day: date) -> Decimal:
    return Decimal(((day - date(2022, 1, 1)).days * 7) % 11 - 5) / 1000


def sessions(exchange: str) -> Iterator[date]:
    """The days on which an exchange is open; coins are dealt in each day."""
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(number)
        if exchange == "CRYP" or (day.weekday() < 5 and day.isoformat() not in CLOSED[exchange]):
            yield day


def rate(currency: str, day: date, levels: Mapping[str, str] = RATES) -> Decimal:
    """What a euro costs in a currency, by the fixing of a day that has one."""
    return (Decimal(levels[currency]) * (1 + wiggle(day))).quantize(Decimal("0.0001"))


def write(
    folder: Path,
    *,
    listings: Mapping[str, Listing] = MappingProxyType({**LISTINGS, **MORE}),
    rates: Mapping[str, str] = MappingProxyType({**RATES, **MORE_RATES}),
    actions: Sequence[tuple[str, ...]] = ACTIONS + MORE_ACTIONS,
    pence_become_pounds: date | None = None,
) -> Path:
    """Write the market as a folder that `load_market_data` takes.

    pence_become_pounds   from this day on EZJ's closes are in pounds, under the label of pence
    """
    folder.mkdir(parents=True, exist_ok=True)
    securities = [
        (
            *(symbol, f"{symbol} of the cases", each.currency, each.type, each.exchange, "cases", "raw"),
            *(each.first or FIRST.isoformat(), each.last, each.quote_unit, each.multiplier, each.expiry, each.maturity),
        )
        for symbol, each in listings.items()
    ]
    prices = [
        (day, symbol, _in_unit(each.close(day), symbol, day, pence_become_pounds), each.currency, "cases")
        for symbol, each in listings.items()
        for day in each.days()
    ]
    fixings = [(day, "EUR", quote, rate(quote, day, rates), "cases-fx") for day in sessions("XETR") for quote in rates]
    terms = ("source", "attribution", "name", "display", "export_csv", "export_pdf", "redistribute", "terms")
    action = ("ex_date", "pay_date", "symbol", "action", "ratio", "amount", "currency", "source")
    _table(folder / "securities.csv", SECURITIES, securities)
    _table(folder / "prices.csv", ("date", "symbol", "close", "currency", "source"), prices)
    _table(folder / "fx.csv", ("date", "base", "quote", "rate", "source"), fixings)
    _table(folder / "corporate_actions.csv", action, [(*each, "cases") for each in actions])
    _table(
        folder / "sources.csv",
        terms,
        [(code, "Made for the cases", code, *("yes",) * 4, "own") for code in ("cases", "cases-fx")],
    )
    return folder


def _in_unit(close: Decimal, symbol: str, day: date, pounds_from: date | None) -> Decimal:
    if symbol == "EZJ" and pounds_from is not None and day >= pounds_from:
        return (close / 100).quantize(Decimal("0.0001"))
    return close


def _table(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
