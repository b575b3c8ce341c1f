"""One file of a market data folder as columns of texts, and what can't be read of it."""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from config.counts import number_of
from config.errors import TieoutError
from pricing.archive.columns import REQUIRED

LISTED_FAULTS = 100
BLOCK_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class FolderFault:
    """One thing that can't be read. `line` counts from 1 (the header); 0 speaks of the whole file."""

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(filter(None, (place, self.column if self.line else "", self.reason)))


class ArchiveRefused(TieoutError):
    """Nothing of the folder was taken. `faults` lists the first hundred of what can't be read, `total` counts all."""

    def __init__(self, faults: Sequence[FolderFault]) -> None:
        self.faults, self.total = tuple(faults[:LISTED_FAULTS]), len(faults)
        more = f"\nand {self.total - LISTED_FAULTS} more" if self.total > LISTED_FAULTS else ""
        super().__init__("\n".join(map(str, self.faults)) + more)


def read_bytes(path: Path) -> bytes:
    """The bytes of a file. Raises ArchiveRefused where the system can't read it."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArchiveRefused([FolderFault(path.name, 0, "", f"can't be read: {error.strerror}")]) from error


class ColumnCells:
    """The cells of a file by column. A text that stands in a column a thousand times is stored once."""

    def __init__(self, width: int) -> None:
        self.columns: list[list[str]] = [[] for _ in range(width)]
        self.ragged: list[tuple[int, int]] = []  # (number of the row, from 1; its fields)
        self.rows = 0
        self._texts: list[dict[str, str]] = [{} for _ in range(width)]

    def take(self, block: Sequence[Sequence[str]]) -> None:
        width = len(self.columns)
        if set(map(len, block)) != {width}:
            self.ragged += [
                (number, len(row)) for number, row in enumerate(block, start=self.rows + 1) if len(row) != width
            ]
        self.rows += len(block)
        if not self.ragged:
            for column, texts, cells in zip(self.columns, self._texts, zip(*block, strict=True), strict=True):
                column.extend(map(texts.setdefault, cells, cells))


@dataclass(slots=True)
class Table:
    """One file's cells by column, with enough to say which line a row stood on."""

    file: str
    columns: Mapping[str, Sequence[str]]
    rows: int
    lines: Callable[[], list[int]]
    faults: list[FolderFault]
    _lines: list[int] = field(default_factory=list)

    @classmethod
    def from_file(cls, name: str, path: Path, faults: list[FolderFault]) -> "Table | None":
        def refuse(line: int, column: str, reason: str) -> None:
            faults.append(FolderFault(path.name, line, column, reason))

        data = read_bytes(path)
        try:
            data = gzip.decompress(data) if path.suffix == ".gz" else data
            data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            refuse(data.count(b"\n", 0, error.start) + 1, "", f"is not UTF-8 (byte {error.start})")
            return None
        except (OSError, EOFError, zlib.error):
            refuse(0, "", "is no complete gzip file")
            return None
        if b"\0" in data:
            refuse(data.count(b"\n", 0, data.index(b"\0")) + 1, "", "holds a NUL byte")
            return None

        def rows() -> Any:
            """Line by line: the file as one text of csv's takes four times its bytes."""
            return csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline=""), strict=True)

        reader = rows()
        filled = filter(None, reader)
        try:
            header: list[str] = next(filled, [])
            required_columns = REQUIRED[name]
            if name == "macro_series.csv" and "id" not in header:
                required_columns = ("series_id", *required_columns)
            missing = [column for column in required_columns if column not in header]
            twice = sorted({column for column in header if column and header.count(column) > 1})
            for column in missing:
                refuse(1, column, "column missing from the header")
            for column in twice:
                refuse(1, column, "column twice in the header")
            if missing or twice:
                return None
            cells = ColumnCells(len(header))
            while block := list(islice(filled, BLOCK_ROWS)):
                cells.take(block)
        except csv.Error as error:
            refuse(reader.line_num, "", f"is no CSV: {error}")
            return None

        def lines() -> list[int]:
            """Line numbers of header and rows, found only when there is something to report."""
            reader = rows()
            starts, begun = [], 1
            for row in reader:
                if row:
                    starts.append(begun)
                begun = reader.line_num + 1
            return starts

        if cells.ragged:
            at = lines()
            for number, fields in cells.ragged:
                refuse(at[number], "", f"has {number_of(fields, 'field')}, the header {len(header)}")
            return None
        return cls(path.name, dict(zip(header, cells.columns, strict=True)), cells.rows, lines, faults)

    def __getitem__(self, column: str) -> Sequence[str]:
        return self.columns[column]

    def optional(self, column: str, default: str = "") -> Sequence[str]:
        return self.columns.get(column) or (default,) * self.rows

    def refuse(self, row: int, column: str, reason: str) -> None:
        self._lines = self._lines or self.lines()
        self.faults.append(FolderFault(self.file, self._lines[row + 1], column, reason))

    def refuse_values(self, column: str, reasons: Mapping[str, str]) -> None:
        """Name each row whose cell is one of those that a check of the distinct values refused."""
        if reasons:
            for row, value in enumerate(self[column]):
                if value in reasons:
                    self.refuse(row, column, reasons[value])
