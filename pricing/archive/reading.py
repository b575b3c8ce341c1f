"""Read a market data folder: whole, or refused whole with every row that can't be read."""

import hashlib
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

from pricing.archive import event_files, quote_files
from pricing.archive.columns import OBLIGATORY, REQUIRED
from pricing.archive.contents import EARLIEST, ArchiveReading
from pricing.archive.tables import ArchiveRefused, FolderFault, Table, read_bytes


def digest(folder: str | Path) -> str:
    """SHA-256 over names and bytes of the files that are read. Raises ArchiveRefused when the folder can't be read."""
    total = hashlib.sha256()
    for name, path in sorted(_files(Path(folder)).items()):
        data = read_bytes(path)
        total.update(f"{name}\0{path.name}\0{len(data)}\0".encode())
        total.update(data)
    return total.hexdigest()


def read(folder: str | Path, *, today: date | None = None, has_digest: str | None = None) -> ArchiveReading:
    """The folder, whole. Raises ArchiveRefused with every row that can't be read, by file, line, column and reason.

    today       no date may lie after it; the clock's (UTC) unless given
    has_digest  the digest of the folder, for a caller that has just computed it
    """
    return _read(str(Path(folder).resolve()), has_digest or digest(folder), today or datetime.now(UTC).date())


@lru_cache(maxsize=1)
def _read(folder: str, folder_digest: str, today: date) -> ArchiveReading:
    """Kept for the steps of one night, each of which reads the same bytes: the digest says that they are."""
    faults: list[FolderFault] = []
    tables = {name: Table.from_file(name, path, faults) for name, path in _files(Path(folder)).items()}
    usable = {name: table for name, table in tables.items() if table is not None}
    if len(usable) < len(tables):  # without its columns a file can't be judged, nor what refers to it
        raise ArchiveRefused(faults)
    reading = _reading_of(usable, today, faults, folder, folder_digest)
    if faults:
        order = {name: number for number, name in enumerate(REQUIRED)}
        raise ArchiveRefused(sorted(faults, key=lambda f: (order[f.file.removesuffix(".gz")], f.line, f.column)))
    return reading


def _reading_of(
    tables: dict[str, Table], today: date, faults: list[FolderFault], folder: str, folder_digest: str
) -> ArchiveReading:
    source_codes: dict[str, int] = {}
    securities = quote_files.securities(tables["securities.csv"], today, source_codes)
    closes, other_closes = quote_files.closes(tables["prices.csv"], securities, today, source_codes)
    rates, other_rates = quote_files.rates(tables["fx.csv"], today, source_codes)
    series, observations = event_files.observations(
        tables.get("macro.csv"), tables.get("macro_series.csv"), today, source_codes
    )
    symbols = {row.symbol for row in securities}
    actions = event_files.actions(tables.get("corporate_actions.csv"), symbols, today, source_codes)
    ends = [dates.max() for dates in (closes.date, rates.date) if len(dates)]
    if not ends and not faults:
        faults.append(FolderFault("prices.csv", 0, "", "holds no row, nor does fx.csv"))
    return ArchiveReading(
        path=folder,
        digest=folder_digest,
        archive_end=max(ends).item() if ends else EARLIEST,
        securities=securities,
        series=series,
        source_names=tuple(source_codes),
        closes=closes,
        rates=rates,
        observations=observations,
        actions=tuple(row for row in actions if row.quality == "ok"),
        quarantined=tuple(row for row in actions if row.quality != "ok"),
        sources=event_files.source_terms(tables.get("sources.csv")),
        other_closes=other_closes,
        other_rates=other_rates,
    )


def _files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "not found"
        raise ArchiveRefused([FolderFault(folder.name or str(folder), 0, "", what)])
    paths: dict[str, Path] = {}
    faults: list[FolderFault] = []
    for name in REQUIRED:
        existing = [path for path in (folder / name, folder / f"{name}.gz") if path.exists() or path.is_symlink()]
        if len(existing) == 2:
            faults.append(FolderFault(name, 0, "", "is there twice, plain and gzipped"))
        elif existing and not existing[0].is_file():
            faults.append(FolderFault(existing[0].name, 0, "", "is no file"))
        elif existing:
            paths[name] = existing[0]
        elif name in OBLIGATORY:
            faults.append(FolderFault(name, 0, "", f"not found in {folder.name or folder}"))
    if faults:
        raise ArchiveRefused(faults)
    return paths
