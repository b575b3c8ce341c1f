"""Take a market data folder in: reference rows, and where the folder is, so that packs can be built from it."""

from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from config.errors import TieoutError
from pricing import archive
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
    """What was taken in. `reading.sources` and `reading.source_names` are for whoever keeps the rights."""

    folder: MarketArchive
    reading: archive.ArchiveReading


RELEASE_LAGS = (
    ("CPI", SeriesLag.DAYS_FROM_MONTH_START, 45),
    ("CUSR", SeriesLag.DAYS_FROM_MONTH_START, 45),
    ("CUUR", SeriesLag.DAYS_FROM_MONTH_START, 45),
    ("UNRATE", SeriesLag.DAYS_FROM_MONTH_START, 40),
    ("PAYEMS", SeriesLag.DAYS_FROM_MONTH_START, 40),
)
"""By the beginning of a monthly series' id (docs/measurement.md, Economic series)."""

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
    """The folder's securities and series as rows, and the folder as the newest archive; twice is as once.

    Raises archive.ArchiveRefused, and then nothing was taken. A series that is there keeps its lag and its unit, a security
    its name, currency and exchange, and once packs hold it its price basis: where the folder says otherwise the symbol may
    mean something else by now, which pricing.quality.symbols reports and staff settle, or of unit and basis is refused.
    """
    reading = archive.read(folder)
    units = dict(Series.objects.values_list("id", "unit"))
    if changed := [row for row in reading.series if units.get(row.id, row.unit) != row.unit]:
        # Sealed observations were hashed with their unit, and mean it.
        raise archive.ArchiveRefused(
            [
                archive.Finding(
                    "macro_series.csv", 0, "unit", f"{row.id} is {units[row.id]!r} here, and {row.unit!r} there"
                )
                for row in changed
            ]
        )
    if findings := _moved_bases(reading):
        raise archive.ArchiveRefused(findings)
    Security.objects.bulk_create(
        [
            Security(
                symbol=row.symbol,
                name=row.name,
                currency=row.currency,
                price_unit=row.price_unit,
                quote_unit=row.quote_unit,
                multiplier=row.multiplier,
                kind=row.kind,
                exchange=row.exchange,
                price_basis=row.price_basis,
                first_date=row.first_date,
                last_date=row.last_date,
                expiry=row.expiry,
                maturity=row.maturity,
                source=row.source,
            )
            for row in reading.securities
        ],
        update_conflicts=True,
        unique_fields=["symbol"],
        update_fields=[
            "kind",
            "quote_unit",
            "multiplier",
            "price_basis",
            "first_date",
            "last_date",
            "expiry",
            "maturity",
            "source",
        ],
    )
    Series.objects.bulk_create(
        [
            Series(
                id=row.id,
                title=row.title,
                unit=row.unit,
                frequency=row.frequency,
                source=row.source,
                lag_rule=(lag := lag_of(row.id, row.frequency))[0],
                lag_days=lag[1],
            )
            for row in reading.series
        ],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["title", "frequency", "source"],
    )
    newest = newest_archive()
    if newest is None or (newest.path, newest.digest) != (reading.path, reading.digest):
        newest = MarketArchive.objects.create(path=reading.path, digest=reading.digest, archive_end=reading.archive_end)
    return Loaded(newest, reading)


def _moved_bases(reading: archive.ArchiveReading) -> list[archive.Finding]:
    """Securities whose sealed closes are of another basis: of a past that is half raw and half adjusted nothing is right."""
    before = dict(Security.objects.values_list("symbol", "price_basis"))
    moved = {
        row.symbol: row for row in reading.securities if before.get(row.symbol, row.price_basis) != row.price_basis
    }
    sealed = PackPrice.objects.filter(security__symbol__in=moved).values_list("security__symbol", flat=True)
    return [
        archive.Finding(
            "securities.csv",
            0,
            "price_basis",
            f"{symbol} is {before[symbol]} in sealed packs, and {moved[symbol].price_basis} there",
        )
        for symbol in sorted(set(sealed.distinct()) if moved else ())
    ]


def newest_archive() -> MarketArchive | None:
    return MarketArchive.objects.order_by("-loaded_at", "-id").first()


def read_loaded() -> archive.ArchiveReading:
    """The folder that was loaded last, as it was then. Raises NoArchive, ArchiveChanged, archive.ArchiveRefused."""
    newest = newest_archive()
    if newest is None:
        raise NoArchive
    if archive.digest(newest.path) != newest.digest:
        raise ArchiveChanged(newest.path)
    return archive.read(newest.path, has_digest=newest.digest)
