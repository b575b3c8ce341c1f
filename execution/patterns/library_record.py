"""The record of what the library has published: a version on it never has another document."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from config.errors import TieoutError
from execution.patterns.document import ParsedPattern
from execution.patterns.document_text import order_of

RECORD = Path(__file__).parents[1] / "library" / "published.csv"
"""A line for each version: the pattern, the version, SHA-256 of the document's RFC 8785 form."""

Published = Mapping[tuple[str, str], str]
"""Pattern and version -> hash of the document."""


class RecordBroken(TieoutError):
    """A line of the record can't be read, or speaks of a version for the second time."""


def read(text: str) -> Published:
    """Raises RecordBroken."""
    published: dict[tuple[str, str], str] = {}
    for number, row in enumerate(csv.reader(io.StringIO(text)), start=1):
        if len(row) != 3:
            raise RecordBroken(f"{RECORD.name}, line {number} is not pattern, version and hash")
        pattern_id, version, document_hash = row
        if (pattern_id, version) in published:
            raise RecordBroken(
                f"{RECORD.name}, line {number}: {pattern_id} {version} is there twice: two changes took one number"
            )
        published[pattern_id, version] = document_hash
    return published


def find_fault(pattern: ParsedPattern, published: Published) -> str | None:
    """Why a document of the library is not what the record says; None where it is."""
    versions = [version for pattern_id, version in published if pattern_id == pattern.id]
    highest = max(versions, key=order_of, default=None)
    recorded = published.get((pattern.id, pattern.version))
    if highest is not None and order_of(pattern.version) < order_of(highest):
        return f"{highest} is published already: raise the version above it"
    if recorded is None:
        return f"is not on record: add the line {pattern.id},{pattern.version},{pattern.document_hash} to {RECORD.name}"
    if recorded != pattern.document_hash:
        return f"{pattern.version} is published with another document: raise the version"
    return None
