"""Names of entries: no two of a ledger have the same."""

import re
from hashlib import sha256

from portfolio.ledger.reader import Entry, Posting

from .refusal import UnreadableEntry

_ID = re.compile(r"\S{1,64}")


class EntryIds:
    """The `id` of each entry, else a digest of what it says and its turn among entries that say the same."""

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}
        self._alike: dict[str, int] = {}

    def assign(self, entry: Entry) -> str:
        entry_id = entry.meta.get("id")
        if entry_id is None:
            text = "\n".join((entry.date.isoformat(), entry.narration, *map(_describe_leg, entry.postings)))
            self._alike[text] = turn = self._alike.get(text, 0) + 1
            entry_id = "D" + sha256(f"{text}\n{turn}".encode()).hexdigest()[:24]
        elif not _ID.fullmatch(entry_id):
            raise UnreadableEntry("id is not 1 to 64 characters without spaces")
        if entry_id in self._lines:
            raise UnreadableEntry(f"id {entry_id} is already that of line {self._lines[entry_id]}")
        self._lines[entry_id] = entry.line
        return entry_id


def _describe_leg(posting: Posting) -> str:
    account, units, commodity, cost, price = posting
    lot = f"{cost.number} {cost.currency} {cost.acquired} {cost.label or ''}" if cost else ""
    return f"{account}|{units}|{commodity}|{lot}|{price and (price.number, price.currency)}"
