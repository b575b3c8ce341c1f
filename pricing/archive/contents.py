"""A market data folder as typed values. Pure; no files, no Django."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Dates = npt.NDArray[np.datetime64]
Codes = npt.NDArray[np.int32]
Texts = npt.NDArray[np.bytes_]
Floats = npt.NDArray[np.float64]

EARLIEST = date(1800, 1, 1)
"""No date may lie before it; since when a security is listed whose folder does not say it."""


@dataclass(frozen=True, slots=True)
class SecurityRow:
    symbol: str
    name: str
    currency: str
    price_unit: str
    kind: str
    exchange: str
    price_basis: str
    first_date: date
    last_date: date | None
    source: str
    quote_unit: str = ""
    multiplier: Decimal = Decimal(1)
    expiry: date | None = None
    maturity: date | None = None


@dataclass(frozen=True, slots=True)
class SeriesRow:
    id: str
    title: str
    unit: str
    frequency: str
    source: str


@dataclass(frozen=True, slots=True)
class ActionRow:
    """Ratio: new shares per old. Amount: per share, in `currency`. A delisting has neither; its ex-date is the first day
    without a listing."""

    symbol: str
    action: str
    ex_date: date
    ratio: Decimal | None
    amount: Decimal | None
    currency: str
    pay_date: date | None
    announced: date | None
    source: str
    quality: str = "ok"


@dataclass(frozen=True, slots=True)
class SourceTerms:
    """One row of sources.csv; `columns` is all of it, for whoever keeps the rights."""

    source: str
    attribution: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Closes:
    """R closes by (security, date). `close` is the exact decimal text, in the trading currency."""

    security: Codes  # (R,) index into ArchiveReading.securities
    date: Dates  # (R,)
    close: Texts  # (R,)
    source: Codes  # (R,) index into ArchiveReading.source_names

    @cached_property
    def number(self) -> Floats:
        """(R,) of `close`; read once for all builds of a folder."""
        return as_numbers(self.close)


@dataclass(frozen=True)
class Rates:
    """R published rates by (pair, date)."""

    pairs: tuple[tuple[str, str], ...]
    pair: Codes
    date: Dates
    rate: Texts
    source: Codes

    @cached_property
    def number(self) -> Floats:
        """(R,) of `rate`."""
        return as_numbers(self.rate)


@dataclass(frozen=True, slots=True)
class Observations:
    """R observations by (series, date, known_at). `known_at` is NaT where the source does not say."""

    series: Codes
    date: Dates
    value: Texts
    known_at: Dates
    vintage: tuple[str, ...]
    source: Codes


def _no_closes() -> Closes:
    days, codes = np.empty(0, "datetime64[D]"), np.empty(0, np.int32)
    return Closes(codes, days, np.empty(0, "S1"), codes)


def _no_rates() -> Rates:
    days, codes = np.empty(0, "datetime64[D]"), np.empty(0, np.int32)
    return Rates((), codes, days, np.empty(0, "S1"), codes)


@dataclass(frozen=True, eq=False)
class ArchiveReading:
    """A whole folder, typed. Arrays are not writeable.

    Of a day with several sources `closes` holds the row of the security's own source (else of the first in the file), and
    `rates` that of the source which comes first in the file; `other_closes` and `other_rates` hold the rest, by the same
    codes. `quarantined` are the actions whose source itself doubts them.
    """

    path: str
    digest: str
    archive_end: date
    """The last date with a close or a rate."""
    securities: tuple[SecurityRow, ...]
    series: tuple[SeriesRow, ...]
    source_names: tuple[str, ...]
    closes: Closes
    rates: Rates
    observations: Observations
    actions: tuple[ActionRow, ...]
    quarantined: tuple[ActionRow, ...]
    sources: tuple[SourceTerms, ...]
    other_closes: Closes = field(default_factory=_no_closes)
    other_rates: Rates = field(default_factory=_no_rates)

    @cached_property
    def code_of(self) -> Mapping[str, int]:
        """By symbol, its index into `securities`."""
        return {row.symbol: code for code, row in enumerate(self.securities)}

    @cached_property
    def listing_days(self) -> tuple[Dates, Dates]:
        """(N,) the first and the last day of each security."""
        return (
            frozen(np.array([row.first_date for row in self.securities], "datetime64[D]")),
            frozen(np.array([row.last_date or date.max for row in self.securities], "datetime64[D]")),
        )


def as_numbers(texts: Texts) -> Floats:
    """Floats of decimal texts; NaN for what is none, infinite for what is too large. Not writeable."""
    try:
        numbers = texts.astype(np.float64)
    except ValueError:
        numbers = np.array([_as_number(text.decode(errors="replace")) for text in texts.tolist()], dtype=np.float64)
    return frozen(numbers)


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array itself, no longer writeable."""
    array.flags.writeable = False
    return array
