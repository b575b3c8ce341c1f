"""The days of a span on which something was bought or sold: what a chart of the span marks."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from portfolio.books.entries import Event
from portfolio.performance.range_performance import RangePerformance

BOUGHT: Final = frozenset({"buy", "reinvested_dividend"})
SOLD: Final = frozenset({"sell"})


@dataclass(frozen=True, slots=True)
class TradingDay:
    """What was traded since the close before, by symbol, each once and in the order of the alphabet."""

    date: date
    bought: tuple[str, ...]
    sold: tuple[str, ...]


def find(events: Iterable[Event], symbols: Mapping[int, str], performance: RangePerformance) -> tuple[TradingDay, ...]:
    """The days of trades, rising. A trade on a day without prices is marked at the next close, which is the first that has it.

    events   of the ledger, in any order
    symbols  of each security that was booked, by its id
    """
    closes: list[date] = performance.dates.tolist()
    bought: dict[int, set[str]] = {}
    sold: dict[int, set[str]] = {}
    for event in events:
        days_of_side = bought if event.kind in BOUGHT else sold if event.kind in SOLD else None
        if days_of_side is None or event.security is None:
            continue
        close = bisect_left(closes, event.date)
        is_within = close < len(closes) and closes[close] > performance.first_date
        if is_within:
            days_of_side.setdefault(close, set()).add(symbols[event.security])
    return tuple(
        TradingDay(closes[close], tuple(sorted(bought.get(close, ()))), tuple(sorted(sold.get(close, ()))))
        for close in sorted(bought.keys() | sold.keys())
    )
