"""The formats, and which of them a file is in."""

from collections.abc import Mapping
from typing import Final

from . import beancount_text, ghostfolio_csv, ghostfolio_json, tieout_csv, wealthfolio_csv
from .rows import Format

FORMATS: Final[Mapping[str, Format]] = {
    module.CODE: module for module in (beancount_text, ghostfolio_json, tieout_csv, wealthfolio_csv, ghostfolio_csv)
}
"""By code, in the order in which they are asked whether a file is theirs."""


def recognise(name: str, content: bytes) -> Format | None:
    return next((each for each in FORMATS.values() if each.recognises(name, content)), None)
