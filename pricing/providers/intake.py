"""What a provider sent, into the market data: refused rows into quarantine, the others into the next folder, which is loaded."""

import shutil
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from config import dates, locks
from pricing.archive import folder, loading
from pricing.providers import polygon
from pricing.providers.conversation import Fetched
from pricing.providers.fields import UnusableRow
from pricing.quality.suspects import Kind, Rule, Suspect

KEPT_FOLDERS = 2
"""The one that is loaded, and the one before, which somebody may be reading."""

KINDS: Mapping[str, Kind] = {
    "close": "price", "split": "action", "dividend": "action", "observation": "observation", "series": "observation",
    "copyright": "observation", "fact": "observation", "filing": "observation",
    "fixing": "rate", "par yield": "observation", "profile": "observation", "figi": "observation",
}  # fmt: skip


def suspects_of(unusable_rows: Iterable[UnusableRow], *, fetched_on: date) -> list[Suspect]:
    """Unusable rows as quarantine stores them; of the day of the fetch where their own can't be read."""
    suspects = []
    for row in unusable_rows:
        kind = KINDS[row.kind]
        key = f"{row.symbol}/{row.kind}" if kind == "action" else row.symbol
        day = _date_of(row.day)
        note = "" if day else f", of the day {row.day!r}"
        reason = f"{row.field} {row.rule}{note}"
        suspects.append(Suspect(kind, key, day or fetched_on, row.value[:64], Rule.REFUSED, reason, row.source))
    return suspects


def _date_of(text: str) -> date | None:
    """An ISO date, or milliseconds since 1970 at an exchange in New York."""
    try:
        if text.isdigit() and len(text) >= 12:
            return datetime.fromtimestamp(int(text) / 1000, UTC).astimezone(polygon.EXCHANGE_ZONE).date()
        return dates.parse(text)
    except (ValueError, OverflowError, OSError):
        return None


def fetched_folders() -> Path:
    return Path(settings.VAR) / "market"


def take_in(provider_rows: folder.ProviderRows, outcome: Fetched) -> None:
    """Write the next folder of the one that is loaded now, and load it; all of it or nothing. One at a time."""
    with transaction.atomic():
        locks.lock_until_commit("pricing.providers.fetching")
        reading = loading.read_loaded()
        outcome.archive_end = reading.archive_end
        if not any(provider_rows.rows.values()) and not provider_rows.whole:
            return
        numbers = [int(path.name) for path in fetched_folders().glob("*") if path.name.isdigit()]
        path = fetched_folders() / f"{max(numbers, default=0) + 1:06}"
        with ExitStack() as undoing:
            undoing.callback(shutil.rmtree, path, ignore_errors=True)
            outcome.counts = folder.write(Path(reading.path), path, provider_rows)
            if not any(counts.differ for counts in outcome.counts.values()):
                return
            outcome.archive_end = loading.load(path).reading.archive_end
            undoing.pop_all()
    for old in sorted(numbers)[: -(KEPT_FOLDERS - 1) or None]:
        shutil.rmtree(fetched_folders() / f"{old:06}", ignore_errors=True)
