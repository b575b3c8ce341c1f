"""A made market: five exchanges, four currencies, twelve securities, computed from a seed and written as a market data folder.

The first years have one session a week, the last ones every weekday, so that long windows cost few pack days.
"""

import bisect
import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, localcontext
from functools import cached_property
from pathlib import Path

D = Decimal
DIGITS = 40
FIRST, DAILY, LAST = date(2018, 1, 3), date(2021, 1, 4), date(2022, 4, 29)
"""The first pack day, the first day of the part that has every weekday, and the last pack day."""
CURRENCIES = ("CAD", "USD", "EUR", "GBP")
USUAL = {"USD": "1.12", "CAD": "1.48", "GBP": "0.87"}
"""What one euro is worth at the start."""
HOLIDAYS = {
    "XTSE": ("2021-02-15", "2021-05-24", "2021-07-01", "2021-10-11", "2021-12-27", "2022-02-21"),
    "XNYS": ("2021-01-18", "2021-02-15", "2021-05-31", "2021-07-05", "2021-11-25", "2022-01-17", "2022-02-21"),
    "XETR": ("2021-04-02", "2021-04-05", "2021-12-24", "2021-12-31", "2022-04-15", "2022-04-18"),
    "XLON": ("2021-04-02", "2021-05-03", "2021-05-31", "2021-08-30", "2021-12-27", "2021-12-28", "2022-01-03"),
    "CRYP": (),
    "fixing": ("2021-04-02", "2021-04-05", "2022-04-15", "2022-04-18"),
}


@dataclass(frozen=True)
class Security:
    """A thing with closes; `unit` is what a close times a quantity is to be multiplied by for an amount of `currency`."""

    symbol: str
    currency: str
    kind: str
    exchange: str
    level: str
    quoted: str = ""
    quote_unit: str = ""
    multiplier: str = ""
    end: str = ""
    split: tuple[date, Decimal] | None = None
    last: date | None = None

    @property
    def unit(self) -> Decimal:
        minor = D("0.01") if self.quoted == "GBp" else D(1)
        percent = D("0.01") if self.quote_unit == "percent_of_nominal" else D(1)
        return minor * percent * D(self.multiplier or 1)

    @property
    def amount_only(self) -> bool:
        """Whether a price per unit would mislead: its quotes are in percent, or of contracts."""
        return bool(self.quote_unit or self.multiplier)


SECURITIES = (
    Security("MAPL", "CAD", "equity", "XTSE", "42"),
    Security("SPRU", "CAD", "equity", "XTSE", "75", split=(date(2021, 6, 8), D(3))),
    Security("OAKS", "USD", "equity", "XNYS", "110"),
    Security("BIRC", "USD", "equity", "XNYS", "180", split=(date(2021, 9, 14), D("1.5"))),
    Security("FIRS", "USD", "equity", "XNYS", "24"),
    Security("HOLZ", "EUR", "equity", "XETR", "65"),
    Security("LIND", "EUR", "etf", "XETR", "4.8", split=(date(2021, 3, 16), D("0.125"))),
    Security("PENC", "GBP", "equity", "XLON", "610", quoted="GBp"),
    Security("POND", "GBP", "etf", "XLON", "88"),
    Security("COIN", "USD", "crypto", "CRYP", "31000"),
)
MORE = (
    Security("BUND", "EUR", "bond", "XETR", "98.5", quote_unit="percent_of_nominal", end="2031-02-15"),
    Security("CONT", "USD", "option", "XNYS", "5.2", multiplier="100", end="2024-06-21"),
    Security("GONE", "USD", "equity", "XNYS", "142", last=date(2022, 1, 20)),
)
"""Quoted in percent, in contracts, and delisted: what a market has where `terms` is asked for."""


@dataclass
class Market:
    """Closes and fixings as of any day."""

    securities: dict[str, Security]
    closes: dict[str, dict[date, Decimal]]
    fixings: dict[date, dict[str, Decimal]]
    pack_days: list[date] = field(default_factory=list)
    _values: dict[tuple[str, date], Decimal] = field(default_factory=dict)
    _rates: dict[tuple[str, str, date], Decimal] = field(default_factory=dict)

    @cached_property
    def _close_days(self) -> dict[str, list[date]]:
        return {symbol: sorted(closes) for symbol, closes in self.closes.items()}

    @cached_property
    def _fixing_days(self) -> list[date]:
        return sorted(self.fixings)

    def is_listed(self, symbol: str, day: date) -> bool:
        last = self.securities[symbol].last
        return last is None or day <= last

    def unit_value(self, symbol: str, day: date) -> Decimal:
        if (symbol, day) not in self._values:
            self._values[symbol, day] = self._unit_value(symbol, day)
        return self._values[symbol, day]

    def _unit_value(self, symbol: str, day: date) -> Decimal:
        """What one unit is worth in its trading currency at the close: the last close on or before the day."""
        found = last_on_or_before(self._close_days[symbol], day)
        if found is None:
            raise LookupError(f"{symbol} has no close on or before {day}")
        split = self.securities[symbol].split
        if split is not None and found < split[0] <= day:
            raise LookupError(f"{symbol} has no close between its split and {day}")
        return self.closes[symbol][found] * self.securities[symbol].unit

    def rate(self, currency: str, base: str, day: date) -> Decimal:
        if (currency, base, day) not in self._rates:
            self._rates[currency, base, day] = self._rate(currency, base, day)
        return self._rates[currency, base, day]

    def _rate(self, currency: str, base: str, day: date) -> Decimal:
        """What one of `currency` is in `base` at the fixing in force, unrounded."""
        if currency == base:
            return D(1)
        found = last_on_or_before(self._fixing_days, day)
        if found is None:
            raise LookupError(f"no fixing on or before {day}")
        legs = {"EUR": D(1), **self.fixings[found]}
        with localcontext(prec=DIGITS):
            return legs[base] / legs[currency]

    def pack_on_or_before(self, day: date) -> date | None:
        return last_on_or_before(self.pack_days, day)

    def pack_on_or_after(self, day: date) -> date | None:
        at = bisect.bisect_left(self.pack_days, day)
        return self.pack_days[at] if at < len(self.pack_days) else None


