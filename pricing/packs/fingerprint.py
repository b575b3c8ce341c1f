"""What a pack is as bytes: canonical lines, the hash of a content, the chain over packs. Pure; no Django.

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
import struct
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache

from config.decimals import trimmed

GENESIS = "0" * 64
"""What the first pack of a policy chains to."""

_ESCAPES = str.maketrans({"\\": "\\\\", "|": "\\|", "\n": "\\n", "\r": "\\r"})


def plain(number: Decimal) -> str:
    """A number without exponent, signed zero or trailing zeros: 1.0, 1.00 and 1e0 are "1". ValueError if not finite."""
    if not number.is_finite():
        raise ValueError(f"{number} is not a finite number")
    return trimmed(number)


@lru_cache(maxsize=65_536)
def field(text: str) -> str:
    """One field of a line: NFC, separators escaped."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return text.translate(_ESCAPES)


def line(
    kind: str,
    key: str,
    observed_date: date,
    *,
    value: Decimal | None = None,
    unit: str = "",
    source: str = "",
    price_basis: str = "",
    fix_at: str = "",
    vintage: str = "",
    flags: str = "",
    more: Iterable[str] = (),
) -> str:
    """The canonical line of a row; `more` are fields behind the flags, which are written as they are."""
    texts = (unit, source, price_basis, fix_at, vintage, flags)
    number = "" if value is None else plain(value)
    return "|".join((kind, field(key), observed_date.isoformat(), number, *map(field, texts), *more))


@lru_cache(maxsize=8_192)
def instant(at: datetime) -> str:
    """An instant in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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
    sealed_checks = [check for (check,) in struct.iter_unpack(">I", checks)]
    sorted_lines = sorted(lines)
    unmatched = Counter(sealed_checks)
    for line in sorted_lines if sealed_checks else ():
        check = zlib.crc32(line.encode())
        if not unmatched[check]:
            return line
        unmatched[check] -= 1
    for number, check in enumerate(sealed_checks):
        if number == len(sorted_lines):
            return f"(a row is gone after {sorted_lines[-1]})" if sorted_lines else "(all rows are gone)"
        if check != zlib.crc32(sorted_lines[number].encode()):
            return f"(a row is gone before {sorted_lines[number]})"
    return ""


def chain_hash(*, previous: str, pack_id: str, sequence: int, asof_date: date, policy: str, content_hash: str) -> str:
    """SHA-256 over the pack before and this header: one chain hash pins all that was sealed before it."""
    fields = (previous or GENESIS, field(pack_id), str(sequence), asof_date.isoformat(), field(policy), content_hash)
    return hashlib.sha256("|".join(fields).encode()).hexdigest()
