"""What a provider sent, read strictly: exact decimals, typed fields, refused rows by name. Pure."""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar

from config.strict_json import OutOfRange
from pricing import fx

Row = TypeVar("Row")

_EARLIEST = date(1600, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN_CHARACTERS = 60
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_PLAIN = re.compile(r"[+-]?\d{1,24}(?:\.\d{1,24})?", re.ASCII)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Unfit(ValueError):
    """A field that can't be used: its name, what was sent, the rule it breaks."""

    def __init__(self, field: str, sent: object, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.sent, self.rule = field, sent, rule


@dataclass(frozen=True, slots=True)
class Refused:
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
    refused: tuple[Refused, ...] = ()
    absent: tuple[str, ...] = ()
    """What was asked for by name and not answered."""


# --- fields; each raises Unfit


def number(row: Mapping[str, Any], field: str, *, positive: bool = False) -> Decimal:
    """A JSON number."""
    sent = row.get(field)
    if isinstance(sent, OutOfRange):
        raise Unfit(field, sent.digits, "is beyond every range")
    if not isinstance(sent, Decimal):
        raise Unfit(field, sent, "is missing" if sent is None else "is not a number")
    if positive and sent <= 0:
        raise Unfit(field, sent, "is not above zero")
    return sent


def maybe_number(row: Mapping[str, Any], field: str) -> Decimal | None:
    """None where the field is missing or null."""
    return None if row.get(field) is None else number(row, field)


def quotient(row: Mapping[str, Any], above: str, below: str) -> Decimal:
    """Of two numbers above zero, to 34 digits."""
    return fx.UNROUNDED.divide(number(row, above, positive=True), number(row, below, positive=True))


def number_text(row: Mapping[str, Any], field: str) -> Decimal:
    """A plain decimal number in a text."""
    sent = row.get(field)
    if not isinstance(sent, str) or not _PLAIN.fullmatch(sent):
        raise Unfit(field, sent, "is missing" if sent is None else "is no plain decimal number")
    return Decimal(sent)


def text(row: Mapping[str, Any], field: str, *, longest: int = 400) -> str:
    sent = maybe_text(row, field, longest=longest)
    if sent is None:
        raise Unfit(field, row.get(field), "is missing")
    return sent


def maybe_text(row: Mapping[str, Any], field: str, *, longest: int = 400) -> str | None:
    """None where the field is missing, null or blank."""
    sent = row.get(field)
    if sent is None:
        return None
    if not isinstance(sent, str):
        raise Unfit(field, sent, "is no text")
    if _UNPRINTABLE.search(sent):
        raise Unfit(field, sent, "holds characters that can't be printed")
    if len(sent) > longest:
        raise Unfit(field, sent, f"is longer than {longest} characters")
    return sent.strip() or None


def same(row: Mapping[str, Any], field: str, asked: str) -> str:
    """What was asked for, once the row says that it speaks of it."""
    if row.get(field) != asked:
        raise Unfit(field, row.get(field), f"is not {asked}")
    return asked


def day(row: Mapping[str, Any], field: str, *, latest: date | None = None) -> date:
    """An ISO date, not after `latest`."""
    sent = row.get(field)
    if not isinstance(sent, str) or not _DATE.fullmatch(sent):
        raise Unfit(field, sent, "is missing" if sent is None else "is no date")
    try:
        told = date.fromisoformat(sent)
    except ValueError:
        raise Unfit(field, sent, "is no date of the calendar") from None
    return _within(told, field, sent, latest)


def maybe_day(row: Mapping[str, Any], field: str) -> date | None:
    """None where the field is missing, null or empty."""
    return None if row.get(field) in (None, "") else day(row, field)


def instant(row: Mapping[str, Any], field: str, *, latest: datetime | None = None) -> datetime:
    """An ISO instant with its offset, in UTC."""
    sent = row.get(field)
    try:
        told = datetime.fromisoformat(sent) if isinstance(sent, str) else None
    except ValueError:
        told = None
    if told is None or told.tzinfo is None:
        raise Unfit(field, sent, "is missing" if sent is None else "is no instant")
    return _not_after(told.astimezone(UTC), field, sent, latest)


def epoch(row: Mapping[str, Any], field: str, *, unit: timedelta, latest: datetime | None = None) -> datetime:
    """An instant counted from 1970 in whole units, in UTC whatever the time zone of the machine."""
    sent = number(row, field)
    try:
        told = _EPOCH + int(sent) * unit
    except OverflowError:
        raise Unfit(field, sent, "is no instant") from None
    if sent != int(sent):
        raise Unfit(field, sent, "is no instant")
    return _not_after(told, field, sent, latest)


def _not_after(told: datetime, field: str, sent: object, latest: datetime | None) -> datetime:
    if latest is not None and told > latest:
        raise Unfit(field, sent, "lies in the future")
    return told


def _within(told: date, field: str, sent: object, latest: date | None) -> date:
    if told < _EARLIEST:
        raise Unfit(field, sent, f"lies before {_EARLIEST}")
    if latest is not None and told > latest:
        raise Unfit(field, sent, "lies in the future")
    return told


# --- rows


class Sieve(Generic[Row]):
    """Takes the rows of one answer. The same row twice is taken once; two that contradict each other are both refused.

    symbol, day  the fields that a refused row is named by; `about` is its symbol where the rows don't say
    """

    def __init__(self, source: str, kind: str, *, day: str = "", symbol: str = "", about: str = "") -> None:
        self.source, self.kind, self.day, self.symbol, self.about = source, kind, day, symbol, about
        self._taken: dict[Hashable, tuple[Row, Mapping[str, Any]]] = {}
        self._clashing: set[Hashable] = set()
        self._refused: list[Refused] = []

    def take(
        self, rows: Iterable[Any], read: Callable[[Mapping[str, Any]], Row], *, key: Callable[[Row], Hashable]
    ) -> None:
        """`key` tells rows apart: for two unequal ones of one key nobody can say which is right."""
        for sent in rows:
            try:
                if not isinstance(sent, Mapping):
                    raise Unfit("row", sent, "is no object")
                row = read(sent)
            except Unfit as unfit:
                self._refuse(sent, unfit)
            else:
                self._keep(sent, row, key(row))

    def answer(self, *, asked: Iterable[str] = (), answered: Callable[[Row], str] | None = None) -> Answer[Row]:
        rows = tuple(row for row, _ in self._taken.values())
        told = {answered(row) for row in rows} if answered else set()
        return Answer(self.source, rows, tuple(self._refused), tuple(name for name in asked if name not in told))

    def _keep(self, sent: Mapping[str, Any], row: Row, key: Hashable) -> None:
        before = self._taken.get(key)
        if key in self._clashing:
            self._refuse(sent, Unfit("row", "", "contradicts another row for the same"))
        elif before is None:
            self._taken[key] = row, sent
        elif before[0] == row:
            self._refuse(sent, Unfit("row", "", "was sent twice and is taken once"))
        else:
            self._clashing.add(key)
            del self._taken[key]
            for clashing in (before[1], sent):
                self._refuse(clashing, Unfit("row", "", "contradicts another row for the same"))

    def _refuse(self, sent: Any, unfit: Unfit) -> None:
        told = sent if isinstance(sent, Mapping) else {}
        value = told if unfit.field == "row" and told else unfit.sent
        self._refused.append(
            Refused(
                self.source,
                self.kind,
                self.about or _shown(told.get(self.symbol)),
                _shown(told.get(self.day)),
                unfit.field,
                _shown(value),
                unfit.rule,
            )
        )


def _shown(sent: Any) -> str:
    """Short, on one line, and nothing in it that a terminal or a log would obey."""
    if sent is None:
        return ""
    if isinstance(sent, Mapping):
        return ", ".join(f"{_shown(name)} {_shown(value)}" for name, value in list(sent.items())[:8])[:200]
    digits = sent.digits if isinstance(sent, OutOfRange) else str(sent)
    return ascii(digits[:_SHOWN_CHARACTERS])[1:-1]
