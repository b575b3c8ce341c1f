"""Rows under suspicion: the rules that suspect, what each suspects, and what staff have decided. Pure; no Django."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

from pricing.archive.contents import Codes, Dates, Floats, Texts

Mask = npt.NDArray[np.bool_]
Kind = Literal["price", "rate", "observation", "action"]

EXTREME, ACCEPTED = "extreme", "accepted"


class Rule(StrEnum):
    NOT_A_NUMBER = "not_a_number"
    NOT_POSITIVE = "not_positive"
    FUTURE = "future_date"
    CURRENCY = "wrong_currency"
    TWO_VALUES = "two_values"
    SOURCES = "two_sources"
    UNIT = "unit"
    SPLIT = "split"
    JUMP = "jump"
    STALE = "stale_run"
    SIZE = "size"
    TWICE = "twice"
    STILL_TRADED = "still_traded"
    SOURCE_DOUBTS = "source_doubts"
    REFUSED = "refused"
    """Could not be read when it was fetched: there is nothing that could be accepted."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row and the rule that suspects it. `value` is the published text; `key` a symbol, EUR/USD, a series, OAK/split."""

    kind: Kind
    key: str
    day: date
    value: str
    rule: Rule
    reason: str
    source: str

    @property
    def row(self) -> tuple[Kind, str, date, str]:
        return self.kind, self.key, self.day, self.value

    def __str__(self) -> str:
        return f"{self.kind} {self.key} {self.value} of {self.day} is in quarantine ({self.rule}: {self.reason})"


@dataclass(frozen=True, slots=True)
class Decisions:
    """What staff have said of quarantined rows. Accepting is of a row under one rule; rejecting is of the row."""

    accepted: frozenset[tuple[Kind, str, date, str, str]] = frozenset()  # with the rule
    rejected: frozenset[tuple[Kind, str, date, str]] = frozenset()

    def accepts(self, suspect: Suspect) -> bool:
        return (*suspect.row, suspect.rule.value) in self.accepted

    @property
    def accepted_rows(self) -> frozenset[tuple[Kind, str, date, str]]:
        return frozenset((kind, key, day, value) for kind, key, day, value, _ in self.accepted)


@dataclass(frozen=True, slots=True)
class Quotes:
    """R closes or rates of K keys, by (key, date)."""

    kind: Kind
    keys: tuple[str, ...]  # (K,)
    key: Codes  # (R,) index into keys
    date: Dates  # (R,)
    text: Texts  # (R,) as published
    value: Floats  # (R,) NaN where the text is no number
    source: Codes  # (R,) index into source_names
    source_names: tuple[str, ...]

    def suspect(self, row: int, rule: Rule, reason: str) -> Suspect:
        return Suspect(
            self.kind,
            self.keys[self.key[row]],
            self.date[row].item(),
            self.text[row].decode(),
            rule,
            reason,
            self.source_names[self.source[row]],
        )
