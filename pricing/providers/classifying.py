"""What is said of how a security is classified, as rows of the market data folder: one more observation each time it changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pricing import classifications
from pricing.archive import folder, loading
from pricing.archive.contents import ArchiveReading
from pricing.archive.folder import MANUAL
from pricing.classifications import Kind, NoClassification
from pricing.models import Security
from pricing.providers import intake
from pricing.providers.conversation import Conversation, Fetched
from pricing.quality.symbols import SymbolUnknown


@dataclass(frozen=True, slots=True)
class Classified:
    """What came of it."""

    symbol: str
    known_at: date
    new_kinds: tuple[str, ...]
    """The kinds of which something new is said."""


def classify(symbol: str, texts: Mapping[Kind, str], *, known_at: date) -> Classified:
    """Take what staff say of a security into the market data, known from a day on; packs of that day and later have it.

    What was said before stays known of the days before.

    raises  symbols.SymbolUnknown; classifications.NoClassification; loading.NoArchive; archive.ArchiveRefused, as for a day to come
    """
    if not Security.objects.filter(symbol=symbol).exists():
        raise SymbolUnknown(MANUAL, symbol, known_at)
    reading = loading.read_loaded()
    new_kinds = []
    rows: dict[str, list[dict[str, str]]] = {name: [] for name in folder.KEYS}
    for kind, text in texts.items():
        of_kind = rows_of(reading, symbol, kind, text, source=MANUAL, known_at=known_at)
        new_kinds += [kind.value] if of_kind["macro.csv"] else []
        for name, these in of_kind.items():
            rows[name] += these
    intake.take_in(folder.ProviderRows(MANUAL, rows), Fetched(MANUAL, known_at, known_at))
    return Classified(symbol, known_at, tuple(new_kinds))


def take(conversation: Conversation, symbol: str, texts: Mapping[Kind, str]) -> None:
    """What a provider says of a security on the day it is asked: known from that day on. What is none fails by name."""
    source, today = conversation.outcome.provider, conversation.client.clock.utc().date()
    for kind, text in texts.items():
        try:
            rows = rows_of(conversation.reading, symbol, kind, text, source=source, known_at=today)
        except NoClassification as none:
            conversation.fail(symbol, kind.replace("_", " "), str(none))
            continue
        for name, these in rows.items():
            conversation.rows[name] += these


def said_by(reading: ArchiveReading, kind: Kind, source: str) -> list[str]:
    """The symbols of which a source described the series of a kind first."""
    names = (row.id.partition(":") for row in reading.series if row.source == source)
    return sorted(symbol for prefix, _, symbol in names if prefix == kind)


def text_of(reading: ArchiveReading, symbol: str, kind: Kind) -> str | None:
    """What the folder says last of a security; None where it says nothing."""
    newest = _newest(reading, f"{kind}:{symbol}", date.max)
    return None if newest is None else classifications.decode(kind, newest.figure)


def rows_of(
    reading: ArchiveReading, symbol: str, kind: Kind, text: str, *, source: str, known_at: date
) -> dict[str, list[dict[str, str]]]:
    """The rows of one classification by file; none where the folder says the same of that day already.

    Nor any where another source spoke last and this one is a provider: staff overrule providers, and these nobody but themselves,
    or two that differ would take turns night by night.

    raises  NoClassification
    """
    name, figure = classifications.series_id(kind, symbol), classifications.encode(kind, text)
    rows: dict[str, list[dict[str, str]]] = {"macro.csv": [], "macro_series.csv": []}
    newest = _newest(reading, name, known_at)
    if newest is not None and ((newest.is_dated and newest.figure == figure) or source not in (MANUAL, newest.source)):
        return rows
    rows["macro.csv"].append(
        {
            "date": known_at.isoformat(),
            "series_id": name,
            "value": format(figure, "f"),
            "source": source,
            "known_at": known_at.isoformat(),
        }
    )
    if name not in {row.id for row in reading.series}:
        rows["macro_series.csv"].append(
            {
                "id": name,
                "title": f"{classifications.TITLES[kind]} of {symbol}",
                "unit": classifications.UNITS[kind],
                "frequency": "D",
                "source": source,
            }
        )
    return rows


@dataclass(frozen=True, slots=True)
class _Said:
    figure: Decimal
    source: str
    is_dated: bool
    """Whether the folder says since when it was known."""


def _newest(reading: ArchiveReading, name: str, by: date) -> _Said | None:
    """What the folder says last of a series, of what was known by a day; of undated rows, that of the newest date."""
    observations = reading.observations
    statements: dict[tuple[date, date], _Said] = {}
    for code in (code for code, row in enumerate(reading.series) if row.id == name):
        for row in (observations.series == code).nonzero()[0].tolist():
            day, known_at = observations.date[row].item(), observations.known_at[row].item()
            source = reading.source_names[observations.source[row]]
            if (known_at or day) <= by:
                figure = Decimal(observations.value[row].decode())
                statements[known_at or day, day] = _Said(figure, source, known_at is not None)
    return statements[max(statements)] if statements else None
