"""The columns of a file as dates, numbers and codes. A value that stands a thousand times is judged once.

What can't be read is added to the faults of the table; the column comes back all the same, so that every fault is found.
"""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import filterfalse
from typing import Any

import numpy as np
import numpy.typing as npt

from config import plain_text
from config.dates import parse
from pricing import fx
from pricing.archive.columns import LONGEST, NAMES
from pricing.archive.contents import EARLIEST, Codes, Dates, Texts
from pricing.archive.tables import Table

_NUMBER = re.compile(r"[+-]?\d{1,24}(?:\.\d{1,24})?", re.ASCII)
_ABOVE_ZERO = re.compile(r"(?=[0.]*[1-9])\d{1,24}(?:\.\d{1,24})?", re.ASCII)
_EPOCH = date(1970, 1, 1).toordinal()


def dates(table: Table, column: str, today: date | None) -> Dates:
    days = {text: date_or_fault(text, today) for text in set(table[column])}
    table.refuse_values(column, {text: day for text, day in days.items() if isinstance(day, str)})
    # What is no date gets a day of its own before all others, so that it is not reported as a duplicate as well.
    read = {
        text: (1 + extra if isinstance(day, str) else day.toordinal()) - _EPOCH
        for extra, (text, day) in enumerate(days.items())
    }
    return np.array([read[text] for text in table[column]], dtype=np.int64).view("datetime64[D]")


def optional_dates(table: Table, column: str, today: date | None) -> dict[str, date]:
    if column not in table.columns:
        return {}
    days = {text: date_or_fault(text, today) for text in set(table[column]) - {""}}
    table.refuse_values(column, {text: day for text, day in days.items() if isinstance(day, str)})
    return {text: day for text, day in days.items() if not isinstance(day, str)}


def numbers(table: Table, column: str, *, positive: bool) -> Texts:
    # Most are plain numbers: only what one expression does not take is looked at closer.
    doubtful = filterfalse((_ABOVE_ZERO if positive else _NUMBER).fullmatch, set(table[column]))
    faults = {text: reason for text in doubtful if (reason := number_fault(text, positive=positive))}
    table.refuse_values(column, faults)
    if faults:
        return np.array(["" if text in faults else text for text in table[column]], dtype=np.bytes_)
    return np.array(table[column], dtype=np.bytes_)


def optional_numbers(table: Table, column: str) -> dict[str, Decimal]:
    """By text, the numbers above zero of a column that may be missing or have empty cells."""
    texts = set(table.optional(column)) - {""}
    faults = {text: reason for text in texts if (reason := number_fault(text, positive=True))}
    if faults:
        table.refuse_values(column, faults)
    return {text: Decimal(text) for text in texts - faults.keys()}


def codes(table: Table, column: str, code_of: dict[str, int]) -> Codes:
    require_filled(table, column)
    for text in dict.fromkeys(table[column]):
        code_of.setdefault(text, len(code_of))
    return np.array([code_of[text] for text in table[column]], dtype=np.int32)


def require_filled(table: Table, column: str) -> None:
    blank = {text: "is empty" for text in set(table[column]) if not text.strip()}
    padded = {
        text: f"{text!r} has space around it" for text in set(table[column]) if text.strip() and text != text.strip()
    }
    table.refuse_values(column, blank | padded)
    require_fitting(table, column)


def require_fitting(table: Table, column: str) -> None:
    most = LONGEST[column]
    long = {text for text in set(table.optional(column)) if len(text) > most}
    table.refuse_values(column, dict.fromkeys(long, f"is longer than {most} characters"))
    if column in NAMES:
        hidden = {text: reason for text in set(table.optional(column)) if (reason := plain_text.find_hidden(text))}
        table.refuse_values(column, hidden)


def require_once(table: Table, column: str) -> None:
    codes = {text: code for code, text in enumerate(dict.fromkeys(table[column]))}
    require_once_by(table, column, (column,), np.array([codes[text] for text in table[column]], dtype=np.int64))


def require_once_by(table: Table, column: str, names: tuple[str, ...], *keys: npt.NDArray[Any]) -> None:
    """Name each row that repeats the key of an earlier one."""
    order = np.lexsort(keys)
    same = np.ones(max(len(order) - 1, 0), dtype=bool)
    for key in keys:
        same &= key[order][1:] == key[order][:-1]
    for row in sorted(order[1:][same].tolist()):
        cells = " ".join(cell for name in names if name in table.columns and (cell := table[name][row]))
        table.refuse(row, column, f"duplicate row: {cells}")


def date_or_fault(text: str, today: date | None) -> date | str:
    """The date, or the reason why it is none. `today` None: the future is allowed (an announced pay date)."""
    if not text:
        return "is empty"
    try:
        day = parse(text)
    except ValueError as fault:
        return str(fault)
    if day < EARLIEST:
        return f"{text} lies before {EARLIEST}"
    if today is not None and day > today:
        return f"{text} lies in the future"
    return day


def number_fault(text: str, *, positive: bool) -> str:
    """Why `text` is no number here; empty when it is one."""
    if not _NUMBER.fullmatch(text):
        if "," in text:
            return f"{text!r} holds a comma: decimals have '.', thousands nothing"
        if text.strip().lower().lstrip("+-") in ("nan", "inf", "infinity"):
            return f"{text!r} is not finite"
        return f"{text!r} is no plain decimal number" if text else "is empty"
    if positive and (text.startswith("-") or not text.strip("+0.")):
        return f"{text} is not above zero"
    return ""


def unknown_units(units: Iterable[str]) -> dict[str, str]:
    valid_units = fx.CURRENCIES | fx.MINOR_UNITS.keys()
    return {unit: f"unknown currency {unit!r}" if unit else "is empty" for unit in set(units) - valid_units}
