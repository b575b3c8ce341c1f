"""What a provider sent, read strictly: exact decimals, typed fields, refused rows by name. Pure."""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar

from config import dates
from config.strict_json import OutOfRange
from pricing import fx

Row = TypeVar("Row")

_EARLIEST = date(1600, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN_CHARACTERS = 60
_PLAIN = re.compile(r"[+-]?\d{1,24}(?:\.\d{1,24})?", re.ASCII)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class BadField(ValueError):
    """A field can't be used: its name, what was sent, the rule it breaks."""

    def __init__(self, field: str, raw: object, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.raw, self.rule = field, raw, rule


@dataclass(frozen=True, slots=True)
class UnusableRow:
    """A row that was sent and may not be used. `day` and `value` as they were sent, cut and made printable."""

    source: str
    kind: str
    symbol: str
    day: str
    field: str
    value: str
    rule: str

    def __str__(self) -> str:
        return (
            f"{self.source}: {self.kind} of {self.symbol} on {self.day or '?'}: {self.field} {self.value}: {self.rule}"
        )


@dataclass(frozen=True, slots=True)
class Answer(Generic[Row]):
    """The rows that can be used, in the order sent, and by name those that can't. Neither is ever made up."""

    source: str
    rows: tuple[Row, ...]
    refused: tuple[UnusableRow, ...] = ()
    absent: tuple[str, ...] = ()
    """Names that were requested and not answered."""


# --- fields; each raises BadField


def number(row: Mapping[str, Any], field: str, *, positive: bool = False) -> Decimal:
    """The JSON number in a field."""
    raw = row.get(field)
    if isinstance(raw, OutOfRange):
        raise BadField(field, raw.digits, "is beyond every range")
    if not isinstance(raw, Decimal):
        raise BadField(field, raw, "is missing" if raw is None else "is not a number")
    if positive and raw <= 0:
        raise BadField(field, raw, "is not above zero")
    return raw


def maybe_number(row: Mapping[str, Any], field: str) -> Decimal | None:
    """The JSON number in a field, None where it is missing or null."""
    return None if row.get(field) is None else number(row, field)


def quotient(row: Mapping[str, Any], above: str, below: str) -> Decimal:
    """One field divided by another, both above zero, to 34 digits."""
    return fx.UNROUNDED.divide(number(row, above, positive=True), number(row, below, positive=True))


def number_text(row: Mapping[str, Any], field: str, *, positive: bool = False) -> Decimal:
    """The plain decimal number that is sent as a text."""
    raw = row.get(field)
    if not isinstance(raw, str) or not _PLAIN.fullmatch(raw):
        raise BadField(field, raw, "is missing" if raw is None else "is no plain decimal number")
    if positive and Decimal(raw) <= 0:
        raise BadField(field, raw, "is not above zero")
    return Decimal(raw)


def text(row: Mapping[str, Any], field: str, *, longest: int = 400) -> str:
    """The text in a field without blanks around it."""
    raw = maybe_text(row, field, longest=longest)
    if raw is None:
        raise BadField(field, row.get(field), "is missing")
    return raw


def maybe_text(row: Mapping[str, Any], field: str, *, longest: int = 400) -> str | None:
    """The text in a field without blanks around it, None where it is missing, null or blank."""
    raw = row.get(field)
    if raw is None:
        return None
    if not isinstance(raw, str):
        raise BadField(field, raw, "is no text")
    if _UNPRINTABLE.search(raw):
        raise BadField(field, raw, "holds characters that can't be printed")
    if len(raw) > longest:
        raise BadField(field, raw, f"is longer than {longest} characters")
    return raw.strip() or None


def same(row: Mapping[str, Any], field: str, expected: str) -> str:
    """`expected`, where the field holds it."""
    if row.get(field) != expected:
        raise BadField(field, row.get(field), f"is not {expected}")
    return expected


def day(row: Mapping[str, Any], field: str, *, latest: date | None = None) -> date:
    """The ISO date in a field, from 1600 to `latest`."""
    raw = row.get(field)
    if not isinstance(raw, str) or not dates.ISO_DATE.fullmatch(raw):
        raise BadField(field, raw, "is missing" if raw is None else "is no date")
    try:
        value = dates.parse(raw)
    except ValueError:
        raise BadField(field, raw, "is no date of the calendar") from None
    return _within(value, field, raw, latest)


def maybe_day(row: Mapping[str, Any], field: str) -> date | None:
    """The ISO date in a field, None where it is missing, null or empty."""
    return None if row.get(field) in (None, "") else day(row, field)


def instant(row: Mapping[str, Any], field: str, *, latest: datetime | None = None) -> datetime:
    """The ISO instant with an offset in a field, in UTC."""
    raw = row.get(field)
    try:
        value = datetime.fromisoformat(raw) if isinstance(raw, str) else None
    except ValueError:
        value = None
    if value is None or value.tzinfo is None:
        raise BadField(field, raw, "is missing" if raw is None else "is no instant")
    return _not_after(value.astimezone(UTC), field, raw, latest)


def epoch(row: Mapping[str, Any], field: str, *, unit: timedelta, latest: datetime | None = None) -> datetime:
    """The instant that a field counts from 1970 in whole units, in UTC whatever the time zone of the machine."""
    raw = number(row, field)
    try:
        value = _EPOCH + int(raw) * unit
    except OverflowError:
        raise BadField(field, raw, "is no instant") from None
    if raw != int(raw):
        raise BadField(field, raw, "is no instant")
    return _not_after(value, field, raw, latest)


def _not_after(value: datetime, field: str, raw: object, latest: datetime | None) -> datetime:
    if latest is not None and value > latest:
        raise BadField(field, raw, "lies in the future")
    return value


def _within(value: date, field: str, raw: object, latest: date | None) -> date:
    if value < _EARLIEST:
        raise BadField(field, raw, f"lies before {_EARLIEST}")
    if latest is not None and value > latest:
        raise BadField(field, raw, "lies in the future")
    return value


# --- rows


class Sieve(Generic[Row]):
    """Takes the rows of one answer. The same row twice is taken once; two that contradict each other are both refused.

    symbol, day  the fields that a refused row is named by; `about` is its symbol where the rows don't say
    """

    def __init__(self, source: str, kind: str, *, day: str = "", symbol: str = "", about: str = "") -> None:
        self.source, self.kind, self.day, self.symbol, self.about = source, kind, day, symbol, about
        self._row_of_key: dict[Hashable, tuple[Row, Mapping[str, Any]]] = {}
        self._clashing: set[Hashable] = set()
        self._unusable_rows: list[UnusableRow] = []

    def take(
        self, rows: Iterable[Any], read: Callable[[Mapping[str, Any]], Row], *, key: Callable[[Row], Hashable]
    ) -> None:
        """Read each row; of two unequal ones with one key nobody can say which is right, so both are refused."""
        for raw in rows:
            try:
                if not isinstance(raw, Mapping):
                    raise BadField("row", raw, "is no object")
                row = read(raw)
            except BadField as bad:
                self._refuse(raw, bad)
            else:
                self._keep(raw, row, key(row))

    def answer(self, *, requested: Iterable[str] = (), name_of: Callable[[Row], str] | None = None) -> Answer[Row]:
        """What was taken. `absent` are the names in `requested` that no row has by `name_of`."""
        rows = tuple(row for row, _ in self._row_of_key.values())
        names = {name_of(row) for row in rows} if name_of else set()
        return Answer(
            self.source, rows, tuple(self._unusable_rows), tuple(name for name in requested if name not in names)
        )

    def _keep(self, raw: Mapping[str, Any], row: Row, key: Hashable) -> None:
        before = self._row_of_key.get(key)
        if key in self._clashing:
            self._refuse(raw, BadField("row", "", "contradicts another row for the same"))
        elif before is None:
            self._row_of_key[key] = row, raw
        elif before[0] == row:
            self._refuse(raw, BadField("row", "", "was sent twice and is taken once"))
        else:
            self._clashing.add(key)
            del self._row_of_key[key]
            for clashing in (before[1], raw):
                self._refuse(clashing, BadField("row", "", "contradicts another row for the same"))

    def _refuse(self, raw: Any, bad: BadField) -> None:
        row = raw if isinstance(raw, Mapping) else {}
        value = row if bad.field == "row" and row else bad.raw
        self._unusable_rows.append(
            UnusableRow(
                self.source,
                self.kind,
                self.about or _printable(row.get(self.symbol)),
                _printable(row.get(self.day)),
                bad.field,
                _printable(value),
                bad.rule,
            )
        )


def _printable(raw: Any) -> str:
    """The value, cut, on one line, without anything that a terminal or a log would obey."""
    if raw is None:
        return ""
    if isinstance(raw, Mapping):
        return ", ".join(f"{_printable(name)} {_printable(value)}" for name, value in list(raw.items())[:8])[:200]
    digits = raw.digits if isinstance(raw, OutOfRange) else str(raw)
    return ascii(digits[:_SHOWN_CHARACTERS])[1:-1]
