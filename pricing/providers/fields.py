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

    def __init__(self, field: str, sent: object, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.sent, self.rule = field, sent, rule


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
    sent = row.get(field)
    if isinstance(sent, OutOfRange):
        raise BadField(field, sent.digits, "is beyond every range")
    if not isinstance(sent, Decimal):
        raise BadField(field, sent, "is missing" if sent is None else "is not a number")
    if positive and sent <= 0:
        raise BadField(field, sent, "is not above zero")
    return sent


def maybe_number(row: Mapping[str, Any], field: str) -> Decimal | None:
    """The JSON number in a field, None where it is missing or null."""
    return None if row.get(field) is None else number(row, field)


def quotient(row: Mapping[str, Any], above: str, below: str) -> Decimal:
    """One field divided by another, both above zero, to 34 digits."""
    return fx.UNROUNDED.divide(number(row, above, positive=True), number(row, below, positive=True))


def number_text(row: Mapping[str, Any], field: str, *, positive: bool = False) -> Decimal:
    """The plain decimal number that is sent as a text."""
    sent = row.get(field)
    if not isinstance(sent, str) or not _PLAIN.fullmatch(sent):
        raise BadField(field, sent, "is missing" if sent is None else "is no plain decimal number")
    if positive and Decimal(sent) <= 0:
        raise BadField(field, sent, "is not above zero")
    return Decimal(sent)


def text(row: Mapping[str, Any], field: str, *, longest: int = 400) -> str:
    """The text in a field without blanks around it."""
    sent = maybe_text(row, field, longest=longest)
    if sent is None:
        raise BadField(field, row.get(field), "is missing")
    return sent


def maybe_text(row: Mapping[str, Any], field: str, *, longest: int = 400) -> str | None:
    """The text in a field without blanks around it, None where it is missing, null or blank."""
    sent = row.get(field)
    if sent is None:
        return None
    if not isinstance(sent, str):
        raise BadField(field, sent, "is no text")
    if _UNPRINTABLE.search(sent):
        raise BadField(field, sent, "holds characters that can't be printed")
    if len(sent) > longest:
        raise BadField(field, sent, f"is longer than {longest} characters")
    return sent.strip() or None


def same(row: Mapping[str, Any], field: str, expected: str) -> str:
    """`expected`, where the field holds it."""
    if row.get(field) != expected:
        raise BadField(field, row.get(field), f"is not {expected}")
    return expected


def day(row: Mapping[str, Any], field: str, *, latest: date | None = None) -> date:
    """The ISO date in a field, from 1600 to `latest`."""
    sent = row.get(field)
    if not isinstance(sent, str) or not dates.ISO_DATE.fullmatch(sent):
        raise BadField(field, sent, "is missing" if sent is None else "is no date")
    try:
        value = dates.parse(sent)
    except ValueError:
        raise BadField(field, sent, "is no date of the calendar") from None
    return _within(value, field, sent, latest)


def maybe_day(row: Mapping[str, Any], field: str) -> date | None:
    """The ISO date in a field, None where it is missing, null or empty."""
    return None if row.get(field) in (None, "") else day(row, field)


def instant(row: Mapping[str, Any], field: str, *, latest: datetime | None = None) -> datetime:
    """The ISO instant with an offset in a field, in UTC."""
    sent = row.get(field)
    try:
        value = datetime.fromisoformat(sent) if isinstance(sent, str) else None
    except ValueError:
        value = None
    if value is None or value.tzinfo is None:
        raise BadField(field, sent, "is missing" if sent is None else "is no instant")
    return _not_after(value.astimezone(UTC), field, sent, latest)


def epoch(row: Mapping[str, Any], field: str, *, unit: timedelta, latest: datetime | None = None) -> datetime:
    """The instant that a field counts from 1970 in whole units, in UTC whatever the time zone of the machine."""
    sent = number(row, field)
    try:
        value = _EPOCH + int(sent) * unit
    except OverflowError:
        raise BadField(field, sent, "is no instant") from None
    if sent != int(sent):
        raise BadField(field, sent, "is no instant")
    return _not_after(value, field, sent, latest)


def _not_after(value: datetime, field: str, sent: object, latest: datetime | None) -> datetime:
    if latest is not None and value > latest:
        raise BadField(field, sent, "lies in the future")
    return value


def _within(value: date, field: str, sent: object, latest: date | None) -> date:
    if value < _EARLIEST:
        raise BadField(field, sent, f"lies before {_EARLIEST}")
    if latest is not None and value > latest:
        raise BadField(field, sent, "lies in the future")
    return value


# --- rows


class Sieve(Generic[Row]):
    """Takes the rows of one answer. The same row twice is taken once; two that contradict each other are both refused.

    symbol, day  the fields that a refused row is named by; `about` is its symbol where the rows don't say
    """

    def __init__(self, source: str, kind: str, *, day: str = "", symbol: str = "", about: str = "") -> None:
        self.source, self.kind, self.day, self.symbol, self.about = source, kind, day, symbol, about
        self._taken: dict[Hashable, tuple[Row, Mapping[str, Any]]] = {}
        self._clashing: set[Hashable] = set()
        self._refused: list[UnusableRow] = []

    def take(
        self, rows: Iterable[Any], read: Callable[[Mapping[str, Any]], Row], *, key: Callable[[Row], Hashable]
    ) -> None:
        """Read each row; of two unequal ones with one key nobody can say which is right, so both are refused."""
        for sent in rows:
            try:
                if not isinstance(sent, Mapping):
                    raise BadField("row", sent, "is no object")
                row = read(sent)
            except BadField as bad:
                self._refuse(sent, bad)
            else:
                self._keep(sent, row, key(row))

    def answer(self, *, requested: Iterable[str] = (), name_of: Callable[[Row], str] | None = None) -> Answer[Row]:
        """What was taken. `absent` are the names in `requested` that no row has by `name_of`."""
        rows = tuple(row for row, _ in self._taken.values())
        answered = {name_of(row) for row in rows} if name_of else set()
        return Answer(
            self.source, rows, tuple(self._refused), tuple(name for name in requested if name not in answered)
        )

    def _keep(self, sent: Mapping[str, Any], row: Row, key: Hashable) -> None:
        before = self._taken.get(key)
        if key in self._clashing:
            self._refuse(sent, BadField("row", "", "contradicts another row for the same"))
        elif before is None:
            self._taken[key] = row, sent
        elif before[0] == row:
            self._refuse(sent, BadField("row", "", "was sent twice and is taken once"))
        else:
            self._clashing.add(key)
            del self._taken[key]
            for clashing in (before[1], sent):
                self._refuse(clashing, BadField("row", "", "contradicts another row for the same"))

    def _refuse(self, sent: Any, bad: BadField) -> None:
        row = sent if isinstance(sent, Mapping) else {}
        value = row if bad.field == "row" and row else bad.sent
        self._refused.append(
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


def _printable(sent: Any) -> str:
    """The value, cut, on one line, without anything that a terminal or a log would obey."""
    if sent is None:
        return ""
    if isinstance(sent, Mapping):
        return ", ".join(f"{_printable(name)} {_printable(value)}" for name, value in list(sent.items())[:8])[:200]
    digits = sent.digits if isinstance(sent, OutOfRange) else str(sent)
    return ascii(digits[:_SHOWN_CHARACTERS])[1:-1]
