"""The figures that a text may refer to: each with its label, as a pattern lists them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from agents.registry import ArgumentsInvalid
from portfolio.performance.metric import Metric

MOST_FACTS = 60
_WORD = re.compile(r"[a-z]+")


FactItem = Mapping[str, Any]
"""A figure as a pattern lists it, like an item of a panel: `label`, `value` (a template), `format`, and `window`, the time that it
speaks of in words, where the label does not say it."""
FORMATS = frozenset({"number", "currency", "percentage", "decimal_2", "text", "date"})


class FactsInvalid(ArgumentsInvalid):
    """What a pattern lists are no facts."""

    def __init__(self, argument: str, reason: str) -> None:
        super().__init__("claude", [(argument, reason)])


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure of a result with everything that is printed where a text refers to it."""

    label: str
    window: str
    format: str
    value: Decimal | float | str | date | None
    status: str
    """ok, degraded or unavailable."""
    reason: str | None
    basis: Mapping[str, object]

    @property
    def is_known(self) -> bool:
        return self.value is not None

    @property
    def number(self) -> Decimal | None:
        """The value where it is a number, else None."""
        if isinstance(self.value, Decimal):
            return self.value
        return Decimal(repr(self.value)) if isinstance(self.value, float | int) else None

    @property
    def words(self) -> frozenset[str]:
        """The words that say which figure it is, in lower case."""
        return words_of(f"{self.label} {self.window}")


def read(argument: str, items: Sequence[FactItem]) -> tuple[Fact, ...]:
    """The facts that a pattern lists in an argument. Raises FactsInvalid, also where there are more than a text can speak of."""
    if not 0 < len(items) <= MOST_FACTS:
        raise FactsInvalid(argument, f"a text speaks of 1 to {MOST_FACTS} figures, and here are {len(items)}")
    return tuple(_read(argument, item) for item in items)


def find_matching(facts: Sequence[Fact], question: str) -> tuple[int, ...]:
    """Numbers of the facts whose labels share most words with a question; of all where none shares any."""
    question_words = words_of(question)
    shared = [len(fact.words & question_words) for fact in facts]
    most = max(shared)
    return tuple(number for number, count in enumerate(shared) if count == most)


def words_of(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def _read(argument: str, item: Any) -> Fact:
    if not isinstance(item, Mapping):
        raise FactsInvalid(argument, f"a figure is an object, and here is a {type(item).__name__}")
    label, window, form = item.get("label"), item.get("window", ""), item.get("format")
    if not isinstance(label, str) or not isinstance(window, str) or not isinstance(form, str) or form not in FORMATS:
        raise FactsInvalid(argument, "a figure needs label and window as text, and a format that panels have")
    bare, value = Fact(label, window, form, None, "ok", None, {}), item.get("value")
    if isinstance(value, Metric):
        return replace(bare, value=value.value, status=value.status, reason=value.reason, basis=value.basis)
    if value is None:
        return replace(bare, status="unavailable", reason="not_given")
    if isinstance(value, bool) or not isinstance(value, Decimal | float | int | str | date):
        raise FactsInvalid(argument, f"{item['label']} is a {type(value).__name__}, which is no figure")
    return replace(bare, value=value)
