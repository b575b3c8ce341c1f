"""Text from others as a file may hold it: no formula for a spreadsheet, no command for a terminal, no turned reading direction."""

import re
import unicodedata
from typing import Final

NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
"""A number as results write it. It stays one, its minus sign too."""

_LEADS: Final = frozenset("=+-@|%")
_SPACED: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNSEEN: Final = re.compile(r"[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
"""What turns the reading direction, or hides what follows it."""
_LONE: Final = re.compile(r"[\ud800-\udfff\ufffe\uffff]")
_AFTER_SEPARATOR: Final = re.compile(r"([,;|]\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def printable(text: str) -> str:
    """The text on one line, without control characters and marks that nobody sees; a lone surrogate becomes U+FFFD."""
    if text.isascii() and text.isprintable():
        return text
    return _LONE.sub("\ufffd", _UNSEEN.sub("", _SPACED.sub(" ", text)))


def cell(text: str) -> str:
    """The text as a cell of CSV: what a spreadsheet could take for a formula begins with an apostrophe.

    Looked at as a lenient reader would: full-width forms are the plain ones, and spaces and control characters before it count
    for nothing.
    """
    if text.isascii() and text.isprintable() and text[:1].isalnum():
        return text  # as nearly all are
    shown = printable(text)
    bare = unicodedata.normalize("NFKC", shown).lstrip()
    if (bare and bare[0] in _LEADS) or (text and text[0] in "\t\r\n\x00"):
        return f"'{shown}"
    return shown


def comment(text: str) -> str:
    """The text as a line before the header. A spreadsheet parts it at separators as any line: behind one, no formula begins."""
    return _AFTER_SEPARATOR.sub(r"\1'", printable(text).replace('"', "'"))


def is_number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None
