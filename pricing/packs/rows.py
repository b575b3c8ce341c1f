"""The rows of a pack, one value class a kind, and the canonical line of each. Pure; no Django.

A line is written here and nowhere else: what is sealed and what is verified are lines of the same functions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Any

from pricing import fx
from pricing.fx import Leg
from pricing.packs import fingerprint

WITHDRAWN = "withdrawn"
"""The flag of an observation or an action that says: what earlier packs said of this key is no longer so."""


def series_source(source: str, series: str) -> str:
    """What a figure of a series rests on, as rights know it: who hosts it may not be who owns it."""
    return f"{source}/{series}"


@dataclass(frozen=True, slots=True)
class Close:
    """A raw close in the trading currency and the day it was observed; the flags say how stale it is, and whether it is carried."""

    security_id: int
    symbol: str
    close: Decimal
    currency: str
    observed_date: date
    source: str
    price_basis: str
    flags: str
    factor: Decimal = Decimal(1)

    @property
    def unit_value(self) -> Decimal:
        """The trading currency for one unit held: of a bond for one of nominal, of a contract for one contract."""
        return self.close if self.factor == 1 else fx.UNROUNDED.multiply(self.close, self.factor)


@dataclass(frozen=True, slots=True)
class KnownObservation:
    """A figure of a series, and the day on which it was known to the public."""

    series: str
    observation_date: date
    value: Decimal
    known_at: date
    vintage: str
    source: str
    flags: str

    @property
    def key(self) -> tuple[str, date]:
        return self.series, self.observation_date

    @property
    def series_source(self) -> str:
        return series_source(self.source, self.series)

    @property
    def is_withdrawal(self) -> bool:
        return self.flags == WITHDRAWN


@dataclass(frozen=True, slots=True)
class KnownAction:
    """A corporate action. It is known when it is announced, at the latest at its ex-date."""

    symbol: str
    action: str
    ex_date: date
    ratio: Decimal | None
    amount: Decimal | None
    currency: str
    pay_date: date | None
    announced: date | None
    source: str
    flags: str = ""

    @property
    def key(self) -> tuple[str, date, str]:
        return self.symbol, self.ex_date, self.action

    @property
    def known_at(self) -> date:
        return self.announced or self.ex_date

    @property
    def is_withdrawal(self) -> bool:
        return self.flags == WITHDRAWN


@dataclass(frozen=True, slots=True)
class PackRows:
    """All rows of one pack."""

    closes: list[Close] = field(default_factory=list)
    rates: list[Leg] = field(default_factory=list)
    observations: list[KnownObservation] = field(default_factory=list)
    actions: list[KnownAction] = field(default_factory=list)

    def lines(self, units: Mapping[str, str]) -> list[str]:
        """The canonical lines. `units` are those of the series, by id."""
        return [
            *map(price_line, self.closes),
            *map(rate_line, self.rates),
            *(observation_line(row, units[row.series]) for row in self.observations),
            *map(action_line, self.actions),
        ]


def field_names(row: type[Any]) -> tuple[str, ...]:
    """The fields of a row class, in the order of its constructor."""
    return tuple(each.name for each in fields(row))


def price_line(close: Close) -> str:
    unit = close.currency if close.factor == 1 else f"{close.currency}*{fingerprint.plain(close.factor)}"
    return fingerprint.line(
        "price",
        close.symbol,
        close.observed_date,
        value=close.close,
        unit=unit,
        source=close.source,
        price_basis=close.price_basis,
        flags=close.flags,
    )


def rate_line(leg: Leg) -> str:
    """Raises ValueError for a leg without the instant of its fixing: no pack holds one."""
    if leg.fix_at is None:
        raise ValueError(f"the rate {leg.base}/{leg.quote} has no instant of fixing")
    return fingerprint.line(
        "rate",
        f"{leg.base}/{leg.quote}",
        leg.observed_date,
        value=leg.rate,
        unit=leg.quote,
        source=leg.source,
        fix_at=fingerprint.instant(leg.fix_at),
        flags=leg.flags,
    )


def observation_line(row: KnownObservation, unit: str) -> str:
    return fingerprint.line(
        "observation",
        row.series,
        row.observation_date,
        value=row.value,
        unit=unit,
        source=row.source,
        fix_at=row.known_at.isoformat(),
        vintage=row.vintage,
        flags=row.flags,
    )


def action_line(row: KnownAction) -> str:
    numbers = ("" if number is None else fingerprint.plain(number) for number in (row.ratio, row.amount))
    dates = ("" if day is None else day.isoformat() for day in (row.pay_date, row.announced))
    return fingerprint.line(
        "action",
        f"{row.symbol}/{row.action}",
        row.ex_date,
        unit=row.currency,
        source=row.source,
        flags=row.flags,
        more=(*numbers, *dates),
    )


def join_flags(flags: Iterable[str]) -> str:
    """The flags of a row as one text, without the empty ones."""
    return ",".join(filter(None, flags))
