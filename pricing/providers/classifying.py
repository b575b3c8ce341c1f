"""What is said of how a security is classified, as rows of the market data folder: one more observation each time it changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pricing import classifications
from pricing.archive import folder, loading
from pricing.archive.contents import ArchiveReading
from pricing.classifications import Kind
from pricing.models import Security
from pricing.providers import intake, vintages
from pricing.providers.conversation import Fetched
from pricing.quality.symbols import SymbolUnknown

MANUAL = "manual"
"""The source of what staff enter."""


@dataclass(frozen=True, slots=True)
class Classified:
    """What came of it."""

    symbol: str
    known_at: date
    added: tuple[str, ...]
    """The kinds of which something new is said."""


def classify(symbol: str, said: Mapping[Kind, str], *, known_at: date) -> Classified:
    """Take what staff say of a security into the market data, known from a day on; packs of that day and later have it.

    What was said before stays known of the days before.

    raises  symbols.SymbolUnknown; classifications.NoClassification; loading.NoArchive; archive.ArchiveRefused, as for a day to come
    """
    if not Security.objects.filter(symbol=symbol).exists():
        raise SymbolUnknown(MANUAL, symbol, known_at)
    reading = loading.read_loaded()
    added = []
    rows: dict[str, list[dict[str, str]]] = {name: [] for name in folder.KEYS}
    for kind, text in said.items():
        of_kind = rows_of(reading, symbol, kind, text, source=MANUAL, known_at=known_at)
        added += [kind.value] if of_kind["macro.csv"] else []
        for name, these in of_kind.items():
            rows[name] += these
    intake.take_in(folder.ProviderRows(MANUAL, rows), Fetched(MANUAL, known_at, known_at))
    return Classified(symbol, known_at, tuple(added))


def rows_of(
    reading: ArchiveReading, symbol: str, kind: Kind, text: str, *, source: str, known_at: date
) -> dict[str, list[dict[str, str]]]:
    """The rows of one classification by file; none where the folder says the same of that day already.

    raises  NoClassification
    """
    name, figure = classifications.series_id(kind, symbol), classifications.encode(kind, text)
    rows: dict[str, list[dict[str, str]]] = {"macro.csv": [], "macro_series.csv": []}
    known = vintages.known_values(reading, name)
    before = [(known_on, day, value) for day, values in known.items() for known_on, value in values]
    newest = max((each for each in before if each[0] <= known_at), default=None)
    if newest is not None and newest[2] == figure:
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
