"""Text from others as a file may hold it: no formula for a spreadsheet, wherever it is parted."""

import re
from typing import Final

from config import plain_text
from portfolio.ledger.importing.tieout_csv import is_formula

NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
"""A number as results write it. It stays one, its minus sign too."""

BEFORE_FORMULAS: Final = ("\t", "\r", "\n", "\x00")
"""What spreadsheets were seen to skip at the begin of a cell."""
_AFTER_SEPARATOR: Final = re.compile(r"([,;|]\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def cell(text: str) -> str:
    """The text as a cell of CSV: what a spreadsheet could take for a formula begins with an apostrophe, which our own import takes
    away again."""
    if text.isascii() and text.isprintable() and text[:1].isalnum():
        return text  # as nearly all are
    printable = plain_text.printable(text)
    return f"'{printable}" if is_formula(printable) or text[:1] in BEFORE_FORMULAS else printable


def comment(text: str) -> str:
    """The text as a line before the header. A spreadsheet parts it at separators as any line: behind one, no formula begins."""
    return _AFTER_SEPARATOR.sub(r"\1'", plain_text.printable(text).replace('"', "'"))


def is_number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None
