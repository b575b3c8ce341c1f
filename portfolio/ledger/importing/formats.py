"""The formats, and which of them a file is in."""

import codecs
from collections.abc import Mapping
from typing import Final

from . import beancount_text, ghostfolio_csv, ghostfolio_json, tieout_csv, wealthfolio_csv
from .rows import Format

FORMATS: Final[Mapping[str, Format]] = {
    module.CODE: module for module in (beancount_text, ghostfolio_json, tieout_csv, wealthfolio_csv, ghostfolio_csv)
}
"""By code, in the order in which they are asked whether a file is theirs."""


def recognise(name: str, content: bytes) -> Format | None:
    """By the look of what follows a byte order mark, which the format then refuses."""
    look = content.removeprefix(codecs.BOM_UTF8)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        look = content[:4000].decode("utf-16", "replace").encode()
    return next((each for each in FORMATS.values() if each.recognises(name, look)), None)
