"""Load a market data folder: its reference rows, and where it is, so that packs can be built from it."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path

from django.db import transaction

from config.errors import TieoutError
from pricing.archive.contents import ArchiveReading, SecurityRow
from pricing.archive.reading import digest, read
from pricing.archive.tables import ArchiveRefused, FolderFault
from pricing.models import MarketArchive, PackPrice, Security, Series, SeriesLag


class NoArchive(TieoutError):
    """No market data has been loaded yet."""

    def __init__(self) -> None:
        super().__init__("no market data is loaded: load a market data folder first")


class ArchiveChanged(TieoutError):
    """The folder's bytes are not those that were loaded."""

    def __init__(self, path: str) -> None:
        super().__init__(f"the archive changed since it was loaded: load it again ({Path(path).name})")
        self.path = path


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded. `reading.sources` and `reading.source_names` are for whoever keeps the rights."""

    folder: MarketArchive
    reading: ArchiveReading


RELEASE_LAGS = (
    ("CPI", SeriesLag.DAYS_FROM_MONTH_START, 45),
    ("CUSR", SeriesLag.DAYS_FROM_MONTH_START, 45),
    ("CUUR", SeriesLag.DAYS_FROM_MONTH_START, 45),
    ("UNRATE", SeriesLag.DAYS_FROM_MONTH_START, 40),
    ("PAYEMS", SeriesLag.DAYS_FROM_MONTH_START, 40),
)
"""By the beginning of a monthly series' id ."""

STAYING = ("symbol", "name", "currency", "price_unit", "exchange")
"""Of a security that is there already: a folder that says otherwise may mean another by its symbol."""

SEALED = {"price_basis": "price_basis", "kind": "type"}
"""What stays of a security once packs hold it, by its column in securities.csv: of a past that is half raw and half adjusted
nothing is right, and answers name the kind."""

LAG_OF_FREQUENCY = {
    "D": (SeriesLag.BUSINESS_DAYS, 1),
    "W": (SeriesLag.BUSINESS_DAYS, 5),
    "M": (SeriesLag.DAYS_FROM_MONTH_START, 45),
    "Q": (SeriesLag.DAYS_FROM_MONTH_START, 120),
    "A": (SeriesLag.DAYS_FROM_MONTH_START, 455),
}
"""For every other series. Rather late than early: a figure that is known too soon is a look ahead."""


def lag_of(series_id: str, frequency: str) -> tuple[SeriesLag, int]:
    """How long after its observation a figure of a new series is taken to be public; staff may correct the row."""
    if frequency == "M":
        for beginning, rule, days in RELEASE_LAGS:
            if series_id.startswith(beginning):
                return rule, days
    return LAG_OF_FREQUENCY[frequency]


@transaction.atomic
def load(folder: str | Path) -> Loaded:
    """Store the folder's securities and series as rows, and the folder as the newest archive. Loading it again changes nothing.

    A series that is there keeps its title and lag, a security its name, currency and exchange: where the folder says otherwise,
    the symbol may mean another security by now, which pricing.quality.symbols reports and staff settle. Raises ArchiveRefused,
    and stores nothing, where a file can't be read, a series has another unit, or a security that packs hold another price basis
    or kind.
    """
    reading = read(folder)
    units = dict(Series.objects.values_list("id", "unit"))
    if changed := [row for row in reading.series if units.get(row.id, row.unit) != row.unit]:
        # Sealed observations were hashed with their unit, and mean it.
        raise ArchiveRefused(
            [
                FolderFault(
                    "macro_series.csv", 0, "unit", f"{row.id} is {units[row.id]!r} here, and {row.unit!r} there"
                )
                for row in changed
            ]
        )
    if faults := [fault for field in SEALED for fault in _conflicts(reading, field)]:
        raise ArchiveRefused(faults)
    Security.objects.bulk_create(
        [Security(**asdict(row)) for row in reading.securities],
        update_conflicts=True,
        unique_fields=["symbol"],
        update_fields=[each.name for each in fields(SecurityRow) if each.name not in STAYING],
    )
    Series.objects.bulk_create(
        [
            Series(**asdict(row), lag_rule=rule, lag_days=days)
            for row in reading.series
            for rule, days in [lag_of(row.id, row.frequency)]
        ],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["frequency", "source"],
    )
    newest = newest_archive()
    if newest is None or (newest.path, newest.digest) != (reading.path, reading.digest):
        newest = MarketArchive.objects.create(path=reading.path, digest=reading.digest, archive_end=reading.archive_end)
    return Loaded(newest, reading)


def _conflicts(reading: ArchiveReading, field: str) -> list[FolderFault]:
    """Securities that packs hold with another value of a field."""
    before = dict(Security.objects.values_list("symbol", field))
    other_values = {
        row.symbol: getattr(row, field)
        for row in reading.securities
        if before.get(row.symbol, getattr(row, field)) != getattr(row, field)
    }
    sealed = PackPrice.objects.filter(security__symbol__in=other_values).values_list("security__symbol", flat=True)
    return [
        FolderFault(
            "securities.csv",
            0,
            SEALED[field],
            f"{symbol} is {before[symbol]} in sealed packs, and {other_values[symbol]} there",
        )
        for symbol in sorted(set(sealed.distinct()) if other_values else ())
    ]


def newest_archive() -> MarketArchive | None:
    return MarketArchive.objects.order_by("-loaded_at", "-id").first()


def read_loaded() -> ArchiveReading:
    """The folder that was loaded last, as it was then. Raises NoArchive, ArchiveChanged, ArchiveRefused."""
    newest = newest_archive()
    if newest is None:
        raise NoArchive
    if digest(newest.path) != newest.digest:
        raise ArchiveChanged(newest.path)
    return read(newest.path, has_digest=newest.digest)