def last_on_or_before(days: list[date], day: date) -> date | None:
    at = bisect.bisect_right(days, day)
    return days[at - 1] if at else None


def make(seed: int, *, terms: bool = True) -> Market:
    """The market of a seed; `terms` adds what is quoted in other ways and what is delisted."""
    source = random.Random(f"market {seed}")
    securities = {each.symbol: each for each in (*SECURITIES, *(MORE if terms else ()))}
    closes = {symbol: dict(_closes(each, source)) for symbol, each in securities.items()}
    fixings = _fixings(source)
    days = {day for each in closes.values() for day in each} | set(fixings)
    return Market(securities, closes, fixings, sorted(days))


def _days(exchange: str) -> Iterator[date]:
    """The sessions: Wednesdays, then weekdays without holidays; coins have every third weekend too."""
    day = FIRST
    while day <= LAST:
        if day < DAILY:
            is_open = day.weekday() == 2
        elif day.weekday() < 5:
            is_open = day.isoformat() not in HOLIDAYS[exchange]
        else:
            is_open = exchange == "CRYP" and (day - timedelta(day.weekday())).isocalendar().week % 3 == 0
        if is_open:
            yield day
        day += timedelta(1)


def _walk(level: Decimal, usual: Decimal, source: random.Random, step: int) -> Decimal:
    """The next level: up to `step` thousandths up or down and never the same; far from what is usual, back to it."""
    move = source.choice([number for number in range(-step, step + 2) if number])
    if level > usual * D("1.8"):
        move = -abs(move)
    if level < usual * D("0.55"):
        move = abs(move)
    return level * (1 + D(move) / 1000)


def _closes(security: Security, source: random.Random) -> Iterator[tuple[date, Decimal]]:
    level = D(security.level)
    if security.split is not None:
        assert security.split[0] in set(_days(security.exchange))
    for day in _days(security.exchange):
        level = _walk(level, D(security.level), source, 4 if security.kind == "bond" else 18)
        shown = level
        if security.split is not None and day >= security.split[0]:
            shown = level / security.split[1]
        if security.last is None or day <= security.last:
            yield day, shown.quantize(D("0.0001"))


def _fixings(source: random.Random) -> dict[date, dict[str, Decimal]]:
    """Rates to the euro on the days of the fixing, but for some gaps of up to four of them."""
    days = list(_days("fixing"))
    gaps: set[date] = set()
    daily = days.index(next(day for day in days if day > DAILY))
    for begin in source.sample(range(daily + 10, len(days) - 10, 12), 6):
        gaps |= set(days[begin : begin + source.randint(1, 4)])
    levels = {currency: D(level) for currency, level in USUAL.items()}
    found = {}
    for day in days:
        levels = {currency: _walk(level, D(USUAL[currency]), source, 5) for currency, level in levels.items()}
        if day not in gaps:
            found[day] = {currency: level.quantize(D("0.0001")) for currency, level in levels.items()}
    return found


def write(market: Market, folder: Path) -> Path:
    """The market as the folder that `load_market_data` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    securities = market.securities.values()
    _write(
        folder / "securities.csv",
        "symbol,name,currency,type,exchange,source,price_basis,first_date,last_date,quote_unit,multiplier,expiry,maturity",
        [
            (
                *(
                    each.symbol,
                    f"{each.symbol} as made",
                    each.quoted or each.currency,
                    each.kind,
                    each.exchange,
                    "made",
                    "raw",
                ),
                *(FIRST, each.last or "", each.quote_unit, each.multiplier),
                *(each.end if each.kind == "option" else "", each.end if each.kind == "bond" else ""),
            )
            for each in securities
        ],
    )
    _write(
        folder / "prices.csv",
        "date,symbol,close,currency,source",
        [
            (day, each.symbol, close, each.quoted or each.currency, "made")
            for each in securities
            for day, close in market.closes[each.symbol].items()
        ],
    )
    _write(
        folder / "fx.csv",
        "date,base,quote,rate,source",
        [
            (day, "EUR", quote, rate, "made-fx")
            for day, rates in market.fixings.items()
            for quote, rate in rates.items()
        ],
    )
    splits: list[tuple[object, ...]] = [
        (each.split[0], "", each.symbol, "split", each.split[1], "", each.currency, "made")
        for each in securities
        if each.split
    ]
    ends: list[tuple[object, ...]] = [
        (each.last + timedelta(1), "", each.symbol, "delisting", "", "", each.currency, "made")
        for each in securities
        if each.last
    ]
    _write(
        folder / "corporate_actions.csv", "ex_date,pay_date,symbol,action,ratio,amount,currency,source", splits + ends
    )
    _write(
        folder / "sources.csv",
        "source,attribution,name,display,export_csv,export_pdf,redistribute,terms",
        [(name, "Made for tests", name, "yes", "yes", "yes", "yes", "own") for name in ("made", "made-fx")],
    )
    return folder


def _write(path: Path, header: str, rows: Sequence[tuple[object, ...]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header.split(","), *rows])
