"""Names of lots: the entry that opened one, and a digest of the entries by which it went on to another account or symbol.

`B1` was opened by the entry B1; `B1#2` is the second lot that B1 opened; `B1~0f3c9a1e` is B1 after it went on.
"""

from collections.abc import Collection
from hashlib import sha256
from typing import Final

DIGEST_LENGTH: Final = 8
"""Hexadecimal digits."""


def opened_by(entry_id: str, number: int) -> str:
    """The name of the lot that an entry opened as its `number`th, from 1."""
    return entry_id if number == 1 else f"{entry_id}#{number}"


def opening_entry(name: str, entries: Collection[str]) -> str:
    """The entry that opened a lot. `entries`: those of the ledger, since an id may itself hold a # or ~."""
    if name in entries:
        return name
    entry = split(name)[0]
    return entry if entry in entries else entry.rpartition("#")[0] or entry


def after_move(name: str, entry_id: str) -> str:
    """The name of a lot after an entry took it into another account or under another symbol."""
    opener, path = split(name)
    return f"{opener}~{sha256(f'{path}/{entry_id}'.encode()).hexdigest()[:DIGEST_LENGTH]}"


def split(name: str) -> tuple[str, str]:
    """The entry that opened a lot, and the digest of the entries that it went on by; "" for a lot that never went on."""
    opener, mark, path = name.rpartition("~")
    is_digest = len(path) == DIGEST_LENGTH and not set(path) - set("0123456789abcdef")
    return (opener, path) if mark and is_digest else (name, "")
