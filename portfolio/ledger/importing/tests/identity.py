"""gain = value + sells - buys - fees, of what was imported: the left side from the lots, the right from the file."""

import csv
import io
import math
import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal

from portfolio.analytics import booking
from portfolio.books import lots
from portfolio.ledger import journal, reader
from portfolio.ledger.importing import tieout_csv, writing
from portfolio.ledger.importing.rows import Row
from portfolio.ledger.journal import LedgerTransaction

ZERO, CENT = Decimal(0), Decimal("0.01")


class Market:
    """Closes, and USD for one of a currency, on the last day on or before. In USD all is 1."""

    def __init__(self, closes: Mapping[str, Mapping[date, Decimal]], fx: Mapping[str, Mapping[date, Decimal]]) -> None:
        self._closes = {name: (sorted(each), each) for name, each in closes.items()}
        self._fx = {name: (sorted(each), each) for name, each in fx.items()}

    @classmethod
    def read(cls, prices: str, fx: str) -> "Market":
        closes, rates = (defaultdict[str, dict[date, Decimal]](dict) for _ in range(2))
        for text, into, name in ((prices, closes, str), (fx, rates, lambda pair: pair[:3])):
            for row in csv.DictReader(io.StringIO(text)):
                into[name(row["symbol"])][date.fromisoformat(row["date"])] = Decimal(row["close"])
        return cls(closes, rates)

    def close(self, symbol: str, day: date) -> Decimal:
        days, closes = self._closes[symbol]
        return closes[days[bisect_right(days, day) - 1]]

    def rate(self, currency: str, day: date) -> Decimal:
        if currency == "USD":
            return Decimal(1)
        days, rates = self._fx[currency]
        return rates[days[bisect_right(days, day) - 1]]


def differences(content: bytes, market: Market, *, method: booking.Method = "FIFO") -> dict[int | str, Decimal]:
    """As `differences_of`; the file goes all the way: rows, text of a ledger, Beancount, events."""
    reading = tieout_csv.read(content)
    assert reading.findings == ()
    named = [(f"R{number}", row) for number, row in enumerate(reading.rows)]
    text = writing.write(named, heading=(), base_currency="USD", method=method).text
    main = writing.start_ledger(title="t", base_currency="USD", method=method)
    events = journal.transactions(reader.read({"main.beancount": (main + text).encode()}))
    return differences_of(events, reading.rows, market, method=method)


def differences_of(
    events: Sequence[LedgerTransaction], rows: Sequence[Row], market: Market, *, method: booking.Method = "FIFO"
) -> dict[int | str, Decimal]:
    """Year, or "life" -> gain of the books less what the file says it must be, in USD."""
    rated = [replace(event, fx_rate=market.rate(event.currency, event.date)) for event in events]
    booked = lots.book(rated, base_currency="USD", method=method, fees_in_cost=True)
    ends = [date(year, 12, 31) for year in range(events[0].date.year, events[-1].date.year + 1)]
    gains, values = [], []
    for end in ends:
        open_then = [p for p in booked.parcels if p.valid_from <= end and (p.valid_to is None or end < p.valid_to)]
        worth = sum(
            (p.quantity * market.close(p.symbol, end) * market.rate(p.currency or "", end) for p in open_then), ZERO
        )
        cost = sum((p.cost * p.fx_to_base for p in open_then), ZERO)
        realised = sum((match.realised.gain for match in booked.matched_lots if match.date <= end), ZERO)
        gains.append(realised + worth - cost)
        values.append(worth)
    paid = [ZERO] * len(ends)
    for row in rows:
        sign = {"buy": -1, "sell": 1}.get(row.kind)
        if sign is not None:
            assert row.quantity is not None
            assert row.unit_price is not None
            flow = (sign * row.quantity * row.unit_price - row.fee) * market.rate(row.currency, row.date)
            paid[row.date.year - ends[0].year] += flow
    differences: dict[int | str, Decimal] = {"life": gains[-1] - (values[-1] + sum(paid))}
    for at, end in enumerate(ends):
        gain = gains[at] - (gains[at - 1] if at else ZERO)
        differences[end.year] = gain - (values[at] - (values[at - 1] if at else ZERO) + paid[at])
    return differences


def made(seed: str, *, activities: int, symbols: int, years: int, currencies: int) -> tuple[bytes, Market]:
    """A file of buys, sells and dividends, and its market; the same for the same arguments. Nothing is sold that isn't held."""
    chance = random.Random(f"{seed}/{activities}/{symbols}/{years}/{currencies}")
    first = date(2026, 11, 20) - timedelta(days=365 * years)
    days = [day for day in (first + timedelta(days=at) for at in range(365 * years)) if day.weekday() < 5]
    paid_in = {f"SYM{at:03}": ("USD", "EUR", "GBP", "CHF")[at % currencies] for at in range(symbols)}
    closes = {name: _walk(chance, chance.uniform(5, 300), 0.02, "0.01", days) for name in paid_in}
    rates = {
        name: _walk(chance, chance.uniform(0.9, 1.4), 0.005, "0.0001", days) for name in {*paid_in.values()} - {"USD"}
    }
    market, held, lines = (
        Market(closes, rates),
        dict.fromkeys(paid_in, ZERO),
        ["date,type,symbol,quantity,unit_price,fee,currency"],
    )
    for at in sorted(chance.choices(range(len(days)), k=activities)):
        symbol, kind = chance.choice(list(paid_in)), chance.choices(("BUY", "SELL", "DIVIDEND"), (65, 20, 15))[0]
        kind = kind if held[symbol] > 1 else "BUY"
        close, fee = closes[symbol][days[at]], chance.choice(("0", "1", "4.95", "9.9"))
        if kind == "BUY":
            quantity = Decimal(chance.choice((chance.randint(1, 60), f"{chance.uniform(0.1, 60):.4f}")))
            held[symbol] += quantity
        elif kind == "SELL":
            quantity = (held[symbol] * Decimal(f"{chance.uniform(0.05, 1):.3f}")).quantize(Decimal("1e-4"), ROUND_DOWN)
            held[symbol] -= quantity
        else:
            quantity, close, fee = held[symbol], max(close / 200, CENT).quantize(CENT), "0"
        lines.append(f"{days[at]},{kind},{symbol},{quantity},{close},{fee},{paid_in[symbol]}")
    return "\n".join(lines).encode(), market


def _walk(chance: random.Random, value: float, step: float, digit: str, days: Sequence[date]) -> dict[date, Decimal]:
    closes = {}
    for day in days:
        closes[day] = max(Decimal(value), Decimal(digit)).quantize(Decimal(digit))
        value *= math.exp(chance.gauss(0, step))
    return closes
