"""The formats, and which of them a file is in."""

import codecs
from collections.abc import Iterable, Mapping
from typing import Final

from . import beancount_text, cells, ghostfolio_csv, ghostfolio_json, near_names, tieout_csv, wealthfolio_csv
from .rows import Format, RowFinding

OFFERED: Final = ("CODE", "TITLE", "SUFFIX", "recognises", "read")
"""What `rows.Format` asks of the module of a format."""


class BadFormat(TypeError):
    """A module that can't be a format, with the rule that it breaks. Seen by its author, at import."""


def by_code(modules: Iterable[Format]) -> Mapping[str, Format]:
    """Code -> format, in their order. Raises BadFormat."""
    formats: dict[str, Format] = {}
    for module in modules:
        name = getattr(module, "__name__", repr(module))
        missing = [each for each in OFFERED if not hasattr(module, each)]
        if missing:
            raise BadFormat(f"{name} is no format: it lacks {', '.join(missing)}")
        if module.CODE in formats:
            raise BadFormat(f"{name} is no format of its own: another one has the code {module.CODE}")
        formats[module.CODE] = module
    return formats


FORMATS: Final = by_code((beancount_text, ghostfolio_json, tieout_csv, wealthfolio_csv, ghostfolio_csv))
"""Code -> format, in the order in which they are tried."""


def recognise(name: str, content: bytes) -> Format | None:
    """The format that a file looks like; a byte order mark is passed over here, and refused by the format."""
    look = content.removeprefix(codecs.BOM_UTF8)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        look = content[:4000].decode("utf-16", "replace").encode()
    return next((each for each in FORMATS.values() if each.recognises(name, look)), None)


def find_why_unknown(name: str, content: bytes) -> RowFinding:
    """Why no format recognises a file, as far as can be seen."""
    try:
        text = cells.decode(content)
    except cells.Undecodable as fault:
        return fault.finding
    reason, codes = "is in no format that is known", f"one of {', '.join(FORMATS)}"
    first = text.lstrip("\r\n").partition("\n")[0]
    for delimiter in "|:":
        if delimiter in first and recognise(name, first.replace(delimiter, ",").encode()):
            return RowFinding(
                1, "", f"has its cells parted by `{delimiter}`", "part them by commas, semicolons or tabs"
            )
    columns = [column for column in cells.header(content) if column]
    if len(columns) > 1:
        column_list = ", ".join(column[:40] for column in columns[:20])
        lacking = [name for name in tieout_csv.REQUIRED if name not in columns]
        near = [near_names.rename(name, columns, "") for name in lacking]
        hints = [*filter(None, near), f"our own needs {', '.join(tieout_csv.REQUIRED)}", codes]
        return RowFinding(1, "", f"{reason}: its columns are {column_list}", "; ".join(hints))
    return RowFinding(0, "", reason, codes)
