"""gain = value + sells - buys - fees, of what was imported: the left side from the lots, the right from the file."""

import csv
import io
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from portfolio import lots
from portfolio.ledger import journal, reader
from portfolio.ledger.importing import tieout_csv, writing

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


def differences(content: bytes, market: Market, *, method: str = "FIFO") -> dict[int | str, Decimal]:
    """Year, or "life" -> gain of the books less what the file says it must be, in USD. The file goes all the way: rows,
    text of a ledger, Beancount, events, lots."""
    reading = tieout_csv.read(content)
    assert reading.findings == ()
    named = [(f"R{number}", row) for number, row in enumerate(reading.rows)]
    text = writing.write(named, heading=(), base_currency="USD", method=method, open_accounts=(), opens={}).text
    main = writing.found_ledger(title="t", base_currency="USD", method=method)
    events = journal.transactions(reader.read({"main.beancount": (main + text).encode()}))
    rated = [replace(event, fx_rate=market.rate(event.currency, event.date)) for event in events]
    booked = lots.book(rated, base_currency="USD", method=method, fees_in_cost=True)
    ends = [date(year, 12, 31) for year in range(events[0].date.year, events[-1].date.year + 1)]
    gains, values = [], []
    for end in ends:
        open_then = [p for p in booked.parcels if p.valid_from <= end and (p.valid_to is None or end < p.valid_to)]
        worth = sum((p.quantity * market.close(p.symbol, end) * market.rate(p.currency, end) for p in open_then), ZERO)
        cost = sum((p.cost * p.fx_to_base for p in open_then), ZERO)
        realised = sum((match.realised.gain for match in booked.matched_lots if match.date <= end), ZERO)
        gains.append(realised + worth - cost)
        values.append(worth)
    paid = [ZERO] * len(ends)
    for row in reading.rows:
        sign = {"buy": -1, "sell": 1}.get(row.kind)
        if sign is not None:
            flow = (sign * row.quantity * row.unit_price - row.fee) * market.rate(row.currency, row.date)
            paid[row.date.year - ends[0].year] += flow
    found: dict[int | str, Decimal] = {"life": gains[-1] - (values[-1] + sum(paid))}
    for at, end in enumerate(ends):
        gain = gains[at] - (gains[at - 1] if at else ZERO)
        found[end.year] = gain - (values[at] - (values[at - 1] if at else ZERO) + paid[at])
    return found
