"""Text from others as a file may hold it: no formula for a spreadsheet, wherever it is parted."""

import re
import unicodedata
from typing import Final

from execution.figures import plain_text

NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
"""A number as results write it. It stays one, its minus sign too."""

_LEADS: Final = frozenset("=+-@|%")
_AFTER_SEPARATOR: Final = re.compile(r"([,;|]\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def cell(text: str) -> str:
    """The text as a cell of CSV: what a spreadsheet could take for a formula begins with an apostrophe.

    Looked at as a lenient reader would: full-width forms are the plain ones, and spaces and control characters before it count
    for nothing.
    """
    if text.isascii() and text.isprintable() and text[:1].isalnum():
        return text  # as nearly all are
    shown = plain_text.printable(text)
    bare = unicodedata.normalize("NFKC", shown).lstrip()
    if (bare and bare[0] in _LEADS) or (text and text[0] in "\t\r\n\x00"):
        return f"'{shown}"
    return shown


def comment(text: str) -> str:
    """The text as a line before the header. A spreadsheet parts it at separators as any line: behind one, no formula begins."""
    return _AFTER_SEPARATOR.sub(r"\1'", plain_text.printable(text).replace('"', "'"))


def is_number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None
