"""The next market data folder: the one before, with the rows that a provider sent. Pure of Django."""

import csv
import gzip
import io
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Row = Mapping[str, str]

MANUAL = "manual"
"""The source of what staff enter; it stands for any other source's row of its key."""

KEYS: Mapping[str, tuple[str, ...]] = {
    "prices.csv": ("date", "symbol", "source"),
    "fx.csv": ("date", "base", "quote", "source"),
    "macro.csv": ("date", "series_id", "known_at"),
    "corporate_actions.csv": ("ex_date", "symbol", "action"),
    "macro_series.csv": ("id",),
}
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "prices.csv": ("date", "symbol", "close", "currency", "source"),
    "fx.csv": ("date", "base", "quote", "rate", "source"),
    "macro.csv": ("date", "series_id", "value", "source", "known_at", "vintage"),
    "corporate_actions.csv": (
        "ex_date", "pay_date", "symbol", "action", "ratio", "amount", "currency", "source", "announced",
    ),
    "macro_series.csv": ("id", "title", "unit", "frequency", "source"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProviderRows:
    """The rows that one provider sent, in the columns of the folder's files.

    rows    by file
    whole   (symbol, action, first, last): between these ex-dates the rows are all there is, so an earlier row that the provider
            no longer sends is gone
    """

    source: str
    rows: Mapping[str, Sequence[Row]]
    whole: Sequence[tuple[str, str, str, str]] = ()


@dataclass(slots=True)
class RowCounts:
    """Rows of one file. `kept`: rows that were not taken, because another source has a row of the same key."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    kept: int = 0

    @property
    def differ(self) -> int:
        """How many rows are not as they were before."""
        return self.added + self.changed + self.gone


def write(before: Path, after: Path, provider_rows: ProviderRows) -> dict[str, RowCounts]:
    """Make the folder `after`, which must not exist, of `before` and the rows sent. Rows of other sources stay as they are."""
    after.mkdir(parents=True)
    touched = {name for name, rows in provider_rows.rows.items() if rows} | (
        {"corporate_actions.csv"} if provider_rows.whole else set()
    )
    for path in sorted(before.iterdir()):
        if path.is_file() and path.name.removesuffix(".gz") not in touched:
            shutil.copyfile(path, after / path.name)
    return {
        name: _write(before, after, name, provider_rows.rows.get(name, ()), provider_rows) for name in sorted(touched)
    }


def _write(before: Path, after: Path, name: str, rows: Sequence[Row], provider_rows: ProviderRows) -> RowCounts:
    existing = [path for path in (before / name, before / f"{name}.gz") if path.is_file()]
    path = existing[0] if existing else before / name
    header, *body = list(_cells(path)) if existing else [list(COLUMNS[name])]
    if name == "macro_series.csv" and "id" not in header:  # archive takes either name
        header = ["id" if column == "series_id" else column for column in header]
    header += [column for column in COLUMNS[name] if column not in header]
    key_at = [header.index(column) for column in KEYS[name]]
    source_at = header.index("source")
    quality_at = header.index("quality") if "quality" in header else None
    new = {tuple(row.get(header[at], "") for at in key_at): [row.get(column, "") for column in header] for row in rows}
    silent = {key[:2] for key in new} if name == "macro.csv" else set()
    counts, rows_after = RowCounts(), [header]
    for cells in body:
        cells += [""] * (len(header) - len(cells))
        key = tuple(cells[at] for at in key_at)
        is_own = cells[source_at] == provider_rows.source
        doubted = quality_at is not None and cells[quality_at] not in ("", "ok")
        if doubted:
            rows_after.append(cells)
        elif key in new and not is_own and provider_rows.source != MANUAL:
            counts.kept += 1
            del new[key]
            rows_after.append(cells)
        elif key in new:
            same = all(
                cells[header.index(column)] == dict(zip(header, new[key], strict=True))[column]
                for column in COLUMNS[name]
            )
            counts.unchanged += same
            counts.changed += not same
            rows_after.append(new.pop(key))
        elif is_own and (
            (key[:2] in silent and not key[2]) or (name == "corporate_actions.csv" and _is_gone(key, provider_rows))
        ):
            counts.gone += 1
        else:
            rows_after.append(cells)
    counts.added = len(new)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([*rows_after, *new.values()])
    data = text.getvalue().encode()
    (after / path.name).write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return counts


def _is_gone(key: tuple[str, ...], provider_rows: ProviderRows) -> bool:
    """ISO dates sort as text."""
    ex_date, symbol, action = key
    return any((symbol, action) == whole[:2] and whole[2] <= ex_date <= whole[3] for whole in provider_rows.whole)


def _cells(path: Path) -> list[list[str]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
