"""What the metadata of an entry say: dates, numbers, rates, ratios."""

import datetime as dt
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from config import dates
from portfolio.ledger.reader import Entry

from .legs import Legs
from .refusal import UnreadableEntry
from .transaction import Fixing

_RATE = re.compile(r"([A-Z]{3})([A-Z]{3})=([0-9]+(?:\.[0-9]+)?)")
_RATIO = re.compile(r"([0-9]+(?:\.[0-9]+)?):([0-9]+(?:\.[0-9]+)?)")


def read_date(entry: Entry, key: str) -> dt.date | None:
    if (text := entry.meta.get(key)) is None:
        return None
    try:
        return dates.parse(text)
    except ValueError as fault:
        raise UnreadableEntry(f"{key} {text!r} is not a date") from fault


def read_number(entry: Entry, key: str) -> Decimal | None:
    if (text := entry.meta.get(key)) is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation as fault:
        raise UnreadableEntry(f"{key} {text!r} is not a number") from fault
    if not number.is_finite() or number < 0:
        raise UnreadableEntry(f"{key} {text!r} is not a number from 0 up")
    return number


def read_rate(legs: Legs, currency: str, *keys: str) -> Decimal | None:
    """Base currency per 1 `currency`, from the first of these metadata keys that the entry has ("USDCAD=1.556479")."""
    for key in keys:
        if (text := legs.entry.meta.get(key)) is None:
            continue
        match = _RATE.fullmatch(text)
        if match is None or not Decimal(match[3]):
            raise UnreadableEntry(f"{key} {text!r} is not a rate such as USDCAD=1.25")
        if legs.chart.base is None or (match[1], match[2]) != (currency, legs.chart.base):
            raise UnreadableEntry(f"{key} {text!r} does not say {legs.chart.base} per {currency}")
        return Decimal(match[3])
    return None


def read_fixings(entry: Entry) -> tuple[Fixing, ...]:
    """The rates of the metadata `fixing`: "EURUSD=1.0921", several with spaces between them."""
    if (text := entry.meta.get("fixing")) is None:
        return ()
    matches = [_RATE.fullmatch(each) for each in text.split()]
    rates = [Fixing(match[1], match[2], Decimal(match[3])) for match in matches if match is not None]
    if not rates or len(rates) < len(matches) or not all(each.rate for each in rates):
        raise UnreadableEntry(f"fixing {text!r} is not a rate such as EURUSD=1.0921")
    if len({each.quote for each in rates}) > 1:
        raise UnreadableEntry(f"fixing {text!r} names two currencies that the security would trade in")
    return tuple(rates)


def fixing_rate(fixings: Iterable[Fixing], base: str, quote: str) -> Decimal:
    """Units of `quote` per one of `base`. Raises UnreadableEntry where the entry does not tell it."""
    to = {each.base: each.rate for each in fixings} | {each.quote: Decimal(1) for each in fixings}
    if base == quote:
        return Decimal(1)
    if base not in to or quote not in to:
        raise UnreadableEntry(
            f'paid in {quote} on lots that cost {base}; tell the fixing of the day as `fixing: "{base}{quote}=..."`'
        )
    return to[base] / to[quote]


def read_ratio(entry: Entry, key: str, of_units: Decimal) -> Decimal:
    """The ratio that the metadata states ("3:2"), which is exact where that of the units need not be; else `of_units`."""
    if (text := entry.meta.get(key)) is None:
        return of_units
    match = _RATIO.fullmatch(text)
    if match is None or not Decimal(match[1]) or not Decimal(match[2]):
        raise UnreadableEntry(f"{key} {text!r} is not new:old, such as 2:1")
    return Decimal(match[1]) / Decimal(match[2])
