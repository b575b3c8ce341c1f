"""Imports as they lie in a portfolio's ledger folder: `imports/<hash>.beancount` with the entries, `imports/<hash>.source` with
the file as it came, and one `include` in main.beancount. What there is to list, to compare and to undo is read from there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from config import plain_text
from config.errors import TieoutError
from portfolio.books.ledger_folder import MAIN
from portfolio.ledger.importing import beancount_text

FOLDER: Final = "imports"
_STORED = re.compile(r'^[ \t]+(id|import_digest):[ \t]*"([^"]*)"', re.MULTILINE)
_ID_LINE = re.compile(r"^[ \t]+id:[^\n]*\n?", re.MULTILINE)
_INCLUDED = re.compile(rf'^include "{FOLDER}/([0-9a-f]{{16}}(?:-[0-9]+)?)\.beancount"[ \t]*\n?', re.MULTILINE)
_HEADING = re.compile(r"^; (import of|format|sha256|rows) (.*)$", re.MULTILINE)


class ImportNotFound(TieoutError):
    """The portfolio's ledger includes no such import."""

    def __init__(self, name: str | None) -> None:
        super().__init__(f"there is no import {name}" if name else "nothing was imported, or all of it is undone")
        self.name = name


@dataclass(frozen=True, slots=True)
class StoredImport:
    """An import that the ledger includes."""

    import_id: str
    name: str
    format: str
    sha256: str
    rows: int


def stored_imports(files: Mapping[str, bytes]) -> Iterator[StoredImport]:
    """The imports that a ledger includes, in the order in which they came."""
    for import_id in _INCLUDED.findall(files.get(MAIN, b"").decode()):
        text = files.get(f"{FOLDER}/{import_id}.beancount", b"")[:4000].decode(errors="replace")
        heading = dict(_HEADING.findall(text.partition("\n\n")[0]))
        rows = heading.get("rows", "")
        yield StoredImport(
            import_id,
            heading.get("import of", ""),
            heading.get("format", ""),
            heading.get("sha256", ""),
            int(rows) if rows.isascii() and rows.isdigit() else 0,
        )


def include_of(import_id: str) -> bytes:
    """The line of the main file that includes an import."""
    return f'\ninclude "{FOLDER}/{import_id}.beancount"\n'.encode()


def without_include(main: bytes, import_id: str) -> bytes:
    """The main file without that line."""
    if (ours := include_of(import_id)) in main:
        return main.replace(ours, b"", 1)
    return re.sub(rb"(?m)^" + re.escape(ours.strip()) + rb"[ \t]*\n?", b"", main)  # somebody has moved it


def free_name(files: Mapping[str, bytes], sha256: str) -> str:
    """The id of a new import. The same file may have come before, with an entry of it taken out by hand since."""
    name, number = sha256[:16], 1
    while f"{FOLDER}/{name}.beancount" in files:
        number += 1
        name = f"{sha256[:16]}-{number}"
    return name


def entry_ids(texts: Sequence[str]) -> dict[str, str | None]:
    """Entry id -> digest of the row that an import made it of; None where a person wrote the entry."""
    digests: dict[str, str | None] = {}
    for text in texts:
        last = ""
        for key, value in _STORED.findall(text):
            if key == "id":
                last = value
                digests[last] = None
            elif last:
                digests[last] = value
    return digests


def entries_without_ids(texts: Sequence[str]) -> frozenset[str]:
    """The entries of a ledger without their ids, so that one that has none is not taken in twice."""
    entries = {without_id(block) for text in texts for _, block in beancount_text.directives(text)}
    return frozenset(entries - {""})


def without_id(text: str) -> str:
    return " ".join(_ID_LINE.sub("", text).split())


def printable(name: str) -> str:
    """A file's name as one printable line."""
    return plain_text.printable(name).strip()[:200] or "a file"
