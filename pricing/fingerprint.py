"""What a pack is, as bytes: canonical lines, the hash of a content, the chain over packs. Pure; no Django.

A line is `kind|key|observed_date|value|unit|source|price_basis|fix_at|vintage|flags`; what a kind lacks is empty.

=========== ================= ================ ======= ======== ====================================================
kind        key               observed_date    value   unit     note
=========== ================= ================ ======= ======== ====================================================
price       symbol            of the close     close   currency
rate        base/quote        of the fixing    rate    quote    fix_at: the instant of the fixing, UTC
observation series            observation date value   unit     fix_at: the day it was known
action      symbol/action     ex-date          empty   currency four more fields: ratio, amount, pay date, announced
=========== ================= ================ ======= ======== ====================================================

Within a field `\\`, `|` and line ends are escaped, so no two different rows make the same line.
"""

import hashlib
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

GENESIS = "0" * 64
"""What the first pack of a policy chains to."""

_ESCAPES = str.maketrans({"\\": "\\\\", "|": "\\|", "\n": "\\n", "\r": "\\r"})


def plain(number: Decimal | str | int) -> str:
    """A number without exponent, signed zero or trailing zeros: 1.0, 1.00 and 1e0 are "1". ValueError if not finite."""
    number = Decimal(number)
    if not number.is_finite():
        raise ValueError(f"{number} is not a finite number")
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "0") else text


def field(text: str) -> str:
    """One field of a line: NFC, separators escaped."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return text.translate(_ESCAPES)


def price_line(
    *, symbol: str, observed_date: date, close: Decimal | str, currency: str, source: str, price_basis: str, flags: str
) -> str:
    return _line("price", symbol, observed_date, plain(close), currency, source, price_basis, "", "", flags)


def rate_line(
    *, base: str, quote: str, observed_date: date, rate: Decimal | str, source: str, fix_at: datetime, flags: str
) -> str:
    instant = fix_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _line("rate", f"{base}/{quote}", observed_date, plain(rate), quote, source, "", instant, "", flags)


def observation_line(
    *,
    series: str,
    observation_date: date,
    value: Decimal,
    unit: str,
    source: str,
    known_at: date,
    vintage: str,
    flags: str,
) -> str:
    known = known_at.isoformat()
    return _line("observation", series, observation_date, plain(value), unit, source, "", known, vintage, flags)


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
    return hashlib.sha256("".join(f"{line}\n" for line in sorted(lines)).encode()).hexdigest()


DIGEST_BYTES = 8


def row_digests(lines: Iterable[str]) -> bytes:
    """Eight bytes for each of the sorted lines: they prove nothing, they say which row it was that changed."""
    return b"".join(hashlib.sha256(line.encode()).digest()[:DIGEST_BYTES] for line in sorted(lines))


def first_difference(lines: Iterable[str], sealed: bytes) -> str:
    """The first of the sorted lines that is not among the sealed ones, or after which one of those is missing.

    sealed  row_digests of what was sealed
    """
    digests = [sealed[at : at + DIGEST_BYTES] for at in range(0, len(sealed), DIGEST_BYTES)]
    ordered = sorted(lines)
    computed = [row_digests([line]) for line in ordered]
    known = set(digests)
    for line, digest in zip(ordered, computed, strict=True):
        if digest not in known:
            return line
    at = next((n for n, digest in enumerate(digests) if n >= len(computed) or computed[n] != digest), len(digests))
    return f"the row after {ordered[at - 1]}" if at else "the first row"


def chain_hash(*, previous: str, pack_id: str, sequence: int, asof_date: date, policy: str, content_hash: str) -> str:
    """SHA-256 over the pack before and this header: one chain hash pins all that was sealed before it."""
    fields = (previous or GENESIS, field(pack_id), str(sequence), asof_date.isoformat(), field(policy), content_hash)
    return hashlib.sha256("|".join(fields).encode()).hexdigest()


def _line(kind: str, key: str, observed_date: date, value: str, *rest: str) -> str:
    return "|".join((kind, field(key), observed_date.isoformat(), value, *map(field, rest)))
