"""What a pack is, as bytes: canonical lines, the hash of a content, the chain over packs. Pure; no Django.

A line is `kind|key|observed_date|value|unit|source|price_basis|fix_at|vintage|flags`; what a kind lacks is empty.

=========== ================= ================ ======= ======== ====================================================
kind        key               observed_date    value   unit     note
=========== ================= ================ ======= ======== ====================================================
price       symbol            of the close     close   currency, and behind `*` the factor where that is not 1
rate        base/quote        of the fixing    rate    quote    fix_at: the instant of the fixing, UTC
observation series            observation date value   unit     fix_at: the day it was known
action      symbol/action     ex-date          empty   currency four more fields: ratio, amount, pay date, announced
=========== ================= ================ ======= ======== ====================================================

Within a field `\\`, `|` and line ends are escaped, so no two different rows make the same line.
"""

import hashlib
import re
import struct
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache

GENESIS = "0" * 64
"""What the first pack of a policy chains to."""

ONE = Decimal(1)
"""The factor of an ordinary price."""

is_plain = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?").fullmatch
_ESCAPES = str.maketrans({"\\": "\\\\", "|": "\\|", "\n": "\\n", "\r": "\\r"})


def plain(number: Decimal | str | int) -> str:
    """A number without exponent, signed zero or trailing zeros: 1.0, 1.00 and 1e0 are "1". ValueError if not finite."""
    if type(number) is str:
        if is_plain(number):
            return number
        if "." in number and is_plain(short := number.rstrip("0").rstrip(".")):
            return short
    number = Decimal(number)
    if not number.is_finite():
        raise ValueError(f"{number} is not a finite number")
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "0") else text


@lru_cache(maxsize=65_536)
def field(text: str) -> str:
    """One field of a line: NFC, separators escaped."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return text.translate(_ESCAPES)


def price_line(
    *,
    symbol: str,
    observed_date: date,
    close: Decimal | str,
    currency: str,
    source: str,
    price_basis: str,
    flags: str,
    factor: Decimal = ONE,
) -> str:
    tail = price_tail(currency=currency, source=source, price_basis=price_basis, factor=factor)
    return f"price|{field(symbol)}|{observed_date.isoformat()}|{plain(close)}{tail}{field(flags)}"


def price_tail(*, currency: str, source: str, price_basis: str, factor: Decimal = ONE) -> str:
    """What stands in the line of a price between its value and its flags."""
    unit = field(currency) if factor == ONE else f"{field(currency)}*{plain(factor)}"
    return f"|{unit}|{field(source)}|{field(price_basis)}|||"


def rate_line(
    *, base: str, quote: str, observed_date: date, rate: Decimal | str, source: str, fix_at: datetime, flags: str
) -> str:
    head, unit = field(f"{base}/{quote}"), field(quote)
    tail = f"{unit}|{field(source)}||{_instant(fix_at)}||{field(flags)}"
    return f"rate|{head}|{observed_date.isoformat()}|{plain(rate)}|{tail}"


@lru_cache(maxsize=8_192)
def _instant(at: datetime) -> str:
    """To the second, UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def observation_line(
    *,
    series: str,
    observation_date: date,
    value: Decimal | str,
    unit: str,
    source: str,
    known_at: date,
    vintage: str,
    flags: str,
) -> str:
    tail = _observation_tail(unit=unit, source=source)
    seen = f"{observation_date.isoformat()}|{plain(value)}{tail}{known_at.isoformat()}"
    return f"observation|{field(series)}|{seen}|{field(vintage)}|{field(flags)}"


@lru_cache(maxsize=1_024)
def _observation_tail(*, unit: str, source: str) -> str:
    """What stands in the line of an observation between its value and the day it was known."""
    return f"|{field(unit)}|{field(source)}||"


def action_line(
    *,
    symbol: str,
    action: str,
    ex_date: date,
    ratio: Decimal | None,
    amount: Decimal | None,
    currency: str,
    pay_date: date | None,
    announced: date | None,
    source: str,
    flags: str,
) -> str:
    head = _line("action", f"{symbol}/{action}", ex_date, "", currency, source, "", "", "", flags)
    numbers = ("" if number is None else plain(number) for number in (ratio, amount))
    dates = ("" if day is None else day.isoformat() for day in (pay_date, announced))
    return "|".join((head, *numbers, *dates))


def content_hash(lines: Iterable[str]) -> str:
    """SHA-256 over the sorted lines, each ended by a line feed."""
    return seal(lines)[0]


def seal(lines: Iterable[str]) -> tuple[str, bytes]:
    """The content hash, and the CRC-32 of each line in the same order: those say where, never whether, it differs."""
    encoded = [line.encode() for line in sorted(lines)]
    whole = hashlib.sha256(b"\n".join((*encoded, b"")))
    return whole.hexdigest(), struct.pack(f">{len(encoded)}I", *map(zlib.crc32, encoded))


def first_difference(lines: Iterable[str], checks: bytes) -> str:
    """The first line that is not one of those sealed, or else the place where one is gone; empty if neither is found."""
    kept = [check for (check,) in struct.iter_unpack(">I", checks)]
    ordered = sorted(lines)
    left = Counter(kept)
    for line in ordered if kept else ():
        check = zlib.crc32(line.encode())
        if not left[check]:
            return line
        left[check] -= 1
    for number, check in enumerate(kept):
        if number == len(ordered):
            return f"(a row is gone after {ordered[-1]})" if ordered else "(all rows are gone)"
        if check != zlib.crc32(ordered[number].encode()):
            return f"(a row is gone before {ordered[number]})"
    return ""


def chain_hash(*, previous: str, pack_id: str, sequence: int, asof_date: date, policy: str, content_hash: str) -> str:
    """SHA-256 over the pack before and this header: one chain hash pins all that was sealed before it."""
    fields = (previous or GENESIS, field(pack_id), str(sequence), asof_date.isoformat(), field(policy), content_hash)
    return hashlib.sha256("|".join(fields).encode()).hexdigest()


def _line(kind: str, key: str, observed_date: date, value: str, *rest: str) -> str:
    return "|".join((kind, field(key), observed_date.isoformat(), value, *map(field, rest)))
